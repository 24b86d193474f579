/**
 * Decoders of binary COPY, generated per schema: bytes of the socket become columns without an object per row.
 *
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 *
 *   CopyData  Byte1('d')  Int32 length  { header }?  tuple        one message per tuple (protocol-flow, COPY Operations)
 *   header    "PGCOPY\n\377\r\n\0"  Int32 flags  Int32 extension  Byten
 *   tuple     Int16 fields  { Int32 length (-1: NULL)  Byten value }*
 *   trailer   Int16 -1
 */
import { layoutOf, special, viewOf, type Column, type Type } from '#columnar'
import { columnGroups } from './column-groups.ts'
import { decodeDecimal128, decodeDecimal64, decodeNumericText, numericTextBytes } from './numeric.ts'
import type { Wire } from './types.ts'

export interface DecodedColumn {
  readonly type: Type
  readonly wire: Wire
}

/** The unread bytes of a stream. */
export interface Unread {
  readonly buffer: Buffer
  start: number
  readonly end: number
}

/** What lies between two calls of a decoder. */
export interface DecodeState {
  /** Rows in the columns. */
  rows: number
  /** Their bytes, or a little more. */
  bytes: number
  /** `NEED_BYTES`: how many unread bytes let it go on. */
  need: number
}

export const NEED_BYTES = 0
export const BATCH_FULL = 1
export const OTHER_MESSAGE = 2

/**
 * Moves as many whole tuples as there are to the columns. `fail` is told what is wrong, and in which column; it must throw. `refuse` is
 * told what has no place in the column's type; when it returns, the value becomes NULL.
 */
export type Decode = (unread: Unread, state: DecodeState, maxRows: number, maxBytes: number, fail: Fail, refuse: Refuse) => number

/** Gives the decoder the columns that it fills. They must keep their buffers, which only the decoder may replace. */
export type BindDecoder = (columns: readonly Column[]) => Decode

type Fail = (what: string, column: number) => never
export type Refuse = (what: string, column: number, row: number) => void

export function compileDecoder(columns: readonly DecodedColumn[]): BindDecoder {
  const fields = columns.map((column, k) => ({ ...column, k }))
  const groups = columnGroups(fields)
  const buffers = (group: typeof fields) => group.flatMap(({ type, k }) => declareBuffers(type, `${k}`, `columns[${k}]`))
  const ends = (group: typeof fields) => group.flatMap(({ type, k }) => declareEnds(type, `${k}`, 'r'))
  const decode = (group: typeof fields) => group.flatMap(field => decodeField(field, field.k))
  const code = [
    'return columns => {',
    ...groups.flatMap((group, g) => [
      `const group${g} = (() => {`,
      ...buffers(group),
      'return (b, dv, q, next, r, fail, refuse) => { let len = 0',
      ...ends(group),
      ...decode(group),
      'return q } })()',
    ]),
    'return (unread, state, maxRows, maxBytes, fail, refuse) => {',
    // A view reads four bytes with one check of the bounds.
    'const b = unread.buffer, end = unread.end, dv = viewOf(b)',
    'let p = unread.start, r = state.rows, used = state.bytes, status = 0, len = 0, q = 0, next = 0',
    ...(groups.length > 0 ? [] : [...buffers(fields), ...ends(fields)]),
    'for (;;) {',
    'if (end - p < 5) { state.need = 5; break }',
    `if (b[p] !== 100) { status = ${OTHER_MESSAGE}; break }`,
    `len = ${int32('p + 1')}`,
    'if (len < 6) fail("a tuple that is too short", -1)',
    'next = p + 1 + len',
    'if (next > end) { state.need = len + 1; break }',
    `const fields = ${int16('p + 5')}`,
    'if (fields === -1) { p = next; continue }',
    `if (fields !== ${columns.length}) fail("a tuple of " + fields + " fields", -1)`,
    `if (r === maxRows) { status = ${BATCH_FULL}; break }`,
    `let size = ${sizeBound(columns)}`,
    ...(columns.some(({ type }) => measure(type) !== NOT_MEASURED) ? ['size += measureTexts(dv, p + 7, next, measures)'] : []),
    `if (r > 0 && used + size > maxBytes) { status = ${BATCH_FULL}; break }`,
    'q = p + 7',
    ...(groups.length > 0 ? groups.map((_, g) => `q = group${g}(b, dv, q, next, r, fail, refuse)`) : decode(fields)),
    'if (q !== next) fail("a tuple with a wrong length", -1)',
    'p = next; r++; used += size',
    '}',
    'unread.start = p; state.rows = r; state.bytes = used',
    'return status } }',
  ]
  const measures = Uint8Array.from(columns, ({ type }) => measure(type))
  const { isInfiniteInterval } = special
  const helpers = {
    decodeDecimal64,
    decodeDecimal128,
    decodeNumericText,
    numericTextBytes,
    isInfiniteInterval,
    viewOf,
    measureTexts,
    measures,
  }
  return new Function(...Object.keys(helpers), code.join('\n'))(...Object.values(helpers)) as BindDecoder
}

