/**
 * Generated encoders of binary parameters: from column buffers straight into the bytes of a command.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html, values as in row-decoder.ts
 * https://mariadb.com/kb/en/com_stmt_bulk_execute/
 *
 *   bulk       per row and column: Int8 indicator (0 value, 1 NULL), value
 *   multi-row  NULLs stand in a bitmap in front of all values; a row's bits are collected byte-aligned and packed when it is sent
 *
 * What a target would store as something else is refused here, with the row; what it refuses itself is left to it.
 */
import {
  type Column,
  layoutOf,
  renderDecimal128,
  renderDecimal64,
  renderDuration,
  renderUuid,
  type Type,
  viewOf,
} from '#columnar'
import { FIELD } from './field-types.ts'
import { isMember, isMemberList, type Members, memberTable } from './members.ts'
import { charsOf, civilOf, encodeDecimal, encodeGeometry, isPlainNumeric, isRoundAsText } from './parameter-values.ts'

/** How a column of a batch becomes a parameter. */
export interface ParameterColumn {
  readonly type: Type
  /** Digits behind the second that the target keeps. */
  readonly fraction: number
  /** Most characters of the target, for texts. */
  readonly maxChars?: number
  /** Exactly as many bytes the target pads to, for BINARY(n). */
  readonly exactBytes?: number
  /** What a trailing space means: CHAR does not keep it. */
  readonly trailingSpaces: 'keep' | 'trim' | 'refuse'
  /** ENUM and SET take other letters, spaces at the end, positions, and members in any order for what they hold. */
  readonly members?: Members
  readonly isGeometry: boolean
  /** Sent as text: a UUID to a text column, and a TIME where the server's check of binary ones refuses some that it can store. */
  readonly isText: boolean
  /** YEAR takes 1 to 99 for 1970 to 2069. */
  readonly isYear: boolean
  /** Digits behind the point that the target keeps, for numbers as text. */
  readonly scale?: number
  readonly isNullable: boolean
}

export interface EncodeState {
  /** Next row of the batch. */
  row: number
  /** Rows in the packet. */
  count: number
  /** Bytes in the packet. */
  length: number
  /** A column whose value is refused, or -1. */
  badColumn: number
  /** Index into `reasons`. */
  reason: number
}

/** Encodes rows from `state.row` on until the batch, the room or `maxRows` end. */
type Encode = (
  state: EncodeState,
  columns: readonly Column[],
  rows: number,
  out: Uint8Array,
  ends: Int32Array,
  masks: Uint8Array,
  maxRows: number,
  maxBytes: number,
) => void

export interface RowEncoder {
  readonly encode: Encode
  /** Why a value is refused, as clauses. */
  readonly reasons: readonly string[]
  /** Two bytes per column: type number, and 0x80 for unsigned. */
  readonly types: Buffer
  readonly isBulk: boolean
}

const UNSIGNED = 0x80
const COLUMNS_PER_FUNCTION = 64
const LENGTH_BYTES = 9
const HELPERS = {
  renderDuration,
  renderUuid,
  renderDecimal64,
  renderDecimal128,
  civilOf,
  encodeDecimal,
  encodeGeometry,
  isPlainNumeric,
  isMember,
  isMemberList,
  charsOf,
  isRoundAsText,
  viewOf,
}

export function rowEncoder(columns: readonly ParameterColumn[], isBulk: boolean): RowEncoder {
  const reasons: string[] = []
  const blocks = columns.map((column, k) => columnBlock(column, k, isBulk, reasons))
  const members = columns.map(column => memberTable(column.members?.names ?? []))
  const body = `'use strict'; const { ${Object.keys(HELPERS).join(', ')} } = helpers
const words = new Int32Array(2), floats = new Float32Array(words.buffer), doubles = new Float64Array(words.buffer)
${source(columns, blocks)}`
  const encode = new Function('helpers', 'members', body)(HELPERS, members) as Encode
  const types = Buffer.concat(columns.map(column => Buffer.from(parameterType(column))))
  return { encode, reasons, types, isBulk }
}

/** Number of {@link FIELD} and sign. */
function parameterType({ type, isGeometry, isText }: ParameterColumn): readonly [field: number, sign: number] {
  if (isText) return [FIELD.VAR_STRING, 0]
  switch (type.kind) {
    case 'bool':
      return [FIELD.TINY, 0]
    case 'int':
      return [{ 8: FIELD.TINY, 16: FIELD.SHORT, 32: FIELD.LONG, 64: FIELD.LONGLONG }[type.bits], type.signed ? 0 : UNSIGNED]
    case 'float':
      return [type.bits === 32 ? FIELD.FLOAT : FIELD.DOUBLE, 0]
    case 'decimal':
    case 'numeric':
      return [FIELD.NEWDECIMAL, 0]
    case 'date':
      return [FIELD.DATE, 0]
    case 'time':
    case 'duration':
      return [FIELD.TIME, 0]
    case 'timestamp':
      return [FIELD.DATETIME, 0]
    case 'binary':
      return [isGeometry ? FIELD.LONG_BLOB : FIELD.BLOB, 0]
    case 'uuid':
      return [FIELD.BLOB, 0]
    default:
      return [FIELD.VAR_STRING, 0]
  }
}

