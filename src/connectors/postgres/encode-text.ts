/**
 * The text form of COPY, for tables with a column whose type has no binary form here: every value as its type's input function reads
 * it. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 *
 *   row    field { TAB field }* LF
 *   field  \N (NULL), or the value with backslash, TAB, LF and CR escaped
 */
import {
  maxTextBytes,
  readValue,
  renderAscii,
  renderHex,
  renderOf,
  special,
  type Column,
  type Render,
  type Type,
  type Value,
} from '#columnar'
import { isMultiple, isTooLong, type Encode, type EncodedColumn } from './encode.ts'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const BACKSLASH = 0x5c
const NULL = '\\N'
/** Digits of the number of a row. */
const ORDER_BYTES = 17

interface Field {
  /** Most bytes of a value that is not NULL. */
  readonly bytes: (column: Column, row: number) => number
  readonly write: Render
  /** Why the server would change the value without a word, or refuse it; undefined when it would not. */
  readonly refusal: (column: Column, row: number) => string | undefined
}

/** Like `compileEncoder`, for the text form. */
export function compileTextEncoder(columns: readonly EncodedColumn[], indexes: readonly number[], withOrder: boolean): Encode {
  const fields = columns.map(fieldOf)
  const rowBytes = (batch: readonly Column[], row: number) => {
    let bytes = ORDER_BYTES
    for (let k = 0; k < fields.length; k++) bytes += 3 + fields[k]!.bytes(batch[indexes[k]!]!, row)
    return bytes
  }
  return (batch, rows, out, w, state, refuse) => {
    let row = state.row
    for (; row < rows; row++) {
      const need = rowBytes(batch, row)
      if (need > out.length - w) {
        state.need = need
        break
      }
      for (let k = 0; k < fields.length; k++) {
        const column = batch[indexes[k]!]!
        if (column.isNull(row)) w = renderAscii(out, w, NULL)
        else {
          const reason = fields[k]!.refusal(column, row)
          if (reason !== undefined) refuse(reason, k, row)
          w = fields[k]!.write(out, w, column, row)
        }
        out[w++] = TAB
      }
      if (withOrder) w = renderAscii(out, w, String(state.order++)) + 1
      out[w - 1] = LF
    }
    state.row = row
    return w
  }
}

function fieldOf({ type, limits }: EncodedColumn): Field {
  const refusal = refusalOf(type, limits)
  const bytes = maxTextBytes(type)
  const write = renderOf(type)
  if (bytes !== undefined && write !== undefined) return { bytes: () => bytes, write, refusal }
  switch (type.kind) {
    case 'numeric':
      return { bytes: lengthOf, write: write!, refusal }
    case 'binary':
      return { bytes: (column, row) => 3 + 2 * lengthOf(column, row), write: writeHex, refusal }
    case 'list':
      return { bytes: (column, row) => 2 * Buffer.byteLength(arrayText(column, row)), write: writeArray, refusal }
    default:
      return { bytes: (column, row) => 2 * lengthOf(column, row), write: writeEscaped, refusal }
  }
}

const lengthOf = ({ offsets }: Column, row: number) => offsets[row + 1]! - offsets[row]!

const writeEscaped: Render = (out, w, { data, offsets }, row) => escapeBytes(out, w, data, offsets[row]!, offsets[row + 1]!)

function escapeBytes(out: Uint8Array, w: number, bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte === BACKSLASH) out[w++] = BACKSLASH
    else if (byte === TAB || byte === LF || byte === CR) {
      out[w++] = BACKSLASH
      out[w++] = byte === TAB ? 0x74 : byte === LF ? 0x6e : 0x72 // t, n, r
      continue
    }
    out[w++] = byte
  }
  return w
}

/** `\x` and digits, the backslash escaped. */
const writeHex: Render = (out, w, { data, offsets }, row) =>
  renderHex(out, renderAscii(out, w, '\\\\x'), data, offsets[row]!, offsets[row + 1]!)

const writeArray: Render = (out, w, column, row) => {
  const bytes = Buffer.from(arrayText(column, row))
  return escapeBytes(out, w, bytes, 0, bytes.length)
}

/** `{"a",NULL}`: every item quoted, so that nothing in it means anything. */
function arrayText(column: Column, row: number): string {
  const { item, offsets } = column
  if (item === undefined) return '{}'
  const [from = 0, to = 0] = [offsets[row], offsets[row + 1]]
  return `{${Array.from({ length: to - from }, (_, at) => itemText(item, from + at)).join(',')}}`
}

function itemText(item: Column, row: number): string {
  if (item.isNull(row)) return 'NULL'
  const render = renderOf(item.type)
  const value = readValue(item, row)
  const text = render === undefined ? binaryText(value) : textOf(render, item, row)
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

const binaryText = (value: Value) => (value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : String(value))

function textOf(render: Render, item: Column, row: number): string {
  const out = Buffer.alloc(maxTextBytes(item.type) ?? lengthOf(item, row))
  return out.toString('utf8', 0, render(out, 0, item, row))
}

function refusalOf(type: Type, { length, fraction, scale }: EncodedColumn['limits']): Field['refusal'] {
  switch (type.kind) {
    case 'utf8':
    case 'json':
      return (column, row) => textRefusal(column, row, length)
    case 'numeric':
      return (column, row) => (scale === undefined ? undefined : scaleRefusal(column, row, scale))
    case 'time':
    case 'duration':
    case 'timestamp':
    case 'interval':
      return fraction === undefined || fraction >= 6 ? () => undefined : (column, row) => fractionRefusal(column, row, fraction)
    default:
      return () => undefined
  }
}

function textRefusal({ data, offsets }: Column, row: number, length: number | undefined): string | undefined {
  const [from = 0, to = 0] = [offsets[row], offsets[row + 1]]
  for (let at = from; at < to; at++) if (data[at] === 0) return 'PostgreSQL texts cannot hold the character NUL'
  return length !== undefined && isTooLong(data, from, to, length) ? `the text is longer than ${length} characters` : undefined
}

function scaleRefusal(column: Column, row: number, scale: number): string | undefined {
  const text = String(readValue(column, row))
  return /[1-9]/.test(/\.(\d*)$/.exec(text)?.[1]?.slice(scale) ?? '')
    ? `the column holds ${scale} digits behind the point`
    : undefined
}

function fractionRefusal({ type, values }: Column, row: number, fraction: number): string | undefined {
  const isInterval = type.kind === 'interval'
  const at = isInterval ? row * 4 + 2 : row * 2
  const isInfinite = isInterval
    ? special.isInfiniteInterval(values, row * 4)
    : isInfiniteTimestamp(type, values[at]!, values[at + 1]!)
  const isKept = isInfinite || isMultiple(values[at]!, values[at + 1]!, 10 ** (6 - fraction))
  return isKept ? undefined : `the column holds ${fraction} digits behind the second`
}

const isInfiniteTimestamp = ({ kind }: Type, lo: number, hi: number) =>
  kind === 'timestamp' && ((hi === 0x7fffffff && lo === -1) || (hi === -0x80000000 && lo === 0))
