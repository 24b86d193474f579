/**
 * The logical types, and how each one lies in memory.
 *
 * Layouts are Arrow's (https://arrow.apache.org/docs/format/Columnar.html), little-endian, with these notes:
 * - 64-bit and wider values are addressed as pairs or quadruples of 32-bit words, lowest first: JavaScript has no
 *   64-bit integer that costs nothing.
 * - `decimal` is the unscaled integer, in 64 bits up to 18 digits and in 128 bits up to 38 (Arrow Decimal64, Decimal128).
 * - `interval` is months (int32), days (int32), microseconds (int64); Arrow's MonthDayNano counts nanoseconds.
 * - Systems have values that Arrow has no bits for (infinite dates, numeric NaN). They travel as the sentinels of
 *   `special.ts`; whoever cannot store one refuses it.
 */

export type Type =
  | { readonly kind: 'bool' }
  | { readonly kind: 'int'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** Unscaled integer with `precision` digits, at most 38, `scale` of them (0 to precision) behind the point. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** A decimal of any size as ASCII text: `-12.50`, `NaN`, `Infinity`, `-Infinity`. No exponent, no leading plus. */
  | { readonly kind: 'numeric' }
  /** Well-formed UTF-8. */
  | { readonly kind: 'utf8' }
  /** JSON text, UTF-8. */
  | { readonly kind: 'json' }
  | { readonly kind: 'binary' }
  /** 16 bytes in the order in which they are written. */
  | { readonly kind: 'uuid' }
  /** Days since 1970-01-01, proleptic Gregorian. */
  | { readonly kind: 'date' }
  /** Time of day in microseconds, 0 to 86,400,000,000 (24:00 exists in PostgreSQL). */
  | { readonly kind: 'time' }
  /** Signed elapsed time in microseconds (MySQL's TIME). */
  | { readonly kind: 'duration' }
  /** Microseconds since 1970-01-01 00:00. With `zone`: an instant. Without: what a clock on a wall shows. */
  | { readonly kind: 'timestamp'; readonly zone: boolean }
  | { readonly kind: 'interval' }
  | { readonly kind: 'list'; readonly item: Type }

/** How the values of a column lie in memory; see {@link layoutOf}. */
export type Layout =
  | { readonly kind: 'bits' }
  /** `bytes` per value; `words` says which typed array addresses them. */
  | { readonly kind: 'fixed'; readonly bytes: number; readonly words: Words }
  /** Offsets (int32, rows + 1 of them) into one run of bytes. */
  | { readonly kind: 'bytes' }
  /** Offsets (int32, rows + 1 of them) into the column of the items. */
  | { readonly kind: 'list' }

export type Words = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64'

/** Largest precision that is stored in 64 bits. */
export const DECIMAL64_DIGITS = 18
/** Largest precision of `decimal`; more digits need `numeric`. */
export const DECIMAL128_DIGITS = 38

const fixed = (bytes: number, words: Words): Layout => ({ kind: 'fixed', bytes, words })
const WORD_PAIR = fixed(8, 'i32')
const BITS: Layout = { kind: 'bits' }
const BYTES: Layout = { kind: 'bytes' }
const LIST: Layout = { kind: 'list' }

export function layoutOf(type: Type): Layout {
  switch (type.kind) {
    case 'bool':
      return BITS
    case 'int':
      return type.bits === 64 ? WORD_PAIR : fixed(type.bits / 8, `${type.signed ? 'i' : 'u'}${type.bits}`)
    case 'float':
      return fixed(type.bits / 8, `f${type.bits}`)
    case 'decimal':
      return type.precision <= DECIMAL64_DIGITS ? WORD_PAIR : fixed(16, 'i32')
    case 'date':
      return fixed(4, 'i32')
    case 'time':
    case 'duration':
    case 'timestamp':
      return WORD_PAIR
    case 'interval':
      return fixed(16, 'i32')
    case 'uuid':
      return fixed(16, 'u8')
    case 'numeric':
    case 'utf8':
    case 'json':
    case 'binary':
      return BYTES
    case 'list':
      return LIST
  }
}

/** The type as users write and read it: `int64`, `uint8`, `decimal(12,2)`, `timestamptz`, `list<utf8>`. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? '' : 'u'}int${type.bits}`
    case 'float':
      return `float${type.bits}`
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'timestamp':
      return type.zone ? 'timestamptz' : 'timestamp'
    case 'list':
      return `list<${typeName(type.item)}>`
    default:
      return type.kind
  }
}

/** The inverse of {@link typeName}; undefined when the text names no type. */
export function parseTypeName(text: string): Type | undefined {
  const simple = SIMPLE.get(text)
  if (simple) return simple
  const [, precision, scale] = /^decimal\((\d+),\s*(\d+)\)$/.exec(text) ?? []
  if (precision !== undefined && scale !== undefined) return decimalType(Number(precision), Number(scale))
  const [, item] = /^list<(.+)>$/.exec(text) ?? []
  const itemType = item === undefined ? undefined : parseTypeName(item)
  return itemType && { kind: 'list', item: itemType }
}

/** The exact carrier of a decimal column: 64 or 128 bits, else text. */
export function decimalType(precision: number, scale: number): Type {
  return precision >= 1 && precision <= DECIMAL128_DIGITS && scale >= 0 && scale <= precision
    ? { kind: 'decimal', precision, scale }
    : { kind: 'numeric' }
}

export const int = (bits: 8 | 16 | 32 | 64, signed = true): Type => ({ kind: 'int', bits, signed })
export const float = (bits: 32 | 64): Type => ({ kind: 'float', bits })
export const timestamp = (zone: boolean): Type => ({ kind: 'timestamp', zone })
export const list = (item: Type): Type => ({ kind: 'list', item })
export const bool: Type = { kind: 'bool' }
export const utf8: Type = { kind: 'utf8' }
export const json: Type = { kind: 'json' }
export const binary: Type = { kind: 'binary' }
export const numeric: Type = { kind: 'numeric' }
export const uuid: Type = { kind: 'uuid' }
export const date: Type = { kind: 'date' }
export const time: Type = { kind: 'time' }
export const duration: Type = { kind: 'duration' }
export const interval: Type = { kind: 'interval' }

const widths = [8, 16, 32, 64] as const
const SIMPLE = new Map<string, Type>(
  [
    ...widths.flatMap(bits => [int(bits), int(bits, false)]),
    ...[float(32), float(64), timestamp(false), timestamp(true)],
    ...[bool, utf8, json, binary, numeric, uuid, date, time, duration, interval],
  ].map(type => [typeName(type), type]),
)

export const sameType = (a: Type, b: Type): boolean => typeName(a) === typeName(b)