/** Bytes of the NULL bits of one row, as a multi-row encoder collects them. */
export const maskBytes = (columns: number) => (columns + 7) >> 3

const isBytes = ({ type }: ParameterColumn) => layoutOf(type).kind === 'bytes'

/** Bytes of a value at most, the content of texts and bytes aside. */
function fixedBytes(column: ParameterColumn): number {
  if (isBytes(column)) return LENGTH_BYTES + 4
  switch (column.type.kind) {
    case 'decimal':
      return 42
    case 'uuid':
      return 37
    case 'time':
    case 'duration':
      return 24
    default:
      return 13
  }
}

function source(columns: readonly ParameterColumn[], blocks: readonly string[]): string {
  const inParts = columns.length > COLUMNS_PER_FUNCTION
  const names = columns.flatMap((column, k) => [
    `a${k}`,
    `h${k}`,
    `w${k}`,
    ...(isBytes(column) ? [`d${k}`, `t${k}`, `o${k}`] : []),
  ])
  const declarations = `let ${['out', 'view', 'p = 0', 'row = 0', 'bad = -1', 'reason = 0', 'masks', 'mask = 0', ...names].join(', ')}`
  const parts = Array.from({ length: Math.ceil(blocks.length / COLUMNS_PER_FUNCTION) }, (_, i) =>
    blocks.slice(i * COLUMNS_PER_FUNCTION, (i + 1) * COLUMNS_PER_FUNCTION).join('\n'),
  )
  const lengths = columns.flatMap((column, k) => (isBytes(column) ? [` + o${k}[row + 1] - o${k}[row]`] : []))
  const fixed = columns.reduce((sum, column) => sum + 1 + fixedBytes(column), 0)
  return `
${inParts ? declarations : ''}
${inParts ? parts.map((part, i) => `function part${i}() {\n${part}\n}`).join('\n') : ''}
return function encode(state, columns, rows, bytes, ends, bits, maxRows, maxBytes) {
  ${inParts ? '' : declarations}
  out = bytes; view = viewOf(bytes); masks = bits; p = state.length; row = state.row; bad = -1; reason = 0
  let count = state.count, start = p
  ${columns.map((column, k) => hoist(column, k)).join('\n  ')}
  while (row < rows && count < maxRows) {
    if (p + ${fixed}${lengths.join('')} > maxBytes) break
    mask = count * ${maskBytes(columns.length)}
    start = p
    ${inParts ? parts.map((_, i) => `part${i}()`).join('; ') : parts.join('\n')}
    if (bad >= 0) { p = start; break }
    ends[count++] = p
    row++
  }
  state.row = row; state.count = count; state.length = p; state.badColumn = bad; state.reason = reason
}`
}

function hoist(column: ParameterColumn, k: number): string {
  const common = `a${k} = columns[${k}].validity; h${k} = columns[${k}].nulls > 0`
  if (isBytes(column)) return `${common}; d${k} = columns[${k}].data; t${k} = viewOf(d${k}); o${k} = columns[${k}].offsets`
  return `${common}; w${k} = columns[${k}].values`
}

function columnBlock(column: ParameterColumn, k: number, isBulk: boolean, reasons: string[]): string {
  const refuse = (reason: string) => {
    if (!reasons.includes(reason)) reasons.push(reason)
    return `if (bad < 0) { bad = ${k}; reason = ${reasons.indexOf(reason)} }`
  }
  const isNull = `h${k} && (a${k}[row >> 3] & (1 << (row & 7))) === 0`
  const setNull = column.isNullable
    ? isBulk
      ? 'out[p++] = 1'
      : `masks[mask + ${k >> 3}] |= ${1 << (k & 7)}`
    : refuse('the target column takes no NULL')
  return `    if (${isNull}) { ${setNull} } else {
      ${isBulk ? 'out[p++] = 0' : ''}
      ${valueBlock(column, k, refuse)}
    }`
}

type Refuse = (reason: string) => string

