/**
 * Single values of a column as JavaScript values, for rare paths and tests; hot paths are generated.
 *
 * bool boolean · int8–32, uint8–32, float number · int64, uint64, duration bigint · decimal, numeric, utf8, json, uuid string ·
 * date, time, timestamp string in ISO form (see text.ts) · binary Uint8Array · interval {months, days, micros} · list array
 */
import type { Column } from './column.ts'
import { DECIMAL128_NAN, DECIMAL64_NAN, type IntervalValue } from './special.ts'
import {
  formatDate,
  formatDecimal,
  formatTime,
  formatTimestamp,
  parseDate,
  parseDecimal,
  parseTime,
  parseTimestamp,
} from './text.ts'

export type { IntervalValue } from './special.ts'

export type Value = null | boolean | number | bigint | string | Uint8Array | IntervalValue | readonly Value[]

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()
const NUMERIC = /^-?(?:(?:0|[1-9]\d*)(?:\.\d+)?|Infinity)$|^NaN$/

export function readValue(column: Column, row: number): Value {
  if (column.isNull(row)) return null
  const { type, values, offsets, data } = column
  switch (type.kind) {
    case 'bool':
      return ((values[row >> 3] ?? 0) & (1 << (row & 7))) !== 0
    case 'int':
      return type.bits < 64
        ? (values[row] ?? 0)
        : type.signed
          ? readInt64(column, row)
          : BigInt.asUintN(64, readInt64(column, row))
    case 'float':
      return values[row] ?? 0
    case 'decimal': {
      const unscaled = readDecimal(column, row)
      return unscaled === undefined ? 'NaN' : formatDecimal(unscaled, type.scale)
    }
    case 'numeric':
    case 'utf8':
    case 'json':
      return decoder.decode(data.subarray(offsets[row], offsets[row + 1]))
    case 'binary':
      return data.slice(offsets[row], offsets[row + 1])
    case 'uuid':
      return formatUuid(values.subarray(row * 16, row * 16 + 16) as Uint8Array)
    case 'date':
      return formatDate(values[row] ?? 0)
    case 'time':
      return formatTime(readInt64(column, row))
    case 'duration':
      return readInt64(column, row)
    case 'timestamp':
      return formatTimestamp(readInt64(column, row), type.zone)
    case 'interval':
      return { months: values[row * 4] ?? 0, days: values[row * 4 + 1] ?? 0, micros: readWords(column, row * 4 + 2) }
    case 'list': {
      const { item } = column
      const [from = 0, to = 0] = [offsets[row], offsets[row + 1]]
      return item === undefined ? [] : Array.from({ length: to - from }, (_, i) => readValue(item, from + i))
    }
  }
}

/**
 * Writes a value to a row; rows must be written in order, as offsets grow. Throws a RangeError or TypeError when it does not fit; a
 * float32 column rounds, as it must.
 */
export function writeValue(column: Column, row: number, value: Value): void {
  if (value === null) return writeNull(column, row)
  const { type } = column
  switch (type.kind) {
    case 'bool':
      if (typeof value !== 'boolean') throw new TypeError('bool takes a boolean')
      if (value) column.values[row >> 3]! |= 1 << (row & 7)
      return
    case 'int':
      return type.bits < 64 ? writeSmallInt(column, row, value) : writeWords(column, row * 2, checkedInt64(value, type.signed))
    case 'float':
      if (typeof value !== 'number') throw new TypeError('float takes a number')
      column.values[row] = value
      return
    case 'decimal':
      return writeDecimal(column, row, String(value))
    case 'numeric':
      if (!NUMERIC.test(text(value))) throw new RangeError('not a number in canonical form')
      return writeBytes(column, row, encoder.encode(text(value)))
    case 'utf8':
    case 'json':
      // An encoder would replace half a surrogate pair by U+FFFD.
      if (!text(value).isWellFormed()) throw new RangeError('the text has half a surrogate pair')
      return writeBytes(column, row, encoder.encode(text(value)))
    case 'binary':
      if (!(value instanceof Uint8Array)) throw new TypeError('binary takes a Uint8Array')
      return writeBytes(column, row, value)
    case 'uuid':
      column.values.set(parseUuid(text(value)), row * 16)
      return
    case 'date':
      column.values[row] = parseDate(text(value))
      return
    case 'time':
      return writeWords(column, row * 2, parseTime(text(value)))
    case 'duration':
      return writeWords(column, row * 2, checkedInt64(value, true))
    case 'timestamp':
      return writeWords(column, row * 2, parseTimestamp(text(value)))
    case 'interval':
      return writeInterval(column, row, value)
    case 'list': {
      const { item, offsets } = column
      if (!Array.isArray(value) || item === undefined) throw new TypeError('list takes an array')
      const from = offsets[row] ?? 0
      item.reserveRows(from + value.length)
      for (const [i, element] of (value as Value[]).entries()) writeValue(item, from + i, element)
      offsets[row + 1] = from + value.length
    }
  }
}

