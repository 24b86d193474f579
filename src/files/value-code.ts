/**
 * Blocks of generated decoders that read a value of a common type in its common form from text. A block begins at `pos`, moves it
 * to the byte behind the value, and writes row `row` of column k (`v`alues). In any other form it executes what it is given for that;
 * `from` is then where it began.
 */
import { layoutOf, type Column, type Schema, type Type } from '#columnar'
import type { ColumnName } from './by-type.ts'

export type ValueKind = 'call' | 'int' | 'int64' | 'decimal' | 'text' | 'date' | 'timestamp'

export interface ValueBlock {
  /** Column of the batch. */
  readonly k: ColumnName
  readonly type: Type
  /** Bytes that may follow the value. */
  readonly ends: readonly number[]
  /** Statement for any other form. */
  readonly otherwise: string
}

/** What a function with blocks declares; besides, `view` is a view of `bytes`. */
export const BLOCK_VARIABLES =
  'let c = 0, from = 0, at = 0, limit = 0, a = 0, b = 0, n = 0, x = 0, bad = 0, word = 0, scratch = 0, negative = false'

/** Digits that are gathered in 32 bits. */
const INT_DIGITS = 9
/** Digits that a double holds whatever they are. */
const SAFE_DIGITS = 15
/** `2024-02-29` */
const DATE_BYTES = 10
/** `2024-02-29 23:59:59` */
const TIMESTAMP_BYTES = 19

/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_468

/** What blocks call, by the names that they use. */
export const BLOCK_TOOLS = {
  /** Powers of ten. */
  powers: Array.from({ length: SAFE_DIGITS + 1 }, (_, exponent) => Number(`1e${exponent}`)),
  days,
}

