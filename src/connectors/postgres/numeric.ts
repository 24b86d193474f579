/**
 * PostgreSQL's numeric on the wire.
 *
 * src/backend/utils/adt/numeric.c, numeric_send:
 *
 *   Int16 digits  Int16 weight  Int16 sign  Int16 scale  { Int16 digit }*
 *
 * A digit counts to 10,000; the first one stands for 10,000^weight. Zero digits at both ends are left out. `scale` is the number of
 * decimal digits to show behind the point.
 */
import { special, type Column } from '#columnar'

type Words = Column['values']

const POSITIVE = 0x0000
const NEGATIVE = 0x4000
const NAN = 0xc000
const INFINITY = 0xd000
const MINUS_INFINITY = 0xf000

const TWO_32 = 2 ** 32
const POWERS = [1, 10, 100, 1000, 10_000]
/** Decimal digits that a double holds exactly. */
const SAFE_DIGITS = 15

/** A value of four 32-bit words, lowest first, that is not negative. */
let w0 = 0
let w1 = 0
let w2 = 0
let w3 = 0

/** `words = words * factor + digit`, factor at most 10,000: every product stays below 2^53. */
function multiplyAdd(factor: number, digit: number): void {
  let t = w0 * factor + digit
  w0 = t >>> 0
  t = w1 * factor + (t - w0) / TWO_32
  w1 = t >>> 0
  t = w2 * factor + (t - w1) / TWO_32
  w2 = t >>> 0
  t = w3 * factor + (t - w2) / TWO_32
  w3 = t >>> 0
}

/** Writes the unscaled integer to `v[i]`, `v[i + 1]`; false when the bytes are no numeric of that precision and scale. */
export function decodeDecimal64(
  b: DataView,
  q: number,
  len: number,
  v: Words,
  i: number,
  precision: number,
  scale: number,
): boolean {
  if (len < 8) return false
  const count = b.getUint16(q)
  const sign = b.getUint16(q + 4)
  if (len !== 8 + 2 * count) return false
  if (sign === NAN) {
    v[i] = special.INT64_MIN_LO
    v[i + 1] = special.INT64_MIN_HI
    return true
  }
  if (precision > SAFE_DIGITS) {
    if (!unscaledWords(b, q, count, scale) || w3 !== 0 || w2 !== 0 || w1 >= 0x8000_0000) return false
    v[i] = w0
    v[i + 1] = w1
  } else {
    const unscaled = unscaledDouble(b, q, count, scale)
    if (!(unscaled <= Number.MAX_SAFE_INTEGER)) return false
    v[i] = unscaled
    v[i + 1] = unscaled / TWO_32
  }
  if (sign === NEGATIVE) {
    const lo = v[i]
    v[i] = -lo
    v[i + 1] = lo === 0 ? -v[i + 1]! : ~v[i + 1]!
    return true
  }
  return sign === POSITIVE
}

/** Writes the unscaled integer to four words from `v[i]` on; false when the bytes are no numeric of that precision and scale. */
export function decodeDecimal128(
  b: DataView,
  q: number,
  len: number,
  v: Words,
  i: number,
  _precision: number,
  scale: number,
): boolean {
  if (len < 8) return false
  const count = b.getUint16(q)
  const sign = b.getUint16(q + 4)
  if (len !== 8 + 2 * count) return false
  if (sign === NAN) {
    v[i] = v[i + 1] = v[i + 2] = 0
    v[i + 3] = -0x8000_0000
    return true
  }
  if (!unscaledWords(b, q, count, scale) || w3 >= 0x8000_0000) return false
  if (sign === NEGATIVE) negate()
  v[i] = w0
  v[i + 1] = w1
  v[i + 2] = w2
  v[i + 3] = w3
  return sign === POSITIVE || sign === NEGATIVE
}

function negate(): void {
  w0 = -w0 >>> 0
  w1 = (w0 === 0 ? -w1 : ~w1) >>> 0
  w2 = (w0 === 0 && w1 === 0 ? -w2 : ~w2) >>> 0
  w3 = (w0 === 0 && w1 === 0 && w2 === 0 ? -w3 : ~w3) >>> 0
}

/** The integer value * 10^scale. Digits behind the scale, which a server does not send for such a column, give NaN. */
function unscaledDouble(b: DataView, q: number, count: number, scale: number): number {
  const weight = b.getInt16(q + 2)
  const groups = scale >> 2 // whole digits behind the point
  const rest = scale & 3
  let value = 0
  let exponent = weight
  let at = q + 8
  const end = at + 2 * count
  for (; at < end && exponent >= -groups; at += 2, exponent--) value = value * 10_000 + b.getUint16(at)
  if (at === end) {
    // Digits that were left out are zeros.
    if (count === 0) return 0
    for (; exponent >= -groups; exponent--) value *= 10_000
    return value * POWERS[rest]!
  }
  if (exponent < -groups - 1) return NaN
  const cut = POWERS[4 - rest]!
  const digit = b.getUint16(at)
  return at + 2 === end && digit % cut === 0 ? value * POWERS[rest]! + digit / cut : NaN
}