export const readInt64 = (column: Column, row: number): bigint => readWords(column, row * 2)

/** The unscaled integer of a decimal, or undefined for NaN. */
export function readDecimal(column: Column, row: number): bigint | undefined {
  if (column.layout.kind === 'fixed' && column.layout.bytes === 8) {
    const value = readInt64(column, row)
    return value === DECIMAL64_NAN ? undefined : value
  }
  const value = (readWords(column, row * 4 + 2) << 64n) | BigInt.asUintN(64, readWords(column, row * 4))
  return value === DECIMAL128_NAN ? undefined : value
}

function writeDecimal(column: Column, row: number, value: string): void {
  if (column.type.kind !== 'decimal') throw new TypeError('not a decimal')
  const wide = column.layout.kind === 'fixed' && column.layout.bytes === 16
  const unscaled =
    value === 'NaN' ? (wide ? DECIMAL128_NAN : DECIMAL64_NAN) : parseDecimal(value, column.type.precision, column.type.scale)
  if (!wide) return writeWords(column, row * 2, unscaled)
  writeWords(column, row * 4, BigInt.asIntN(64, unscaled))
  writeWords(column, row * 4 + 2, unscaled >> 64n)
}

function readWords(column: Column, index: number): bigint {
  const { values } = column
  return (BigInt(values[index + 1] ?? 0) << 32n) | BigInt((values[index] ?? 0) >>> 0)
}

function writeWords(column: Column, index: number, value: bigint): void {
  column.values[index] = Number(BigInt.asIntN(32, value))
  column.values[index + 1] = Number(BigInt.asIntN(32, value >> 32n))
}

function writeNull(column: Column, row: number): void {
  column.setNull(row)
  const { kind } = column.layout
  if (kind === 'bytes' || kind === 'list') column.offsets[row + 1] = column.offsets[row] ?? 0
}

function writeBytes(column: Column, row: number, bytes: Uint8Array): void {
  const from = column.offsets[row] ?? 0
  column.reserve(from, from + bytes.length).set(bytes, from)
  column.offsets[row + 1] = from + bytes.length
}

function writeInterval(column: Column, row: number, value: Value): void {
  if (value === null || typeof value !== 'object' || !('months' in value))
    throw new TypeError('interval takes {months, days, micros}')
  const { months, days, micros } = value
  if ((months | 0) !== months || (days | 0) !== days) throw new RangeError('an interval field is out of range')
  column.values[row * 4] = months
  column.values[row * 4 + 1] = days
  writeWords(column, row * 4 + 2, checkedInt64(micros, true))
}

function writeSmallInt(column: Column, row: number, value: Value): void {
  const int = Number(integer(value))
  column.values[row] = int
  if (column.values[row] !== int) throw new RangeError('integer out of range')
}

function checkedInt64(value: Value, signed: boolean): bigint {
  const int = integer(value)
  if ((signed ? BigInt.asIntN(64, int) : BigInt.asUintN(64, int)) !== int) throw new RangeError('integer out of range')
  return int
}

/** Throws for a number with a fraction and for text that is no integer. */
function integer(value: Value): bigint {
  if (typeof value === 'string' ? !/^-?\d+$/.test(value) : typeof value !== 'number' && typeof value !== 'bigint') {
    throw new TypeError('an integer was expected')
  }
  return BigInt(value as number | bigint | string)
}

function text(value: Value): string {
  if (typeof value !== 'string') throw new TypeError(`a string was expected, not ${typeof value}`)
  return value
}

function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function parseUuid(value: string): Uint8Array {
  if (!/^[\da-f]{8}-?([\da-f]{4}-?){3}[\da-f]{12}$/i.test(value)) throw new RangeError('not a uuid')
  return Buffer.from(value.replaceAll('-', ''), 'hex')
}
