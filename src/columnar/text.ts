/**
 * Dates, times and decimals as text, for rare paths; hot paths format and parse bytes.
 *
 * Dates are ISO 8601 in the proleptic Gregorian calendar. Years before 1 and beyond 9999 follow PostgreSQL: `0044-03-15 BC`,
 * `294276-12-31`, `infinity`, `-infinity` (https://www.postgresql.org/docs/current/datatype-datetime.html).
 */
import { DATE_INFINITY, DATE_MINUS_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY } from './special.ts'

const MICROS_PER_SECOND = 1_000_000n
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND
/** 4714-11-24 BC, the first day PostgreSQL has. Timestamps below it have wrapped around 2^63 (special.ts). */
const FIRST_MICROS = -210_866_803_200_000_000n

export interface CivilDate {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  readonly month: number
  readonly day: number
}

/** Days since 1970-01-01 to a date; the 400-year cycle of 146,097 days starts on 1 March 0000. */
export function civilFromDays(days: number): CivilDate {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** The inverse of {@link civilFromDays}. Month and day must be real. */
export function daysFromCivil({ year, month, day }: CivilDate): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

export function formatDate(days: number): string {
  if (days === DATE_INFINITY) return 'infinity'
  if (days === DATE_MINUS_INFINITY) return '-infinity'
  const { year, month, day } = civilFromDays(days)
  const monthDay = `${pad(month, 2)}-${pad(day, 2)}`
  return year > 0 ? `${pad(year, 4)}-${monthDay}` : `${pad(1 - year, 4)}-${monthDay} BC`
}

/** Days since 1970-01-01. Throws a RangeError for text that is no date. */
export function parseDate(text: string): number {
  if (text === 'infinity') return DATE_INFINITY
  if (text === '-infinity') return DATE_MINUS_INFINITY
  const match = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/.exec(text)
  if (!match) throw new RangeError('not a date')
  const civil = { year: match[4] ? 1 - Number(match[1]) : Number(match[1]), month: Number(match[2]), day: Number(match[3]) }
  const days = daysFromCivil(civil)
  const back = civilFromDays(days)
  if (back.month !== civil.month || back.day !== civil.day || back.year !== civil.year) throw new RangeError('no such day')
  return days
}

/** `HH:MM:SS` with six digits of fraction when there is one. */
export function formatTime(micros: bigint): string {
  const seconds = micros / MICROS_PER_SECOND
  const fraction = micros % MICROS_PER_SECOND
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map(part => pad(part, 2)).join(':')
  return fraction === 0n ? clock : `${clock}.${pad(fraction, 6)}`
}

/** Microseconds of a time of day, 00:00:00 to 24:00:00. */
export function parseTime(text: string): bigint {
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text)
  const [hours, minutes, seconds] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])]
  const micros = BigInt(hours * 3600 + minutes * 60 + seconds || 0) * MICROS_PER_SECOND + BigInt((match?.[4] ?? '').padEnd(6, '0'))
  if (!match || minutes > 59 || seconds > 59 || micros > MICROS_PER_DAY) throw new RangeError('not a time of day')
  return micros
}

/** `YYYY-MM-DD HH:MM:SS[.ffffff]`, an instant in UTC with a final `Z`. */
export function formatTimestamp(micros: bigint, zone: boolean): string {
  if (micros === TIMESTAMP_INFINITY) return 'infinity'
  if (micros === TIMESTAMP_MINUS_INFINITY) return '-infinity'
  const unwrapped = micros < FIRST_MICROS ? micros + 2n ** 64n : micros
  const days = unwrapped / MICROS_PER_DAY - (unwrapped % MICROS_PER_DAY < 0n ? 1n : 0n)
  const [day, era] = formatDate(Number(days)).split(' ')
  return `${day} ${formatTime(unwrapped - days * MICROS_PER_DAY)}${zone ? 'Z' : ''}${era ? ` ${era}` : ''}`
}

/** Microseconds since 1970 of `YYYY-MM-DD[ T]HH:MM:SS[.f][Z|±HH:MM][ BC]`, modulo 2^64 (special.ts). Without a zone the text is taken as it stands. */
export function parseTimestamp(text: string): bigint {
  if (text === 'infinity') return TIMESTAMP_INFINITY
  if (text === '-infinity') return TIMESTAMP_MINUS_INFINITY
  const match = /^(\d{4,7}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?))?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?( BC)?$/.exec(text)
  if (!match) throw new RangeError('not a timestamp')
  const days = BigInt(parseDate(`${match[1]}${match[4] ?? ''}`))
  return BigInt.asIntN(64, days * MICROS_PER_DAY + parseTime(match[2] ?? '00:00:00') - zoneMicros(match[3]))
}

function zoneMicros(zone: string | undefined): bigint {
  if (zone === undefined || zone === 'Z') return 0n
  const [hours = 0, minutes = 0, seconds = 0] = (zone.slice(1).match(/\d\d/g) ?? []).map(Number)
  const micros = BigInt(hours * 3600 + minutes * 60 + seconds) * MICROS_PER_SECOND
  return zone.startsWith('-') ? -micros : micros
}

/** The unscaled integer with its point: `formatDecimal(-1250n, 2)` is `-12.50`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The unscaled integer of plain decimal text. Throws a RangeError instead of rounding or overflowing. */
export function parseDecimal(text: string, precision: number, scale: number): bigint {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text)
  const [, sign, whole = '', fraction = ''] = match ?? []
  if (!match || whole.length + fraction.length === 0) throw new RangeError('not a decimal')
  if (/[1-9]/.test(fraction.slice(scale))) throw new RangeError('more fraction digits than the scale')
  const digits = (whole + fraction.slice(0, scale).padEnd(scale, '0')).replace(/^0+(?=\d)/, '')
  if (digits.length > precision) throw new RangeError('more digits than the precision')
  const unscaled = BigInt(digits || '0')
  return sign === '-' ? -unscaled : unscaled
}

const pad = (value: number | bigint, width: number) => String(value).padStart(width, '0')