/** Days since 1970-01-01, proleptic Gregorian; NaN: there is no such day. Years count from 1 to 9999. */
export function days(year: number, month: number, day: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const last = month === 2 ? (isLeap ? 29 : 28) : 30 + ((month + (month >> 3)) & 1)
  if (year === 0 || month === 0 || month > 12 || day === 0 || day > last) return NaN
  // A year that begins in March ends with the leap day.
  const shifted = month > 2 ? year : year - 1
  const dayOfYear = ((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0
  const leapDays = (shifted >> 2) - ((shifted / 100) | 0) + ((shifted / 400) | 0)
  return shifted * 365 + leapDays + dayOfYear + day - 1 - DAYS_TO_1970
}

export function valueKind(type: Type): ValueKind {
  switch (type.kind) {
    case 'int':
      return type.bits < 64 ? 'int' : type.signed ? 'int64' : 'call'
    case 'decimal':
      return type.precision <= 18 && wholeDigits(type) > 0 ? 'decimal' : 'call'
    case 'utf8':
      return 'text'
    case 'date':
    case 'timestamp':
      return type.kind
    default:
      return 'call'
  }
}

/** Undefined for kinds that have no common form. */
export function valueCode(kind: ValueKind, block: ValueBlock): string | undefined {
  switch (kind) {
    case 'int':
      return intCode(block)
    case 'int64':
      return int64Code(block)
    case 'decimal':
      return decimalCode(block)
    case 'date':
      return dateCode(block)
    case 'timestamp':
      return timestampCode(block)
    case 'text':
    case 'call':
      return undefined
  }
}

/** Payload of the first `row` rows, as `Batch.byteLength` counts it; `texts`: columns whose bytes are counted in a variable `u`. */
export function payloadCode(schema: Schema, texts: ReadonlySet<number>): string {
  const { perRow, bits, variable } = payloadOf(schema)
  const lengths = variable.map(k => (texts.has(k) ? `u${k}` : `o${k}[row]`))
  return [`row * ${perRow}`, ...(bits === 0 ? [] : [`${bits} * ((row + 7) >> 3)`]), ...lengths].join(' + ')
}

/** The same as a function, for many columns. */
export function payloadCounter(schema: Schema): (columns: readonly Column[], row: number) => number {
  const { perRow, bits, variable } = payloadOf(schema)
  return (columns, row) => {
    let bytes = row * perRow + bits * ((row + 7) >> 3)
    for (const k of variable) bytes += columns[k]!.offsets[row]!
    return bytes
  }
}

/** Bytes that a row takes whatever its values are, columns of one bit per row, and columns with bytes of their own. */
function payloadOf({ fields }: Schema): { perRow: number; bits: number; variable: number[] } {
  const layouts = fields.map(({ type }) => layoutOf(type))
  return {
    perRow: layouts.reduce((sum, layout) => sum + (layout.kind === 'fixed' ? layout.bytes : layout.kind === 'bits' ? 0 : 4), 0),
    bits: layouts.filter(({ kind }) => kind === 'bits').length,
    variable: [...layouts.keys()].filter(k => layouts[k]!.kind === 'bytes'),
  }
}

const isEnd = ({ ends }: ValueBlock) => `(${ends.map(byte => `c === ${byte}`).join(' || ')})`

function dateCode(block: ValueBlock): string {
  return `${dayCode(DATE_BYTES)} {
        pos += ${DATE_BYTES}
        c = bytes[pos]
        n = ${isEnd(block)} ? days(a, b, x) : NaN
      }
      if (n === n) v${block.k}[row] = n
      else ${block.otherwise}`
}

function intCode(block: ValueBlock): string {
  const tenth = `if (pos === limit && (c = bytes[pos] - 48) >>> 0 < 10) {
        x = a * 10 + c
        pos++
      }`
  return `${signCode}
      ${digitsCode('a', INT_DIGITS)}
      x = a
      ${bitsOf(block.type) === 32 ? tenth : ''}
      c = bytes[pos]
      if (pos > at && ${rangeCheck(block.type)} && ${isEnd(block)}) v${block.k}[row] = negative ? -x : x
      else ${block.otherwise}`
}

/**
 * Reads year, month and day to `a`, `b`, `x`, and sets `n` to NaN: it becomes the day. What follows is executed when all are digits. Words
 * of digits are looked at together: `^` makes 0 to 9 of digits, and 0 of what stands between them.
 */
const dayCode = (least: number) => `from = pos
      n = NaN
      bad = -1
      if (pos + ${least} <= end) {
        word = view.getInt32(pos, true) ^ ${packed('0000')}
        scratch = view.getInt32(pos + 4, true) ^ ${packed('-00-')}
        at = view.getUint16(pos + 8, true) ^ ${packed('00')}
        bad = ${notDigits('word')} | ${notDigits('scratch')} | ${notDigits('at')} | (scratch & 0xff0000ff)
        word = Math.imul(word, 10) + (word >> 8)
        a = (word & 255) * 100 + ((word >> 16) & 255)
        b = ((scratch >> 8) & 255) * 10 + (scratch >> 16)
        x = (at & 255) * 10 + (at >> 8)
      }
      if (bad === 0)`

/** Characters as a number, the first one lowest. */
const packed = (text: string) => Array.from(text).reduce((sum, byte, at) => sum + byte.charCodeAt(0) * 256 ** at, 0)

/** Not 0 if one of the bytes is more than 9. */
const notDigits = (word: string) => `((${word} | (${word} + 0x76767676)) & 0x80808080)`

const signCode = `from = pos
      negative = bytes[pos] === 45
      if (negative) pos++
      at = pos`

/** Gathers up to `most` digits in an integer variable. */
const digitsCode = (name: string, most: number) => `${name} = 0
      limit = pos + ${most}
      while (pos < limit && (c = bytes[pos] - 48) >>> 0 < 10) {
        ${name} = (Math.imul(${name}, 10) + c) | 0
        pos++
      }`

/** Writes an integer below 2^53, given as `x`. */
const putSafe = (k: ColumnName) => `if (negative) x = -x
        v${k}[row * 2] = x
        v${k}[row * 2 + 1] = Math.floor(x / 4294967296)`

const bitsOf = (type: Type) => (type.kind === 'int' ? type.bits : 0)

/** Whether `x`, without its sign, is in the range of an integer type. */
function rangeCheck(type: Type): string {
  const bits = bitsOf(type)
  const isSigned = type.kind === 'int' && type.signed
  return isSigned ? `x <= (negative ? ${2 ** (bits - 1)} : ${2 ** (bits - 1) - 1})` : `!negative && x <= ${2 ** bits - 1}`
}

function int64Code(block: ValueBlock): string {
  const { k, otherwise } = block
  return `${signCode}
      ${digitsCode('a', INT_DIGITS)}
      if (pos < limit) {
        c = bytes[pos]
        if (pos > at && ${isEnd(block)}) {
          if (negative) a = -a | 0
          v${k}[row * 2] = a
          v${k}[row * 2 + 1] = a >> 31
        } else ${otherwise}
      } else {
        n = pos
        ${digitsCode('b', SAFE_DIGITS - INT_DIGITS)}
        c = bytes[pos]
        if (${isEnd(block)}) {
          x = a * powers[pos - n] + b
          ${putSafe(k)}
        } else ${otherwise}
      }`
}

/** Digits before the point that, with all digits behind it, stay exact in a double. */
function wholeDigits({ precision, scale }: { precision: number; scale: number }): number {
  return Math.min(INT_DIGITS, precision - scale, SAFE_DIGITS - scale)
}

function decimalCode(block: ValueBlock): string {
  const { k, type, otherwise } = block
  if (type.kind !== 'decimal') return otherwise
  const { scale } = type
  const fraction = `b = 0
      if (bytes[pos] === 46) {
        pos++
        n = pos
        ${digitsCode('b', Math.min(scale, INT_DIGITS))}
        x += b * powers[${scale} - pos + n]
        if (pos === n) at = pos
      }`
  return `${signCode}
      ${digitsCode('a', wholeDigits(type))}
      x = a * ${10 ** scale}
      if (pos === at) at = end
      ${scale > 0 ? fraction : ''}
      c = bytes[pos]
      if (pos > at && ${isEnd(block)}) {
        ${putSafe(k)}
      } else ${otherwise}`
}

/** `2024-02-29 23:59:59.000001`; an instant may end in `Z` or `+00`. Microseconds are counted in two words of 32 bits. */
function timestampCode(block: ValueBlock): string {
  const { k, type, otherwise } = block
  const zone = `if (c === 90) c = bytes[++pos]
        else if (c === 43 && bytes[pos + 1] === 48 && bytes[pos + 2] === 48) c = bytes[pos += 3]`
  return `${dayCode(TIMESTAMP_BYTES)} {
        n = days(a, b, x)
        word = view.getInt32(pos + 11, true) ^ ${packed('00:0')}
        scratch = view.getInt32(pos + 15, true) ^ ${packed('0:00')}
        bad = ${notDigits('word')} | ${notDigits('scratch')} | (word & 0xff0000) | (scratch & 0xff00)
        a = (word & 255) * 10 + ((word >> 8) & 255)
        b = (word >> 24) * 10 + (scratch & 255)
        x = ((scratch >> 16) & 255) * 10 + (scratch >> 24)
        c = bytes[pos + 10]
        if (bad !== 0 || (c !== 32 && c !== 84) || a > 23 || b > 59 || x > 59) n = NaN
        n = n * 86400 + a * 3600 + b * 60 + x
        pos += ${TIMESTAMP_BYTES}
        c = bytes[pos]
        a = 0
        if (c === 46) {
          at = ++pos
          ${digitsCode('a', 6)}
          if (pos === at) n = NaN
          a *= powers[at + 6 - pos]
          c = bytes[pos]
        }
        ${type.kind === 'timestamp' && type.zone ? zone : ''}
        if (!${isEnd(block)}) n = NaN
      }
      if (n === n) {
        x = Math.floor(n / 4294967296)
        n = (n - x * 4294967296) * 1000000 + a
        v${k}[row * 2] = n
        v${k}[row * 2 + 1] = x * 1000000 + Math.floor(n / 4294967296)
      } else ${otherwise}`
}
