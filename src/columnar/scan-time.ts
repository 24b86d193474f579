/** Dates and times from ASCII, in the forms of text.ts. See scan-number.ts for the convention. */
import { daysInMonth, daysOf, END_SECONDS, FIRST_SECONDS, isInfinite, putMicros, SECONDS_PER_DAY } from './civil.ts'
import type { Column } from './column.ts'
import { DATE_INFINITY, DATE_MINUS_INFINITY, INT64_MAX_HI, INT64_MAX_LO, INT64_MIN_HI, INT64_MIN_LO } from './special.ts'

const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const SPACE = 0x20
const UPPER_T = 0x54
const ZULU = 0x5a
const MICRO_DIGITS = 6
/** PostgreSQL's largest displacement is 15:59:59. */
const MAX_ZONE_HOURS = 15
/** Digits of the hours in 2^63 microseconds. */
const DURATION_HOUR_DIGITS = 10
/** 2^63 microseconds. */
const MAX_DURATION_SECONDS = 9_223_372_036_854
const MAX_DURATION_MICROS = 775_807

// Where the scanner stands, and what it has read last: functions of a grammar cannot return two numbers without an object.
let position = 0
let micros = 0

/** `2024-02-29`, `0044-03-15 BC`, `infinity`, `-infinity`. */
export function scanDate(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  if (end - start === 10) {
    const days = readDays(bytes, start, end, false)
    column.values[row] = days
    return !Number.isNaN(days) && position === end
  }
  const infinity = infinityAt(bytes, start, end)
  if (infinity !== 0) {
    column.values[row] = infinity > 0 ? DATE_INFINITY : DATE_MINUS_INFINITY
    return true
  }
  const era = hasEra(bytes, start, end)
  const days = readDays(bytes, start, end, era)
  column.values[row] = days
  return position === (era ? end - 3 : end) && days > DATE_MINUS_INFINITY && days < DATE_INFINITY
}

/** `23:59:59.999999` up to `24:00:00`. Digits behind the sixth must be zeros. */
export function scanTime(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  position = start
  const seconds = readClock(bytes, end, 2)
  putMicros(column.values, row * 2, seconds, micros)
  return position === end && seconds >= 0 && (seconds < SECONDS_PER_DAY || (seconds === SECONDS_PER_DAY && micros === 0))
}

/** `-838:59:59.000001`: as {@link scanTime} with a sign and any number of hours. */
export function scanDuration(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const isNegative = bytes[start] === MINUS
  position = isNegative || bytes[start] === PLUS ? start + 1 : start
  const seconds = readClock(bytes, end, DURATION_HOUR_DIGITS)
  if (position !== end || seconds < 0 || seconds > MAX_DURATION_SECONDS) return false
  if (seconds === MAX_DURATION_SECONDS && micros > MAX_DURATION_MICROS + (isNegative ? 1 : 0)) return false
  const borrow = isNegative && micros > 0
  putMicros(column.values, row * 2, isNegative ? -seconds - (borrow ? 1 : 0) : seconds, borrow ? 1_000_000 - micros : micros)
  return true
}

/**
 * `2024-02-29 23:59:59.999999`, `2024-02-29T23:59:59Z`, `2024-02-29`, ` BC` behind all, `infinity`. A zone (`Z`, `+02`, `+02:00`)
 * is refused where the type has none; a type with zone takes a text without one as UTC.
 */
export function scanTimestamp(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const { type, values } = column
  const infinity = end - start < 10 ? infinityAt(bytes, start, end) : 0
  if (infinity !== 0) {
    values[row * 2] = infinity > 0 ? INT64_MAX_LO : INT64_MIN_LO
    values[row * 2 + 1] = infinity > 0 ? INT64_MAX_HI : INT64_MIN_HI
    return true
  }
  const era = hasEra(bytes, start, end)
  const stop = era ? end - 3 : end
  const days = readDays(bytes, start, stop, era)
  if (position > stop || Number.isNaN(days)) return false
  let seconds = days * SECONDS_PER_DAY
  micros = 0
  if (position < stop && (bytes[position] === SPACE || bytes[position] === UPPER_T)) {
    position++
    const clock = readClock(bytes, stop, 2)
    if (clock < 0 || clock > SECONDS_PER_DAY || (clock === SECONDS_PER_DAY && micros > 0)) return false
    seconds += clock
  }
  if (position < stop) {
    if (type.kind !== 'timestamp' || !type.zone) return false
    seconds -= readZone(bytes, stop)
  }
  if (position !== stop || !(seconds >= FIRST_SECONDS && seconds < END_SECONDS)) return false
  putMicros(values, row * 2, seconds, micros)
  return !isInfinite(values[row * 2]!, values[row * 2 + 1]!)
}

