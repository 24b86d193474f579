/** What is written, read by Python's csv module and, byte by byte, by eye; and round trips of everything. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import {
  Batch,
  binary,
  bool,
  date,
  decimalType,
  duration,
  float,
  int,
  interval,
  json,
  list,
  numeric,
  time,
  timestamp,
  utf8,
  uuid,
  type Field,
  type Type,
  type Value,
} from '#columnar'
import { contextOf, fillBatch, rowsOf, sinkSuite, type Row } from '#conformance'
import type { Dataset, RunRecord, Target, TwoPhaseWriter } from '#connector'
import type { EncodeRows } from '#files'
import { csvDecoder } from './decoder.ts'
import { csvEncoder, type CsvStyle } from './encoder.ts'
import { csvSink } from './sink.ts'
import { csvSource } from './source.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-csv-'))
after(() => rm(folder, { recursive: true, force: true }))

const datasetOf = (fields: Record<string, Type>, id = 'public.orders'): Dataset => ({
  ...{ id, primaryKey: [] },
  schema: { fields: Object.entries(fields).map(([name, type]): Field => ({ name, type, nullable: true })) },
})

const run: RunRecord = {
  job: 'conformance',
  run: 'r',
  holder: 'engine',
  epoch: 1,
  finished: false,
  began: '2026-01-01T00:00:00Z',
  memo: null,
  splits: [],
}

let folders = 0

/** Writes rows as an engine does; returns the texts of the files that are there then, and where they are. */
async function write(
  dataset: Dataset,
  rows: readonly Row[],
  options: object = {},
): Promise<{ texts: string[]; target: Target; options: object }> {
  const path = join(folder, String(folders++))
  const settings = csvSink.options.parse({ path, ...options })
  await using writer = (await csvSink.open(settings, contextOf())) as TwoPhaseWriter
  const target = await writer.plan(dataset)
  await writer.prepare(run, [target], true, [])
  await writer.join(run)
  const batch = new Batch(target.schema, 100)
  for (let at = 0; at < rows.length; at += 100) {
    fillBatch(batch, rows.slice(at, at + 100))
    await writer.write(target, batch)
  }
  await writer.commit(await writer.prepareCommit([]))
  await writer.finish(run, [target])
  const names = (await readdir(path)).filter(name => name.endsWith('.csv')).sort()
  const texts = await Promise.all(names.map(name => readFile(join(path, name), 'utf8')))
  return { texts, target, options: csvSink.readBack!(settings, target) }
}

async function readBack(options: object): Promise<Row[]> {
  await using reader = await csvSource.open(csvSource.options.parse(options), contextOf({ batchRows: 1000 }))
  const [dataset] = await reader.discover()
  const rows: Row[] = []
  for await (const split of reader.enumerate(dataset!))
    for await (const { batch } of reader.read(dataset!, split, undefined)) rows.push(...rowsOf(batch))
  return rows
}

const types = {
  ...{
    b: bool,
    i8: int(8),
    u16: int(16, false),
    i32: int(32),
    i64: int(64),
    u64: int(64, false),
    f32: float(32),
    f64: float(64),
  },
  ...{ d: decimalType(12, 2), wide: decimalType(38, 10), n: numeric, t: utf8, j: json, bin: binary, id: uuid },
  ...{ day: date, clock: time, ts: timestamp(false), tz: timestamp(true), dur: duration, iv: interval },
}
const values: Record<keyof typeof types, Value[]> = {
  ...{ b: [true, false], i8: [-128, 127], u16: [0, 65535], i32: [-(2 ** 31), 2 ** 31 - 1], i64: [-(2n ** 63n), 2n ** 63n - 1n] },
  ...{ u64: [0n, 2n ** 64n - 1n], f32: [0.10000000149011612, -Infinity], f64: [0.1, NaN], d: ['-0.05', 'NaN'] },
  ...{ wide: ['1234567890123456789012345678.0123456789', '-0.0000000001'], n: ['1e3'.replace('1e3', '1000'), 'Infinity'] },
  ...{ t: ['a,"b"\r\nc', ''], j: ['{"a": [1, "x"]}', 'null'], bin: [Buffer.from([0, 255]), Buffer.alloc(0)] },
  ...{
    id: ['01234567-89ab-cdef-0123-456789abcdef', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    day: ['2024-02-29', '0044-03-15 BC'],
  },
  ...{
    clock: ['23:59:59.999999', '24:00:00'],
    ts: ['2024-01-01 00:00:00', 'infinity'],
    tz: ['1969-12-31 23:59:59.999999Z', '-infinity'],
  },
  ...{
    dur: [-3_020_399_000_000n, 1n],
    iv: [
      { months: 14, days: -3, micros: 4_000_005n },
      { months: 0, days: 0, micros: 0n },
    ],
  },
}

const rowOf = (at: number): Row => Object.fromEntries(Object.entries(values).map(([name, given]) => [name, given[at] ?? null]))
const plain = (rows: readonly Row[]) =>
  rows.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
      ]),
    ),
  )

