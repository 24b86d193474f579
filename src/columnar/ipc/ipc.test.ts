/** The Arrow IPC writer against a foreign reader, the reader against a foreign writer and against itself, and foreign bytes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as arrow from '@uwdata/flechette'
import fc from 'fast-check'
import { SluiceError } from '#errors'
import type { Batch } from '../batch.ts'
import type { Schema } from '../schema.ts'
import { parseTypeName, typeName, type Type } from '../types.ts'
import type { IntervalValue, Value } from '../value.ts'
import { batchOf, rowsIn, rowsOf, someTypes, valuesOf } from '../values.test-support.ts'
import { encodeBatchMessage } from './message.ts'
import { readIpc } from './read.ts'
import { IpcWriter, type IpcOptions } from './write.ts'

const typed = (name: string) => parseTypeName(name) ?? assert.fail(name)

function written(batches: readonly Batch[], schema: Schema, options: IpcOptions): Uint8Array {
  const writer = new IpcWriter(schema, options)
  return Buffer.concat([writer.start(), ...batches.map(batch => writer.batch(batch)), writer.end()])
}

const read = (bytes: Uint8Array) => [...readIpc(bytes).batches].flatMap(rowsIn)

/** Whether Arrow has the value. */
function isInArrow(value: Value): boolean {
  if (Array.isArray(value)) return value.every(isInArrow)
  if (typeof value === 'string') return !/^-?infinity$|^NaN$|^24:00:00$|^29424[7-9]-|^2942[5-7]\d-/.test(value)
  if (value !== null && typeof value === 'object' && 'micros' in value)
    return BigInt.asIntN(64, value.micros * 1000n) === value.micros * 1000n
  return true
}

/** Values of a type that Arrow has. `numeric` is text there, so it may be NaN. */
const arrowValuesOf = (type: Type) =>
  valuesOf(type).filter(value => ['numeric', 'utf8', 'json'].includes(type.kind) || isInArrow(value))
// The foreign reader counts the nanoseconds of an interval in doubles.
const isReadable = (value: Value) =>
  value === null || typeof value !== 'object' || !('micros' in value) || Number.isSafeInteger(Number(value.micros) * 1000)
const foreignRows = fc.array(fc.tuple(...someTypes.map(type => fc.option(arrowValuesOf(type).filter(isReadable), { freq: 4 }))), {
  maxLength: 20,
})
const arrowRows = fc.array(fc.tuple(...someTypes.map(type => fc.option(arrowValuesOf(type), { freq: 4 }))), { maxLength: 20 })

for (const format of ['stream', 'file'] as const) {
  test(`every type comes out of a ${format} as it went in`, () => {
    fc.assert(
      fc.property(arrowRows, arrowRows, (first, second) => {
        const batches = [first, second].map(rows => batchOf(someTypes, rows))
        const bytes = written(batches, batches[0]!.schema, { format })
        assert.deepEqual(read(bytes), [...first, ...second])
        assert.deepEqual(readIpc(bytes).schema, batches[0]!.schema)
      }),
      { numRuns: 20 },
    )
  })

  test(`a foreign reader finds the same values in a ${format}`, () => {
    fc.assert(
      fc.property(foreignRows, foreignRows, (first, second) => {
        const batches = [first, second].map(rows => batchOf(someTypes, rows))
        const table = arrow.tableFromIPC(written(batches, batches[0]!.schema, { format }), {
          useDecimalInt: true,
          useBigInt: true,
          useBigIntTimestamp: true,
        })
        assert.equal(table.numRows, first.length + second.length)
        for (const [i, type] of someTypes.entries()) {
          const values = Array.from(table.getChildAt(i), value => foreign(type, value))
          assert.deepEqual(
            values,
            [...first, ...second].map(row => ours(type, row[i]!)),
            typeName(type),
          )
        }
      }),
      { numRuns: 20 },
    )
  })
}

const NANOS = 1000n

/** A value of ours in the words of the foreign reader. */
function ours(type: Type, value: Value): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'utf8':
      // It drops a byte order mark, which is a character like others here.
      return (value as string).replace(/^\ufeff/, '')
    case 'decimal':
      return BigInt((value as string).replace('.', ''))
    case 'uuid':
      return (value as string).replaceAll('-', '')
    case 'binary':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'date':
      return Math.round(julian(value as string))
    case 'timestamp':
    case 'time':
      return microsOf(type.kind === 'time' ? `1970-01-01 ${value as string}` : (value as string))
    case 'interval': {
      const { months, days, micros } = value as IntervalValue
      return [months, days, Number(micros * NANOS)]
    }
    case 'list':
      return (value as Value[]).map(item => ours(type.item, item))
    default:
      return value
  }
}

