/**
 * The text of the values that files are mostly made of, two digits at a time. What is rare (years outside 1 to 9999, numbers beyond
 * 2^53, infinities, NaN) is left to the renderers of #columnar, whose text is the same.
 */
import { renderDate, renderDecimal64, renderInt64, renderTimestamp } from '#columnar'

const TWO_32 = 4_294_967_296
/** High words within this distance of 0 belong to integers that a double holds. */
const SAFE_HI = 2 ** 21
const MICROS = 1_000_000
const SECONDS_PER_DAY = 86_400
/** 0001-01-01 and 9999-12-31. */
const FIRST_DAY = -719_162
const LAST_DAY = 2_932_896
const MINUS = 0x2d
const ZERO = 0x30

/** The digits of 0 to 99. */
const TENS = Uint8Array.from({ length: 100 }, (_, value) => ZERO + Math.floor(value / 10))
const ONES = Uint8Array.from({ length: 100 }, (_, value) => ZERO + (value % 10))

/** An integer of 32 bits, signed. */
export function putInt32(out: Uint8Array, pos: number, value: number): number {
  if (value >= 0) return putDigits(out, pos, value)
  out[pos] = MINUS
  return value === -2_147_483_648 ? putSafe(out, pos + 1, -value) : putDigits(out, pos + 1, -value)
}

export function putUint32(out: Uint8Array, pos: number, value: number): number {
  return putSafe(out, pos, value)
}

export function putInt64(out: Uint8Array, pos: number, lo: number, hi: number): number {
  if (lo >> 31 === hi) return putInt32(out, pos, lo)
  if (hi >= SAFE_HI || hi < -SAFE_HI) return renderInt64(out, pos, lo, hi)
  const value = hi * TWO_32 + (lo >>> 0)
  if (value >= 0) return putSafe(out, pos, value)
  out[pos] = MINUS
  return putSafe(out, pos + 1, -value)
}

/** A decimal of 64 bits; `unit` is 10^scale. */
export function putDecimal64(out: Uint8Array, pos: number, lo: number, hi: number, scale: number, unit: number): number {
  if (hi >= SAFE_HI || hi < -SAFE_HI || scale > 9) return renderDecimal64(out, pos, lo, hi, scale)
  let value = hi * TWO_32 + (lo >>> 0)
  if (value < 0) {
    out[pos++] = MINUS
    value = -value
  }
  if (scale === 0) return putSafe(out, pos, value)
  const whole = Math.floor(value / unit)
  pos = putSafe(out, pos, whole)
  out[pos] = 0x2e
  return putPadded(out, pos + 1, value - whole * unit, scale)
}

export function putDate(out: Uint8Array, pos: number, days: number): number {
  return days >= FIRST_DAY && days <= LAST_DAY ? putDay(out, pos, days) : renderDate(out, pos, days)
}

/** `separator` stands between day and time. */
export function putTimestamp(out: Uint8Array, pos: number, lo: number, hi: number, zone: boolean, separator: number): number {
  if (hi >= SAFE_HI || hi < -SAFE_HI) return renderTimestamp(out, pos, lo, hi, zone, separator)
  const value = hi * TWO_32 + (lo >>> 0)
  let seconds = Math.floor(value / MICROS)
  let micros = value - seconds * MICROS
  // The quotient may have been rounded up to the next second.
  if (micros < 0) {
    seconds--
    micros += MICROS
  }
  const days = Math.floor(seconds / SECONDS_PER_DAY)
  pos = putDay(out, pos, days)
  out[pos] = separator
  pos = putClock(out, pos + 1, seconds - days * SECONDS_PER_DAY)
  if (micros > 0) {
    out[pos] = 0x2e
    pos = putPadded(out, pos + 1, micros, 6)
  }
  if (zone) out[pos++] = 0x5a
  return pos
}

/** A non-negative integer below 2^31. */
function putDigits(out: Uint8Array, pos: number, value: number): number {
  if (value < 10) {
    out[pos] = ZERO + value
    return pos + 1
  }
  const end = pos + digitsOf(value)
  let at = end
  while (value >= 100) {
    const rest = (value / 100) | 0
    const pair = value - rest * 100
    out[at - 1] = ONES[pair]!
    out[at - 2] = TENS[pair]!
    at -= 2
    value = rest
  }
  out[at - 1] = ONES[value]!
  if (value >= 10) out[at - 2] = TENS[value]!
  return end
}

function digitsOf(value: number): number {
  if (value < 100_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : value < 10_000 ? 4 : 5
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7
  return value < 100_000_000 ? 8 : value < 1_000_000_000 ? 9 : 10
}

/** A non-negative integer below 2^53. */
function putSafe(out: Uint8Array, pos: number, value: number): number {
  if (value < 2_147_483_648) return putDigits(out, pos, value | 0)
  const high = Math.floor(value / 1e9)
  return putPadded(out, putDigits(out, pos, high), value - high * 1e9, 9)
}

/** Exactly `digits` digits, at most 9. */
function putPadded(out: Uint8Array, pos: number, value: number, digits: number): number {
  let left = value | 0
  let at = pos + digits
  while (at > pos + 1) {
    const rest = (left / 100) | 0
    const pair = left - rest * 100
    out[at - 1] = ONES[pair]!
    out[at - 2] = TENS[pair]!
    at -= 2
    left = rest
  }
  if (at > pos) out[pos] = ZERO + left
  return pos + digits
}

/**
 * A day of the years 1 to 9999; a year begins in March, so that the leap day is its last. The multiplications are those of Neri and
 * Schneider, "Euclidean affine functions and their application to calendar algorithms" (2023), section 5.
 */
function putDay(out: Uint8Array, pos: number, days: number): number {
  const shifted = 4 * (days + 719_468) + 3
  const century = (shifted / 146_097) | 0
  const ofCentury = (((shifted - century * 146_097) >> 2) << 2) + 3
  const yearOfCentury = (ofCentury / 1461) | 0
  const dayOfYear = (ofCentury - yearOfCentury * 1461) >> 2
  const packed = 2141 * dayOfYear + 197_913
  const isNextYear = dayOfYear >= 306
  const year = 100 * century + yearOfCentury + (isNextYear ? 1 : 0)
  const month = (packed >> 16) - (isNextYear ? 12 : 0)
  const day = (((packed & 0xffff) / 2141) | 0) + 1
  const high = (year / 100) | 0
  const low = year - high * 100
  out[pos] = TENS[high]!
  out[pos + 1] = ONES[high]!
  out[pos + 2] = TENS[low]!
  out[pos + 3] = ONES[low]!
  out[pos + 4] = MINUS
  out[pos + 5] = TENS[month]!
  out[pos + 6] = ONES[month]!
  out[pos + 7] = MINUS
  out[pos + 8] = TENS[day]!
  out[pos + 9] = ONES[day]!
  return pos + 10
}

function putClock(out: Uint8Array, pos: number, seconds: number): number {
  const hours = (seconds / 3600) | 0
  const rest = seconds - hours * 3600
  const minutes = (rest / 60) | 0
  const last = rest - minutes * 60
  out[pos] = TENS[hours]!
  out[pos + 1] = ONES[hours]!
  out[pos + 2] = 0x3a
  out[pos + 3] = TENS[minutes]!
  out[pos + 4] = ONES[minutes]!
  out[pos + 5] = 0x3a
  out[pos + 6] = TENS[last]!
  out[pos + 7] = ONES[last]!
  return pos + 8
}