const style: CsvStyle = {
  delimiter: 0x2c,
  quote: 0x22,
  header: false,
  quotes: 'minimal',
  nullText: new Uint8Array(0),
  lineEnding: 'lf',
  binary: 'hex',
}

describe('csv sink', () => {
  test('writes what RFC 4180 says', async () => {
    const dataset = datasetOf({ id: int(64), 'na"me, x': utf8, price: decimalType(9, 2), at: timestamp(false) })
    const rows: Row[] = [
      { id: 1n, 'na"me, x': 'plain', price: '12.50', at: '2024-02-29 23:59:59' },
      { id: null, 'na"me, x': null, price: null, at: null },
      { id: -2n, 'na"me, x': '', price: '-0.05', at: '1969-12-31 23:59:59.000001' },
      { id: 3n, 'na"me, x': 'a"b,c\nd\re', price: '0.00', at: null },
      { id: 4n, 'na"me, x': '\\.', price: null, at: null },
      { id: 5n, 'na"me, x': ' é 中 😀 ', price: null, at: null },
    ]
    const expected = [
      'id,"na""me, x",price,at',
      '1,plain,12.50,2024-02-29 23:59:59',
      ',,,',
      '-2,"",-0.05,1969-12-31 23:59:59.000001',
      '3,"a""b,c\nd\re",0.00,',
      '4,"\\.",,',
      '5, é 中 😀 ,,',
      '',
    ]
    assert.deepEqual((await write(dataset, rows)).texts, [expected.join('\n')])
    assert.deepEqual(
      (await write(datasetOf({ t: utf8, u: utf8 }), [{ t: '', u: null }], { nullText: '\\N', header: false })).texts,
      ['"",\\N\n'],
    )
    assert.deepEqual((await write(dataset, rows.slice(0, 2), { header: false, lineEnding: 'crlf' })).texts, [
      `${expected[1]}\r\n,,,\r\n`,
    ])
    assert.deepEqual((await write(dataset, rows.slice(0, 3), { quotes: 'all', delimiter: ';', nullText: '\\N' })).texts, [
      '"id";"na""me, x";"price";"at"\n"1";"plain";"12.50";"2024-02-29 23:59:59"\n\\N;\\N;\\N;\\N\n"-2";"";"-0.05";"1969-12-31 23:59:59.000001"\n',
    ])
  })

  test('is read by Python as it was meant', async t => {
    const texts = [
      'plain',
      'a,b',
      '"',
      '""',
      'line\nfeed',
      'cr\r',
      '\r\n',
      ' space ',
      "it's",
      'é中😀',
      '\\',
      '\t',
      'x'.repeat(1000),
    ]
    const dataset = datasetOf({ n: int(32), text: utf8, more: utf8 })
    const rows = texts.map((text, n) => ({ n, text, more: texts[texts.length - 1 - n]! }))
    for (const options of [{}, { quotes: 'all', lineEnding: 'crlf' }, { delimiter: '\t', quote: "'" }] as const) {
      const { texts: written } = await write(dataset, rows, options)
      const [delimiter, quote] = ['delimiter' in options ? '\t' : ',', 'quote' in options ? "'" : '"']
      const program = `import csv, io, json, sys
data = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8', newline='')
json.dump(list(csv.reader(data, delimiter=${JSON.stringify(delimiter)}, quotechar=${JSON.stringify(quote)}, strict=True)), sys.stdout)`
      const python = spawnSync('python3', ['-c', program], { input: written[0]!, encoding: 'utf8' })
      if (python.error) return t.skip('there is no python3')
      assert.deepEqual(
        JSON.parse(python.stdout),
        [['n', 'text', 'more'], ...rows.map(row => [String(row.n), row.text, row.more])],
        python.stderr,
      )
    }
  })

  test('what Python writes is read as it was meant', async t => {
    const program = `import csv, sys
writer = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC)
writer.writerow(['a', 'b'])
for row in [[1, 'x"y'], [2, 'l\\nf'], [3, '\\u4e2d,'], [4, '']]: writer.writerow(row)`
    const python = spawnSync('python3', ['-c', program], { env: { ...process.env, PYTHONIOENCODING: 'utf-8' } })
    if (python.error) return t.skip('there is no python3')
    const schema = datasetOf({ a: int(64), b: utf8 }).schema
    const batch = new Batch(schema, 10)
    const bytes = new Uint8Array(python.stdout.length + 8)
    bytes.set(python.stdout)
    const dialect = {
      delimiter: 0x2c,
      quote: 0x22,
      escape: 0x22,
      nullText: new Uint8Array(0),
      multiline: true,
      binary: 'hex',
    } as const
    csvDecoder(schema, [0, 1], dialect)(
      batch,
      Infinity,
      bytes,
      bytes.indexOf(0x0a) + 1,
      python.stdout.length,
      python.stdout.length,
      true,
    )
    assert.deepEqual(rowsOf(batch), [
      { a: 1n, b: 'x"y' },
      { a: 2n, b: 'l\nf' },
      { a: 3n, b: '中,' },
      { a: 4n, b: '' },
    ])
  })

  test('gives back every type with its extreme values', async () => {
    const rows = [rowOf(0), rowOf(1), rowOf(2)]
    for (const options of [
      {},
      { quotes: 'all', binary: 'base64' },
      { nullText: 'NaN' },
      { nullText: 'infinity', delimiter: '|' },
      { nullText: '0' },
      { nullText: 'true', lineEnding: 'crlf' },
    ]) {
      const back = await readBack((await write(datasetOf(types), rows, options)).options)
      assert.deepEqual(plain(back), plain(rows), JSON.stringify(options))
    }
  })

  test('writes a row of many columns as it writes each of them', () => {
    const texts = { none: null, empty: '', plain: 'x', quoted: '"a,b"\n', end: '\\.', long: 'a text of some words' }
    const kinds: Record<string, Type> = { ...types, ...Object.fromEntries(Object.keys(texts).map(name => [name, utf8])) }
    const encode = (kinds: Record<string, Type>, row: Row, style: CsvStyle) => {
      const { schema } = datasetOf(kinds)
      const batch = new Batch(schema, 1)
      fillBatch(batch, [row])
      const out = new Uint8Array(10_000)
      return Buffer.from(out.subarray(0, csvEncoder(schema, style)(batch, 0, out, 0).pos)).toString()
    }
    for (const options of [{}, { quotes: 'all', lineEnding: 'crlf' }, { nullText: Buffer.from('NaN') }] as const) {
      const given = { ...style, ...options }
      for (const at of [0, 1, 2]) {
        const row: Row = { ...rowOf(at), ...texts }
        const names = Object.keys(kinds)
        const cells = names.map(name =>
          encode({ [name]: kinds[name]! }, { [name]: row[name] ?? null }, given).replace(/\r?\n$/, ''),
        )
        assert.equal(encode(kinds, row, given), cells.join() + (given.lineEnding === 'crlf' ? '\r\n' : '\n'))
      }
    }
  })

  test('takes lists as JSON', async () => {
    const { target } = await write(datasetOf({ l: list(int(32)) }), [])
    assert.deepEqual(target.schema.fields[0]?.type, json)
  })

  test('writes no file for no rows', async () => {
    assert.deepEqual((await write(datasetOf(types), [])).texts, [])
  })

  test('gives each dataset files of its own, in a folder if wanted, and finds just them again', async () => {
    for (const layout of ['flat', 'folders']) {
      const path = join(folder, String(folders++))
      const settings = csvSink.options.parse({ path, layout })
      await using writer = (await csvSink.open(settings, contextOf())) as TwoPhaseWriter
      const datasets = ['a', 'a-b', '../x', 'Ä b'].map(id => datasetOf({ id: utf8 }, id))
      const targets = await Promise.all(datasets.map(dataset => writer.plan(dataset)))
      await writer.prepare(run, targets, true, [])
      await writer.join(run)
      const batch = new Batch(targets[0]!.schema, 1)
      for (const target of [...targets, ...targets]) {
        fillBatch(batch, [{ id: target.dataset }])
        await writer.write(target, batch)
      }
      await writer.commit(await writer.prepareCommit([]))
      for (const target of targets) {
        assert.deepEqual(await readBack(csvSink.readBack!(settings, target)), [{ id: target.dataset }, { id: target.dataset }])
      }
    }
  })

  test('any text comes back, alone or among others, in buffers of any size', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({ unit: fc.constantFrom(...Array.from('",\r\n\\.a')), maxLength: 5 }),
    )
    const row = fc.tuple(fc.option(text), fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), fc.option(text))
    const { schema } = datasetOf({ a: utf8, b: int(64), c: utf8 })
    const codecs = ['', '\\N', 'a'].flatMap(nullText =>
      (['lf', 'crlf'] as const).map(lineEnding => {
        const dialect = { ...style, lineEnding, nullText: Buffer.from(nullText), escape: 0x22, multiline: true }
        return { encode: csvEncoder(schema, dialect), decode: csvDecoder(schema, [0, 1, 2], dialect) }
      }),
    )
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), fc.constantFrom(...codecs), (rows, { encode, decode }) => {
        const batch = new Batch(schema, rows.length)
        fillBatch(
          batch,
          rows.map(([a, b, c]) => ({ a: a?.toWellFormed() ?? null, b, c: c?.toWellFormed() ?? null })),
        )
        const bytes = encodeAll(batch, encode)
        const back = new Batch(schema, rows.length)
        decode(back, Infinity, bytes, 0, bytes.length - 8, bytes.length - 8, true)
        assert.deepEqual(rowsOf(back), rowsOf(batch))
      }),
      { numRuns: 1000 },
    )
  })
})