/** Days since 1970 by JavaScript's calendar. */
function julian(text: string): number {
  const [, year = '', month = '', day = '', era] = /^(\d+)-(\d\d)-(\d\d)( BC)?$/.exec(text) ?? []
  // Date ends in the year 275760; a cycle of the calendar has 400 years and 146,097 days.
  const cycles = Math.floor(Number(year) / 400) - 1
  const date = new Date(0)
  date.setUTCFullYear(era ? 1 - Number(year) : Number(year) - cycles * 400, Number(month) - 1, Number(day))
  return date.getTime() / 86_400_000 + (era ? 0 : cycles * 146_097)
}

function microsOf(text: string): bigint {
  const [, day = '', hours, minutes, seconds, fraction = '', era = ''] =
    /^(\S+) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?Z?( BC)?$/.exec(text) ?? []
  return (
    BigInt(julian(day + era)) * 86_400_000_000n +
    BigInt(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1_000_000n +
    BigInt(fraction || 0)
  )
}

/** A value of the foreign reader, brought to the same form. */
function foreign(type: Type, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'uuid':
    case 'binary':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'date':
      return Math.round((value as number) / 86_400_000)
    case 'time':
    case 'duration':
    case 'timestamp':
      return BigInt(value as bigint)
    case 'interval':
      return Array.from(value as Float64Array)
    case 'list':
      return Array.from(value as Iterable<unknown>, item => foreign(type.item, item))
    default:
      return value
  }
}

test('types, names and extensions are there for foreign readers', () => {
  const schema: Schema = {
    fields: [
      {
        name: 'ünïcode "x"',
        type: typed('decimal(12,2)'),
        nullable: false,
        native: { system: 'mysql', type: 'decimal(12,2)' },
        comment: 'price',
      },
      { name: 'j', type: typed('json'), nullable: true, length: 7 },
      { name: 'u', type: typed('uuid'), nullable: true },
      { name: 'n', type: typed('numeric'), nullable: true },
      { name: 't', type: typed('timestamptz'), nullable: true, fraction: 3 },
    ],
  }
  const bytes = written([], schema, { format: 'file' })
  const { fields } = arrow.tableFromIPC(bytes).schema
  assert.deepEqual(
    fields.map(({ name, nullable }) => [name, nullable]),
    schema.fields.map(({ name, nullable }) => [name, nullable]),
  )
  const metadata = fields.map(field => field.metadata ?? new Map<string, string>())
  assert.deepEqual(
    metadata.map(map => map.get('ARROW:extension:name')),
    [undefined, 'arrow.json', 'arrow.uuid', 'sluice.numeric', undefined],
  )
  assert.deepEqual(
    [fields[0]?.type, fields[4]?.type],
    [arrow.decimal(12, 2, 128), arrow.timestamp(arrow.TimeUnit.MICROSECOND, 'UTC')],
  )
  // A native type is for people: it would become part of DDL, and a file can say anything.
  assert.deepEqual(readIpc(bytes).schema.fields, [
    { name: 'ünïcode "x"', type: typed('decimal(12,2)'), nullable: false, comment: 'price' },
    ...schema.fields.slice(1),
  ])
})

test('row kinds are a last column, which is not part of the schema', () => {
  const batch = batchOf([typed('int32')], [[1], [2], [3]])
  batch.kinds = Uint8Array.of(0, 3, 2, 77)
  const bytes = written([batch], batch.schema, { format: 'stream', kinds: true })
  const [back = assert.fail()] = readIpc(bytes).batches
  assert.deepEqual([back.kinds, rowsIn(back), back.schema], [Uint8Array.of(0, 3, 2), [[1], [2], [3]], batch.schema])
  assert.deepEqual([...arrow.tableFromIPC(bytes).getChildAt(1)], [0, 3, 2])
  const [plain = assert.fail()] = readIpc(
    written([batchOf([typed('int32')], [[1]])], batch.schema, { format: 'stream', kinds: true }),
  ).batches
  assert.deepEqual(plain.kinds, Uint8Array.of(0))
})

