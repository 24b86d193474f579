/** Dates and times as ASCII in the forms of text.ts, without an object per value. See render-number.ts for the convention. */
import { isInfinite, microsOf, packedCivil, SECONDS_PER_DAY, secondsOf, unwrappedHi } from './civil.ts'
import { renderAscii, renderInt } from './render-number.ts'
import { safeOf } from './wide.ts'
import { DATE_INFINITY, DATE_MINUS_INFINITY } from './special.ts'

const MICROS = 1_000_000
/** 0001-01-01 and 9999-12-31. */
const FIRST_COMMON_DAY = -719_162
const LAST_COMMON_DAY = 2_932_896
/** Most columns hold days of a few years, over and over; copying ten bytes takes a third of the time of computing them. */
const DAY_SLOTS = 2048
const DAY_BYTES = 10
const slotDays = new Int32Array(DAY_SLOTS).fill(DATE_MINUS_INFINITY)
const slotTexts = new Uint8Array(DAY_SLOTS * DAY_BYTES)
const SPACE = 0x20
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const ZULU = 0x5a

/** `2024-02-29`, `0044-03-15 BC`, `infinity`. */
export function renderDate(out: Uint8Array, pos: number, days: number): number {
  if (days >= FIRST_COMMON_DAY && days <= LAST_COMMON_DAY) return renderCommonDay(out, pos, days)
  if (days === DATE_INFINITY) return renderAscii(out, pos, 'infinity')
  if (days === DATE_MINUS_INFINITY) return renderAscii(out, pos, '-infinity')
  const civil = packedCivil(days)
  pos = renderDay(out, pos, civil)
  return civil < 512 ? renderAscii(out, pos, ' BC') : pos
}

/** `23:59:59`, with six digits of fraction when there is one. The words count microseconds. */
export function renderTime(out: Uint8Array, pos: number, lo: number, hi: number): number {
  return renderClock(out, pos, secondsOf(lo, hi), microsOf(lo, hi))
}

/** `-838:59:59.000001`: as {@link renderTime}, with a sign and as many hours as it takes. */
export function renderDuration(out: Uint8Array, pos: number, lo: number, hi: number): number {
  if (hi >= 0) return renderTime(out, pos, lo, hi)
  out[pos] = MINUS
  // The magnitude of -2^63 is 2^63: an unsigned high word.
  return renderTime(out, pos + 1, -lo, (lo === 0 ? -hi : ~hi) >>> 0)
}

/** `2024-02-29 23:59:59.000001`, an instant with a final `Z`, ` BC` behind all; `separator` stands between day and time. */
export function renderTimestamp(out: Uint8Array, pos: number, lo: number, hi: number, zone: boolean, separator = SPACE): number {
  const value = safeOf(lo, hi)
  if (Number.isNaN(value)) return renderDistant(out, pos, lo, hi, zone, separator)
  // Between the years 1684 and 2255 microseconds are a safe integer.
  const seconds = Math.floor(value / MICROS)
  return renderInstant(out, pos, seconds, value - seconds * MICROS, zone, separator)
}

function renderDistant(out: Uint8Array, pos: number, lo: number, hi: number, zone: boolean, separator: number): number {
  if (isInfinite(lo, hi)) return renderAscii(out, pos, hi < 0 ? '-infinity' : 'infinity')
  const high = unwrappedHi(hi)
  return renderInstant(out, pos, secondsOf(lo, high), microsOf(lo, high), zone, separator)
}

function renderInstant(out: Uint8Array, pos: number, seconds: number, micros: number, zone: boolean, separator: number): number {
  const days = Math.floor(seconds / SECONDS_PER_DAY)
  const isCommon = days >= FIRST_COMMON_DAY && days <= LAST_COMMON_DAY
  const civil = isCommon ? 512 : packedCivil(days)
  pos = isCommon ? renderCommonDay(out, pos, days) : renderDay(out, pos, civil)
  out[pos] = separator
  pos = renderClock(out, pos + 1, seconds - days * SECONDS_PER_DAY, micros)
  if (zone) out[pos++] = ZULU
  return civil < 512 ? renderAscii(out, pos, ' BC') : pos
}

/** A day of the years 1 to 9999: ten bytes, from the last day that had the same slot when it was this one. */
function renderCommonDay(out: Uint8Array, pos: number, days: number): number {
  const slot = days & (DAY_SLOTS - 1)
  const at = slot * DAY_BYTES
  if (slotDays[slot] !== days) {
    slotDays[slot] = days
    renderDay(slotTexts, at, packedCivil(days))
  }
  for (let i = 0; i < DAY_BYTES; i++) out[pos + i] = slotTexts[at + i]!
  return pos + DAY_BYTES
}

/** Year, month and day; years before 1 as their number before Christ. */
function renderDay(out: Uint8Array, pos: number, civil: number): number {
  pos =
    civil >= 512 && civil < 10_000 * 512 ? renderYear(out, pos, civil >> 9) : renderDistantYear(out, pos, Math.floor(civil / 512))
  out[pos] = MINUS
  pos = renderTwo(out, pos + 1, (civil >> 5) & 15)
  out[pos] = MINUS
  return renderTwo(out, pos + 1, civil & 31)
}

function renderYear(out: Uint8Array, pos: number, year: number): number {
  const century = (year / 100) | 0
  return renderTwo(out, renderTwo(out, pos, century), year - century * 100)
}

function renderDistantYear(out: Uint8Array, pos: number, astronomical: number): number {
  const year = astronomical > 0 ? astronomical : 1 - astronomical
  return year > 9999 ? renderInt(out, pos, year) : renderYear(out, pos, year)
}

function renderClock(out: Uint8Array, pos: number, seconds: number, micros: number): number {
  const hours = seconds < 0x4000_0000 ? ((seconds | 0) / 3600) | 0 : Math.floor(seconds / 3600)
  const rest = (seconds - hours * 3600) | 0
  const minutes = (rest / 60) | 0
  pos = hours < 100 ? renderTwo(out, pos, hours) : renderInt(out, pos, hours)
  out[pos] = COLON
  pos = renderTwo(out, pos + 1, minutes)
  out[pos] = COLON
  pos = renderTwo(out, pos + 1, rest - minutes * 60)
  return micros === 0 ? pos : renderFraction(out, pos, micros | 0)
}

/** A point and six digits. */
function renderFraction(out: Uint8Array, pos: number, micros: number): number {
  const hundredths = (micros / 10_000) | 0
  const pairs = (micros / 100) | 0
  out[pos] = POINT
  pos = renderTwo(out, pos + 1, hundredths)
  return renderTwo(out, renderTwo(out, pos, pairs - hundredths * 100), micros - pairs * 100)
}

/** A number below 100 as two digits. */
function renderTwo(out: Uint8Array, pos: number, value: number): number {
  const tens = (value * 103) >> 10
  out[pos] = ZERO + tens
  out[pos + 1] = ZERO + value - tens * 10
  return pos + 2
}