/** Bytes that a copy by words may write behind its end. */
const COPY_SLACK = 3

/**
 * A row takes its fixed bytes and at most the bytes of its values on the wire. Items of a list may be four times as wide in memory
 * (a NULL decimal of 16 bytes has 4 on the wire).
 */
function sizeBound(columns: readonly DecodedColumn[]): string {
  const fixed = columns.reduce((sum, { type }) => sum + fixedBytes(type), 0)
  const overhead = 6 + 4 * columns.length
  const factor = columns.some(({ type }) => type.kind === 'list') ? 4 : 1
  return `${fixed} + ${factor} * (len - ${overhead})`
}

function fixedBytes(type: Type): number {
  const layout = layoutOf(type)
  return layout.kind === 'fixed' ? layout.bytes : layout.kind === 'bits' ? 1 : 4
}

const NOT_MEASURED = 0
const MEASURED = 1
const MEASURED_ITEMS = 2

const measure = (type: Type): number =>
  type.kind === 'numeric' ? MEASURED : type.kind === 'list' && type.item.kind === 'numeric' ? MEASURED_ITEMS : NOT_MEASURED

/** The text of a numeric can be far longer than its digits: they are measured before the row is taken. */
function measureTexts(dv: DataView, q: number, next: number, measures: Uint8Array): number {
  let bytes = 0
  for (const how of measures) {
    if (next - q < 4) return bytes // The decoder will notice.
    const len = Math.min(dv.getInt32(q), next - q - 4)
    q += 4
    if (len <= 0) continue
    if (how !== NOT_MEASURED) bytes += numericTextBytes(dv, q, len, how === MEASURED_ITEMS)
    q += len
  }
  return bytes
}

const int16 = (at: string) => `dv.getInt16(${at})`
const int32 = (at: string) => `dv.getInt32(${at})`

/** The buffers of a column as locals with the suffix `k`. */
function declareBuffers(type: Type, k: string, column: string): string[] {
  const code = [`const c${k} = ${column}`, `let valid${k} = c${k}.validity`]
  switch (layoutOf(type).kind) {
    case 'bits':
    case 'fixed':
      return [...code, `let v${k} = c${k}.values`]
    case 'bytes':
      return [...code, `let o${k} = c${k}.offsets, d${k} = c${k}.data, dv${k} = viewOf(d${k})`]
    case 'list':
      return [...code, `const o${k} = c${k}.offsets`, ...declareBuffers(itemOf(type), `${k}i`, `c${k}.item`)]
  }
}

/** Where the next value of a column with offsets begins. */
function declareEnds(type: Type, k: string, row: string): string[] {
  switch (layoutOf(type).kind) {
    case 'bytes':
      return [`let e${k} = o${k}[${row}]`]
    case 'list':
      return [`let e${k} = o${k}[${row}]`, ...declareEnds(itemOf(type), `${k}i`, `e${k}`)]
    default:
      return []
  }
}

const itemOf = (type: Type) => (type.kind === 'list' ? type.item : type)

function decodeField({ type, wire }: DecodedColumn, k: number): string[] {
  return wire.kind === 'array' ? decodeArray(type, wire, k) : decodeValue(type, wire, `${k}`, 'r', k)
}

const WIRE_BYTES: Partial<Record<Wire['kind'], number>> = {
  bool: 1,
  int2: 2,
  int4: 4,
  int8: 8,
  oid: 4,
  float4: 4,
  float8: 8,
  date: 4,
  time: 8,
  timestamp: 8,
  interval: 16,
  finiteInterval: 16,
  uuid: 16,
}

const nullBit = (k: string, row: string) => `valid${k}[${row} >> 3] &= ~(1 << (${row} & 7)); c${k}.nulls++`

