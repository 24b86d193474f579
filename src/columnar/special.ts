/**
 * Values that some systems have and Arrow has no bits for, as sentinels outside each type's range.
 * A writer whose system lacks the value refuses it; it never becomes an ordinary value.
 *
 * 64-bit sentinels are given as their two 32-bit words: `lo` is the same for all, `hi` decides.
 *
 * Timestamps count modulo 2^64: PostgreSQL reaches year 294276, 2^63 microseconds after 1970 end in 294247. Values beyond
 * wrap to the negative end, below any real one (4713 BC is about -2^57.5), so they survive between systems that know them and
 * fail every range check of those that do not. Two microseconds of 294247-01-10 have the bits of the infinities: a reader that meets
 * one of them as a finite value refuses it.
 */

/** `date`: INT32 limits, as PostgreSQL has them. */
export const DATE_INFINITY = 0x7fffffff
export const DATE_MINUS_INFINITY = -0x80000000

/** `timestamp`: INT64_MAX is infinity, INT64_MIN is -infinity. */
export const INT64_MAX_HI = 0x7fffffff
export const INT64_MAX_LO = -1
export const INT64_MIN_HI = -0x80000000
export const INT64_MIN_LO = 0

export const TIMESTAMP_INFINITY = 2n ** 63n - 1n
export const TIMESTAMP_MINUS_INFINITY = -(2n ** 63n)

export interface IntervalValue {
  readonly months: number
  readonly days: number
  readonly micros: bigint
}

/** `interval`: the limits of all three fields, as PostgreSQL 17 has them. */
export const INTERVAL_INFINITY: IntervalValue = { months: DATE_INFINITY, days: DATE_INFINITY, micros: TIMESTAMP_INFINITY }
export const INTERVAL_MINUS_INFINITY: IntervalValue = {
  months: DATE_MINUS_INFINITY,
  days: DATE_MINUS_INFINITY,
  micros: TIMESTAMP_MINUS_INFINITY,
}

/** Whether the four words from `at` on are one of the two. */
export function isInfiniteInterval(words: ArrayLike<number>, at: number): boolean {
  const [days, micros] = [words[at + 1], words[at + 3]]
  if (days !== micros || days !== words[at] || (days !== DATE_INFINITY && days !== DATE_MINUS_INFINITY)) return false
  return words[at + 2] === (days === DATE_INFINITY ? INT64_MAX_LO : INT64_MIN_LO)
}

/** `decimal`: the smallest integer of its width (64 or 128 bits) is NaN; no decimal of 18 or 38 digits reaches it. */
export const DECIMAL64_NAN = -(2n ** 63n)
export const DECIMAL128_NAN = -(2n ** 127n)
