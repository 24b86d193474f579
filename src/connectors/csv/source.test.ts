/** Files as they come: cut anywhere, resumed anywhere, compressed, in other encodings, changed behind our back. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { typeName, type Value } from '#columnar'
import { contextOf, sourceSuite } from '#conformance'
import type { Context, Dataset } from '#connector'
import { csvSource } from './source.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-csv-'))
after(() => rm(folder, { recursive: true, force: true }))

let files = 0
/** A file of its own folder. */
async function fileOf(content: string | Uint8Array, name = 'orders.csv'): Promise<string> {
  const path = join(folder, String(files++), name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, content)
  return path
}

const open = (path: string, options: object = {}, context: Partial<Context> = {}) =>
  csvSource.open(csvSource.options.parse({ path, ...options }), contextOf(context))

type Read = { rows: Value[][]; position: { offset: number } | undefined }

async function read(
  path: string,
  options: object = {},
  context: Partial<Context> = {},
): Promise<{ dataset: Dataset; splits: Read[][] }> {
  await using reader = await open(path, options, context)
  const [dataset] = await reader.discover()
  assert(dataset)
  const splits: Read[][] = []
  for await (const split of reader.enumerate(dataset)) {
    const chunks: Read[] = []
    for await (const { batch, position } of reader.read(dataset, split, undefined)) {
      chunks.push({ rows: Array.from({ length: batch.rows }, (_, row) => batch.row(row)), position })
    }
    splits.push(chunks)
  }
  return { dataset, splits }
}

const rowsOf = async (path: string, options: object = {}, context: Partial<Context> = {}) =>
  (await read(path, options, context)).splits.flat().flatMap(({ rows }) => rows)

const types = ({ schema }: Dataset) => Object.fromEntries(schema.fields.map(({ name, type }) => [name, typeName(type)]))

const text = 'id,name\r\n1,é\r\n22,"a ""b"", c"\r\n,😀\n4444,""\r\n5,last'
const rows = [
  [1n, 'é'],
  [22n, 'a "b", c'],
  [null, '😀'],
  [4444n, ''],
  [5n, 'last'],
]

