import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { typeName } from '#columnar'
import { assertSameRows, contextOf, rowsOf, sourceSuite, type Row } from '#conformance'
import type { Context, Split } from '#connector'
import { streamSource } from './source.ts'

/** The hash as its definition reads, in arithmetic of any size: what 32-bit integers must come to. */
const M = (1n << 32n) - 1n
function modelMix(value: bigint, salt: bigint): bigint {
  const once = (((value ^ (value >> 16n) ^ salt) & M) * 0x21f0aaadn) & M
  const twice = (((once ^ (once >> 15n)) + salt) * 0x735a2d97n) & M
  return twice ^ (twice >> 15n)
}
function modelHash(seed: bigint, column: bigint, row: bigint): bigint {
  const golden = 0x9e3779b9n
  const start = modelMix(modelMix(seed & M, golden), seed >> 32n)
  const a = modelMix(start ^ column, row >> 32n)
  return modelMix((row & M) ^ a, modelMix(a, golden))
}
const modelInt = (seed: bigint, column: number, row: number) =>
  Number((modelHash(seed, BigInt(column), BigInt(row)) * 10_000n) >> 32n)

const suiteColumns = [
  { name: 'id', type: 'id' },
  { name: 'amount', type: 'INT' },
  { type: 'string', value: 'Ørsted' },
  { name: 'nothing', type: 'BIGINT', value: 'null' },
  { name: 'day', type: 'date', value: '2024-02-29' },
]
const suiteRows: Row[] = Array.from({ length: 23 }, (_, row) => ({
  id: row + 1,
  amount: modelInt(7n, 1, row),
  column3: 'Ørsted',
  nothing: null,
  day: '2024-02-29',
}))

sourceSuite({
  source: streamSource,
  options: { columns: suiteColumns, rows: 23, splitRows: 9, seed: 7 },
  rows: { stream: suiteRows },
})

sourceSuite({
  title: 'one split per channel',
  source: streamSource,
  options: { columns: suiteColumns, rows: [20, 3], seed: 7 },
  rows: { stream: suiteRows },
})

const EVERY_TYPE = [
  'id',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
  'decimal(12,2)',
  'decimal(38,18)',
  'decimal(38,38)',
  'decimal(1,0)',
  'decimal(18,18)',
  'numeric',
  'bool',
  'utf8',
  'char',
  'varchar(3)',
  'json',
  'binary',
  'uuid',
  'date',
  'time',
  'duration',
  'timestamp',
  'datetime',
  'timestamptz',
  'interval',
  'list<int32>',
  'list<utf8>',
  'list<list<bool>>',
].map(type => ({ name: type, type }))

async function read(options: object, context: Partial<Context> = {}, only?: Split): Promise<Row[]> {
  await using reader = await streamSource.open(streamSource.options.parse(options), contextOf(context))
  const [dataset] = await reader.discover()
  const rows: Row[] = []
  for await (const split of only === undefined ? reader.enumerate(dataset!) : [only as never]) {
    for await (const { batch } of reader.read(dataset!, split, undefined)) rows.push(...rowsOf(batch))
  }
  return rows
}

test('makes the same rows of every type, however they are split and batched', async () => {
  const whole = await read({ columns: EVERY_TYPE, rows: 500 })
  const pieces = await read({ columns: EVERY_TYPE, rows: 500, splitRows: 77 }, { batchRows: 13 })
  assertSameRows(pieces, whole, 'in pieces')
  assert.notDeepEqual(
    await read({ columns: EVERY_TYPE.slice(1), rows: 500, seed: 2 }),
    await read({ columns: EVERY_TYPE.slice(1), rows: 500 }),
  )
})

