/**
 * The proleptic Gregorian calendar and microseconds, in plain numbers: no object and no BigInt per value.
 *
 * 64-bit microseconds come and go as two 32-bit words. Seconds of every representable instant are a safe integer.
 */
import { INT64_MAX_HI, INT64_MAX_LO, INT64_MIN_HI, INT64_MIN_LO } from './special.ts'

const DAYS_PER_ERA = 146_097
/** Days from 0000-03-01, where the 400-year cycle starts, to 1970-01-01. */
const EPOCH_DAYS = 719_468
const TWO_32 = 2 ** 32
const MICROS = 1_000_000
export const SECONDS_PER_DAY = 86_400

/** 4714-11-24 BC, the first instant of PostgreSQL, in seconds since 1970. */
export const FIRST_SECONDS = -210_866_803_200
/** 294277-01-01, the first instant that PostgreSQL no longer has. It lies beyond 2^63 µs; see special.ts. */
export const END_SECONDS = 9_224_318_016_000
/** High word of {@link FIRST_SECONDS} in microseconds. Timestamps with a lower one have wrapped around 2^63. */
const FIRST_HI = Math.floor((FIRST_SECONDS * MICROS) / TWO_32)

/** Year (astronomical: 0 is 1 BC), month and day of a day since 1970-01-01, as `year * 512 + month * 32 + day`. */
export function packedCivil(days: number): number {
  const shifted = days + EPOCH_DAYS
  // Years from 0 on take integer arithmetic, which is several times faster.
  const era = shifted >= 0 && shifted < 0x4000_0000 ? ((shifted | 0) / DAYS_PER_ERA) | 0 : Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = (shifted - era * DAYS_PER_ERA) | 0
  const leapDays = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0)
  const yearOfEra = ((dayOfEra - leapDays) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))
  const monthFromMarch = ((5 * dayOfYear + 2) / 153) | 0
  const day = dayOfYear - (((153 * monthFromMarch + 2) / 5) | 0) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0)) * 512 + month * 32 + day
}

/** Days since 1970-01-01 of a date that exists. The inverse of {@link packedCivil}. */
export function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = shifted >= 0 ? (shifted / 400) | 0 : Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1
  return era * DAYS_PER_ERA + yearOfEra * 365 + (yearOfEra >> 2) - ((yearOfEra / 100) | 0) + dayOfYear - EPOCH_DAYS
}

/** 0 for a month that does not exist. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  if (month < 1 || month > 12) return 0
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Whole seconds of a microsecond count, rounded down. `hi` may also be given unsigned. */
export function secondsOf(lo: number, hi: number): number {
  const high = Math.floor(hi / MICROS)
  return high * TWO_32 + Math.floor(((hi - high * MICROS) * TWO_32 + (lo >>> 0)) / MICROS)
}

/** The microseconds that {@link secondsOf} leaves, 0 to 999,999. */
export function microsOf(lo: number, hi: number): number {
  const rest = (hi - Math.floor(hi / MICROS) * MICROS) * TWO_32 + (lo >>> 0)
  return rest - Math.floor(rest / MICROS) * MICROS
}

/** High word of a finite timestamp as a count that goes on beyond 2^63 instead of wrapping (special.ts). */
export function unwrappedHi(hi: number): number {
  return hi < FIRST_HI ? hi + TWO_32 : hi
}

/** Writes `seconds * 1,000,000 + micros` as two words, modulo 2^64. Seconds are a safe integer, micros 0 to 999,999. */
export function putMicros(values: { [index: number]: number }, at: number, seconds: number, micros: number): void {
  const high = Math.floor(seconds / TWO_32)
  const low = (seconds - high * TWO_32) * MICROS + micros
  values[at] = low | 0
  values[at + 1] = (high * MICROS + Math.floor(low / TWO_32)) | 0
}

/** True where the words of a timestamp are its infinity or its negative infinity. */
export function isInfinite(lo: number, hi: number): boolean {
  return (hi === INT64_MAX_HI && lo === INT64_MAX_LO) || (hi === INT64_MIN_HI && lo === INT64_MIN_LO)
}
