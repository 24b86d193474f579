/**
 * Generated decoders of binary rows: from the connection's buffer straight into column buffers, packet headers included.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 *
 *   packet   Int24 length, Int8 sequence, 0x00, NULL bitmap with an offset of 2 bits, values
 *   date     Int8 length (0, 4, 7, 11), Int16 year, Int8 month, day, hour, minute, second, Int32 microseconds
 *   time     Int8 length (0, 8, 12), Int8 negative, Int32 days, Int8 hours, minutes, seconds, Int32 microseconds
 *   decimal, text, bytes, bits   length-encoded string
 *
 * A decoder stops before what it cannot finish and says why in its state; nothing of an unfinished row counts.
 */
import { type Column, daysFromCivil, fixedRowBytes, layoutOf, scanDecimal, scanUuid, type Type, viewOf } from '#columnar'
import { FIELD } from './field-types.ts'
import { copyGeometry, copyNumeric } from './rare-values.ts'

/** Why a decoder stopped. */
export const STOP = {
  /** `need` bytes of the next packet must be in the buffer. */
  MORE: 0,
  /** The batch is full. */
  FULL: 1,
  /** The next packet is no row: end or error. */
  OTHER: 2,
  /** The next row goes over several packets. */
  HUGE: 3,
  /** The packet at `position` contradicts itself. */
  BROKEN: 4,
  /** The row `rows` (not counted) has a value without a counterpart in column `badColumn`. */
  REFUSED: 5,
} as const

export interface DecodeState {
  /** Rows in the columns. */
  rows: number
  /** Next byte to decode. */
  position: number
  /** The bytes are one row that went over several packets, behind a header of its first. */
  isWhole: boolean
  stop: number
  need: number
  badColumn: number
}

export interface WireColumn {
  readonly type: Type
  /** Number of {@link FIELD} by which the server sends it. */
  readonly field: number
  /** Longest value of a text or of bytes. */
  readonly maxBytes: number
  /** What a date that does not exist (0000-00-00) becomes. */
  readonly zeroDates: 'refuse' | 'null'
}

export type RowDecoder = (
  state: DecodeState,
  bytes: Uint8Array,
  end: number,
  columns: readonly Column[],
  maxRows: number,
  maxBytes: number,
) => void

/** V8 does not optimise functions of more than 60 KB of bytecode: rows with more columns than this are decoded in parts. */
const COLUMNS_PER_FUNCTION = 64

/** Bytes that a copy by words may write behind its end; the next value overwrites them. */
const COPY_SLACK = 3

/** Longest text that is copied in a loop: `subarray` makes an object. */
const LOOP_BYTES = 128

const HELPERS = () => ({
  monthStarts,
  dayBefore,
  longLength,
  viewOf,
  copyGeometry,
  copyNumeric,
  scanDecimal,
  scanUuid,
  isRealDay,
})

export function rowDecoder(columns: readonly WireColumn[]): RowDecoder {
  const helpers = HELPERS()
  const names = Object.keys(helpers)
  const body = `'use strict'; const { ${names.join(', ')} } = helpers\n${source(columns)}`
  return new Function('helpers', body)(helpers) as RowDecoder
}

const isBytes = ({ type }: WireColumn) => layoutOf(type).kind === 'bytes'