test('makes values that the types and their systems can hold, spread over their ranges', async () => {
  const rows = await read({ columns: EVERY_TYPE, rows: 4000 })
  const of = (name: string) => rows.map(row => row[name])
  const numbers = (name: string) => of(name).map(Number)
  const within = (name: string, least: number, most: number) => {
    const found = numbers(name)
    assert(Math.min(...found) >= least && Math.max(...found) <= most, name)
    const mean = found.reduce((sum, each) => sum + each, 0) / found.length
    assert(Math.abs(mean - (least + most) / 2) < (most - least) * 0.02, `${name} has the mean ${mean}`)
  }
  within('int8', 0, 127)
  within('int16', 0, 999)
  for (const name of ['int32', 'int64', 'uint32', 'uint64']) within(name, 0, 9_999)
  for (const name of ['float32', 'float64', 'decimal(12,2)', 'decimal(38,18)', 'numeric']) within(name, 0, 9_999.99)
  for (const name of ['decimal(38,38)', 'decimal(18,18)']) within(name, 0, 0.99)
  within('decimal(1,0)', 0, 9)
  assert(of('decimal(38,18)').every(value => /^\d{1,4}\.\d\d0{16}$/.test(String(value))))
  assert(of('numeric').every(value => /^(?:[1-9]\d{0,3}|0)\.\d\d$/.test(String(value))))
  assert(of('utf8').every(value => /^[\da-zA-Z]{1,10}$/.test(String(value))))
  assert.deepEqual(new Set(of('utf8').map(value => String(value).length)).size, 10)
  assert(of('char').every(value => String(value).length === 1))
  assert(of('varchar(3)').every(value => String(value).length <= 3))
  assert(of('json').every(value => typeof JSON.parse(String(value)) === 'string'))
  assert(of('uuid').every(value => /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(String(value))))
  assert(of('date').every(value => String(value) >= '2000-01-01' && String(value) <= '2029-12-31'))
  assert(of('timestamp').every(value => String(value) >= '2000-01-01' && String(value) < '2030-01-01'))
  assert(
    of('datetime').every(value => /:\d\d$/.test(String(value))),
    'DATETIME has whole seconds',
  )
  assert(Math.abs(of('bool').filter(Boolean).length - 2000) < 200)
  assert.equal(new Set(of('uuid')).size, 4000)
})

test('numbers rows beyond 32 bits and does not repeat itself there', async () => {
  const far = 2 ** 32
  const split = { id: 'far', dataset: 'stream', from: far - 3, to: far + 3 }
  const columns = [
    { name: 'id', type: 'id' },
    { name: 'n', type: 'int' },
  ]
  const rows = await read({ columns, rows: 10, seed: 7 }, {}, split)
  const expected = Array.from({ length: 6 }, (_, at) => ({ id: BigInt(far - 2 + at), n: modelInt(7n, 1, far - 3 + at) }))
  assertSameRows(rows, expected, 'around 2^32')
})

test('knows the words of FlinkX', async () => {
  // Compatibility specification §4.2, row "stream", §2.4, and the words of the corpus.
  const words: Record<string, string> = {
    TINYINT: 'int8',
    SHORT: 'int16',
    SMALLINT: 'int16',
    INT: 'int32',
    INTEGER: 'int32',
    ID: 'int64',
    LONG: 'int64',
    BIGINT: 'int64',
    FLOAT: 'float32',
    DOUBLE: 'float64',
    DECIMAL: 'decimal(38,18)',
    BINARY: 'binary',
    CHAR: 'utf8',
    CHARACTER: 'utf8',
    STRING: 'utf8',
    VARCHAR: 'utf8',
    DATE: 'date',
    TIME: 'time',
    DATETIME: 'timestamp',
    TIMESTAMP: 'timestamp',
    BOOLEAN: 'bool',
    'TIMESTAMP WITH LOCAL TIME ZONE': 'timestamptz',
    bigdecimal: 'decimal(38,18)',
    biginteger: 'int64',
    byte: 'int8',
    'int[]': 'list<int32>',
    'string[]': 'list<utf8>',
    'varchar(255)': 'utf8',
    'char(255)': 'utf8',
    VARCHAR2: 'utf8',
    NUMERIC: 'numeric',
    BIT: 'bool',
    DEC: 'decimal(38,18)',
    REAL: 'float32',
    TEXT: 'utf8',
    'decimal(10, 2)': 'decimal(10,2)',
    'TIMESTAMP(6)': 'timestamp',
    'numeric(5,1)': 'numeric',
  }
  const columns = Object.keys(words).map(type => ({ type }))
  await using reader = await streamSource.open(streamSource.options.parse({ columns, rows: 1 }), contextOf())
  const [dataset] = await reader.discover()
  assert.deepEqual(
    dataset!.schema.fields.map(({ type }) => typeName(type)),
    Object.values(words),
  )
})