/** The same in four words. */
function unscaledWords(b: DataView, q: number, count: number, scale: number): boolean {
  w0 = w1 = w2 = w3 = 0
  if (count === 0) return true
  const groups = scale >> 2
  const rest = scale & 3
  let exponent = b.getInt16(q + 2)
  // 10 digits before the point are 40 decimal digits; more cannot be in a decimal of 38.
  if (exponent > 9) return false
  let at = q + 8
  const end = at + 2 * count
  for (; at < end && exponent >= -groups; at += 2, exponent--) multiplyAdd(10_000, b.getUint16(at))
  if (at === end) {
    for (; exponent >= -groups; exponent--) multiplyAdd(10_000, 0)
    multiplyAdd(POWERS[rest]!, 0)
    return true
  }
  const cut = POWERS[4 - rest]!
  const digit = b.getUint16(at)
  if (exponent < -groups - 1 || at + 2 !== end || digit % cut !== 0) return false
  multiplyAdd(POWERS[rest]!, digit / cut)
  return true
}

/** Most bytes of the text of a numeric at `q`; of an array of them, of all its items. */
export function numericTextBytes(b: DataView, q: number, len: number, isArray: boolean): number {
  if (isArray) return arrayTextBytes(b, q, len)
  if (len < 8) return 0
  // Sign, point, and `-Infinity` for those without digits.
  return Math.max(b.getInt16(q + 2) + 1, 1) * 4 + b.getUint16(q + 6) + 9
}

function arrayTextBytes(b: DataView, q: number, len: number): number {
  let bytes = 0
  for (let at = q + 20; at + 4 <= q + len;) {
    const item = b.getInt32(at)
    at += 4
    if (item <= 0) continue
    bytes += numericTextBytes(b, at, Math.min(item, q + len - at), false)
    at += item
  }
  return bytes
}

const ASCII = (text: string) => Uint8Array.from(text, character => character.charCodeAt(0))
const NAN_TEXT = ASCII('NaN')
const INFINITY_TEXT = ASCII('Infinity')
const MINUS_INFINITY_TEXT = ASCII('-Infinity')

/** Writes what `::text` shows to `d[e]`; returns where it ends, or -1 when the bytes are no numeric. There must be room. */
export function decodeNumericText(b: DataView, q: number, len: number, d: Uint8Array, e: number): number {
  if (len < 8) return -1
  const count = b.getUint16(q)
  const sign = b.getUint16(q + 4)
  const scale = b.getUint16(q + 6)
  if (len !== 8 + 2 * count) return -1
  if (sign !== POSITIVE && sign !== NEGATIVE) return specialText(sign, d, e)
  const weight = b.getInt16(q + 2)
  if (sign === NEGATIVE) d[e++] = 0x2d
  e = writeShort(d, e, weight < 0 ? 0 : digitAt(b, q, count, 0))
  for (let exponent = weight - 1; exponent >= 0; exponent--) e = writeFull(d, e, digitAt(b, q, count, weight - exponent))
  if (scale === 0) return e
  d[e++] = 0x2e
  const end = e + scale
  // A full digit may go over the end of the scale; there is room, and what is over is cut.
  for (let exponent = -1; e < end; exponent--) e = writeFull(d, e, digitAt(b, q, count, weight - exponent))
  return end
}

const digitAt = (b: DataView, q: number, count: number, index: number) =>
  index < 0 || index >= count ? 0 : b.getUint16(q + 8 + 2 * index)

function specialText(sign: number, d: Uint8Array, e: number): number {
  const text =
    sign === NAN ? NAN_TEXT : sign === INFINITY ? INFINITY_TEXT : sign === MINUS_INFINITY ? MINUS_INFINITY_TEXT : undefined
  if (text === undefined) return -1
  d.set(text, e)
  return e + text.length
}

function writeFull(d: Uint8Array, e: number, digit: number): number {
  d[e] = 48 + Math.floor(digit / 1000)
  d[e + 1] = 48 + (Math.floor(digit / 100) % 10)
  d[e + 2] = 48 + (Math.floor(digit / 10) % 10)
  d[e + 3] = 48 + (digit % 10)
  return e + 4
}

/** Without leading zeros. */
function writeShort(d: Uint8Array, e: number, digit: number): number {
  for (let power = digit >= 1000 ? 1000 : digit >= 100 ? 100 : digit >= 10 ? 10 : 1; power >= 1; power /= 10) {
    d[e++] = 48 + (Math.floor(digit / power) % 10)
  }
  return e
}
