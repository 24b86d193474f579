/** Types and values for property tests: every type, its extreme values, its specials. */
import fc from 'fast-check'
import { Batch } from './batch.ts'
import { Column } from './column.ts'
import type { Schema } from './schema.ts'
import { INTERVAL_INFINITY, INTERVAL_MINUS_INFINITY } from './special.ts'
import * as types from './types.ts'
import { readValue, writeValue, type Value } from './value.ts'

const { int, float, list, timestamp, decimalType } = types

export const someTypes: readonly types.Type[] = [
  types.bool,
  ...([8, 16, 32, 64] as const).flatMap(bits => [int(bits), int(bits, false)]),
  float(32),
  float(64),
  decimalType(1, 0),
  decimalType(9, 9),
  decimalType(12, 2),
  decimalType(18, 0),
  decimalType(19, 4),
  decimalType(38, 0),
  decimalType(38, 38),
  types.numeric,
  types.utf8,
  types.json,
  types.binary,
  types.uuid,
  types.date,
  types.time,
  types.duration,
  timestamp(false),
  timestamp(true),
  types.interval,
  list(int(32)),
  list(types.utf8),
  list(list(types.bool)),
]

/** Values of a type as {@link readValue} returns them; never NULL. */
export function valuesOf(type: types.Type): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean()
    case 'int': {
      const [min, max] = intRange(type.bits, type.signed)
      const edges = [min, max, 0n, ...intEdges.flatMap(edge => [edge, -edge, edge - 1n, -edge - 1n])].filter(
        int => int >= min && int <= max,
      )
      const any = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min, max }))
      return type.bits === 64 ? any : any.map(Number)
    }
    case 'float':
      return type.bits === 32 ? fc.float() : fc.double()
    case 'decimal':
      return decimalTexts(type.precision, type.scale)
    case 'numeric':
      return fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom('NaN', 'Infinity', '-Infinity', '0', '0.00') },
        { weight: 4, arbitrary: numericTexts },
      )
    case 'utf8':
      return fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: characters, maxLength: 300 }),
        fc.constantFrom('', '\0', '\ufeff', '"\\\n'),
      )
    case 'json':
      return fc.json()
    case 'binary':
      return fc.oneof(fc.uint8Array(), fc.uint8Array({ minLength: 200, maxLength: 300 }))
    case 'uuid':
      return fc.uuid()
    case 'date':
      return fc.oneof(
        fc.constantFrom('infinity', '-infinity', '0001-01-01', '0001-12-31 BC', '4714-11-24 BC', '5874897-12-31'),
        dates,
      )
    case 'time':
      return fc.oneof(fc.constantFrom('00:00:00', '24:00:00', '23:59:59.999999', '00:00:00.000001'), clocks)
    case 'duration':
      return fc.oneof(fc.constantFrom(...int64Limits, -1n, 1n, 3_020_399_999_999n, -3_020_399_999_999n), int64s)
    case 'timestamp':
      return fc
        .oneof(
          fc.constantFrom(...timestampLimits),
          fc.tuple(timestampDates, clocks).map(([day, clock]) => onDay(day, clock, false)),
        )
        .map(text => (type.zone ? zoned(text) : text))
    case 'interval':
      return fc.oneof(fc.constantFrom(INTERVAL_INFINITY, INTERVAL_MINUS_INFINITY), intervals)
    case 'list':
      return fc.array(fc.option(valuesOf(type.item)), { maxLength: 5 })
  }
}

/** Any character; fast-check's own unit for that takes more than a second to build. */
const characters = fc
  .integer({ min: 0, max: 0x10_ffff })
  .filter(code => code < 0xd800 || code > 0xdfff)
  .map(code => String.fromCodePoint(code))
const intEdges = [1, 7, 8, 15, 16, 31, 32, 53, 63].map(bits => 2n ** BigInt(bits))
const int64Limits = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 0n, 2n ** 32n, -(2n ** 32n)] as const
const int64s = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const int32s = fc.oneof(fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 0), fc.integer())
const intervals = fc.record(
  { months: int32s, days: int32s, micros: fc.oneof(fc.constantFrom(...int64Limits), int64s) },
  { noNullPrototype: true },
)