describe('csv source', () => {
  test('reads every row once, wherever the file is cut', async () => {
    const path = await fileOf(text)
    for (let splitBytes = 1; splitBytes <= Buffer.byteLength(text); splitBytes++) {
      const { splits } = await read(path, { splitBytes, multiline: false })
      assert.deepEqual(
        splits.flat().flatMap(chunk => chunk.rows),
        rows,
        `splits of ${splitBytes} bytes`,
      )
      assert.equal(splits.length, Math.ceil(Buffer.byteLength(text) / splitBytes))
    }
    assert.equal((await read(path, { splitBytes: 1 })).splits.length, 1, 'a quoted field may hold a line feed')
    const plain = await fileOf('id,name\n1,"\n2,x\n')
    for (let splitBytes = 1; splitBytes <= 16; splitBytes++)
      assert.deepEqual(await rowsOf(plain, { splitBytes, quote: '' }), [
        [1n, '"'],
        [2n, 'x'],
      ])
  })

  test('goes on after every position', async () => {
    for (const content of [text, `\ufeff${text}\n`, 'id,name\n1,"a\n\n"\n2,"\n"\n3,x']) {
      const path = await fileOf(content)
      await using reader = await open(path, {}, { batchRows: 1 })
      const [dataset] = await reader.discover()
      const [split] = await Array.fromAsync(reader.enumerate(dataset!))
      const whole: Read[] = []
      for await (const { batch, position } of reader.read(dataset!, split!, undefined))
        whole.push({ rows: [batch.row(0)], position })
      for (const [at, { position }] of whole.entries()) {
        const rest: Value[][] = []
        for await (const { batch } of reader.read(dataset!, split!, position)) rest.push(batch.row(0))
        assert.deepEqual(
          rest,
          whole.slice(at + 1).flatMap(chunk => chunk.rows),
        )
      }
    }
  })

  test('refuses to go on in a file that is another one by now', async () => {
    const path = await fileOf('a\n1\n2\n3\n')
    await using reader = await open(path, {}, { batchRows: 1 })
    const [dataset] = await reader.discover()
    const [split] = await Array.fromAsync(reader.enumerate(dataset!))
    const go = (position?: { offset: number }) =>
      Array.fromAsync(reader.read(dataset!, split!, position), ({ batch }) => batch.row(0)[0])
    assert.deepEqual(await go({ offset: 4 }), [2n, 3n])
    await assert.rejects(go({ offset: 5 }), { code: 'file.changed', message: /no row starts at byte 5/ })
    await appendFile(path, '4\n')
    assert.deepEqual(await go({ offset: 4 }), [2n, 3n], 'what was appended belongs to no split')
    await writeFile(path, 'a\n9\n9\n9\n')
    await utimes(path, 1, 1)
    await assert.rejects(go(), { code: 'file.changed' })
    await writeFile(path, 'a\n1\n')
    await assert.rejects(go({ offset: 4 }), { code: 'file.changed' })
  })

  test('finds out types that give back what was read', async () => {
    const path = await fileOf(
      'i,d,f,day,ts,tz,b,t,zip,none,big\n' +
        '1,1.50,1e3,2024-02-29,2024-01-01 00:00:00,2024-01-01T00:00:00Z,true,x,00501,,99999999999999999999\n' +
        '-2,-12.125,2.5,2023-01-01,2024-01-01T10:00:00.5,2024-01-01 00:00:00+02:00,FALSE,1,10001,,1\n',
    )
    assert.deepEqual(types((await read(path)).dataset), {
      ...{ i: 'int64', d: 'decimal(18,3)', f: 'float64', day: 'date', ts: 'timestamp', tz: 'timestamptz', b: 'bool' },
      ...{ t: 'utf8', zip: 'utf8', none: 'utf8', big: 'decimal(38,0)' },
    })
  })

  test('names the place of a value that the sample did not foretell, and what to do', async () => {
    const path = await fileOf('id,n\n1,"a\nb"\n2,c\nthree,d\n')
    await assert.rejects(rowsOf(path, { sampleRows: 2 }), (error: { code: string; message: string; hint: string }) => {
      assert.equal(error.code, 'file.bad-row')
      assert.equal(error.message, `${path}, line 5, column "id": the value is no int64 (byte 17).`)
      assert.match(error.hint, /`columns`/)
      return true
    })
  })

  test('takes names and types from the options', async () => {
    const path = await fileOf('a,b,c\n1,2,3\n')
    const { dataset, splits } = await read(path, { columns: [{ name: 'c', type: 'DECIMAL(5,1)' }, 'a'] })
    assert.deepEqual([types(dataset), splits[0]?.[0]?.rows], [{ c: 'decimal(5,1)', a: 'int64' }, [['3.0', 1n]]])
    assert.deepEqual(types((await read(await fileOf('1,x\n'), { header: false })).dataset), { column1: 'int64', column2: 'utf8' })
    assert.deepEqual(
      await rowsOf(await fileOf('1|x\n'), { header: false, delimiter: '|', columns: ['n', { name: 't', type: 'STRING' }] }),
      [[1n, 'x']],
    )
    await assert.rejects(rowsOf(path, { columns: ['d'] }), { code: 'file.bad-header', message: /no column "d".*a, b, c/ })
    await assert.rejects(rowsOf(path, { columns: [{ name: 'a', type: 'list<int64>' }] }), { code: 'file.unsupported' })
    assert(!csvSource.options.safeParse({ path, columns: [{ name: 'a', type: 'bigit' }] }).success)
  })

  test('reads several files as one dataset, whatever the order of their columns', async () => {
    const first = await fileOf('a,b\n1,x\n', 'p-1.csv')
    await writeFile(join(first, '..', 'p-2.csv'), 'b,a\ny,2\n')
    await writeFile(join(first, '..', 'p-3.csv'), 'a,b\n')
    await writeFile(join(first, '..', 'p-4.csv'), '')
    await writeFile(join(first, '..', '_SUCCESS'), 'not csv')
    await writeFile(join(first, '..', '.p-4.csv'), 'hidden')
    const pattern = join(first, '..', 'p-*.csv')
    assert.equal((await read(pattern)).dataset.id, 'p')
    for (const path of [pattern, join(first, '..')])
      assert.deepEqual(await rowsOf(path), [
        [1n, 'x'],
        [2n, 'y'],
      ])
    await using reader = await open(join(first, '..', 'p-[12].csv'), { datasets: 'per-file' })
    assert.deepEqual(
      (await reader.discover()).map(({ id }) => id),
      ['p-1', 'p-2'],
    )
    await writeFile(join(first, '..', 'p-5.csv'), 'a,b,c\n')
    await assert.rejects(rowsOf(pattern), { code: 'file.bad-header', message: /p-5\.csv: its column "c"/ })
  })

  test('reads compressed files', async () => {
    const long = `id,name\n${Array.from({ length: 100_000 }, (_, at) => `${at},name ${at}`).join('\n')}\n`
    const packed = {
      gz: gzipSync(long),
      zst: zstdCompressSync(long),
      twice: Buffer.concat([gzipSync(long.slice(0, 1000)), gzipSync(long.slice(1000))]),
    }
    for (const [name, content] of Object.entries(packed)) {
      const path = await fileOf(content, `orders.csv.${name === 'zst' ? 'zst' : 'gz'}`)
      const { dataset, splits } = await read(path, { splitBytes: 1000 }, { batchRows: 16_384 })
      assert.deepEqual([dataset.id, splits.length, splits.flat().flatMap(chunk => chunk.rows).length], ['orders', 1, 100_000])
      const [, second] = splits[0] ?? []
      await using reader = await open(path, {}, { batchRows: 16_384 })
      const [split] = await Array.fromAsync(reader.enumerate(dataset))
      for await (const { batch } of reader.read(dataset, split!, second!.position)) {
        assert.deepEqual(batch.row(0), [32_768n, 'name 32768'])
        break
      }
    }
    await assert.rejects(rowsOf(await fileOf(gzipSync(long).subarray(0, 500), 'x.csv.gz')), { code: 'file.corrupt' })
    await assert.rejects(rowsOf(await fileOf('a\n1\n', 'x.csv.gz')), { code: 'file.corrupt' })
  })

  test('reads other encodings, and says which byte is not UTF-8', async () => {
    // iconv wrote these bytes, not this program.
    const chinese = execFileSync('iconv', ['-f', 'utf-8', '-t', 'gb18030'], { input: 'id,名\n1,中文\n2,€\n' })
    const path = await fileOf(chinese)
    assert.deepEqual(await rowsOf(path, { encoding: 'GB18030' }), [
      [1n, '中文'],
      [2n, '€'],
    ])
    await assert.rejects(rowsOf(path), {
      code: 'file.bad-row',
      message: /line 1: this is not UTF-8 \(byte 3\)/,
      hint: /encoding/,
    })
    const latin = await fileOf(Buffer.from('id\nx\nfo\xe9\n', 'latin1'))
    await assert.rejects(rowsOf(latin), { message: /line 3: this is not UTF-8 \(byte 7\)/ })
    const wide = execFileSync('iconv', ['-f', 'utf-8', '-t', 'utf-16le'], { input: 'a\n😀\n' })
    assert.deepEqual(await rowsOf(await fileOf(wide), { encoding: 'utf-16le' }), [['😀']])
    assert(!csvSource.options.safeParse({ path, encoding: 'ebcdic' }).success)
  })

  test('a character cut in two by a read is none the worse', async () => {
    const body = `${'é€😀'.repeat(70_000)}\n`
    const path = await fileOf(`a\n${body}${body}`)
    const [first, second] = await rowsOf(path)
    assert.deepEqual([first, second], [[body.trimEnd()], [body.trimEnd()]])
  })

  test('bounds the memory that a missing quote can cost', async () => {
    const path = await fileOf(`a\n"${'x,\n'.repeat(400_000)}`)
    await assert.rejects(rowsOf(path, { maxRowBytes: 100_000, columns: ['a'] }), {
      code: 'file.bad-row',
      message: /line 2: the row is longer than 100000 bytes/,
    })
    await assert.rejects(rowsOf(path, { columns: ['a'] }), { message: /line 2: the quote that opens here is never closed/ })
  })

  test('says what is wrong with a header', async () => {
    await assert.rejects(rowsOf(await fileOf('a,a\n1,2\n')), { message: /column "a": the header names it twice/ })
    assert.deepEqual(types((await read(await fileOf(',b\n1,2\n'))).dataset), { column1: 'int64', b: 'int64' })
    await assert.rejects(rowsOf(await fileOf(''), { header: false }), { code: 'file.no-columns' })
    assert.deepEqual(types((await read(await fileOf('a,b'))).dataset), { a: 'utf8', b: 'utf8' })
  })

  test('finds the same bad rows wherever the file is cut', async () => {
    const lines = ['1,x', '2,y,z', '"3,"', 'four,x', '5,"a', '6",b', '7,c', '"8",\r', '\u{1f600},d', '9,e"']
    const path = await fileOf(`${lines.join('\n')}\n`)
    const settings = { header: false, multiline: false, columns: [{ name: 'n', type: 'int64' }, 't'] }
    for (const splitBytes of [1, 2, 3, 5, 8, 13, 21, 34, 64]) {
      await using reader = await open(path, { ...settings, splitBytes }, { quarantine: true, batchRows: 4 })
      const [dataset] = await reader.discover()
      const texts: (string | undefined)[] = []
      let good = 0
      for await (const split of reader.enumerate(dataset!)) {
        for await (const { batch, refused = [] } of reader.read(dataset!, split, undefined)) {
          texts.push(...refused.map(({ text }) => text))
          good += batch.rows - refused.length
        }
      }
      assert.deepEqual(
        [good, texts],
        [3, ['2,y,z', '"3,"', 'four', '5,"a', '6",b', '\u{1f600}', '9,e"']],
        `splits of ${splitBytes} bytes`,
      )
    }
  })

  test('refuses a row that is larger than the memory of the job allows, and says where it is', async () => {
    const path = await fileOf(`a\nx\n${'y'.repeat(2_000_000)}\n`)
    for (const quarantine of [true, false])
      await assert.rejects(
        rowsOf(path, { columns: ['a'] }, { rowBytes: 1_000_000, quarantine }),
        (error: { code: string; message: string }) => {
          assert.equal(error.code, 'data.row-too-large')
          assert(error.message.includes(`the row at byte 4 of ${path} has at least`), error.message)
          return true
        },
      )
  })

  test('says why a big file is read by one worker', async () => {
    const path = await fileOf(text)
    await using reader = await open(path, { splitBytes: 10 })
    const [dataset] = await reader.discover()
    assert.match((await reader.explain(dataset!)).notes[0]?.text ?? '', /multiline: false/)
  })

  test('reports what is not there', async () => {
    await assert.rejects(rowsOf(join(folder, 'nothing-*.csv')), { code: 'file.nothing-found', hint: /pattern/ })
    await assert.rejects(rowsOf(join(folder, 'nothing.csv')), { code: 'file.nothing-found' })
  })
})

