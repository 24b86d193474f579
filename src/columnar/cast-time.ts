/** Casts between dates, times, timestamps, durations and intervals. What has no exact counterpart is refused; infinities stay what they are. */
import { checked, copyColumn, loop, lossless, type Kernel, type Rule } from './cast-rule.ts'
import { END_SECONDS, FIRST_SECONDS, isInfinite, microsOf, putMicros, SECONDS_PER_DAY, secondsOf, unwrappedHi } from './civil.ts'
import { DATE_INFINITY, DATE_MINUS_INFINITY, INT64_MAX_HI, INT64_MAX_LO, INT64_MIN_HI, INT64_MIN_LO } from './special.ts'
import type { Type } from './types.ts'
import type { WordArray } from './wide.ts'

export function timeRule(from: Type, to: Type): Rule | undefined {
  switch (from.kind) {
    case 'date':
      return to.kind === 'timestamp' ? checked(dateToTimestampLoop, to.zone ? 'as midnight UTC' : undefined) : undefined
    case 'timestamp':
      if (to.kind === 'timestamp') return checked(() => copyColumn, 'taken as UTC')
      return to.kind === 'date' ? checked(timestampToDateLoop, from.zone ? 'the day in UTC' : undefined) : undefined
    case 'time':
      return to.kind === 'duration' ? lossless(() => copyColumn) : undefined
    case 'duration':
      if (to.kind === 'time') return checked(() => loop('if (!timeOfDuration(sv, tv, row)) return row', { timeOfDuration }))
      return to.kind === 'interval' ? lossless(durationToIntervalLoop) : undefined
    case 'interval':
      return to.kind === 'duration'
        ? checked(() => loop('if (!durationOfInterval(sv, tv, row)) return row', { durationOfInterval }))
        : undefined
    default:
      return undefined
  }
}

const dateToTimestampLoop = (): Kernel => loop('if (!timestampOfDate(sv[row], tv, row * 2)) return row', { timestampOfDate })
const timestampToDateLoop = (): Kernel =>
  loop('if (!dateOfTimestamp(sv[row * 2], sv[row * 2 + 1], tv, row)) return row', { dateOfTimestamp })
const durationToIntervalLoop = (): Kernel =>
  loop('tv[row * 4] = tv[row * 4 + 1] = 0; tv[row * 4 + 2] = sv[row * 2]; tv[row * 4 + 3] = sv[row * 2 + 1]', {})

function timestampOfDate(days: number, words: WordArray, at: number): boolean {
  if (days === DATE_INFINITY || days === DATE_MINUS_INFINITY) {
    words[at] = days > 0 ? INT64_MAX_LO : INT64_MIN_LO
    words[at + 1] = days > 0 ? INT64_MAX_HI : INT64_MIN_HI
    return true
  }
  const seconds = days * SECONDS_PER_DAY
  putMicros(words, at, seconds, 0)
  return seconds >= FIRST_SECONDS && seconds < END_SECONDS
}

function dateOfTimestamp(lo: number, hi: number, days: WordArray, row: number): boolean {
  if (isInfinite(lo, hi)) {
    days[row] = hi > 0 ? DATE_INFINITY : DATE_MINUS_INFINITY
    return true
  }
  const high = unwrappedHi(hi)
  const day = secondsOf(lo, high) / SECONDS_PER_DAY
  days[row] = day
  return days[row] === day && microsOf(lo, high) === 0
}

function timeOfDuration(source: WordArray, target: WordArray, row: number): boolean {
  const [lo, hi] = [source[row * 2]!, source[row * 2 + 1]!]
  target[row * 2] = lo
  target[row * 2 + 1] = hi
  const seconds = secondsOf(lo, hi)
  return seconds >= 0 && (seconds < SECONDS_PER_DAY || (seconds === SECONDS_PER_DAY && microsOf(lo, hi) === 0))
}

function durationOfInterval(source: WordArray, target: WordArray, row: number): boolean {
  target[row * 2] = source[row * 4 + 2]!
  target[row * 2 + 1] = source[row * 4 + 3]!
  return source[row * 4] === 0 && source[row * 4 + 1] === 0
}