function source(columns: readonly WireColumn[]): string {
  const inParts = columns.length > COLUMNS_PER_FUNCTION
  const names = columns.map((column, k) => locals(column, k))
  const declarations = `let ${['b', 's', 'v = 0', 'z = 0', 'row = 0', 'bad = -1', ...names.flat()].join(', ')}`
  const ends = columns.flatMap((column, k) => (isBytes(column) ? [`e${k}`] : []))
  const parts = chunk(columns.map((column, k) => columnBlock(column, k)))
  const row = inParts ? parts.map((_, i) => `part${i}(m)`).join('; ') : parts.flat().join('\n')
  const functions = inParts
    ? parts.map((blocks, i) => `function part${i}(m) { let n = 0\n${blocks.join('\n')}\n}`).join('\n')
    : ''
  return `
${inParts ? declarations : ''}
${functions}
return function decode(state, bytes, end, columns, maxRows, maxBytes) {
  ${inParts ? '' : declarations}
  b = bytes; s = viewOf(bytes); row = state.rows; bad = -1
  let p = state.position, n = 0, stop = ${STOP.FULL}, need = 0
  ${columns.map((column, k) => hoist(column, k)).join('\n  ')}
  while (row < maxRows) {
    if (end - p < 5) { stop = ${STOP.MORE}; need = 5; break }
    let length = s.getUint32(p, true) & 0xffffff
    if (b[p + 4] !== 0) { stop = ${STOP.OTHER}; break }
    if (length === 0xffffff) {
      if (!state.isWhole) { stop = ${STOP.HUGE}; break }
      length = end - p - 4
    }
    if (end - p - 4 < length) { stop = ${STOP.MORE}; need = length + 4; break }
    if (row > 0 && (row + 1) * ${fixedRowBytes(columns)} + length${ends.map(e => ` + ${e}`).join('')} > maxBytes) break
    const m = p + 5
    v = m + ${(columns.length + 9) >> 3}
    z = p + 4 + length
    if (v > z) { stop = ${STOP.BROKEN}; break }
    ${row}
    if (v !== z) { stop = ${STOP.BROKEN}; break }
    if (bad >= 0) { stop = ${STOP.REFUSED}; break }
    p = z
    row++
  }
  ${columns.map((_, k) => `c${k}.nulls = n${k}`).join('; ')}
  state.rows = row; state.position = p; state.stop = stop; state.need = need; state.badColumn = bad
}`
}

const chunk = (blocks: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(blocks.length / COLUMNS_PER_FUNCTION) }, (_, i) =>
    blocks.slice(i * COLUMNS_PER_FUNCTION, (i + 1) * COLUMNS_PER_FUNCTION),
  )

function locals(column: WireColumn, k: number): string[] {
  const common = [`c${k}`, `a${k}`, `n${k} = 0`]
  return isBytes(column) ? [...common, `d${k}`, `t${k}`, `o${k}`, `e${k} = 0`] : [...common, `w${k}`]
}

/** `w` addresses the words to write: floats are copied as bits. */
function hoist(column: WireColumn, k: number): string {
  const common = `c${k} = columns[${k}]; a${k} = c${k}.validity; n${k} = c${k}.nulls`
  if (isBytes(column)) return `${common}; d${k} = c${k}.data; t${k} = viewOf(d${k}); o${k} = c${k}.offsets; e${k} = o${k}[row]`
  if (column.type.kind !== 'float') return `${common}; w${k} = c${k}.values`
  return `${common}; w${k} = new Int32Array(c${k}.values.buffer, c${k}.values.byteOffset, c${k}.values.byteLength >> 2)`
}

function columnBlock(column: WireColumn, k: number): string {
  const bit = k + 2
  const end = isBytes(column) ? `\n    o${k}[row + 1] = e${k}` : ''
  return `    if ((b[m + ${bit >> 3}] & ${1 << (bit & 7)}) !== 0) { ${setNull(k)} } else {
      ${valueBlock(column, k)}
    }${end}`
}

