/**
 * Single values as JSON and back, without loss; the type says what a JSON value means. For rows that are set aside.
 *
 * bool, small integers and finite floats as they are · 64-bit integers and durations as decimal text · `NaN`, `Infinity`, `-Infinity`, `-0`
 * of floats as text · binary as base64 · interval as an object · lists as arrays · all else as the text of value.ts. A text whose
 * bytes are no UTF-8 is `{"base64": …}`.
 */
import type { Column } from './column.ts'
import type { Type } from './types.ts'
import { readValue, type IntervalValue, type Value } from './value.ts'

export type ValueJson =
  | null
  | boolean
  | number
  | string
  | readonly ValueJson[]
  | { readonly base64: string }
  | { readonly months: number; readonly days: number; readonly micros: string }

export function cellToJson(column: Column, row: number): ValueJson {
  const { type, offsets, data } = column
  if (column.isNull(row)) return null
  if (column.item)
    return Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, i) => cellToJson(column.item!, offsets[row]! + i))
  if (!isTextual(type)) return valueToJson(readValue(column, row))
  const bytes = Buffer.from(data.buffer, data.byteOffset + offsets[row]!, offsets[row + 1]! - offsets[row]!)
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : { base64: bytes.toString('base64') }
}

const isTextual = ({ kind }: Type) => kind === 'utf8' || kind === 'json' || kind === 'numeric'

function valueToJson(value: Value): ValueJson {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  const { months, days, micros } = value as IntervalValue
  return { months, days, micros: String(micros) }
}

/** Throws a TypeError for what {@link cellToJson} does not write, bytes that are no text included. */
export function valueFromJson(type: Type, json: ValueJson): Value {
  if (json === null) return null
  switch (type.kind) {
    case 'int':
      return type.bits < 64 ? (json as number) : BigInt(json as string)
    case 'duration':
      return BigInt(json as string)
    case 'float':
      return Number(json)
    case 'binary':
      return Buffer.from(json as string, 'base64')
    case 'interval': {
      const { months, days, micros } = json as { months: number; days: number; micros: string }
      return { months, days, micros: BigInt(micros) }
    }
    case 'list':
      return (json as readonly ValueJson[]).map(item => valueFromJson(type.item, item))
    case 'bool':
      return json as boolean
    default:
      if (typeof json !== 'string') throw new TypeError('the text is not UTF-8')
      return json
  }
}