/** Encodes a batch in buffers that are always a little too small, with room behind for a decoder. */
function encodeAll(batch: Batch, encode: EncodeRows): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  for (let row = 0, size = 0; row < batch.rows;) {
    const out = new Uint8Array(size)
    const encoded = encode(batch, row, out, 0)
    parts.push(out.subarray(0, encoded.pos))
    if (encoded.row === row) size = encoded.needed
    row = encoded.row
  }
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(8)]))
}

const place = join(folder, 'suite')

/** Python reads the files; every value is a text to it. */
const witness = `import csv, glob, json, sys
rows = []
for name in glob.glob(sys.argv[1] + '/*.csv'):
    rows += csv.DictReader(open(name, encoding='utf-8', newline=''), strict=True)
json.dump(rows, sys.stdout)`

sinkSuite({
  sink: csvSink,
  options: { path: place, nullText: '\\N' },
  brokenOptions: { path: '/dev/null/below' },
  dataset: datasetOf({ n: int(64), t: utf8, d: decimalType(9, 2), at: timestamp(false) }),
  rows: Array.from({ length: 14 }, (_, at) => ({
    ...{ n: BigInt(at) * 1_000_000_007n, t: at % 4 === 0 ? null : `"${at}",\n№ ${'x'.repeat(at * 9)}` },
    ...{ d: at % 5 === 0 ? null : `-${at}.05`, at: `2024-01-${String(at + 1).padStart(2, '0')} 00:00:0${at % 10}` },
  })),
  reset: () => rm(place, { recursive: true, force: true }),
  async read() {
    const python = spawnSync('python3', ['-c', witness, place], { encoding: 'utf8' })
    if (python.error) return readBack({ path: place, nullText: '\\N' }).catch(() => [])
    const rows = JSON.parse(python.stdout) as Record<string, string>[]
    return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, text]) => [name, text === '\\N' ? null : text])))
  },
  seen: row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)])),
  list: () => readdir(place, { recursive: true }).catch(() => []),
  modes: [
    {
      title: 'instead of what was there',
      options: { path: place, nullText: '\\N', writeMode: 'overwrite' },
      before: [{ n: 1n, t: 'old', d: null, at: null }],
      rows: [{ n: 2n, t: 'new', d: null, at: null }],
      after: [{ n: 2n, t: 'new', d: null, at: null }],
    },
  ],
})
