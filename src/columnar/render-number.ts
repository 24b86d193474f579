/**
 * Numbers as ASCII. Each function writes at `out[pos]` and returns the position behind; the caller makes sure that there is room
 * (`maxTextBytes` of render-bytes.ts).
 */
import { INT64_MIN_HI } from './special.ts'
import { divide, isZero, loadInt128, loadInt64, loadUint64, POWERS_OF_TEN, safeOf, type WordArray } from './wide.ts'

const GROUP = 1_000_000
const GROUP_DIGITS = 6
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
/** Largest scale whose fraction is a safe integer with any whole part that is one too. */
const SAFE_SCALE = 15

/** The digits of a number in groups of six, lowest first: 39 digits need 7. */
const groups = new Int32Array(7)

export function renderAscii(out: Uint8Array, pos: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[pos + i] = text.charCodeAt(i)
  return pos + text.length
}

/** Any safe integer. */
export function renderInt(out: Uint8Array, pos: number, value: number): number {
  if (value >= 0) return putSafe(out, pos, value)
  out[pos] = MINUS
  return putSafe(out, pos + 1, -value)
}

export function renderInt64(out: Uint8Array, pos: number, lo: number, hi: number): number {
  const value = safeOf(lo, hi)
  if (!Number.isNaN(value)) return renderInt(out, pos, value)
  const isNegative = loadInt64(lo, hi)
  return putRegister(out, pos, 0, isNegative)
}

export function renderUint64(out: Uint8Array, pos: number, lo: number, hi: number): number {
  const value = safeOf(lo, hi)
  if (value >= 0) return putSafe(out, pos, value)
  loadUint64(lo, hi)
  return putRegister(out, pos, 0, false)
}

/** A decimal of 64 bits with exactly `scale` digits behind the point, or `NaN`. */
export function renderDecimal64(out: Uint8Array, pos: number, lo: number, hi: number, scale: number): number {
  const value = safeOf(lo, hi)
  if (!Number.isNaN(value) && scale <= SAFE_SCALE) return putScaled(out, pos, value, scale)
  if (hi === INT64_MIN_HI && lo === 0) return renderAscii(out, pos, 'NaN')
  const isNegative = loadInt64(lo, hi)
  return putRegister(out, pos, scale, isNegative)
}

/** A decimal of 128 bits, four words from `words[at]` on, with exactly `scale` digits behind the point, or `NaN`. */
export function renderDecimal128(out: Uint8Array, pos: number, words: WordArray, at: number, scale: number): number {
  const sign = words[at + 1]! >> 31
  if (words[at + 2] === sign && words[at + 3] === sign) {
    const value = safeOf(words[at]!, words[at + 1]!)
    if (!Number.isNaN(value) && scale <= SAFE_SCALE) return putScaled(out, pos, value, scale)
  }
  if (isNaN128(words, at)) return renderAscii(out, pos, 'NaN')
  const isNegative = loadInt128(words, at)
  return putRegister(out, pos, scale, isNegative)
}

/** The sentinel of special.ts. */
export function isNaN128(words: WordArray, at: number): boolean {
  return words[at + 3] === INT64_MIN_HI && words[at + 2] === 0 && words[at + 1] === 0 && words[at] === 0
}

/**
 * The shortest text that reads back as the same number, as ECMAScript writes it: `0.1`, `1e+21`, `1e-7`; with a sign for `-0`;
 * `NaN`, `Infinity`, `-Infinity`.
 */
export function renderFloat64(out: Uint8Array, pos: number, value: number): number {
  const size = Math.abs(value)
  // An integer, or a number with up to four digits behind the point: 15 digits name a double, so the text that reads back is the one.
  if (size < 1e11 && size >= 1e-4) {
    const shifted = Math.round(size * 1e4)
    if (shifted / 1e4 === size) {
      if (value < 0) out[pos++] = MINUS
      const whole = Math.floor(size)
      return putTrimmed(out, putSafe(out, pos, whole), shifted - whole * 1e4)
    }
  }
  return renderAscii(out, pos, Object.is(value, -0) ? '-0' : String(value))
}

