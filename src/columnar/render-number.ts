/**
 * Numbers as ASCII. Each function writes at `out[pos]` and returns the position behind; the caller makes sure that there is room
 * (`maxTextBytes` of render-bytes.ts).
 */
import { INT64_MIN_HI } from './special.ts'
import { divide, isZero, loadInt128, loadInt64, loadUint64, POWERS_OF_TEN, type WordArray } from './wide.ts'

const TWO_32 = 2 ** 32
const GROUP = 1_000_000
const GROUP_DIGITS = 6
/** Words outside this range of the high one may exceed 2^53. */
const SAFE_HI = 2 ** 21
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30

/** The digits of a number in groups of six, lowest first: 39 digits need 7. */
const groups = new Int32Array(7)

export function renderAscii(out: Uint8Array, pos: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[pos + i] = text.charCodeAt(i)
  return pos + text.length
}

/** Any safe integer: int8 to int32, uint8 to uint32. */
export function renderInt(out: Uint8Array, pos: number, value: number): number {
  return value < 0 ? writeGroups(out, pos, splitSafe(-value), 0, true) : writeGroups(out, pos, splitSafe(value), 0, false)
}

export function renderInt64(out: Uint8Array, pos: number, lo: number, hi: number): number {
  return renderScaled64(out, pos, lo, hi, 0)
}

export function renderUint64(out: Uint8Array, pos: number, lo: number, hi: number): number {
  if (hi >= 0 && hi < SAFE_HI) return writeGroups(out, pos, splitSafe(hi * TWO_32 + (lo >>> 0)), 0, false)
  loadUint64(lo, hi)
  return writeGroups(out, pos, splitRegister(), 0, false)
}

/** A decimal of 64 bits with exactly `scale` digits behind the point, or `NaN`. */
export function renderDecimal64(out: Uint8Array, pos: number, lo: number, hi: number, scale: number): number {
  if (hi === INT64_MIN_HI && lo === 0) return renderAscii(out, pos, 'NaN')
  return renderScaled64(out, pos, lo, hi, scale)
}

/** A decimal of 128 bits, four words from `words[at]` on, with exactly `scale` digits behind the point, or `NaN`. */
export function renderDecimal128(out: Uint8Array, pos: number, words: WordArray, at: number, scale: number): number {
  if (isNaN128(words, at)) return renderAscii(out, pos, 'NaN')
  const isNegative = loadInt128(words, at)
  return writeGroups(out, pos, splitRegister(), scale, isNegative)
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
    if (shifted / 1e4 === size) return renderTrimmed(out, pos, shifted, value < 0)
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

/** `value` / 10^4 without zeros at the end. */
function renderTrimmed(out: Uint8Array, pos: number, value: number, isNegative: boolean): number {
  for (let scale = 4; scale > 0; scale--) {
    const tenth = Math.floor(value / 10)
    if (tenth * 10 !== value) return writeGroups(out, pos, splitSafe(value), scale, isNegative)
    value = tenth
  }
  return writeGroups(out, pos, splitSafe(value), 0, isNegative)
}

function renderScaled64(out: Uint8Array, pos: number, lo: number, hi: number, scale: number): number {
  if (hi < SAFE_HI && hi >= -SAFE_HI) {
    const value = hi * TWO_32 + (lo >>> 0)
    return writeGroups(out, pos, splitSafe(value < 0 ? -value : value), scale, value < 0)
  }
  const isNegative = loadInt64(lo, hi)
  return writeGroups(out, pos, splitRegister(), scale, isNegative)
}

/** Splits a non-negative safe integer; returns how many groups there are. */
function splitSafe(value: number): number {
  if (value < GROUP) {
    groups[0] = value
    return 1
  }
  const middle = Math.floor(value / GROUP)
  groups[0] = value - middle * GROUP
  if (middle < GROUP) {
    groups[1] = middle
    return 2
  }
  const high = Math.floor(middle / GROUP)
  groups[1] = middle - high * GROUP
  groups[2] = high
  return 3
}

function splitRegister(): number {
  let count = 0
  do groups[count++] = divide(GROUP)
  while (!isZero())
  return count
}

/** Writes the groups, with a point before the last `scale` digits and zeros where digits are missing for it. */
function writeGroups(out: Uint8Array, pos: number, count: number, scale: number, isNegative: boolean): number {
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

/** Decimal digits of a group, at least 1. */
function digitsOf(group: number): number {
  let digits = 1
  while (digits < GROUP_DIGITS && group >= POWERS_OF_TEN[digits]!) digits++
  return digits
}
