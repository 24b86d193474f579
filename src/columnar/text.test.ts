/** text.ts and civil.ts against JavaScript's calendar, and texts printed by PostgreSQL 15.18. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { daysInMonth, microsOf, putMicros, secondsOf } from './civil.ts'
import { INTERVAL_INFINITY } from './special.ts'
import {
  civilFromDays,
  daysFromCivil,
  formatDate,
  formatDecimal,
  formatInterval,
  formatTime,
  formatTimestamp,
  parseDate,
  parseDecimal,
  parseInterval,
  parseTime,
  parseTimestamp,
} from './text.ts'

const MS_PER_DAY = 86_400_000

test('days are those of the calendar of JavaScript, as far as that goes', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: -100_000_000, max: 100_000_000 }), fc.integer({ min: -730_000, max: 730_000 })),
      days => {
        const date = new Date(days * MS_PER_DAY)
        const civil = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
        assert.deepEqual(civilFromDays(days), civil)
        assert.equal(daysFromCivil(civil), days)
      },
    ),
    { numRuns: 2000 },
  )
})

test('every day is followed by the next, through leap years and the birth of Christ', () => {
  for (const around of [
    parseDate('0001-01-01'),
    parseDate('0401-01-01 BC'),
    parseDate('1900-03-01'),
    parseDate('2000-03-01'),
    0,
  ]) {
    for (let days = around - 800; days < around + 800; days++) {
      const { year, month, day } = civilFromDays(days)
      const next = civilFromDays(days + 1)
      if (day < daysInMonth(year, month)) assert.deepEqual(next, { year, month, day: day + 1 })
      else assert.deepEqual(next, month < 12 ? { year, month: month + 1, day: 1 } : { year: year + 1, month: 1, day: 1 })
    }
  }
})

test('months have the days of the Gregorian calendar', () => {
  for (const [year, days] of [
    [2023, 28],
    [2024, 29],
    [1900, 28],
    [2000, 29],
    [0, 29],
    [-4, 29],
    [-1, 28],
    [-100, 28],
    [-400, 29],
  ] as const) {
    assert.equal(daysInMonth(year, 2), days, String(year))
  }
  assert.deepEqual(
    [1, 3, 4, 6, 9, 11, 12, 0, 13].map(month => daysInMonth(2024, month)),
    [31, 31, 30, 30, 30, 30, 31, 0, 0],
  )
})

test('dates are written and counted as PostgreSQL does', () => {
  for (const [text, days] of [
    ['1970-01-01', 0],
    ['0001-01-01', -719_162],
    ['0001-12-31 BC', -719_163],
    ['4714-11-24 BC', -2_440_588],
    ['5874897-12-31', 2_145_042_905],
    ['infinity', 0x7fffffff],
    ['-infinity', -0x80000000],
  ] as const) {
    assert.equal(formatDate(days), text)
    assert.equal(parseDate(text), days)
  }
  assert.equal(parseDate('0001-03-01 BC') - parseDate('0001-02-28 BC'), 2)
  assert.equal(parseDate('0004-03-01 BC') - parseDate('0004-02-28 BC'), 1)
  assert.equal(parseDate('0005-03-01 BC') - parseDate('0005-02-28 BC'), 2)
})

test('timestamps reach from 4714 BC to 294276, beyond 2^63', () => {
  for (const [text, micros] of [
    ['1969-12-31 23:59:59.999999', -1n],
    ['4714-11-24 00:00:00 BC', -210_866_803_200_000_000n],
    ['294276-12-31 23:59:59.999999', 9_224_318_015_999_999_999n - 2n ** 64n],
    ['infinity', 2n ** 63n - 1n],
    ['-infinity', -(2n ** 63n)],
  ] as const) {
    assert.equal(formatTimestamp(micros, false), text)
    assert.equal(parseTimestamp(text), micros)
  }
  assert.equal(formatTimestamp(parseTimestamp('0001-12-31 23:59:59.999999+00 BC'), true), '0001-12-31 23:59:59.999999Z BC')
  assert.equal(parseTimestamp('2024-02-29T12:00:00+05:30'), parseTimestamp('2024-02-29 06:30:00'))
  assert.equal(parseTimestamp('2024-01-01 00:00:00-01'), parseTimestamp('2024-01-01 01:00:00Z'))
})

test('intervals are written as PostgreSQL writes ISO 8601', () => {
  for (const [text, months, days, micros] of [
    ['P1Y2M-3DT4H5M6.7S', 14, -3, 14_706_700_000n],
    ['PT0S', 0, 0, 0n],
    ['P-1DT-0.5S', 0, -1, -500_000n],
    ['P11M', 11, 0, 0n],
    ['P-178956970Y-8M', -(2 ** 31), 0, 0n],
    ['PT-59M-59.000001S', 0, 0, -3_599_000_001n],
    ['PT2562047788H54.775807S', 0, 0, 2n ** 63n - 1n],
    ['P-11MT59M59S', -11, 0, 3_599_000_000n],
  ] as const) {
    assert.equal(formatInterval({ months, days, micros }), text)
    assert.deepEqual(parseInterval(text), { months, days, micros })
  }
  assert.deepEqual(parseInterval('infinity'), INTERVAL_INFINITY)
})

/** Its fields are the bits of infinity. */
const LONGEST = 'P178956970Y7M2147483647DT2562047788H54.775807S'