/** As {@link renderFloat64}, for a number of 32 bits: `0.1`, not `0.10000000149011612`. */
export function renderFloat32(out: Uint8Array, pos: number, value: number): number {
  return renderFloat64(out, pos, shortestFloat32(value))
}

/** The double whose shortest text is the shortest text of a float of 32 bits. */
export function shortestFloat32(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) <= 2 ** 24) return value
  const short = Math.abs(value) < 100 ? Math.round(value * 1e4) / 1e4 : value
  if (Math.fround(short) === value && short !== value) return short
  // Six digits survive in every normal float and nine tell all of them apart; a subnormal one may need fewer.
  for (let digits = Math.abs(value) < 1.2e-38 ? 1 : 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : value
}

/** A safe integer with a point before its last `scale` digits. */
function putScaled(out: Uint8Array, pos: number, value: number, scale: number): number {
  if (scale === 0) return renderInt(out, pos, value)
  let size = value
  if (value < 0) {
    out[pos++] = MINUS
    size = -value
  }
  const power = POWERS_OF_TEN[scale]!
  const whole = Math.floor(size / power)
  pos = putSafe(out, pos, whole)
  out[pos] = POINT
  const fraction = size - whole * power
  if (scale <= 8) return putDigits(out, pos + 1, fraction, scale)
  const high = Math.floor(fraction / 1e8)
  return putDigits(out, putDigits(out, pos + 1, high, scale - 8), fraction - high * 1e8, 8)
}

/** A point and four digits without zeros at the end; nothing for 0. */
function putTrimmed(out: Uint8Array, pos: number, fraction: number): number {
  if (fraction === 0) return pos
  let scale = 4
  let digits = fraction | 0
  for (; digits % 10 === 0; scale--) digits = (digits / 10) | 0
  out[pos] = POINT
  return putDigits(out, pos + 1, digits, scale)
}

/** A non-negative safe integer. */
function putSafe(out: Uint8Array, pos: number, value: number): number {
  if (value < 1e8) return putDigits(out, pos, value, digitsOf(value))
  const high = Math.floor(value / 1e8)
  const low = value - high * 1e8
  if (high < 1e8) return putDigits(out, putDigits(out, pos, high, digitsOf(high)), low, 8)
  const top = Math.floor(high / 1e8)
  return putDigits(out, putDigits(out, putDigits(out, pos, top, 1), high - top * 1e8, 8), low, 8)
}

/** A number below 10^8 with exactly so many digits, zeros before it. */
function putDigits(out: Uint8Array, pos: number, value: number, digits: number): number {
  let left = value | 0
  let at = pos + digits
  for (; at > pos + 1; at -= 2) {
    const rest = (left / 100) | 0
    const pair = left - rest * 100
    const tens = (pair * 103) >> 10
    out[at - 1] = ZERO + pair - tens * 10
    out[at - 2] = ZERO + tens
    left = rest
  }
  if (at > pos) out[pos] = ZERO + left
  return pos + digits
}

/** Decimal digits of a number below 10^8, at least 1. */
function digitsOf(value: number): number {
  if (value < 1e4) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4
  return value < 1e6 ? (value < 1e5 ? 5 : 6) : value < 1e7 ? 7 : 8
}

/** The register of wide.ts with a point before its last `scale` digits. */
function putRegister(out: Uint8Array, pos: number, scale: number, isNegative: boolean): number {
  let count = 0
  do groups[count++] = divide(GROUP)
  while (!isZero())
  const digits = (count - 1) * GROUP_DIGITS + digitsOf(groups[count - 1]!)
  const total = digits > scale ? digits : scale + 1
  if (isNegative) out[pos++] = MINUS
  const end = pos + total + (scale > 0 ? 1 : 0)
  let at = end
  let group = 0
  for (let i = 0; i < total; i++) {
    if (i % GROUP_DIGITS === 0) group = i < digits ? groups[(i / GROUP_DIGITS) | 0]! : 0
    if (i === scale && i > 0) out[--at] = POINT
    const rest = (group / 10) | 0
    out[--at] = ZERO + group - rest * 10
    group = rest
  }
  return end
}