const timestampLimits = [
  'infinity',
  '-infinity',
  '1970-01-01 00:00:00',
  '1969-12-31 23:59:59.999999',
  '0001-01-01 00:00:00',
  '0001-12-31 23:59:59.999999 BC',
  '4714-11-24 00:00:00 BC',
  '9999-12-31 23:59:59.999999',
  '294247-01-10 04:00:54.775806',
  '294247-01-10 04:00:54.775809',
  '294276-12-31 23:59:59.999999',
] as const

const twoDigits = (value: number) => String(value).padStart(2, '0')
/** Days from 9999 BC to 99999, with 29 February; written by hand as Date does not know BC in this form. */
const datesBetween = (first: number, last: number) =>
  fc
    .tuple(fc.integer({ min: first, max: last }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
    .filter(([year, month, day]) => isDay(year, month, day))
    .map(([year, month, day]) => {
      const text = `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`
      return year > 0 ? text : `${text} BC`
    })
const dates = datesBetween(-9998, 99_999)
const timestampDates = datesBetween(-4712, 294_246)

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1
}

const clocks = fc.integer({ min: 0, max: 86_399_999_999 }).map(micros => {
  const seconds = Math.floor(micros / 1e6)
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(':')
  return micros % 1e6 === 0 ? clock : `${clock}.${String(micros % 1e6).padStart(6, '0')}`
})

function onDay(day: string, clock: string, zone: boolean): string {
  const [date, era] = day.split(' ')
  return `${date} ${clock}${zone ? 'Z' : ''}${era === undefined ? '' : ` ${era}`}`
}

const zoned = (text: string) =>
  text.endsWith('infinity') ? text : text.endsWith(' BC') ? `${text.slice(0, -3)}Z BC` : `${text}Z`

export function intRange(bits: number, signed: boolean): [min: bigint, max: bigint] {
  const size = 2n ** BigInt(bits)
  return signed ? [-size / 2n, size / 2n - 1n] : [0n, size - 1n]
}

function decimalTexts(precision: number, scale: number): fc.Arbitrary<string> {
  const limit = 10n ** BigInt(precision) - 1n
  const unscaled = fc.oneof(
    fc.constantFrom(limit, -limit, 0n, 1n, -1n),
    fc.bigInt({ min: -limit, max: limit }),
    fc.bigInt({ min: -9n, max: 9n }),
  )
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant('NaN') },
    { weight: 9, arbitrary: unscaled.map(value => pointed(value, scale)) },
  )
}

/** Independent of text.ts: by position in the string. */
function pointed(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`
  return value < 0n ? `-${text}` : text
}

const numericTexts = fc
  .tuple(fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }), fc.integer({ min: 0, max: 70 }))
  .filter(([value]) => value !== 0n)
  .map(([value, scale]) => pointed(value, scale))

/** A column that holds the values; NULL where a value is null. */
export function columnOf(type: types.Type, values: readonly Value[], capacity = Math.max(values.length, 1)): Column {
  const column = new Column(type, capacity)
  for (const [row, value] of values.entries()) writeValue(column, row, value)
  return column
}

export const valuesIn = (column: Column, rows: number): Value[] =>
  Array.from({ length: rows }, (_, row) => readValue(column, row))

/** A schema of one column per type, named after it. */
export const schemaOf = (columns: readonly types.Type[]): Schema => ({
  fields: columns.map((type, i) => ({ name: `${i} ${types.typeName(type)}`, type, nullable: true })),
})

/** Rows of the types, each value NULL now and then. */
export const rowsOf = (columns: readonly types.Type[], maxLength: number): fc.Arbitrary<Value[][]> =>
  fc.array(fc.tuple(...columns.map(type => fc.option(valuesOf(type), { freq: 4 }))), { maxLength })

/** A batch with room for more rows than it has. */
export function batchOf(columns: readonly types.Type[], rows: readonly (readonly Value[])[]): Batch {
  const batch = new Batch(schemaOf(columns), rows.length + 3)
  return fillBatch(batch, rows)
}

/** Replaces the rows of a batch. */
export function fillBatch(batch: Batch, rows: readonly (readonly Value[])[]): Batch {
  batch.reset()
  for (const [i, column] of batch.columns.entries()) {
    for (const [row, values] of rows.entries()) writeValue(column, row, values[i] ?? null)
  }
  batch.rows = rows.length
  return batch
}

export const rowsIn = (batch: Batch): Value[][] => Array.from({ length: batch.rows }, (_, row) => batch.row(row))