test('takes constants of every type in their text form', async () => {
  const constants: Record<string, readonly [value: string | number | boolean, read: unknown]> = {
    int32: ['26', 26],
    int64: [5, 5n],
    float64: [1.5, 1.5],
    'decimal(10,2)': ['1.5', '1.50'],
    bool: [true, true],
    utf8: [400, '400'],
    date: ['2024-01-31', '2024-01-31'],
    timestamp: ['2010-03-26 15:56:00', '2010-03-26 15:56:00'],
    time: ['10:11:12', '10:11:12'],
    uuid: ['00112233-4455-6677-8899-aabbccddeeff', '00112233-4455-6677-8899-aabbccddeeff'],
    json: ['{"a":1}', '{"a":1}'],
  }
  const columns = Object.entries(constants).map(([type, [value]]) => ({ name: type, type, value }))
  const expected = Object.fromEntries(Object.entries(constants).map(([type, [, value]]) => [type, value]))
  const rows = await read({ columns: [...columns, { name: 'bytes', type: 'binary', value: 'æ' }], rows: 3 }, { batchRows: 2 })
  assert.deepEqual(
    rows,
    Array.from({ length: 3 }, () => ({ ...expected, bytes: Uint8Array.of(0xc3, 0xa6) })),
  )
})

for (const [what, options, path] of [
  ['a type that means nothing', { columns: [{ type: 'strng' }], rows: 1 }, 'columns.0.type'],
  ['a constant that does not fit', { columns: [{ type: 'tinyint', value: 300 }], rows: 1 }, 'columns.0.value'],
  ['a day that does not exist', { columns: [{ type: 'date', value: '2023-02-29' }], rows: 1 }, 'columns.0.value'],
  ['a run without end', { columns: [{ type: 'id' }], rows: 0 }, 'rows'],
  ['no columns', { columns: [], rows: 1 }, 'columns'],
] as const) {
  test(`refuses ${what}`, () => {
    const { success, error } = streamSource.options.safeParse(options)
    assert(!success)
    assert.equal(error.issues[0]?.path.join('.'), path)
  })
}

/** How often ten milliseconds had passed when something ended, as far as this process could see. */
async function stepsOf(work: Promise<unknown>): Promise<number> {
  let isOver = false
  const ended = work.finally(() => (isOver = true))
  let steps = 0
  for (; !isOver; steps++) await sleep(10)
  await ended
  return steps
}

test('keeps to a rate, and stops at once while it waits', async () => {
  const since = performance.now()
  const reading = read({ columns: [{ type: 'id' }], rows: 60, rowsPerSecond: 200 })
  const steps = await stepsOf(reading)
  assert.equal((await reading).length, 60)
  assert(performance.now() - since >= 280)
  assert(steps < 60, `60 rows at 200 per second took ${steps * 10} ms`)
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 50)
  const stopped = read({ columns: [{ type: 'id' }], rows: 60, rowsPerSecond: 1 }, { signal: controller.signal })
  assert((await stepsOf(assert.rejects(stopped, { name: 'AbortError' }))) < 30)
})

test('tells when FlinkX would have done something else with the list of its channels', async () => {
  for (const [rows, channels, text] of [
    [[5], 3, /never end/],
    [[5, 6], 1, /first 1 only/],
    [[5, 6], 2, undefined],
    [5, 3, undefined],
  ] as const) {
    await using reader = await streamSource.open(
      streamSource.options.parse({ columns: [{ type: 'id' }], rows }),
      contextOf({ parallelism: channels }),
    )
    const [dataset] = await reader.discover()
    const { notes } = await reader.explain(dataset!)
    if (text === undefined) assert.deepEqual(notes, [])
    else assert.match(notes[0]?.text ?? '', text)
  }
})

test('names the counter as the key', async () => {
  await using reader = await streamSource.open(
    streamSource.options.parse({ columns: [{ type: 'int' }, { name: 'no', type: 'id' }], rows: 5 }),
    contextOf(),
  )
  assert.deepEqual((await reader.discover())[0]?.primaryKey, ['no'])
})
