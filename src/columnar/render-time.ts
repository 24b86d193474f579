/** Dates and times as ASCII in the forms of text.ts, without an object per value. See render-number.ts for the convention. */
import { isInfinite, microsOf, packedCivil, SECONDS_PER_DAY, secondsOf, unwrappedHi } from './civil.ts'
import { renderAscii, renderInt } from './render-number.ts'
import { DATE_INFINITY, DATE_MINUS_INFINITY } from './special.ts'

const SPACE = 0x20
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const ZULU = 0x5a

/** `2024-02-29`, `0044-03-15 BC`, `infinity`. */
export function renderDate(out: Uint8Array, pos: number, days: number): number {
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
  if (isInfinite(lo, hi)) return renderAscii(out, pos, hi < 0 ? '-infinity' : 'infinity')
  const high = unwrappedHi(hi)
  const seconds = secondsOf(lo, high)
  const days = Math.floor(seconds / SECONDS_PER_DAY)
  const civil = packedCivil(days)
  pos = renderDay(out, pos, civil)
  out[pos] = separator
  pos = renderClock(out, pos + 1, seconds - days * SECONDS_PER_DAY, microsOf(lo, high))
  if (zone) out[pos++] = ZULU
  return civil < 512 ? renderAscii(out, pos, ' BC') : pos
}

/** Year, month and day; years before 1 as their number before Christ. */
function renderDay(out: Uint8Array, pos: number, civil: number): number {
  const astronomical = Math.floor(civil / 512)
  const year = astronomical > 0 ? astronomical : 1 - astronomical
  if (year > 9999) {
    pos = renderInt(out, pos, year)
  } else {
    pos = renderTwo(out, pos, (year / 100) | 0)
    pos = renderTwo(out, pos, year % 100)
  }
  out[pos] = MINUS
  pos = renderTwo(out, pos + 1, (civil >> 5) & 15)
  out[pos] = MINUS
  return renderTwo(out, pos + 1, civil & 31)
}

function renderClock(out: Uint8Array, pos: number, seconds: number, micros: number): number {
  const hours = Math.floor(seconds / 3600)
  const rest = seconds - hours * 3600
  const minutes = (rest / 60) | 0
  pos = hours < 100 ? renderTwo(out, pos, hours) : renderInt(out, pos, hours)
  out[pos] = COLON
  pos = renderTwo(out, pos + 1, minutes)
  out[pos] = COLON
  pos = renderTwo(out, pos + 1, rest - minutes * 60)
  if (micros === 0) return pos
  out[pos] = POINT
  pos = renderTwo(out, pos + 1, (micros / 10_000) | 0)
  pos = renderTwo(out, pos, ((micros / 100) | 0) % 100)
  return renderTwo(out, pos, micros % 100)
}

function renderTwo(out: Uint8Array, pos: number, value: number): number {
  const tens = (value / 10) | 0
  out[pos] = ZERO + tens
  out[pos + 1] = ZERO + value - tens * 10
  return pos + 2
}
