/**
 * Numbers from ASCII. Each scanner reads exactly `bytes[start, end)`, writes row `row` of the column and returns true, or returns
 * false when the text is no value of the column's type; then the row's content means nothing. Nothing is rounded, except that a
 * float takes the nearest number, as every reader of floats does.
 */
import type { Column } from './column.ts'
import { DECIMAL64_DIGITS } from './types.ts'
import { loadSafe, multiplyAdd, POWERS_OF_TEN, scaleUp, storeInt128, storeInt64, storeUint64, type WordArray } from './wide.ts'

const TWO_32 = 2 ** 32
const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const LOWER_E = 0x65
/** Decimal digits that a double holds whatever they are. */
const SAFE_DIGITS = 15
/** Digits of the largest integer of 64 bits. */
const INT64_DIGITS = 20
/** Largest exponent of a power of ten that is a double; up to it, one multiplication rounds correctly (Clinger 1990). */
const EXACT_POWER = 22

const latin1 = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')

/** int8 to int32 and uint8 to uint32: digits with or without a sign. */
export function scanInt(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const value = safeInt(bytes, start, end)
  const { values } = column
  values[row] = value
  return values[row] === value
}

export function scanInt64(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const value = safeInt(bytes, start, end)
  if (!Number.isNaN(value)) return putSafe(column.values, row * 2, value)
  return loadDigits(bytes, start, end) && storeInt64(column.values, row * 2, bytes[start] === MINUS)
}

export function scanUint64(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const value = safeInt(bytes, start, end)
  if (value >= 0) return putSafe(column.values, row * 2, value)
  return Number.isNaN(value) && bytes[start] !== MINUS && loadDigits(bytes, start, end) && storeUint64(column.values, row * 2)
}

/** `-12.50`, `1.5e3`, `NaN`. More digits than the type has are fitting only when they are zeros. */
export function scanDecimal(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const { type, values } = column
  if (type.kind !== 'decimal') return false
  const isWide = type.precision > DECIMAL64_DIGITS
  const simple = parseSimple(bytes, start, end)
  const missing = type.scale - fractionDigits
  if (missing >= 0 && missing <= SAFE_DIGITS) {
    const scaled = simple * POWERS_OF_TEN[missing]!
    const limit = POWERS_OF_TEN[type.precision < SAFE_DIGITS ? type.precision : SAFE_DIGITS]!
    if (scaled < limit && scaled > -limit) return isWide ? putSafe128(values, row * 4, scaled) : putSafe(values, row * 2, scaled)
  }
  if (!parseNumber(bytes, start, end)) return isNaNText(bytes, start, end) && putNaN(values, row, isWide)
  const zeros = number.digits === 0 ? 0 : number.exponent + type.scale
  if (zeros < 0 || number.digits + zeros > type.precision) return false
  if (number.digits + zeros <= SAFE_DIGITS) {
    const value = mantissa[0]! * (number.isNegative ? -POWERS_OF_TEN[zeros]! : POWERS_OF_TEN[zeros]!)
    return isWide ? putSafe128(values, row * 4, value) : putSafe(values, row * 2, value)
  }
  loadNumber(bytes)
  scaleUp(zeros)
  if (!isWide) return storeInt64(values, row * 2, number.isNegative)
  storeInt128(values, row * 4, number.isNegative)
  return true
}

/** Decimal text with or without exponent, `NaN`, `Infinity`, `inf`; case does not matter. The nearest float; refused when only infinity or 0 is near. */
export function scanFloat64(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const simple = parseSimple(bytes, start, end)
  if (!Number.isNaN(simple) && simple !== 0) {
    column.values[row] = simple / POWERS_OF_TEN[fractionDigits]!
    return true
  }
  if (!parseNumber(bytes, start, end)) return scanSpecialFloat(bytes, start, end, column, row)
  const value = nearestDouble(bytes, start, end)
  column.values[row] = value
  return Number.isFinite(value) && (value !== 0 || number.digits === 0)
}