const setNull = (k: number) => `a${k}[row >> 3] &= ~(1 << (row & 7)); n${k}++`
const refuse = (k: number) => `if (bad < 0) bad = ${k}`
function valueBlock(column: WireColumn, k: number): string {
  const { type } = column
  switch (column.field) {
    case FIELD.TINY:
      return fixedBlock(1, `w${k}[row] = b[v]`)
    case FIELD.SHORT:
    case FIELD.YEAR:
      return fixedBlock(2, `w${k}[row] = s.getInt16(v, true)`)
    case FIELD.INT24:
    case FIELD.LONG:
    case FIELD.FLOAT:
      return fixedBlock(4, `w${k}[row] = ${word('v')}`)
    case FIELD.LONGLONG:
    case FIELD.DOUBLE:
      return fixedBlock(8, `w${k}[2 * row] = ${word('v')}; w${k}[2 * row + 1] = ${word('v + 4')}`)
    case FIELD.DATE:
    case FIELD.NEWDATE:
    case FIELD.DATETIME:
    case FIELD.TIMESTAMP:
      return dateBlock(column, k)
    case FIELD.TIME:
      return timeBlock(k)
    default:
      return `${lengthBlock(type.kind === 'decimal' || column.maxBytes < 251)}
      ${type.kind === 'decimal' ? decimalBlock(type.precision, type.scale, k) : bytesBlock(column, k)}
      v += n`
  }
}

/** A value that the packet cannot hold makes the row end as BROKEN. */
const fixedBlock = (bytes: number, store: string) => `if (v + ${bytes} > z) v = z + 1; else { ${store}; v += ${bytes} }`

/** One load with one check of the bounds, where four bytes would have four. */
const word = (at: string) => `s.getInt32(${at}, true)`

/**
 * Reads a length into `n`. Columns of few bytes need no long ones, and less code is sooner optimised. A length that the packet cannot
 * hold makes the row end as BROKEN.
 */
const lengthBlock = (isShort: boolean) =>
  isShort
    ? 'n = b[v++]; if (n > z - v) { n = 0; v = z + 1 }'
    : `n = b[v++]
      if (n > 250) { const first = n; n = longLength(b, v, first); v += first === 252 ? 2 : first === 253 ? 3 : 8 }
      if (n > z - v) { n = 0; v = z + 1 }`

function bytesBlock({ type, field, maxBytes }: WireColumn, k: number): string {
  const grown = (call: string) => `e${k} = ${call}; d${k} = c${k}.data`
  if (field === FIELD.BIT) return bitBlock(type, k)
  if (field === FIELD.GEOMETRY) return grown(`copyGeometry(c${k}, e${k}, b, v, v + n)`)
  if (type.kind === 'numeric') return grown(`copyNumeric(c${k}, e${k}, b, v, v + n)`)
  if (type.kind === 'uuid') return `if (!scanUuid(b, v, v + n, c${k}, row)) { ${refuse(k)} }`
  return `if (e${k} + n + ${COPY_SLACK} > d${k}.length) { d${k} = c${k}.reserve(e${k}, e${k} + n + ${COPY_SLACK}); t${k} = viewOf(d${k}) }
      if (${maxBytes <= LOOP_BYTES ? '' : `n <= ${LOOP_BYTES} && `}v + n + ${COPY_SLACK} <= b.length) {
        for (let i = 0; i < n; i += 4) t${k}.setInt32(e${k} + i, s.getInt32(v + i, true), true)
      } else d${k}.set(b.subarray(v, v + n), e${k})
      e${k} += n`
}

/** Big-endian bytes. */
function bitBlock(type: Type, k: number): string {
  if (type.kind === 'bool') return `for (let i = 0; i < n; i++) if (b[v + i] !== 0) w${k}[row >> 3] |= 1 << (row & 7)`
  return `let hi = 0, lo = 0
      for (let i = 0; i < n; i++) { hi = hi << 8 | lo >>> 24; lo = lo << 8 | b[v + i] }
      w${k}[2 * row] = lo; w${k}[2 * row + 1] = hi`
}