for (const [type, value] of [
  ['date', 'infinity'],
  ['date', '-infinity'],
  ['timestamp', 'infinity'],
  ['timestamptz', '-infinity'],
  ['timestamp', '294276-12-31 00:00:00'],
  ['time', '24:00:00'],
  ['decimal(12,2)', 'NaN'],
  ['decimal(38,2)', 'NaN'],
  ['interval', { months: 0, days: 0, micros: 2n ** 62n }],
  ['list<date>', ['infinity']],
] as const) {
  test(`${type}: ${typeof value === 'string' ? value : 'what is too long'} is refused, as Arrow lacks it`, () => {
    const batch = batchOf([typed(type)], [[null], [value]])
    assert.throws(
      () => written([batch], batch.schema, { format: 'stream' }),
      (error: unknown) => SluiceError.is(error, 'columnar.not-in-arrow') && error.fault === 'data',
    )
  })
}

test('what a foreign writer makes of other units and widths is read exactly', () => {
  const { TimeUnit, DateUnit, IntervalUnit } = arrow
  const cases: [name: string, type: arrow.DataType, values: unknown[], expected: Value[]][] = [
    ['decimal64', arrow.decimal(12, 2, 64), [1.25, null, -1], ['1.25', null, '-1.00']],
    ['decimal128', arrow.decimal(20, 2, 128), [1.25, null, -1], ['1.25', null, '-1.00']],
    ['narrow decimal128', arrow.decimal(5, 2, 128), [1.25, null, -1], ['1.25', null, '-1.00']],
    [
      'ms',
      arrow.timestamp(TimeUnit.MILLISECOND, 'Europe/Berlin'),
      [-1, null, 1e12],
      ['1969-12-31 23:59:59.999000Z', null, '2001-09-09 01:46:40Z'],
    ],
    ['s', arrow.timestamp(TimeUnit.SECOND), [-1000, null, 1e12], ['1969-12-31 23:59:59', null, '2001-09-09 01:46:40']],
    ['date64', arrow.date(DateUnit.MILLISECOND), [new Date(0), null, new Date(-86_400_000)], ['1970-01-01', null, '1969-12-31']],
    ['time32', arrow.time(TimeUnit.SECOND), [1, null, 86_399], ['00:00:01', null, '23:59:59']],
    ['time32ms', arrow.time(TimeUnit.MILLISECOND), [1, null, 5], ['00:00:00.001000', null, '00:00:00.005000']],
    ['time64ns', arrow.time(TimeUnit.NANOSECOND), [1000n, null, 2000n], ['00:00:00.000001', null, '00:00:00.000002']],
    ['duration', arrow.duration(TimeUnit.MILLISECOND), [-1n, null, 5n], [-1000n, null, 5000n]],
    [
      'months',
      arrow.interval(IntervalUnit.YEAR_MONTH),
      [13, null, -1],
      [{ months: 13, days: 0, micros: 0n }, null, { months: -1, days: 0, micros: 0n }],
    ],
    [
      'days',
      arrow.interval(IntervalUnit.DAY_TIME),
      [[2, -3], null, [0, 1]],
      [{ months: 0, days: 2, micros: -3000n }, null, { months: 0, days: 0, micros: 1000n }],
    ],
    ['large', arrow.largeUtf8(), ['ä', null, ''], ['ä', null, '']],
    ['large binary', arrow.largeBinary(), [Uint8Array.of(1), null, Uint8Array.of()], [Uint8Array.of(1), null, Uint8Array.of()]],
    [
      'fixed',
      arrow.fixedSizeBinary(2),
      [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4)],
      [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4)],
    ],
    ['list', arrow.list(arrow.int64()), [[1, null], null, []], [[1n, null], null, []]],
    ['large list', arrow.largeList(arrow.utf8()), [['a', null], null, []], [['a', null], null, []]],
    ['bool', arrow.bool(), [true, null, false], [true, null, false]],
  ]
  const table = arrow.tableFromColumns(
    Object.fromEntries(cases.map(([name, type, values]) => [name, arrow.columnFromArray([...values], type)])),
  )
  for (const format of ['stream', 'file'] as const) {
    const bytes = arrow.tableToIPC(table, { format }) ?? assert.fail()
    assert.deepEqual(
      read(bytes),
      [0, 1, 2].map(row => cases.map(([, , , expected]) => expected[row] ?? null)),
    )
  }
})

