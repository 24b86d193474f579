/**
 * Encoders of binary COPY, generated per target: columns become bytes of the socket without an object per row.
 *
 * The layout stands in decode.ts. A column of another type than the server expects would be refused by it, or worse, understood:
 * every target type has exactly one form here.
 */
import { special, viewOf, type Column, type Type } from '#columnar'
import { columnGroups } from './column-groups.ts'
import {
  DECIMAL_BYTES,
  encodeDecimal128,
  encodeDecimal64,
  encodeInt,
  encodeInt64,
  encodeNumericText,
  encodeUint64,
  numericBytes,
} from './numeric-encode.ts'
import type { ScalarWire, Wire } from './types.ts'

export interface EncodedColumn {
  readonly type: Type
  readonly wire: Wire
  /** What the server would cut or round without a word, and is refused here instead. */
  readonly limits: {
    /** Most characters of a varchar. */
    readonly length?: number
    /** Digits behind the second. */
    readonly fraction?: number
    /** Digits behind the point of a numeric that travels as text. */
    readonly scale?: number
  }
}

export interface EncodeState {
  /** First row that has not been encoded. */
  row: number
  /** Where it begins, in a batch that is encoded already. */
  at: number
  /** Bytes that this row may take. */
  need: number
  /** Number of the next row, for targets whose rows have to keep their order. */
  order: number
}

/** Encodes rows from `state.row` on into `out` from `w` on, as many as there is room for; returns where they end. `refuse` must throw. */
export type Encode = (
  columns: readonly Column[],
  rows: number,
  out: Buffer,
  w: number,
  state: EncodeState,
  refuse: (reason: string, column: number, row: number) => never,
) => number

/** `indexes`: places of the columns in the batch. `withOrder`: a last field with the number of the row, as int8. */
export function compileEncoder(columns: readonly EncodedColumn[], indexes: readonly number[], withOrder: boolean): Encode {
  const fields = columns.map((column, k) => ({ ...column, k }))
  const groups = columnGroups(fields)
  const buffers = (group: typeof fields) => group.flatMap(({ type, k }) => declare(type, `${k}`, `columns[${indexes[k]}]`))
  const sizes = (group: typeof fields) => ['0', ...group.map(field => sizeOf(field, `${field.k}`, 'r'))].join(' + ')
  const encode = (group: typeof fields) => group.flatMap(field => encodeField(field, field.k))
  const order = [write32('8'), write32('Math.floor(state.order / 0x100000000)'), write32('state.order'), 'state.order++']
  const code = [
    'return (columns, rows, out, w, state, refuse) => {',
    // A view writes four bytes with one check of the bounds.
    'const end = out.length, dv = viewOf(out)',
    'let r = state.row',
    ...(groups.length > 0 ? [] : buffers(fields)),
    ...groups.flatMap((group, g) => [
      `const [size${g}, group${g}] = (() => {`,
      ...buffers(group),
      `return [r => ${sizes(group)}, (r, w) => {`,
      ...encode(group),
      'return w }] })()',
    ]),
    'for (; r < rows; r++) {',
    `const size = ${2 + COPY_SLACK + (withOrder ? 12 : 0)} + ${groups.length > 0 ? groups.map((_, g) => `size${g}(r)`).join(' + ') : sizes(fields)}`,
    'if (size > end - w) { state.need = size; break }',
    write16(`${columns.length + (withOrder ? 1 : 0)}`),
    ...(groups.length > 0 ? groups.map((_, g) => `w = group${g}(r, w)`) : encode(fields)),
    ...(withOrder ? order : []),
    '}',
    'state.row = r',
    'return w }',
  ]
  return new Function(...Object.keys(HELPERS), code.join('\n'))(...Object.values(HELPERS)) as Encode
}

const HELPERS = {
  encodeInt,
  encodeInt64,
  encodeUint64,
  encodeDecimal64,
  encodeDecimal128,
  encodeNumericText,
  numericBytes,
  isMultiple,
  isTooLong,
  hasNul,
  isInfiniteInterval: special.isInfiniteInterval,
  viewOf,
}

