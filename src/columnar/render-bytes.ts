/**
 * The canonical text of every type as bytes: what casts to text, CSV, JSON Lines and PostgreSQL's text COPY write.
 *
 * bool `true` · int `-1` · float shortest text that reads back (`0.1`, `1e+21`, `NaN`, `Infinity`) · decimal with all digits of its
 * scale · numeric, utf8, json as they are · uuid lower case with hyphens · date, time, timestamp ISO (text.ts) ·
 * duration `-838:59:59.000001` · interval ISO 8601 (`P1Y2M3DT4H5M6.000007S`) · list JSON (json-text.ts). binary has none.
 *
 * `out` is any byte buffer, `pos` where to write; the return value is the position behind. Nothing checks for room.
 */
import type { Column } from './column.ts'
import {
  renderAscii,
  renderDecimal128,
  renderDecimal64,
  renderFloat32,
  renderFloat64,
  renderInt,
  renderInt64,
  renderUint64,
} from './render-number.ts'
import { renderDate, renderDuration, renderTime, renderTimestamp } from './render-time.ts'
import { formatInterval } from './text.ts'
import { DECIMAL64_DIGITS, type Type } from './types.ts'
import { readValue, type IntervalValue } from './value.ts'

const HYPHEN = 0x2d
/** Lower-case hexadecimal digits. */
const HEX = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0))
/** Longest run of bytes that a loop copies faster than `set`, which needs a view. */
const LOOP_BYTES = 128

/** Writes the canonical text of one value that is not NULL. */
export type Render = (out: Uint8Array, pos: number, column: Column, row: number) => number

/** Most bytes of the canonical text of one value; undefined where the value decides (then count its bytes) or there is no text. */
export function maxTextBytes(type: Type): number | undefined {
  switch (type.kind) {
    case 'bool':
      return 5
    case 'int':
      return 20
    case 'float':
      return 25
    case 'decimal':
      return type.precision + 3
    case 'uuid':
      return 36
    case 'date':
      return 16
    case 'time':
      return 15
    case 'duration':
      return 24
    case 'timestamp':
      return 34
    case 'interval':
      return 72
    default:
      return undefined
  }
}

/** The writer of a type's canonical text; undefined for binary and list. Copied types need as many bytes as the value has. */
export function renderOf(type: Type): Render | undefined {
  switch (type.kind) {
    case 'bool':
      return (out, pos, column, row) => renderBool(out, pos, (column.values[row >> 3]! & (1 << (row & 7))) !== 0)
    case 'int':
      if (type.bits < 64) return (out, pos, column, row) => renderInt(out, pos, column.values[row]!)
      return type.signed
        ? (out, pos, { values }, row) => renderInt64(out, pos, values[row * 2]!, values[row * 2 + 1]!)
        : (out, pos, { values }, row) => renderUint64(out, pos, values[row * 2]!, values[row * 2 + 1]!)
    case 'float':
      return type.bits === 32
        ? (out, pos, column, row) => renderFloat32(out, pos, column.values[row]!)
        : (out, pos, column, row) => renderFloat64(out, pos, column.values[row]!)
    case 'decimal': {
      const { precision, scale } = type
      return precision <= DECIMAL64_DIGITS
        ? (out, pos, { values }, row) => renderDecimal64(out, pos, values[row * 2]!, values[row * 2 + 1]!, scale)
        : (out, pos, { values }, row) => renderDecimal128(out, pos, values, row * 4, scale)
    }
    case 'uuid':
      return (out, pos, column, row) => renderUuid(out, pos, column.values as Uint8Array, row * 16)
    case 'date':
      return (out, pos, column, row) => renderDate(out, pos, column.values[row]!)
    case 'time':
      return (out, pos, { values }, row) => renderTime(out, pos, values[row * 2]!, values[row * 2 + 1]!)
    case 'duration':
      return (out, pos, { values }, row) => renderDuration(out, pos, values[row * 2]!, values[row * 2 + 1]!)
    case 'timestamp': {
      const { zone } = type
      return (out, pos, { values }, row) => renderTimestamp(out, pos, values[row * 2]!, values[row * 2 + 1]!, zone)
    }
    case 'interval':
      return (out, pos, column, row) => renderAscii(out, pos, formatInterval(readValue(column, row) as IntervalValue))
    case 'numeric':
    case 'utf8':
    case 'json':
      return (out, pos, { data, offsets }, row) => renderBytes(out, pos, data, offsets[row]!, offsets[row + 1]!)
    case 'binary':
    case 'list':
      return undefined
  }
}

export function renderBool(out: Uint8Array, pos: number, value: boolean): number {
  return renderAscii(out, pos, value ? 'true' : 'false')
}

/** Copies `bytes[start, end)`. */
export function renderBytes(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start > LOOP_BYTES) {
    out.set(bytes.subarray(start, end), pos)
    return pos + end - start
  }
  for (let at = start; at < end; at++) out[pos++] = bytes[at]!
  return pos
}

/** 16 bytes from `bytes[at]` on, as `01234567-89ab-cdef-0123-456789abcdef`. */
export function renderUuid(out: Uint8Array, pos: number, bytes: Uint8Array, at: number): number {
  pos = renderHex(out, pos, bytes, at, at + 4)
  for (let from = at + 4; from < at + 10; from += 2) {
    out[pos] = HYPHEN
    pos = renderHex(out, pos + 1, bytes, from, from + 2)
  }
  out[pos] = HYPHEN
  return renderHex(out, pos + 1, bytes, at + 10, at + 16)
}

/** `bytes[start, end)` as lower-case hexadecimal digits, two per byte. */
export function renderHex(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    out[pos] = HEX[byte >> 4]!
    out[pos + 1] = HEX[byte & 15]!
    pos += 2
  }
  return pos
}