function valueBlock(column: ParameterColumn, k: number, refuse: Refuse): string {
  const { type } = column
  switch (type.kind) {
    case 'bool':
      return `out[p++] = (w${k}[row >> 3] >> (row & 7)) & 1`
    case 'int':
      return intBlock(column, type.bits, k, refuse)
    case 'float':
      return floatBlock(type.bits, k, refuse)
    case 'decimal':
      return decimalBlock(type, k, refuse)
    case 'date':
      return `const days = w${k}[row]
      if (days < ${FIRST_DAY} || days > ${LAST_DAY}) { ${refuse(NO_YEAR)} }
      const civil = civilOf(days)
      out[p] = 4; out[p + 1] = civil >> 9; out[p + 2] = civil >> 17; out[p + 3] = (civil >> 5) & 15; out[p + 4] = civil & 31
      p += 5`
    case 'timestamp':
      return timestampBlock(column.fraction, k, refuse)
    case 'time':
    case 'duration':
      return timeBlock(column, k, refuse)
    case 'uuid':
      if (column.isText) return `out[p] = 36; renderUuid(out, p + 1, w${k}, row * 16); p += 37`
      return `out[p++] = 16\n      for (let i = 0; i < 16; i++) out[p + i] = w${k}[row * 16 + i]\n      p += 16`
    default:
      return bytesBlock(column, k, refuse)
  }
}

/** Numbers below 2^53, which most are, need no arithmetic in two words. NaN is not among them. */
function decimalBlock({ precision, scale }: { precision: number; scale: number }, k: number, refuse: Refuse): string {
  const general =
    precision <= 18
      ? `renderDecimal64(out, p + 1, w${k}[2 * row], w${k}[2 * row + 1], ${scale})`
      : `renderDecimal128(out, p + 1, w${k}, 4 * row, ${scale})`
  const checked = `const end = ${general}
      out[p] = end - p - 1
      if (out[end - 1] > 57) { ${refuse('NaN has no counterpart')} }
      p = end`
  if (precision > 18 || scale > 15) return checked
  return `const hi = w${k}[2 * row + 1]
      if (hi < 2097152 && hi >= -2097152) p = encodeDecimal(out, p, hi * 4294967296 + (w${k}[2 * row] >>> 0), ${scale}, ${10 ** scale})
      else {
      ${checked}
      }`
}

/** 0000-01-01 and 9999-12-31. */
const FIRST_DAY = -719_528
const LAST_DAY = 2_932_896
const NO_YEAR = 'MySQL has the years 0 to 9999 only'
const NO_FRACTION = 'the target column keeps fewer digits of a second'
/** 838:59:59.999999 */
const MAX_TIME = 3_020_399_999_999

function intBlock({ isYear }: ParameterColumn, bits: number, k: number, refuse: Refuse): string {
  const check = isYear
    ? `if (w${k}[row] > 0 && w${k}[row] < 100) { ${refuse('MySQL takes a year below 100 for one of 1970 to 2069')} }\n      `
    : ''
  switch (bits) {
    case 8:
      return `out[p++] = w${k}[row]`
    case 16:
      return `${check}const x = w${k}[row]; out[p] = x; out[p + 1] = x >> 8; p += 2`
    case 32:
      return `const x = w${k}[row] | 0; ${putWord('x', 0)}; p += 4`
    default:
      return `const lo = w${k}[2 * row], hi = w${k}[2 * row + 1]; ${putWord('lo', 0)}; ${putWord('hi', 4)}; p += 8`
  }
}

function floatBlock(bits: number, k: number, refuse: Refuse): string {
  const check = `if (w${k}[row] - w${k}[row] !== 0) { ${refuse('NaN and infinity have no counterpart')} }`
  return bits === 32
    ? `${check}\n      floats[0] = w${k}[row]; ${putWord('words[0]', 0)}; p += 4`
    : `${check}\n      doubles[0] = w${k}[row]; ${putWord('words[0]', 0)}; ${putWord('words[1]', 4)}; p += 8`
}

const putWord = (value: string, at: number) =>
  [0, 8, 16, 24].map((shift, i) => `out[p + ${at + i}] = ${shift === 0 ? value : `${value} >> ${shift}`}`).join('; ')

const fractionCheck = (fraction: number, refuse: Refuse) =>
  fraction >= 6 ? '' : `if (micros % ${10 ** (6 - fraction)} !== 0) { ${refuse(NO_FRACTION)} }`