/** One value with its length at `q`, which moves behind it. Nothing is read beyond `next`, the end of the tuple. */
function decodeValue(type: Type, wire: Wire, k: string, row: string, column: number): string[] {
  const bytes = WIRE_BYTES[wire.kind]
  const hasOffsets = layoutOf(type).kind === 'bytes'
  const setNull = [nullBit(k, row), ...(hasOffsets ? [`o${k}[${row} + 1] = e${k}`] : [])]
  const wrongLength = `fail("a value of " + len + " bytes", ${column})`
  if (bytes !== undefined) {
    return [
      `if (next - q >= ${4 + bytes} && ${int32('q')} === ${bytes}) { q += 4`,
      ...decodeFixed(wire, k, row, column),
      `q += ${bytes}`,
      `} else if (next - q >= 4 && (len = ${int32('q')}) === -1) { q += 4`,
      ...setNull,
      `} else ${wrongLength}`,
    ]
  }
  return [
    `if (next - q < 4) fail("a tuple that is too short", ${column})`,
    `len = ${int32('q')}; q += 4`,
    'if (len >= 0 && len <= next - q) {',
    ...decodeVariable(type, wire, k, row, column),
    '} else if (len === -1) {',
    ...setNull,
    `} else ${wrongLength}`,
  ]
}

// Microseconds from 1970 to 2000, as words.
const EPOCH_MICROS = 946_684_800_000_000n
const EPOCH_LO = Number(EPOCH_MICROS & 0xffff_ffffn)
const EPOCH_HI = Number(EPOCH_MICROS >> 32n)
const EPOCH_DAYS = 10_957

const UUID_BYTES = Array.from({ length: 16 }, (_, i) => i)

function decodeFixed(wire: Wire, k: string, row: string, column: number): string[] {
  const pair = (high: string, low: string) => [`v${k}[${row} * 2] = ${low}`, `v${k}[${row} * 2 + 1] = ${high}`]
  switch (wire.kind) {
    case 'bool':
      return [`if (b[q] !== 0) v${k}[${row} >> 3] |= 1 << (${row} & 7)`]
    case 'int2':
      return [`v${k}[${row}] = ${int16('q')}`]
    case 'int4':
    case 'oid':
      return [`v${k}[${row}] = ${int32('q')}`]
    case 'int8':
    case 'time':
      return pair(int32('q'), int32('q + 4'))
    case 'float4':
      return [`v${k}[${row}] = dv.getFloat32(q)`]
    case 'float8':
      return [`v${k}[${row}] = dv.getFloat64(q)`]
    case 'date':
      return [
        `{ const day = ${int32('q')}; v${k}[${row}] = day === 0x7fffffff || day === -0x80000000 ? day : day + ${EPOCH_DAYS} }`,
      ]
    case 'timestamp':
      return [
        `{ const hi = ${int32('q')}, lo = ${int32('q + 4')}`,
        'if ((hi === 0x7fffffff && lo === -1) || (hi === -0x80000000 && lo === 0)) {',
        ...pair('hi', 'lo'),
        `} else { const sum = (lo >>> 0) + ${EPOCH_LO}, low = sum | 0, high = (hi + ${EPOCH_HI} + (sum > 0xffffffff ? 1 : 0)) | 0`,
        // Two finite microseconds of the year 294247 wrap to the bits of the infinities.
        'if ((high === 0x7fffffff && low === -1) || (high === -0x80000000 && low === 0)) {',
        `refuse("an instant that cannot be told from infinity", ${column}, r)`,
        `${nullBit(k, row)} }`,
        ...pair('high', 'low'),
        '} }',
      ]
    case 'interval':
    case 'finiteInterval':
      return [
        `v${k}[${row} * 4] = ${int32('q + 12')}; v${k}[${row} * 4 + 1] = ${int32('q + 8')}`,
        `v${k}[${row} * 4 + 2] = ${int32('q + 4')}; v${k}[${row} * 4 + 3] = ${int32('q')}`,
        ...(wire.kind === 'interval'
          ? []
          : [
              `if (isInfiniteInterval(v${k}, ${row} * 4)) {`,
              `refuse("an interval that cannot be told from infinity", ${column}, r)`,
              `${nullBit(k, row)} }`,
            ]),
      ]
    default:
      return UUID_BYTES.map(i => `v${k}[${row} * 16 + ${i}] = b[q + ${i}]`)
  }
}