/** As {@link scanFloat64}; rounds once, not by way of 64 bits. */
export function scanFloat32(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  if (!parseNumber(bytes, start, end)) return scanSpecialFloat(bytes, start, end, column, row)
  const double = nearestDouble(bytes, start, end)
  const value = isBetweenFloats(double) ? roundOnce(double, latin1(bytes, start, end)) : Math.fround(double)
  column.values[row] = value
  return Number.isFinite(value) && (value !== 0 || number.digits === 0)
}

/** Digits behind the point of what {@link parseSimple} has read. */
let fractionDigits = 0

/** The digits of `[+-]digits[.digits]` as an integer, when there are at most 15. NaN: the text is longer, or something else. */
function parseSimple(bytes: Uint8Array, start: number, end: number): number {
  const sign = bytes[start]
  const first = sign === MINUS || sign === PLUS ? start + 1 : start
  let value = 0
  let point = end
  fractionDigits = 0
  if (end - first > SAFE_DIGITS + 1 || end <= first) return NaN
  for (let at = first; at < end; at++) {
    const digit = bytes[at]! - ZERO
    if (digit >>> 0 <= 9) value = value * 10 + digit
    else if (digit === POINT - ZERO && point === end && end - first > 1) point = at
    else return NaN
  }
  if (point === end && end - first > SAFE_DIGITS) return NaN
  fractionDigits = point === end ? 0 : end - 1 - point
  return sign === MINUS ? -value : value
}

/** What {@link parseNumber} found: mantissa * 10^exponent; the mantissa ends in no zero. Without digits the number is 0. */
export const number = { isNegative: false, digits: 0, exponent: 0, first: 0 }
/** The mantissa, when it has at most 15 digits. Apart, as a typed array stores a double without an allocation. */
export const mantissa = new Float64Array(1)

/** Reads `[+-]digits[.digits][e[+-]digits]` into {@link number}. False: it is something else. */
export function parseNumber(bytes: Uint8Array, start: number, end: number): boolean {
  const sign = bytes[start]
  let at = sign === MINUS || sign === PLUS ? start + 1 : start
  if (at >= end) return false
  let value = 0
  let seen = 0
  let first = 0
  let last = 0
  let point = -1
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO
    if (digit >>> 0 > 9) {
      if (digit !== POINT - ZERO || point >= 0) break
      point = seen
      continue
    }
    seen++
    if (digit === 0) continue
    if (first === 0) {
      first = seen
      last = seen - 1
      number.first = at
    }
    if (seen - first < SAFE_DIGITS) value = value * POWERS_OF_TEN[seen - last]! + digit
    last = seen
  }
  if (seen === 0) return false
  number.isNegative = sign === MINUS
  number.digits = first === 0 ? 0 : last - first + 1
  number.exponent = (point < 0 ? seen : point) - last
  mantissa[0] = value
  return at === end || parseExponent(bytes, at, end)
}

/** The mantissa of {@link number}, whose digits begin at `number.first`, into the register of wide.ts. At most 38 digits. */
export function loadNumber(bytes: Uint8Array): void {
  let at = number.first
  let left = number.digits
  loadSafe(0)
  while (left > 0) {
    let chunk = 0
    let factor = 1
    for (; factor < 1_000_000 && left > 0; at++) {
      if (bytes[at] === POINT) continue
      chunk = chunk * 10 + bytes[at]! - ZERO
      factor *= 10
      left--
    }
    multiplyAdd(factor, chunk)
  }
}

/** Writes a safe integer as two words. */
export function putSafe(words: WordArray, at: number, value: number): true {
  words[at] = value | 0
  words[at + 1] = Math.floor(value / TWO_32)
  return true
}

/** Writes a safe integer as four words. */
export function putSafe128(words: WordArray, at: number, value: number): true {
  putSafe(words, at, value)
  words[at + 2] = words[at + 3] = value < 0 ? -1 : 0
  return true
}