/** 2^32 = 4294 * 10^6 + 967296 microseconds: both halves of the division stay below 2^53. */
function timestampBlock(fraction: number, k: number, refuse: Refuse): string {
  return `const hi = w${k}[2 * row + 1], rest = hi * 967296 + (w${k}[2 * row] >>> 0), whole = Math.floor(rest / 1e6)
      const seconds = hi * 4294 + whole, micros = rest - whole * 1e6, days = Math.floor(seconds / 86400)
      if (days < ${FIRST_DAY} || days > ${LAST_DAY}) { ${refuse(NO_YEAR)} }
      ${fractionCheck(fraction, refuse)}
      const civil = civilOf(days), clock = seconds - days * 86400
      out[p + 1] = civil >> 9; out[p + 2] = civil >> 17; out[p + 3] = (civil >> 5) & 15; out[p + 4] = civil & 31
      out[p + 5] = clock / 3600; out[p + 6] = clock / 60 % 60; out[p + 7] = clock % 60
      if (micros === 0) { out[p] = 7; p += 8 } else { out[p] = 11; p += 8; ${putWord('micros', 0)}; p += 4 }`
}

function timeBlock({ fraction, isText }: ParameterColumn, k: number, refuse: Refuse): string {
  const checked = `let all = w${k}[2 * row + 1] * 4294967296 + (w${k}[2 * row] >>> 0)
      const isNegative = all < 0
      if (isNegative) all = -all
      if (all > ${MAX_TIME}) { ${refuse("MySQL's TIME ends at 838:59:59")} }
      const whole = Math.floor(all / 1e6), micros = all - whole * 1e6, days = whole / 86400 | 0
      ${fractionCheck(fraction, refuse)}`
  if (isText)
    return `${checked}\n      const end = renderDuration(out, p + 1, w${k}[2 * row], w${k}[2 * row + 1]); out[p] = end - p - 1; p = end`
  return `${checked}
      out[p + 1] = isNegative ? 1 : 0; out[p + 2] = days; out[p + 3] = days >> 8; out[p + 4] = 0; out[p + 5] = 0
      out[p + 6] = whole / 3600 % 24; out[p + 7] = whole / 60 % 60; out[p + 8] = whole % 60
      if (micros === 0) { out[p] = 8; p += 9 } else { out[p] = 12; p += 9; ${putWord('micros', 0)}; p += 4 }`
}

function bytesBlock(column: ParameterColumn, k: number, refuse: Refuse): string {
  const { type, maxChars, exactBytes, trailingSpaces, members, isGeometry, scale } = column
  const range = `const s = o${k}[row]; let n = o${k}[row + 1] - s`
  if (isGeometry) {
    return `${range}
      const end = encodeGeometry(out, p, d${k}, s, n)
      if (end < 0) { ${refuse('it is no little-endian WKB of two dimensions')} } else p = end`
  }
  const checks = [
    type.kind === 'numeric' ? `if (!isPlainNumeric(d${k}, s, n)) { ${refuse('NaN and infinity have no counterpart')} }` : '',
    type.kind === 'numeric' && scale !== undefined
      ? `if (!isRoundAsText(d${k}, s, n, ${scale})) { ${refuse('the target column keeps fewer digits behind the point')} }`
      : '',
    trailingSpaces === 'trim' ? `while (n > 0 && d${k}[s + n - 1] === 32) n--` : '',
    trailingSpaces === 'refuse'
      ? `if (n > 0 && d${k}[s + n - 1] === 32) { ${refuse('CHAR does not keep spaces at the end')} }`
      : '',
    maxChars === undefined
      ? ''
      : `if (n > ${maxChars} && charsOf(d${k}, s, n) > ${maxChars}) { ${refuse('the text is longer than the target column')} }`,
    exactBytes === undefined ? '' : `if (n < ${exactBytes}) { ${refuse('BINARY would pad it with zero bytes')} }`,
    members === undefined
      ? ''
      : members.isSet
        ? `if (!isMemberList(members[${k}], d${k}, s, n)) { ${refuse('SET has no such member, or not in this order')} }`
        : `if (!isMember(members[${k}], d${k}, s, n)) { ${refuse('ENUM has no such member')} }`,
  ]
  return `${range}
      ${checks.filter(check => check !== '').join('\n      ')}
      if (n < 251) out[p++] = n
      else if (n < 65536) { out[p] = 252; out[p + 1] = n; out[p + 2] = n >> 8; p += 3 }
      else { out[p] = 254; out[p + 1] = n; out[p + 2] = n >> 8; out[p + 3] = n >> 16; out[p + 4] = n >> 24; out[p + 5] = out[p + 6] = out[p + 7] = out[p + 8] = 0; p += 9 }
      if (n <= 128) {
        let i = 0
        for (; i + 3 < n; i += 4) view.setInt32(p + i, t${k}.getInt32(s + i, true), true)
        for (; i < n; i++) out[p + i] = d${k}[s + i]
      } else out.set(d${k}.subarray(s, s + n), p)
      p += n`
}