/** 1 for `infinity`, -1 for `-infinity`, else 0. */
function infinityAt(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS
  const from = isNegative ? start + 1 : start
  if (end - from !== INFINITY.length) return 0
  for (let i = 0; i < INFINITY.length; i++) {
    if ((bytes[from + i]! | 0x20) !== INFINITY.charCodeAt(i)) return 0
  }
  return isNegative ? -1 : 1
}

const INFINITY = 'infinity'

/** Whether the text ends in ` BC`. */
function hasEra(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 3 && bytes[end - 1] === 0x43 && bytes[end - 2] === 0x42 && bytes[end - 3] === SPACE
}

/** Reads `YYYY-MM-DD`, years of four to seven digits, and leaves `position` behind it. NaN: there is no such day. */
function readDays(bytes: Uint8Array, start: number, end: number, isBeforeChrist: boolean): number {
  let year = 0
  position = start
  for (; position < end && position < start + 7; position++) {
    const digit = bytes[position]! - ZERO
    if (digit >>> 0 > 9) break
    year = year * 10 + digit
  }
  if (position < start + 4 || position + 6 > end || year === 0 || bytes[position] !== MINUS || bytes[position + 3] !== MINUS)
    return NaN
  const month = readTwo(bytes, position + 1)
  const day = readTwo(bytes, position + 4)
  const astronomical = isBeforeChrist ? 1 - year : year
  position += 6
  return month < 0 || day < 1 || day > daysInMonth(astronomical, month) ? NaN : daysOf(astronomical, month, day)
}

/** Reads `HH:MM:SS[.ffffff]` with two to `hourDigits` digits of hours, sets {@link micros} and returns the seconds. -1: there is none. */
function readClock(bytes: Uint8Array, end: number, hourDigits: number): number {
  const from = position
  let hours = 0
  for (; position < end && position < from + hourDigits; position++) {
    const digit = bytes[position]! - ZERO
    if (digit >>> 0 > 9) break
    hours = hours * 10 + digit
  }
  if (position < from + 2 || position + 6 > end || bytes[position] !== COLON || bytes[position + 3] !== COLON) return -1
  const minutes = readTwo(bytes, position + 1)
  const seconds = readTwo(bytes, position + 4)
  position += 6
  micros = 0
  if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return -1
  if (bytes[position] === POINT && position < end && !readFraction(bytes, end)) return -1
  return hours * 3600 + minutes * 60 + seconds
}

/** Reads the point and the digits behind it. False: there is none, or one behind the sixth is not 0. */
function readFraction(bytes: Uint8Array, end: number): boolean {
  const from = ++position
  for (; position < end; position++) {
    const digit = bytes[position]! - ZERO
    if (digit >>> 0 > 9) break
    if (position < from + MICRO_DIGITS) micros = micros * 10 + digit
    else if (digit !== 0) return false
  }
  for (let read = position - from; read < MICRO_DIGITS; read++) micros *= 10
  return position > from
}

/** Reads `Z`, `+02`, `+0200`, `+02:00` or `+02:00:00`; returns seconds east of UTC. NaN: it is none of them. */
function readZone(bytes: Uint8Array, end: number): number {
  const sign = bytes[position++]
  if (sign === ZULU) return 0
  if (sign !== PLUS && sign !== MINUS) return NaN
  let seconds = 0
  for (let unit = 3600; unit >= 1 && (unit === 3600 || position < end); unit /= 60) {
    if (unit < 3600 && bytes[position] === COLON) position++
    const part = position + 2 <= end ? readTwo(bytes, position) : -1
    if (part < 0 || part > (unit === 3600 ? MAX_ZONE_HOURS : 59)) return NaN
    seconds += part * unit
    position += 2
  }
  return sign === MINUS ? -seconds : seconds
}

/** Two digits; negative when they are none. */
function readTwo(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - ZERO
  const ones = bytes[at + 1]! - ZERO
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? -1 : tens * 10 + ones
}