const suiteFile = await fileOf(
  `id,name\n${Array.from({ length: 50 }, (_, at) => `${at},"n ""${at}"""`).join('\n')}\n`,
  'suite.csv',
)

const badColumns = [
  { name: 'id', type: 'int64' },
  { name: 'day', type: 'date' },
]
const badLines = ['x', '2,y,z', 'a,b', '"2"3,', '4"5,', '6,"2024-01-01" ', '7\r8,']
const badFile = await fileOf(
  Buffer.concat([
    Buffer.from('id,day\n1,2024-02-29\n2,2023-02-29\n1.5,\r\n"q\n",2024-01-01\n'),
    Buffer.from(`${badLines.join('\n')}\n3,\n4,`),
    Buffer.of(0xff, 0x0a),
    Buffer.from('5,2024-01-01\n6,"never\nclosed\n7,'),
  ]),
  'bad.csv',
)
sourceSuite({
  source: csvSource,
  options: { path: suiteFile, splitBytes: 300, multiline: false },
  brokenOptions: { path: join(folder, 'missing.csv') },
  bad: {
    options: { path: badFile, columns: badColumns },
    rows: {
      bad: [
        { id: 1n, day: '2024-02-29' },
        { id: 3n, day: null },
        { id: 5n, day: '2024-01-01' },
      ],
    },
    refused: [
      { column: 'day', text: '2023-02-29' },
      { column: 'id', text: '1.5' },
      { column: 'id', text: 'q\n' },
      ...[...badLines, '4,\\xff', '6,"never\nclosed\n7,'].map(text => ({ column: '', text })),
    ],
  },
  rows: { suite: Array.from({ length: 50 }, (_, at) => ({ id: BigInt(at), name: `n "${at}"` })) },
})
