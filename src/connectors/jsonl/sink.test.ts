/** What is written, read by Python's json module, and round trips of everything. */
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
} from '#columnar'
import { contextOf, fillBatch, rowsOf, sinkSuite, type Row } from '#conformance'
import type { Dataset, RunRecord, Target, TwoPhaseWriter } from '#connector'
import { jsonlDecoder } from './decoder.ts'
import { jsonlEncoder } from './encoder.ts'
import { jsonlSink } from './sink.ts'
import { jsonlSource } from './source.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-jsonl-'))
after(() => rm(folder, { recursive: true, force: true }))

const datasetOf = (fields: Record<string, Type>): Dataset => ({
  ...{ id: 'orders', primaryKey: [] },
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

async function write(
  dataset: Dataset,
  rows: readonly Row[],
  options: object = {},
): Promise<{ text: string; target: Target; options: object }> {
  const path = join(folder, String(folders++))
  const settings = jsonlSink.options.parse({ path, ...options })
  await using writer = (await jsonlSink.open(settings, contextOf())) as TwoPhaseWriter
  const target = await writer.plan(dataset)
  await writer.prepare(run, [target], true, [])
  await writer.join(run)
  const batch = new Batch(target.schema, rows.length)
  fillBatch(batch, rows)
  await writer.write(target, batch)
  await writer.commit(await writer.prepareCommit([]))
  const [name = ''] = (await readdir(path)).filter(each => each.endsWith('.jsonl'))
  return { text: await readFile(join(path, name), 'utf8'), target, options: jsonlSink.readBack!(settings, target) }
}

async function readBack(options: object): Promise<Row[]> {
  await using reader = await jsonlSource.open(jsonlSource.options.parse(options), contextOf({ batchRows: 1000 }))
  const [dataset] = await reader.discover()
  const rows: Row[] = []
  for await (const split of reader.enumerate(dataset!))
    for await (const { batch } of reader.read(dataset!, split, undefined)) rows.push(...rowsOf(batch))
  return rows
}

const types = {
  ...{ b: bool, i8: int(8), u32: int(32, false), i64: int(64), u64: int(64, false), f32: float(32), f64: float(64) },
  ...{ d: decimalType(12, 2), wide: decimalType(38, 10), n: numeric, t: utf8, j: json, bin: binary, id: uuid },
  ...{ day: date, clock: time, ts: timestamp(false), tz: timestamp(true), dur: duration, iv: interval },
}

const finite: Row = {
  ...{
    b: true,
    i8: -128,
    u32: 4294967295,
    i64: -(2n ** 63n),
    u64: 2n ** 64n - 1n,
    f32: 0.10000000149011612,
    f64: 1e300,
    d: '-0.05',
  },
  ...{
    wide: '1234567890123456789012345678.0123456789',
    n: '1000.50',
    t: '"\\\n\u0001é中😀',
    j: '{"a":\n[1.0,  "x"]}',
    bin: Buffer.from([0, 255]),
  },
  ...{
    id: '01234567-89ab-cdef-0123-456789abcdef',
    day: '2024-02-29',
    clock: '24:00:00',
    ts: '1969-12-31 23:59:59.999999',
    tz: '2024-01-01 00:00:00Z',
  },
  ...{ dur: -3_020_399_000_000n, iv: { months: 14, days: -3, micros: 4_000_005n } },
}
const odd: Row = {
  ...finite,
  d: 'NaN',
  n: '-Infinity',
  f32: -Infinity,
  f64: NaN,
  wide: 'NaN',
  day: 'infinity',
  ts: '-infinity',
  tz: 'infinity',
  t: '',
  bin: Buffer.alloc(0),
}
const nothing: Row = Object.fromEntries(Object.keys(types).map(name => [name, null]))

const plain = (rows: readonly Row[]) =>
  rows.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
      ]),
    ),
  )