const refused: readonly (readonly [parse: (text: string) => unknown, texts: readonly string[]])[] = [
  [
    parseDate,
    [
      '',
      '2023-02-29',
      '0000-01-01',
      '0000-01-01 BC',
      '9999999-12-31',
      '2024-1-1',
      '2024-00-01',
      '2024-01-00',
      'infinit',
      '2024-01-01T',
    ],
  ],
  [parseTime, ['', '24:00:00.000001', '24:00:01', '12:60:00', '12:00:60', '12:00', '-12:00:00', '12:00:00.1234567']],
  [
    parseTimestamp,
    [
      '',
      '294277-01-01 00:00:00',
      '9999999-01-01 00:00:00',
      '4714-11-23 23:59:59 BC',
      '294247-01-10 04:00:54.775807',
      '294247-01-10 04:00:54.775808',
      '2024-01-01 00:00:00+16',
      '2024-01-01 00:00:00+00:60',
    ],
  ],
  [parseInterval, ['', 'P', 'PT', '1Y', 'P1H', 'P2147483648M', 'PT9223372036855S', 'P1.5D', LONGEST]],
  [text => parseDecimal(text, 5, 2), ['', '.', '-', '1000', '1.001', '1e2', 'NaN', '1,0', ' 1']],
]

for (const [parse, texts] of refused) {
  test(`${parse.name || 'parseDecimal'} refuses what is none`, () => {
    for (const text of texts) assert.throws(() => parse(text), RangeError, JSON.stringify(text))
  })
}

test('decimals keep their digits', () => {
  assert.equal(formatDecimal(-5n, 2), '-0.05')
  assert.equal(formatDecimal(10n ** 38n - 1n, 38), `0.${'9'.repeat(38)}`)
  assert.equal(parseDecimal('-0.05', 5, 2), -5n)
  assert.equal(parseDecimal('+000123.4500', 5, 2), 12_345n)
})

test('a time of day is read as it is written', () => {
  for (const text of ['00:00:00', '23:59:59.999999', '24:00:00', '00:00:00.000001'])
    assert.equal(formatTime(parseTime(text)), text)
})

test('microseconds are divided into seconds without 64-bit integers', () => {
  const words = new Int32Array(2)
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), micros => {
      const lo = Number(BigInt.asIntN(32, micros))
      const hi = Number(micros >> 32n)
      const seconds = (micros - (((micros % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n
      assert.equal(BigInt(secondsOf(lo, hi)), seconds)
      assert.equal(BigInt(microsOf(lo, hi)), micros - seconds * 1_000_000n)
      putMicros(words, 0, secondsOf(lo, hi), microsOf(lo, hi))
      assert.deepEqual([...words], [lo, hi])
    }),
    { numRuns: 1000 },
  )
})