for (const [name, type, values, code] of [
  ['a nanosecond that microseconds cannot hold', arrow.time(arrow.TimeUnit.NANOSECOND), [1n], 'columnar.bad-ipc'],
  ['a time beyond the day', arrow.time(arrow.TimeUnit.SECOND), [86_400], 'columnar.bad-ipc'],
  ['a date with hours', arrow.date(arrow.DateUnit.MILLISECOND), [new Date(1)], undefined],
  ['the date that is our infinity', arrow.dateDay(), [2_147_483_647 * 86_400_000], 'columnar.bad-ipc'],
  ['a dictionary', arrow.dictionary(arrow.utf8()), ['a'], 'columnar.unknown-arrow'],
  ['a struct', arrow.struct({ a: arrow.int32() }), [{ a: 1 }], 'columnar.unknown-arrow'],
  ['floats of 16 bits', arrow.float16(), [1], 'columnar.unknown-arrow'],
] as const) {
  test(`${name} is ${code === undefined ? 'cut by the foreign writer' : 'refused'}`, () => {
    const bytes =
      arrow.tableToIPC(arrow.tableFromColumns({ x: arrow.columnFromArray([...values], type) }), { format: 'stream' }) ??
      assert.fail()
    if (code === undefined) assert.deepEqual(read(bytes), [['1970-01-01']])
    else assert.throws(() => read(bytes), { code })
  })
}

test('refuses offsets that go back or out of the data', () => {
  const batch = batchOf([typed('utf8')], [['ab'], ['cd'], ['ef']])
  for (const offsets of [
    [0, 4, 2, 6],
    [0, 2, 4, 7],
    [-1, 2, 4, 6],
  ]) {
    const bytes = Buffer.from(written([batch], batch.schema, { format: 'stream' }))
    const at = bytes.indexOf(Buffer.from(Int32Array.of(0, 2, 4, 6).buffer))
    assert(at > 0)
    Buffer.from(Int32Array.from(offsets).buffer).copy(bytes, at)
    assert.throws(() => read(bytes), { code: 'columnar.bad-ipc', message: /offsets/ })
  }
})

test('refuses more rows than there is data for, before it makes room for them', () => {
  const { schema } = batchOf([typed('bool')], [])
  const rows = 2 ** 40
  const message = encodeBatchMessage(rows, [rows, 0], [0, 0, 0, 8], 8)
  const bytes = Buffer.concat([new IpcWriter(schema, { format: 'stream' }).start(), message, Buffer.alloc(8)])
  assert.throws(() => read(bytes), { code: 'columnar.bad-ipc', message: /more rows/ })
})

test('refuses values that the type does not have', () => {
  for (const [type, value, words] of [
    ['decimal(38,0)', '9', [-1, -1, -1, 0x7fffffff]],
    ['decimal(5,0)', '9', [100_000, 0, 0, 0]],
    ['time', '00:00:09', [500_654_080, 20]],
    ['time', '00:00:09', [-1, -1]],
    ['timestamp', '1970-01-01 00:00:09', [0, -0x80000000]],
  ] as const) {
    const batch = batchOf([typed(type)], [[value]])
    const bytes = Buffer.from(written([batch], batch.schema, { format: 'stream' }))
    // The values are the last buffer, and the end of the stream follows.
    Buffer.from(Int32Array.from(words).buffer).copy(bytes, bytes.length - 8 - words.length * 4)
    assert.throws(() => read(bytes), { code: 'columnar.bad-ipc' }, type)
  }
})

test('refuses every truncation; a stream may do without its end', () => {
  const batch = batchOf([typed('utf8'), typed('int32')], [['ab', 1]])
  for (const format of ['stream', 'file'] as const) {
    const writer = new IpcWriter(batch.schema, { format })
    const [start, body, end] = [writer.start(), writer.batch(batch), writer.end()]
    const bytes = Buffer.concat([start, body, end])
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length)
      if (format === 'stream' && length === start.length) assert.deepEqual(read(cut), [])
      else if (format === 'stream' && length === start.length + body.length) assert.deepEqual(read(cut), [['ab', 1]])
      else assert.throws(() => read(cut), { code: 'columnar.bad-ipc' }, `${format}, ${length} of ${bytes.length} bytes`)
    }
  }
})

test('damaged bytes make a coded error or a batch, and nothing else', () => {
  const types = ['int32', 'utf8', 'list<int64>', 'decimal(12,2)', 'bool', 'json', 'uuid', 'timestamp'].map(typed)
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(rowsOf(types, 4), fc.constantFrom('stream', 'file'), damage, fc.nat(), (rows, format, changes, cut) => {
      const clean = rows.filter(row => row.every(isInArrow))
      const batch = batchOf(types, clean)
      const bytes = written([batch], batch.schema, { format })
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      const damaged = cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes
      try {
        read(damaged)
      } catch (error) {
        assert(
          SluiceError.is(error) && error.code.startsWith('columnar.'),
          error instanceof Error ? (error.stack ?? '') : String(error),
        )
      }
    }),
    { numRuns: 400 },
  )
})