/** Writes the NaN of special.ts. */
export function putNaN(words: WordArray, row: number, isWide: boolean): true {
  const at = isWide ? row * 4 : row * 2
  words[at] = words[at + 1] = 0
  if (isWide) words[at + 2] = words[at + 3] = 0
  words[isWide ? at + 3 : at + 1] = -0x8000_0000
  return true
}

export function isNaNText(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && latin1(bytes, start, end).toLowerCase() === 'nan'
}

/** The double nearest to {@link number}, which stands at `bytes[start, end)`. */
function nearestDouble(bytes: Uint8Array, start: number, end: number): number {
  const { digits, exponent } = number
  if (digits > SAFE_DIGITS || exponent > EXACT_POWER || exponent < -EXACT_POWER) return Number(latin1(bytes, start, end))
  const value = number.isNegative ? -mantissa[0]! : mantissa[0]!
  return exponent < 0 ? value / POWERS_OF_TEN[-exponent]! : value * POWERS_OF_TEN[exponent]!
}

/** Digits with or without a sign, at most 15 of them; NaN for more of them and for anything else. */
function safeInt(bytes: Uint8Array, start: number, end: number): number {
  const sign = bytes[start]
  let at = sign === MINUS || sign === PLUS ? start + 1 : start
  if (at >= end || end - at > SAFE_DIGITS) return NaN
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO
    if (digit >>> 0 > 9) return NaN
    value = value * 10 + digit
  }
  return sign === MINUS ? 0 - value : value
}

/** Loads digits with or without a sign into the register. False: there are other bytes, or the number has more than 20 digits. */
function loadDigits(bytes: Uint8Array, start: number, end: number): boolean {
  let first = bytes[start] === MINUS || bytes[start] === PLUS ? start + 1 : start
  if (first >= end) return false
  for (let at = first; at < end; at++) {
    if ((bytes[at]! - ZERO) >>> 0 > 9) return false
  }
  while (bytes[first] === ZERO && first < end - 1) first++
  number.first = first
  number.digits = end - first
  if (number.digits > INT64_DIGITS) return false
  loadNumber(bytes)
  return true
}

/** Adds what follows `e` to the exponent. A number so large that it could only be absurd is refused. */
function parseExponent(bytes: Uint8Array, at: number, end: number): boolean {
  if ((bytes[at]! | 0x20) !== LOWER_E) return false
  const exponent = end - at > 8 ? NaN : safeInt(bytes, at + 1, end)
  number.exponent += exponent | 0
  return !Number.isNaN(exponent)
}

function scanSpecialFloat(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  if (end - start < 3 || end - start > 9) return false
  const match = /^(?:nan|([+-]?)inf(?:inity)?)$/i.exec(latin1(bytes, start, end))
  if (!match) return false
  column.values[row] = match[1] === undefined ? NaN : match[1] === '-' ? -Infinity : Infinity
  return true
}

/** Whether a double lies exactly in the middle of two neighbouring floats of 32 bits, where it alone cannot tell how to round. */
function isBetweenFloats(double: number): boolean {
  const near = Math.fround(double)
  if (near === double || !Number.isFinite(near)) return false
  const other = 2 * double - near
  return Math.fround(other) === other
}

/** Rounds a number to 32 bits whose nearest double is in the middle of two floats, by the exact text. */
function roundOnce(double: number, text: string): number {
  const near = Math.fround(double)
  const other = 2 * double - near
  const side = compareExactly(text, double)
  if (side === 0) return near
  return side > 0 === other > near ? other : near
}

/** Sign of text - double, in rational arithmetic. */
function compareExactly(text: string, double: number): number {
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^([+-]?)(\d*)\.?(\d*)(?:e(.*))?$/i.exec(text) ?? []
  const exponent = Number(power) - fraction.length
  const [up, down] = exponent < 0 ? [1n, 10n ** BigInt(-exponent)] : [10n ** BigInt(exponent), 1n]
  // Every float of 32 bits, and the middle of two, is a multiple of 2^-150.
  const left = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`) * up * 2n ** 150n
  const right = BigInt(double * 2 ** 75 * 2 ** 75) * down
  return left < right ? -1 : left > right ? 1 : 0
}
