/**
 * Dates, times and decimals as text, for rare paths; hot paths format and parse bytes.
 *
 * Dates are ISO 8601 in the proleptic Gregorian calendar. Years before 1 and beyond 9999 follow PostgreSQL: `0044-03-15 BC`,
 * `294276-12-31`, `infinity`, `-infinity` (https://www.postgresql.org/docs/current/datatype-datetime.html).
 */
import { daysInMonth, daysOf, END_SECONDS, FIRST_SECONDS, packedCivil } from './civil.ts'
import {
  DATE_INFINITY,
  DATE_MINUS_INFINITY,
  INTERVAL_INFINITY,
  INTERVAL_MINUS_INFINITY,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
  type IntervalValue,
} from './special.ts'

const MICROS_PER_SECOND = 1_000_000n
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND
/** 4714-11-24 BC, the first day PostgreSQL has. Timestamps below it have wrapped around 2^63 (special.ts). */
const FIRST_MICROS = BigInt(FIRST_SECONDS) * MICROS_PER_SECOND
const END_MICROS = BigInt(END_SECONDS) * MICROS_PER_SECOND
/** PostgreSQL's largest displacement is 15:59:59. */
const MAX_ZONE_HOURS = 15

export interface CivilDate {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  readonly month: number
  readonly day: number
}

/** The date of a day since 1970-01-01. */
export function civilFromDays(days: number): CivilDate {
  const packed = packedCivil(days)
  return { year: Math.floor(packed / 512), month: (packed >> 5) & 15, day: packed & 31 }
}

/** The inverse of {@link civilFromDays}. Month and day must be real. */
export const daysFromCivil = ({ year, month, day }: CivilDate): number => daysOf(year, month, day)

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
  // There is no year 0 in this notation: 1 BC is followed by 1.
  if (Number(match[1]) === 0) throw new RangeError('no such year')
  const year = match[4] ? 1 - Number(match[1]) : Number(match[1])
  const [month, day] = [Number(match[2]), Number(match[3])]
  if (day < 1 || day > daysInMonth(year, month)) throw new RangeError('no such day')
  const days = daysOf(year, month, day)
  if (days >= DATE_INFINITY || days <= DATE_MINUS_INFINITY) throw new RangeError('the date is too far away')
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
  const micros =
    BigInt(hours * 3600 + minutes * 60 + seconds || 0) * MICROS_PER_SECOND + BigInt((match?.[4] ?? '').padEnd(6, '0'))
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

/**
 * Microseconds since 1970 of `YYYY-MM-DD[ T]HH:MM:SS[.f][Z|±HH:MM][ BC]`, modulo 2^64 (special.ts), from 4714-11-24 BC to the end of
 * 294276. Without a zone the text is taken as it stands. The two microseconds that are the sentinels of infinity are refused.
 */
export function parseTimestamp(text: string): bigint {
  if (text === 'infinity') return TIMESTAMP_INFINITY
  if (text === '-infinity') return TIMESTAMP_MINUS_INFINITY
  const match = /^(\d{4,7}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?))?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?( BC)?$/.exec(text)
  if (!match) throw new RangeError('not a timestamp')
  const days = BigInt(parseDate(`${match[1]}${match[4] ?? ''}`))
  const micros = days * MICROS_PER_DAY + parseTime(match[2] ?? '00:00:00') - zoneMicros(match[3])
  const wrapped = BigInt.asIntN(64, micros)
  if (micros < FIRST_MICROS || micros >= END_MICROS || wrapped === TIMESTAMP_INFINITY || wrapped === TIMESTAMP_MINUS_INFINITY) {
    throw new RangeError('the timestamp is too far away')
  }
  return wrapped
}

function zoneMicros(zone: string | undefined): bigint {
  if (zone === undefined || zone === 'Z') return 0n
  const [hours = 0, minutes = 0, seconds = 0] = (zone.slice(1).match(/\d\d/g) ?? []).map(Number)
  if (hours > MAX_ZONE_HOURS || minutes > 59 || seconds > 59) throw new RangeError('no such zone')
  const micros = BigInt(hours * 3600 + minutes * 60 + seconds) * MICROS_PER_SECOND
  return zone.startsWith('-') ? -micros : micros
}

/**
 * ISO 8601 as PostgreSQL writes it: `P1Y2M3DT4H5M6.000007S`, `P-1DT-0.5S`, `PT0S`; `infinity`, `-infinity`.
 * https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-INTERVAL-OUTPUT
 */
export function formatInterval({ months, days, micros }: IntervalValue): string {
  if (isSameInterval({ months, days, micros }, INTERVAL_INFINITY)) return 'infinity'
  if (isSameInterval({ months, days, micros }, INTERVAL_MINUS_INFINITY)) return '-infinity'
  const part = (value: number | bigint, unit: string) => (value === 0 || value === 0n ? '' : `${value}${unit}`)
  const minutes = micros / (60n * MICROS_PER_SECOND)
  const seconds = formatDecimal(micros % (60n * MICROS_PER_SECOND), 6).replace(/\.?0+$/, '')
  const time = part(minutes / 60n, 'H') + part(minutes % 60n, 'M') + (seconds === '0' ? '' : `${seconds}S`)
  const date = part(Math.trunc(months / 12), 'Y') + part(months % 12, 'M') + part(days, 'D')
  return date === '' && time === '' ? 'PT0S' : `P${date}${time === '' ? '' : `T${time}`}`
}

/** The inverse of {@link formatInterval}; every field may have a sign, weeks and any number of digits are taken too. Throws a RangeError. */
export function parseInterval(text: string): IntervalValue {
  if (text === 'infinity') return INTERVAL_INFINITY
  if (text === '-infinity') return INTERVAL_MINUS_INFINITY
  const field = (unit: string) => `(?:([+-]?\\d+)${unit})?`
  const match = new RegExp(
    `^P(?=.)${field('Y')}${field('M')}${field('W')}${field('D')}(?:T(?=.)${field('H')}${field('M')}(?:([+-]?)(\\d+)(?:\\.(\\d{1,6}))?S)?)?$`,
  ).exec(text)
  if (!match) throw new RangeError('not an interval')
  const [years, months, weeks, days, hours, minutes] = match.slice(1, 7).map(digits => BigInt(digits ?? 0)) as [
    bigint,
    ...bigint[],
  ]
  const fraction = BigInt(`${match[8] ?? 0}${(match[9] ?? '').padEnd(6, '0')}`)
  const micros = (hours! * 3600n + minutes! * 60n) * MICROS_PER_SECOND + (match[7] === '-' ? -fraction : fraction)
  const value = {
    months: Number(checked(32, years * 12n + months!)),
    days: Number(checked(32, weeks! * 7n + days!)),
    micros: checked(64, micros),
  }
  if (isInfinite(value)) throw new RangeError('an interval that cannot be told from infinity')
  return value
}

function checked(bits: number, value: bigint): bigint {
  if (BigInt.asIntN(bits, value) !== value) throw new RangeError('an interval field is out of range')
  return value
}

const isInfinite = (value: IntervalValue) =>
  isSameInterval(value, INTERVAL_INFINITY) || isSameInterval(value, INTERVAL_MINUS_INFINITY)

const isSameInterval = (a: IntervalValue, b: IntervalValue) => a.months === b.months && a.days === b.days && a.micros === b.micros

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