function declare(type: Type, k: string, column: string): string[] {
  const code = [`const c${k} = ${column}, valid${k} = c${k}.validity, has${k} = c${k}.nulls > 0`]
  if (type.kind === 'list') return [...code, `const o${k} = c${k}.offsets`, ...declare(type.item, `${k}i`, `c${k}.item`)]
  if (!hasOffsets(type)) return [...code, `const v${k} = c${k}.values`]
  return [...code, `const o${k} = c${k}.offsets, d${k} = c${k}.data, dv${k} = viewOf(d${k})`]
}

/** Bytes that a copy by words may write behind its end. */
const COPY_SLACK = 3

const hasOffsets = ({ kind }: Type) => kind === 'utf8' || kind === 'json' || kind === 'binary' || kind === 'numeric'

const FIXED_BYTES: Readonly<Partial<Record<ScalarWire, number>>> = {
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

/** Most bytes of a field with its length, as an expression. */
function sizeOf({ type, wire }: Pick<EncodedColumn, 'type' | 'wire'>, k: string, row: string): string {
  if (wire.kind === 'array') {
    const item = type.kind === 'list' ? type.item : type
    const [from, to] = [`o${k}[${row}]`, `o${k}[${row} + 1]`]
    const each = itemBytes(item, wire.item.kind)
    const bytes = hasOffsets(item) ? ` + o${k}i[${to}] - o${k}i[${from}]` : ''
    return `24 + ${each} * (${to} - ${from})${bytes}`
  }
  const fixed = FIXED_BYTES[wire.kind]
  if (fixed !== undefined) return `${4 + fixed}`
  if (wire.kind === 'numeric' && type.kind !== 'numeric') return `${DECIMAL_BYTES}`
  const length = `o${k}[${row} + 1] - o${k}[${row}]`
  return wire.kind === 'numeric' ? `numericBytes(${length})` : `${wire.kind === 'jsonb' ? 5 : 4} + ${length}`
}

function itemBytes(item: Type, wire: ScalarWire): number {
  if (wire !== 'numeric') return 4 + (FIXED_BYTES[wire] ?? 1)
  return item.kind === 'numeric' ? numericBytes(0) : DECIMAL_BYTES
}

function encodeField(column: EncodedColumn, k: number): string[] {
  return [
    `if (has${k} && (valid${k}[r >> 3] & (1 << (r & 7))) === 0) { ${write32('-1')} } else {`,
    ...(column.wire.kind === 'array'
      ? encodeArray(column, column.wire, k)
      : encodeValue({ ...column, wire: column.wire }, `${k}`, 'r', k)),
    '}',
  ]
}

const write16 = (value: string) => `dv.setInt16(w, ${value}); w += 2`
const write32 = (value: string) => `dv.setInt32(w, ${value}); w += 4`

// Microseconds from 1970 to 2000, as words.
const EPOCH_MICROS = 946_684_800_000_000n
const EPOCH_LO = Number(EPOCH_MICROS & 0xffff_ffffn)
const EPOCH_HI = Number(EPOCH_MICROS >> 32n)
const EPOCH_DAYS = 10_957

type Scalar = Omit<EncodedColumn, 'wire'> & { readonly wire: { readonly kind: ScalarWire } }

function encodeValue({ type, wire, limits }: Scalar, k: string, row: string, column: number): string[] {
  const bytes = FIXED_BYTES[wire.kind]
  const head = bytes === undefined ? [] : [write32(`${bytes}`)]
  const pair = [write32(`v${k}[${row} * 2 + 1]`), write32(`v${k}[${row} * 2]`)]
  switch (wire.kind) {
    case 'bool':
      return [...head, `out[w++] = (v${k}[${row} >> 3] >> (${row} & 7)) & 1`]
    case 'int2':
      return [...head, write16(`v${k}[${row}]`)]
    case 'int4':
    case 'oid':
      return [...head, write32(`v${k}[${row}]`)]
    case 'int8':
      return [...head, ...pair]
    case 'time':
      return [...head, ...checkFraction(k, row, column, limits.fraction), ...pair]
    case 'float4':
      return [...head, `dv.setFloat32(w, v${k}[${row}]); w += 4`]
    case 'float8':
      return [...head, `dv.setFloat64(w, v${k}[${row}]); w += 8`]
    case 'date':
      return [
        ...head,
        `{ const day = v${k}[${row}]`,
        write32(`day === 0x7fffffff || day === -0x80000000 ? day : day - ${EPOCH_DAYS}`),
        '}',
      ]
    case 'timestamp':
      return [...head, ...encodeTimestamp(k, row, column, limits.fraction)]
    case 'interval':
    case 'finiteInterval':
      return [...head, ...encodeInterval(type, wire.kind, k, row, column, limits.fraction)]
    case 'uuid':
      return [...head, `for (let i = ${row} * 16; i < ${row} * 16 + 16; i++) out[w++] = v${k}[i]`]
    case 'numeric':
      return encodeNumeric(type, k, row, column, limits.scale)
    default:
      return encodeBytes(wire.kind, k, row, column, limits.length)
  }
}

function encodeTimestamp(k: string, row: string, column: number, fraction: number | undefined): string[] {
  return [
    `{ const lo = v${k}[${row} * 2], hi = v${k}[${row} * 2 + 1]`,
    'if ((hi === 0x7fffffff && lo === -1) || (hi === -0x80000000 && lo === 0)) {',
    write32('hi'),
    write32('lo'),
    '} else {',
    ...checkFraction(k, row, column, fraction),
    `const low = (lo >>> 0) - ${EPOCH_LO}`,
    write32(`hi - ${EPOCH_HI} - (low < 0 ? 1 : 0)`),
    write32('low'),
    '} }',
  ]
}

function encodeInterval(
  type: Type,
  wire: ScalarWire,
  k: string,
  row: string,
  column: number,
  fraction: number | undefined,
): string[] {
  if (type.kind === 'duration') {
    return [
      ...checkFraction(k, row, column, fraction),
      write32(`v${k}[${row} * 2 + 1]`),
      write32(`v${k}[${row} * 2]`),
      write32('0'),
      write32('0'),
    ]
  }
  const word = (i: number) => write32(`v${k}[${row} * 4 + ${i}]`)
  const tooEarly = `refuse("PostgreSQL has infinite intervals since version 17", ${column}, r)`
  return [
    `if (isInfiniteInterval(v${k}, ${row} * 4)) { ${wire === 'finiteInterval' ? tooEarly : ''} } else {`,
    ...checkFraction(k, `(${row} * 2 + 1)`, column, fraction),
    '}',
    ...[word(3), word(2), word(1), word(0)],
  ]
}

/** The server would round to the digits of the column. */
function checkFraction(k: string, row: string, column: number, fraction: number | undefined): string[] {
  if (fraction === undefined || fraction >= 6) return []
  const check = `isMultiple(v${k}[${row} * 2], v${k}[${row} * 2 + 1], ${10 ** (6 - fraction)})`
  return [`if (!${check}) refuse("the column holds ${fraction} digits behind the second", ${column}, r)`]
}

/** Whether a signed 64-bit number is a multiple of `divisor`, at most 10^6. */
export function isMultiple(lo: number, hi: number, divisor: number): boolean {
  return ((((hi % divisor) * (2 ** 32 % divisor)) % divisor) + ((lo >>> 0) % divisor)) % divisor === 0
}

function encodeNumeric(type: Type, k: string, row: string, column: number, scale: number | undefined): string[] {
  switch (type.kind) {
    case 'int':
      if (type.bits < 64) return [`w = encodeInt(dv, w, v${k}[${row}])`]
      return [`w = ${type.signed ? 'encodeInt64' : 'encodeUint64'}(dv, w, v${k}, ${row} * 2)`]
    case 'decimal': {
      if (type.precision > 18) return [`w = encodeDecimal128(dv, w, v${k}, ${row} * 4, ${type.scale})`]
      const any = `w = encodeDecimal64(dv, w, v${k}, ${row} * 2, ${type.scale})`
      return type.scale >= 1 && type.scale <= 4 ? encodeMoney(k, row, type.scale, any) : [any]
    }
    default:
      return [
        `w = encodeNumericText(dv, w, d${k}, o${k}[${row}], o${k}[${row} + 1], ${scale ?? 0x7fffffff})`,
        `if (w < 0) refuse("the column holds ${scale} digits behind the point", ${column}, r)`,
      ]
  }
}

/** Amounts of money, mostly: up to 31 bits are divided as integers, by constants. Zero has no digits and goes with the others. */
function encodeMoney(k: string, row: string, scale: number, any: string): string[] {
  const [lo, hi] = [`v${k}[${row} * 2]`, `v${k}[${row} * 2 + 1]`]
  const digit = (name: string) => `{ dv.setInt16(e, ${name}); e += 2 }`
  return [
    `{ const lo = ${lo}, m = lo < 0 ? -lo | 0 : lo`,
    `if (m > 0 && ${hi} === lo >> 31) {`,
    `const whole = (m / ${10 ** scale}) | 0, last = (m - whole * ${10 ** scale}) * ${10 ** (4 - scale)}`,
    'const high = (whole / 10000) | 0, low = whole - high * 10000',
    'const weight = high !== 0 ? 1 : low !== 0 ? 0 : -1',
    'let e = w + 12',
    `if (high !== 0) ${digit('high')}`,
    `if (weight >= 0 && (low !== 0 || last !== 0)) ${digit('low')}`,
    `if (last !== 0) ${digit('last')}`,
    'dv.setInt32(w, e - w - 4); dv.setInt32(w + 4, (e - w - 12) << 15 | weight & 0xffff)',
    `dv.setInt32(w + 8, (lo < 0 ? 0x4000 << 16 : 0) | ${scale})`,
    'w = e',
    `} else ${any} }`,
  ]
}

/** Texts of the server cannot hold NUL. */
function encodeBytes(wire: ScalarWire, k: string, row: string, column: number, length: number | undefined): string[] {
  const isText = wire !== 'bytea'
  const refuseNul = `if (hasNul(d${k}, from, to)) refuse("PostgreSQL texts cannot hold the character NUL", ${column}, r)`
  const tooLong = `if (count > ${length} && isTooLong(d${k}, from, to, ${length})) refuse("the text is longer than ${length} characters", ${column}, r)`
  return [
    `{ const from = o${k}[${row}], to = o${k}[${row} + 1], count = to - from`,
    ...(length === undefined || !isText ? [] : [tooLong]),
    wire === 'jsonb' ? `${write32('count + 1')}; out[w++] = 1` : write32('count'),
    // Short values go four bytes at a time, up to three too many, which the next value overwrites. Longer ones are worth a view.
    `if (count <= 128 && to + 4 <= d${k}.length) {`,
    ...(isText ? ['let nul = 0'] : []),
    `for (let i = from, at = w; i < to; i += 4, at += 4) { const word = dv${k}.getInt32(i); dv.setInt32(at, word)`,
    // Not zero if one of the bytes is; bytes behind the end may be meant, so a closer look decides.
    ...(isText ? ['nul |= (word - 0x01010101) & ~word & 0x80808080'] : []),
    '}',
    ...(isText ? [`if (nul !== 0) ${refuseNul}`] : []),
    '} else {',
    ...(isText ? [refuseNul] : []),
    `out.set(d${k}.subarray(from, to), w)`,
    '}',
    'w += count }',
  ]
}

function hasNul(d: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (d[i] === 0) return true
  return false
}

const SPACE = 0x20

/** The server refuses texts that are too long, but cuts spaces at the end without a word. */
export function isTooLong(d: Uint8Array, from: number, to: number, length: number): boolean {
  if (d[to - 1] !== SPACE) return false
  let characters = 0
  for (let i = from; i < to; i++) if ((d[i]! & 0xc0) !== 0x80) characters++
  return characters > length
}

/** One dimension from 1; an empty array has none. The length is known once the items are written. */
function encodeArray({ type, limits }: EncodedColumn, wire: Extract<Wire, { kind: 'array' }>, k: number): string[] {
  const item = type.kind === 'list' ? type.item : type
  return [
    `{ const start = w, first = o${k}[r], last = o${k}[r + 1]`,
    'w += 4',
    write32('last > first ? 1 : 0'),
    write32(`c${k}i.nulls > 0 ? 1 : 0`),
    write32(`${wire.itemOid}`),
    `if (last > first) { ${write32('last - first')}; ${write32('1')} }`,
    'for (let e = first; e < last; e++) {',
    `if (has${k}i && (valid${k}i[e >> 3] & (1 << (e & 7))) === 0) { ${write32('-1')} } else {`,
    ...encodeValue({ type: item, wire: wire.item, limits }, `${k}i`, 'e', k),
    '} }',
    'dv.setInt32(start, w - start - 4) }',
  ]
}