/** Line endings in json columns become spaces: white space between its parts. */
const onOneLine = (row: Row): Row => ({ ...row, j: typeof row['j'] === 'string' ? row['j'].replaceAll('\n', ' ') : null })

describe('jsonl sink', () => {
  test('writes one object per line, numbers with all their digits', async () => {
    const { text } = await write(datasetOf({ id: int(64), 'a "b"': utf8, d: decimalType(20, 2), at: timestamp(true), j: json }), [
      { id: 9007199254740993n, 'a "b"': 'x\ny', d: '123456789012345678.90', at: '2024-02-29 23:59:59.5Z', j: '{"k":\n1}' },
      { id: null, 'a "b"': '', d: null, at: null, j: null },
    ])
    assert.equal(
      text,
      '{"id":9007199254740993,"a \\"b\\"":"x\\ny","d":123456789012345678.90,"at":"2024-02-29T23:59:59.500000Z","j":{"k": 1}}\n' +
        '{"id":null,"a \\"b\\"":"","d":null,"at":null,"j":null}\n',
    )
  })

  test('is read by Python as it was meant', async t => {
    const { text } = await write(datasetOf(types), [finite, nothing])
    const program = `import decimal, json, sys
rows = [json.loads(line, parse_float=decimal.Decimal) for line in sys.stdin.buffer.read().decode('utf-8').split('\\n')[:-1]]
json.dump([[str(v) if isinstance(v, (int, decimal.Decimal)) and not isinstance(v, bool) else v for v in row.values()] for row in rows], sys.stdout, default=str)`
    const python = spawnSync('python3', ['-c', program], { input: text, encoding: 'utf8' })
    if (python.error) return t.skip('there is no python3')
    assert.equal(python.stderr, '')
    assert.deepEqual(JSON.parse(python.stdout), [
      [
        ...[true, '-128', '4294967295', '-9223372036854775808', '18446744073709551615', '0.1', '1E+300', '-0.05'],
        ...['1234567890123456789012345678.0123456789', '1000.50', '"\\\n\u0001é中😀', { a: ['1.0', 'x'] }, 'AP8='],
        ...[
          '01234567-89ab-cdef-0123-456789abcdef',
          '2024-02-29',
          '24:00:00',
          '1969-12-31T23:59:59.999999',
          '2024-01-01T00:00:00Z',
        ],
        ...['-838:59:59', 'P1Y2M-3DT4.000005S'],
      ],
      Object.values(nothing),
    ])
  })

  test('gives back every type with its extreme values', async () => {
    const strings = { integers: 'string', decimals: 'string', nonFinite: 'string', binary: 'hex' }
    for (const options of [{ nonFinite: 'string' }, strings]) {
      const back = await readBack((await write(datasetOf(types), [finite, odd, nothing], options)).options)
      assert.deepEqual(plain(back), plain([finite, odd, nothing].map(onOneLine)), JSON.stringify(options))
    }
    const { text } = await write(datasetOf({ i: int(64), d: decimalType(9, 2) }), [{ i: 1n, d: '2.50' }], strings)
    assert.equal(text, '{"i":"1","d":"2.50"}\n')
  })

  test('refuses what JSON has no number for, with column and row', async () => {
    for (const column of ['f32', 'f64', 'd', 'wide', 'n']) {
      const refused = write(datasetOf(types), [finite, { ...finite, [column]: odd[column]! }])
      await assert.rejects(refused, (error: { code: string; message: string; detail: { column: string; row: number } }) => {
        assert.deepEqual([error.code, error.detail.column, error.detail.row], ['data.value-refused', column, 1])
        assert.match(error.message, /orders-.*\.jsonl.*JSON has no NaN/)
        return true
      })
    }
  })

  test('refuses the JSON value null, which would come back as NULL, unless told otherwise', async () => {
    const rows = [{ j: '{"a":null}' }, { j: null }, { j: ' null ' }]
    await assert.rejects(write(datasetOf({ j: json }), rows), (error: { detail: { row: number } }) => error.detail.row === 2)
    assert.equal(
      (await write(datasetOf({ j: json }), rows, { jsonNull: 'null' })).text,
      '{"j":{"a":null}}\n{"j":null}\n{"j": null }\n',
    )
  })

  test('writes a line of many columns as it writes one of few', async () => {
    const names = Object.keys(types)
    const copies = Array.from({ length: Math.ceil(120 / names.length) }, (_, copy) => copy)
    const repeated = (values: object) =>
      Object.fromEntries(copies.flatMap(copy => Object.entries(values).map(([name, value]) => [`${name}_${copy}`, value])))
    for (const row of [finite, nothing]) {
      const wide = (await write(datasetOf(repeated(types)), [repeated(row)])).text
      const narrow = (await write(datasetOf(types), [row])).text.trimEnd().slice(1, -1)
      const expected = copies.map(copy => names.reduce((text, name) => text.replace(`"${name}":`, `"${name}_${copy}":`), narrow))
      assert.equal(wide, `{${expected.join(',')}}\n`)
    }
  })

  test('takes lists as JSON', async () => {
    await using writer = await jsonlSink.open(jsonlSink.options.parse({ path: folder }), contextOf())
    assert.deepEqual((await writer.plan(datasetOf({ l: list(int(32)) }))).schema.fields[0]?.type, json)
  })

  test('any text comes back, and JSON.parse reads it', () => {
    const { schema } = datasetOf({ a: utf8, b: int(64), c: float(64) })
    const encode = jsonlEncoder(schema, 'orders', {
      integers: 'number',
      decimals: 'number',
      nonFinite: 'string',
      jsonNull: 'refuse',
      binary: 'base64',
    })
    const decode = jsonlDecoder(schema, [], { binary: 'base64', passesOver: false })
    const row = fc.tuple(
      fc.option(fc.string({ unit: 'binary', maxLength: 20 })),
      fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
      fc.option(fc.double()),
    )
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), rows => {
        const batch = new Batch(schema, rows.length)
        fillBatch(
          batch,
          rows.map(([a, b, c]) => ({ a: a?.toWellFormed() ?? null, b, c })),
        )
        const out = new Uint8Array(100_000)
        const { pos } = encode(batch, 0, out, 0)
        const lines = Buffer.from(out.subarray(0, pos)).toString().split('\n').slice(0, -1)
        assert.deepEqual(
          lines.map(line => (JSON.parse(line) as { a: unknown }).a),
          rowsOf(batch).map(({ a }) => a),
        )
        const back = new Batch(schema, rows.length)
        decode(back, Infinity, out, 0, pos, pos, true)
        assert.deepEqual(rowsOf(back), rowsOf(batch))
      }),
      { numRuns: 1000 },
    )
  })
})

const place = join(folder, 'suite')

sinkSuite({
  sink: jsonlSink,
  options: { path: place, integers: 'string' },
  brokenOptions: { path: '/dev/null/below' },
  dataset: datasetOf({ n: int(64), t: utf8, f: float(64), b: bool }),
  rows: Array.from({ length: 14 }, (_, at) => ({
    ...{ n: BigInt(at) * 1_000_000_007n, t: at % 4 === 0 ? null : `"${at}"\n№ ${'x'.repeat(at * 9)}` },
    ...{ f: at % 5 === 0 ? null : at / 7, b: at % 2 === 0 },
  })),
  reset: () => rm(place, { recursive: true, force: true }),
  async read() {
    const names = (await readdir(place).catch(() => [])).filter(name => name.endsWith('.jsonl'))
    const texts = await Promise.all(names.map(name => readFile(join(place, name), 'utf8')))
    return texts.flatMap(text => text.split('\n').slice(0, -1)).map(line => JSON.parse(line) as Row)
  },
  seen: row => ({ ...row, n: String(row['n']) }),
  list: () => readdir(place, { recursive: true }).catch(() => []),
})
