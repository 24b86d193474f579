/**
 * The inverse of render-bytes.ts: values from text, exact and range-checked. See scan-number.ts for the convention.
 *
 * Texts that are not canonical are understood where they mean the same: `+1`, `1.50` for a decimal of scale 1, `1.5e3`, upper-case
 * uuids and uuids without hyphens, `T` between day and time, a zone where the type has one. That the bytes are UTF-8 is taken for
 * granted: whoever reads foreign bytes checks them in one go (`isUtf8` of node:buffer).
 */
import type { Column } from './column.ts'
import { hexDigit, isJson } from './json-text.ts'
import { renderBytes } from './render-bytes.ts'
import { renderAscii } from './render-number.ts'
import {
  isNaNText,
  number,
  parseNumber,
  scanDecimal,
  scanFloat32,
  scanFloat64,
  scanInt,
  scanInt64,
  scanUint64,
} from './scan-number.ts'
import { scanDate, scanDuration, scanTime, scanTimestamp } from './scan-time.ts'
import { parseInterval } from './text.ts'
import type { Type } from './types.ts'
import { writeValue } from './value.ts'

const HYPHEN = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const LOWER_E = 0x65
/** PostgreSQL's numeric has at most 131,072 digits before the point and 16,383 behind it; an exponent may not ask for more. */
const MAX_EXPANSION = 131_072

/** Reads one value; see scan-number.ts. Rows are scanned in order, as texts are appended. */
export type Scan = (bytes: Uint8Array, start: number, end: number, column: Column, row: number) => boolean

/** The scanner of a type's text; undefined for binary, which has no text, and for list. */
export function scanOf(type: Type): Scan | undefined {
  switch (type.kind) {
    case 'bool':
      return scanBool
    case 'int':
      return type.bits < 64 ? scanInt : type.signed ? scanInt64 : scanUint64
    case 'float':
      return type.bits === 32 ? scanFloat32 : scanFloat64
    case 'decimal':
      return scanDecimal
    case 'numeric':
      return scanNumeric
    case 'utf8':
      return scanUtf8
    case 'json':
      return (bytes, start, end, column, row) => isJson(bytes, start, end) && scanUtf8(bytes, start, end, column, row)
    case 'uuid':
      return scanUuid
    case 'date':
      return scanDate
    case 'time':
      return scanTime
    case 'duration':
      return scanDuration
    case 'timestamp':
      return scanTimestamp
    case 'interval':
      return scanInterval
    case 'binary':
    case 'list':
      return undefined
  }
}

const TRUE_WORDS = ['true', 't', '1', 'yes', 'y', 'on'] as const
const FALSE_WORDS = ['false', 'f', '0', 'no', 'n', 'off'] as const

/** `true`, `t`, `1`, `yes`, `y`, `on` and their opposites; case does not matter. What PostgreSQL takes. */
export function scanBool(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  if (!isOneOf(TRUE_WORDS, bytes, start, end)) return isOneOf(FALSE_WORDS, bytes, start, end)
  column.values[row >> 3]! |= 1 << (row & 7)
  return true
}

/** Copies the text. */
export function scanUtf8(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const from = column.offsets[row]!
  const to = from + end - start
  renderBytes(column.reserve(from, to), from, bytes, start, end)
  column.offsets[row + 1] = to
  return true
}

/** Decimal text of any length; its exponent is expanded, leading zeros are dropped, those behind the point stay. `NaN`, `Infinity`. */
export function scanNumeric(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const from = column.offsets[row]!
  if (!parseNumber(bytes, start, end)) {
    const special = specialNumeric(bytes, start, end)
    if (special === undefined) return false
    column.offsets[row + 1] = renderAscii(column.reserve(from, from + special.length), from, special)
    return true
  }
  let stop = start
  while (stop < end && (bytes[stop]! | 0x20) !== LOWER_E) stop++
  if (stop < end) {
    if (Math.abs(number.exponent) > MAX_EXPANSION) return false
    const out = column.reserve(from, from + number.digits + Math.abs(number.exponent) + 3)
    column.offsets[row + 1] = putExpanded(out, from, bytes)
    return true
  }
  const out = column.reserve(from, from + end - start + 2)
  column.offsets[row + 1] = putPlain(out, from, bytes, start, end)
  return true
}

/** `01234567-89ab-cdef-0123-456789abcdef`, or the 32 digits alone. */
export function scanUuid(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const { values } = column
  const hasHyphens = end - start === 36
  if (!hasHyphens && end - start !== 32) return false
  let at = start
  for (let i = 0; i < 16; i++) {
    if (hasHyphens && (i === 4 || i === 6 || i === 8 || i === 10) && bytes[at++] !== HYPHEN) return false
    const high = hexDigit(bytes[at]!)
    const low = hexDigit(bytes[at + 1]!)
    if (high < 0 || low < 0) return false
    values[row * 16 + i] = high * 16 + low
    at += 2
  }
  return true
}

/** ISO 8601, as `parseInterval` reads it. Slow: intervals are rare. */
function scanInterval(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  try {
    writeValue(column, row, parseInterval(Buffer.from(bytes.subarray(start, end)).toString('latin1')))
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function isOneOf(words: readonly string[], bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < words.length; i++) {
    if (isWord(words[i]!, bytes, start, end)) return true
  }
  return false
}

/** Whether the bytes are a word of lower-case letters or digits, in any case. */
function isWord(word: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== word.length) return false
  for (let i = 0; i < word.length; i++) {
    const letter = word.charCodeAt(i)
    const byte = bytes[start + i]!
    if (byte !== letter && (letter < 0x61 || byte !== letter - 0x20)) return false
  }
  return true
}

function specialNumeric(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (isNaNText(bytes, start, end)) return 'NaN'
  const isNegative = bytes[start] === HYPHEN
  const from = isNegative || bytes[start] === 0x2b ? start + 1 : start
  if (!isWord('infinity', bytes, from, end) && !isWord('inf', bytes, from, end)) return undefined
  return isNegative ? '-Infinity' : 'Infinity'
}

/** Writes a number without exponent: no plus, no leading zeros, a digit before the point, no point without digits behind it. */
function putPlain(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
  let at = bytes[start] === HYPHEN || bytes[start] === 0x2b ? start + 1 : start
  if (number.isNegative && number.digits > 0) out[pos++] = HYPHEN
  while (at < end && bytes[at] === ZERO) at++
  if (at === end || bytes[at] === POINT) out[pos++] = ZERO
  return renderBytes(out, pos, bytes, at, bytes[end - 1] === POINT ? end - 1 : end)
}

/** Writes what `parseNumber` has found, without an exponent. */
function putExpanded(out: Uint8Array, pos: number, bytes: Uint8Array): number {
  const { digits, exponent } = number
  if (digits === 0) {
    out[pos] = ZERO
    return pos + 1
  }
  if (number.isNegative) out[pos++] = HYPHEN
  const point = digits + exponent
  if (point <= 0) pos = renderAscii(out, pos, '0.')
  for (let zero = point; zero < 0; zero++) out[pos++] = ZERO
  let at = number.first
  for (let i = 0; i < digits; i++) {
    if (i > 0 && i === point) out[pos++] = POINT
    if (bytes[at] === POINT) at++
    out[pos++] = bytes[at++]!
  }
  for (let zero = 0; zero < exponent; zero++) out[pos++] = ZERO
  return pos
}
