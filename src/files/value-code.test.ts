/** The calendar; the blocks themselves are tested with the decoders that are made of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { days } from './value-code.ts'

test('knows which days there are, and how far from 1970', () => {
  const years = [1, 4, 99, 100, 101, 400, 1582, 1600, 1899, 1900, 1970, 1999, 2000, 2023, 2024, 2100, 9999]
  for (const year of years) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const civil = new Date(0)
        civil.setUTCFullYear(year, month - 1, day)
        const isReal = civil.getUTCFullYear() === year && civil.getUTCMonth() === month - 1 && civil.getUTCDate() === day
        assert.equal(days(year, month, day), isReal ? civil.getTime() / 86_400_000 : NaN, `${year}-${month}-${day}`)
      }
    }
  }
  assert.equal(days(0, 1, 1), NaN)
})
