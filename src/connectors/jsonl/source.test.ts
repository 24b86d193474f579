import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { typeName, type Value } from '#columnar'
import { contextOf, sourceSuite } from '#conformance'
import type { Context, Dataset } from '#connector'
import { jsonlSource } from './source.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-jsonl-'))
after(() => rm(folder, { recursive: true, force: true }))

let files = 0
async function fileOf(content: string | Uint8Array, name = '.jsonl'): Promise<string> {
  const path = join(folder, `${files++}${name}`)
  await writeFile(path, content)
  return path
}

async function read(
  path: string,
  options: object = {},
  context: Partial<Context> = {},
): Promise<{ dataset: Dataset; splits: Value[][][] }> {
  await using reader = await jsonlSource.open(jsonlSource.options.parse({ path, ...options }), contextOf(context))
  const [dataset] = await reader.discover()
  assert(dataset)
  const splits: Value[][][] = []
  for await (const split of reader.enumerate(dataset)) {
    const rows: Value[][] = []
    for await (const { batch } of reader.read(dataset, split, undefined))
      rows.push(...Array.from({ length: batch.rows }, (_, row) => batch.row(row)))
    splits.push(rows)
  }
  return { dataset, splits }
}

const types = ({ schema }: Dataset) => Object.fromEntries(schema.fields.map(({ name, type }) => [name, typeName(type)]))

describe('jsonl source', () => {
  test('reads every line once, wherever the file is cut', async () => {
    const text = '\ufeff{"id":1,"n":"é"}\r\n\n{"id":22,"n":"a\\n"}\n{"n":"😀"}\n{"id":4}\n{"id":5,"n":"last"}'
    const path = await fileOf(text)
    for (let splitBytes = 1; splitBytes <= Buffer.byteLength(text); splitBytes++) {
      const { splits } = await read(path, { splitBytes })
      assert.deepEqual(
        splits.flat(),
        [
          [1n, 'é'],
          [22n, 'a\n'],
          [null, '😀'],
          [4n, null],
          [5n, 'last'],
        ],
        `splits of ${splitBytes} bytes`,
      )
    }
  })

  test('finds out types that hold every value exactly', async () => {
    const path = await fileOf(
      '{"i":1,"big":9223372036854775808,"f":0.5,"long":0.1234567890123456789,"b":true,"s":"2024-01-01","n":null,"o":{"a": 1.0},"m":1}\n' +
        '{"i":-2,"big":1,"f":3,"long":1,"b":null,"s":"x","o":[1,  2],"m":"x","new":1e400}\n',
    )
    const { dataset, splits } = await read(path)
    assert.deepEqual(types(dataset), {
      ...{
        i: 'int64',
        big: 'numeric',
        f: 'float64',
        long: 'numeric',
        b: 'bool',
        s: 'utf8',
        n: 'utf8',
        o: 'json',
        m: 'json',
        new: 'numeric',
      },
    })
    assert.deepEqual(splits[0]?.[0], [
      1n,
      '9223372036854775808',
      0.5,
      '0.1234567890123456789',
      true,
      '2024-01-01',
      null,
      '{"a": 1.0}',
      '1',
      null,
    ])
    assert.deepEqual(splits[0]?.[1]?.slice(7, 9), ['[1,  2]', '"x"'])
  })

  test('names the place of what the sample did not foretell, and what to do', async () => {
    const path = await fileOf('{"id":1}\n\n{"id":2}\n{"id":"x"}\n{"id":4,"more":1}\n')
    await assert.rejects(read(path, { sampleRows: 1 }), {
      code: 'file.bad-row',
      message: `${path}, line 4, column "id": the value is no int64 (byte 25).`,
      hint: /`columns`/,
    })
    await assert.rejects(read(path, { sampleRows: 1, columns: [{ name: 'more', type: 'utf8' }] }), {
      message: /line 5, column "more": the value is no utf8/,
    })
    assert.deepEqual((await read(path, { columns: ['more'] })).splits.flat(), [[null], [null], [null], [1n]])
    await assert.rejects(read(await fileOf(`${'{"a":1}\n'.repeat(3)}{"b":1}\n`), { sampleRows: 3 }), {
      message: /line 4, column "b": the key is not among the columns/,
    })
    await assert.rejects(read(await fileOf('{"a":1}\n{"a":')), { message: /line 2/ })
    await assert.rejects(read(await fileOf('{"a":1}\n{"b":2,"b":3}')), {
      message: /line 2, column "b": the object has the key twice/,
    })
    await assert.rejects(read(await fileOf('')), { code: 'file.no-columns' })
  })

  test('reads compressed files', async () => {
    const path = await fileOf(gzipSync('{"a":1}\n{"a":2}\n'), 'x.jsonl.gz')
    assert.deepEqual((await read(path)).splits, [[[1n], [2n]]])
  })

  test('reads lines longer than its buffers', async () => {
    const long = 'é'.repeat(1_500_000)
    const path = await fileOf(`{"a":"${long}"}\n{"a":"${long}"}\n{"a":"x"}\n`)
    assert.deepEqual((await read(path)).splits.flat(), [[long], [long], ['x']])
    await assert.rejects(read(path, { maxRowBytes: 1_000_000 }), { message: /line 1: the row is longer than 1000000 bytes/ })
  })
})

const badFile = join(folder, 'bad.jsonl')
const broken = ['{"id":3', '[]', '{"id":4,"id":5}', '{"id":"x","day":"y"}', '{"id":1,"more":2}']
await writeFile(
  badFile,
  Buffer.concat([
    Buffer.from('{"id":1,"day":"2024-02-29"}\n{"id":2,"day":"2023-02-29"}\n{"id":1.5,"day":null}\r\n'),
    Buffer.from(`${broken.join('\n')}\n\n{"id":6,"day":null}\n{"day":"`),
    Buffer.of(0xff, 0xc3),
    Buffer.from('"}\n{"id":7,"day":"2024-01-01"}\n{"id":8,"day'),
  ]),
)

const suiteFile = join(folder, 'suite.jsonl')
await writeFile(suiteFile, Array.from({ length: 50 }, (_, at) => `{"id":${at},"name":"n \\"${at}\\""}\n`).join(''))

sourceSuite({
  source: jsonlSource,
  options: { path: suiteFile, splitBytes: 300 },
  brokenOptions: { path: join(folder, 'missing.jsonl') },
  bad: {
    options: {
      path: badFile,
      columns: [
        { name: 'id', type: 'int64' },
        { name: 'day', type: 'date' },
      ],
      splitBytes: 40,
    },
    rows: {
      bad: [
        { id: 1n, day: '2024-02-29' },
        { id: 1n, day: null },
        { id: 6n, day: null },
        { id: 7n, day: '2024-01-01' },
      ],
    },
    refused: [
      { column: 'day', text: '"2023-02-29"' },
      { column: 'id', text: '1.5' },
      ...broken.slice(0, -1).map(text => ({ column: '', text })),
      { column: '', text: '{"day":"\\xff\\xc3"}' },
      { column: '', text: '{"id":8,"day' },
    ],
  },
  rows: { suite: Array.from({ length: 50 }, (_, at) => ({ id: BigInt(at), name: `n "${at}"` })) },
})