/** Most values have few digits and exactly as many behind the point as the column: those are two small integers. */
function decimalBlock(precision: number, scale: number, k: number): string {
  const general = `if (!scanDecimal(b, v, v + n, c${k}, row)) { ${refuse(k)} }`
  if (precision > 18 || scale > 9) return general
  const fraction = Array.from({ length: scale }, (_, i) => `(b[f + ${i}] - 48) * ${10 ** (scale - 1 - i)}`).join(' + ')
  // Nine digits in front of the point, and fifteen in all, which a double holds.
  const isUsual = scale === 0 ? 't - i < 10' : `f - i < ${Math.min(9, 15 - scale) + 2} && f - i > 1 && b[f - 1] === 46`
  return `const t = v + n, minus = b[v] === 45, f = t - ${scale}; let i = minus ? v + 1 : v
      if (${isUsual}) {
        let whole = 0
        for (const stop = ${scale === 0 ? 't' : 'f - 1'}; i < stop; i++) whole = whole * 10 + (b[i] - 48) | 0
        let x = ${scale === 0 ? 'whole' : `whole * ${10 ** scale} + (${fraction})`}
        if (minus) x = -x
        w${k}[2 * row] = x; w${k}[2 * row + 1] = Math.floor(x / 4294967296)
      } else ${general}`
}

const FIRST_YEAR = 1900
const MONTHS = 256 * 12
/** The day before each month of 1900 to 2155 since 1970: a look into it is half of the work of computing it. */
const monthStarts = Int32Array.from(
  { length: MONTHS },
  (_, at) => daysFromCivil({ year: FIRST_YEAR + Math.floor(at / 12), month: (at % 12) + 1, day: 1 }) - 1,
)

const DAYS = `const at = (year - ${FIRST_YEAR}) * 12 + month - 1, days = day + (at >>> 0 < ${MONTHS} ? monthStarts[at] : dayBefore(year, month))`

/** The day before a month since 1970, as in `daysFromCivil` of #columnar; years are 0 to 9999. */
function dayBefore(year: number, month: number): number {
  const late = month <= 2 ? year - 1 : year
  const ofYear = ((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0
  return 365 * late + (late >> 2) - ((late / 100) | 0) + ((late / 400) | 0) + ofYear - 719_469
}

function dateBlock({ type, zeroDates }: WireColumn, k: number): string {
  const zero = zeroDates === 'null' ? setNull(k) : refuse(k)
  const store =
    type.kind === 'date'
      ? `w${k}[row] = days`
      : // A day has 20 * 2^32 + 500654080 microseconds.
        `const clock = n > 6 ? (b[v + 4] * 3600 + b[v + 5] * 60 + b[v + 6]) * 1e6 + (n > 10 ? ${word('v + 7')} : 0) : 0
        const low = days * 500654080 + clock
        w${k}[2 * row] = low; w${k}[2 * row + 1] = days * 20 + Math.floor(low / 4294967296)`
  return `${lengthBlock(true)}
      if (n > 3) {
        const date = ${word('v')}, year = date & 0xffff, month = date >> 16 & 0xff, day = date >>> 24
        if ((month - 1) >>> 0 > 11 || day === 0 || (day > 28 && !isRealDay(year, month, day))) { ${zero} } else {
        ${DAYS}
        ${store}
        }
      } else { ${zero} }
      v += n`
}

function timeBlock(k: number): string {
  return `${lengthBlock(true)}
      let micros = 0
      if (n > 7) micros = (${word('v + 1')} * 86400 + b[v + 5] * 3600 + b[v + 6] * 60 + b[v + 7]) * 1e6 + (n > 11 ? ${word('v + 8')} : 0)
      if (n > 7 && b[v] !== 0) micros = -micros
      w${k}[2 * row] = micros; w${k}[2 * row + 1] = Math.floor(micros / 4294967296)
      v += n`
}

const MONTH_DAYS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** ALLOW_INVALID_DATES lets 2024-02-31 in, which would turn into another day. */
function isRealDay(year: number, month: number, day: number): boolean {
  if (month !== 2 || day < 29) return day <= (MONTH_DAYS[month] ?? 0)
  return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** A length of two, three or eight bytes; of the last, four count, as no packet is longer. */
function longLength(bytes: Uint8Array, at: number, mark: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8)
  if (mark === 252) return low
  if (mark === 253) return low | (bytes[at + 2]! << 16)
  return (low | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