function decodeVariable(type: Type, wire: Wire, k: string, row: string, column: number): string[] {
  if (wire.kind === 'numeric') return [...decodeNumeric(type, k, row, column), 'q += len']
  const isJsonb = wire.kind === 'jsonb'
  return [
    ...(isJsonb ? [`if (len === 0 || b[q] !== 1) fail("jsonb of an unknown version", ${column})`, 'q++; len--'] : []),
    `if (e${k} + len + ${COPY_SLACK} > d${k}.length) { d${k} = c${k}.reserve(e${k}, e${k} + len + ${COPY_SLACK}); dv${k} = viewOf(d${k}) }`,
    // Short values go four bytes at a time, up to three too many, which the next value overwrites. Longer ones are worth a call.
    `if (len <= 128 && q + len + ${COPY_SLACK} <= b.length) {`,
    `for (let i = 0; i < len; i += 4) dv${k}.setInt32(e${k} + i, dv.getInt32(q + i))`,
    `} else b.copy(d${k}, e${k}, q, q + len)`,
    `e${k} += len; q += len`,
    `o${k}[${row} + 1] = e${k}`,
  ]
}

function decodeNumeric(type: Type, k: string, row: string, column: number): string[] {
  const refused = `fail("a malformed numeric", ${column})`
  if (type.kind !== 'decimal') {
    return [
      `{ const room = numericTextBytes(dv, q, len, false)`,
      `if (e${k} + room > d${k}.length) d${k} = c${k}.reserve(e${k}, e${k} + room)`,
      `e${k} = decodeNumericText(dv, q, len, d${k}, e${k})`,
      `if (e${k} < 0) ${refused}`,
      `o${k}[${row} + 1] = e${k} }`,
    ]
  }
  const wide = type.precision > 18
  const call = `${wide ? 'decodeDecimal128' : 'decodeDecimal64'}(dv, q, len, v${k}, ${row} * ${wide ? 4 : 2}, ${type.precision}, ${type.scale})`
  return [`if (!${call}) ${refused}`]
}

/** `Int32 dimensions  Int32 hasNulls  Oid item  { Int32 size  Int32 lowerBound }*  { Int32 length  Byten value }*` (array_send). */
function decodeArray(type: Type, wire: Extract<Wire, { kind: 'array' }>, k: number): string[] {
  const item = itemOf(type)
  const buffers = layoutOf(item).kind === 'bytes' ? [`o${k}i = c${k}i.offsets`] : [`v${k}i = c${k}i.values`]
  const setNull = `${nullBit(`${k}`, 'r')}; o${k}[r + 1] = e${k}`
  return [
    `if (next - q < 4) fail("a tuple that is too short", ${k})`,
    `len = ${int32('q')}; q += 4`,
    'if (len >= 12) {',
    `if (len > next - q) fail("a value of " + len + " bytes", ${k})`,
    'const stop = q + len, tuple = next',
    `const dimensions = ${int32('q')}`,
    'let count = 0',
    `if (${int32('q + 8')} >>> 0 !== ${wire.itemOid}) fail("an array of another type", ${k})`,
    `if (dimensions !== 0 && len < 20) fail("an array that is too short", ${k})`,
    `const lower = dimensions === 0 ? 1 : ${int32('q + 16')}`,
    'if (dimensions > 1 || lower !== 1) {',
    `refuse("array:" + (dimensions > 1 ? "of " + dimensions + " dimensions" : "with the lower bound " + lower), ${k}, r)`,
    `q = stop; ${setNull}`,
    '} else {',
    `if (dimensions === 0) q += 12; else { count = ${int32('q + 12')}; q += 20 }`,
    `if (count < 0 || count > (stop - q) / 4) fail("an array that is too short", ${k})`,
    `if (e${k} + count > c${k}i.capacity) { c${k}i.reserveRows(e${k} + count); valid${k}i = c${k}i.validity; ${buffers.join('; ')} }`,
    // Items must not reach beyond the array.
    'next = stop',
    `for (const last = e${k} + count; e${k} < last; e${k}++) {`,
    ...decodeValue(item, wire.item, `${k}i`, `e${k}`, k),
    '}',
    `if (q !== stop) fail("an array with a wrong length", ${k})`,
    'next = tuple',
    `o${k}[r + 1] = e${k} }`,
    `} else if (len === -1) { ${setNull} }`,
    `else fail("a value of " + len + " bytes", ${k})`,
  ]
}
