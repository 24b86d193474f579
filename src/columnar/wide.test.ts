/** 128-bit arithmetic against BigInt. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as wide from './wide.ts'

const LIMIT = 2n ** 128n
const magnitudes = fc.oneof(
  fc.bigInt({ min: 0n, max: LIMIT - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n }),
  fc.constantFrom(0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 127n, LIMIT - 1n),
)
const wordsOf = (value: bigint) => Int32Array.from([0n, 32n, 64n, 96n], shift => Number(BigInt.asIntN(32, value >> shift)))
const valueOf = (words: Int32Array) =>
  BigInt.asIntN(
    128,
    words.reduce((sum, word, i) => sum + (BigInt(word >>> 0) << BigInt(32 * i)), 0n),
  )

/** Loads a magnitude below 2^128: as the negative number with these bits, negated. */
function load(value: bigint): void {
  wide.loadSafe(0)
  for (const digit of value.toString()) assert(wide.multiplyAdd(10, Number(digit)))
}

/** The register, taken apart by division. */
function taken(): bigint {
  let value = 0n
  for (let power = 1n; !wide.isZero(); power *= 10n) value += BigInt(wide.divide(10)) * power
  return value
}

test('what is loaded digit by digit comes back digit by digit', () => {
  fc.assert(
    fc.property(magnitudes, value => {
      load(value)
      assert.equal(taken(), value)
    }),
  )
})

test('multiplies and divides by up to a million', () => {
  fc.assert(
    fc.property(
      magnitudes,
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      (value, factor, addend) => {
        load(value)
        assert.equal(wide.divide(factor), Number(value % BigInt(factor)))
        assert.equal(taken(), value / BigInt(factor))
        load(value)
        const product = value * BigInt(factor) + BigInt(addend)
        assert.equal(wide.multiplyAdd(factor, addend), product < LIMIT)
        if (product < LIMIT) assert.equal(taken(), product)
      },
    ),
    { numRuns: 500 },
  )
})

test('moves the decimal point, and says when digits would be lost', () => {
  fc.assert(
    fc.property(magnitudes, fc.integer({ min: -38, max: 38 }), (value, digits) => {
      const power = 10n ** BigInt(Math.abs(digits))
      load(value)
      const fits = digits < 0 ? value % power === 0n : value * power < LIMIT
      assert.equal(wide.shiftRegister(digits), fits)
      if (fits) assert.equal(taken(), digits < 0 ? value / power : value * power)
    }),
    { numRuns: 500 },
  )
})

test('counts digits', () => {
  for (let digits = 0; digits <= 38; digits++) {
    for (const off of [-1n, 0n, 1n]) {
      const value = 10n ** BigInt(digits) + off
      load(value)
      assert.equal(wide.hasDigits(digits), value < 10n ** BigInt(digits), `${value} in ${digits}`)
    }
  }
})

test('loads and stores words of both signs, and refuses what does not fit', () => {
  const signed = fc.oneof(
    fc.bigInt({ min: -(2n ** 127n) + 1n, max: 2n ** 127n - 1n }),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.constantFrom(
      2n ** 63n,
      -(2n ** 63n),
      -(2n ** 63n) - 1n,
      2n ** 63n - 1n,
      2n ** 64n,
      2n ** 64n - 1n,
      0n,
      -1n,
      -(2n ** 32n),
      -(2n ** 96n),
    ),
  )
  fc.assert(
    fc.property(signed, value => {
      const words = wordsOf(value)
      const isNegative = wide.loadInt128(words, 0)
      assert.equal(isNegative, value < 0n)
      const out = new Int32Array(6)
      wide.storeInt128(out, 1, isNegative)
      assert.equal(valueOf(out.subarray(1, 5)), value)
      assert.equal(wide.storeInt64(out, 0, isNegative), BigInt.asIntN(64, value) === value)
      if (BigInt.asIntN(64, value) === value) assert.deepEqual(out.subarray(0, 2), words.subarray(0, 2))
      if (value >= 0n) assert.equal(wide.storeUint64(out, 0), value < 2n ** 64n)
      if (value >= 0n) assert.equal(wide.safeRegister(), value < 2n ** 53n ? Number(value) : NaN)
    }),
    { numRuns: 1000 },
  )
})

test('loads 64 bits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), value => {
      const [lo = 0, hi = 0] = wordsOf(value)
      assert.equal(wide.loadInt64(lo, hi), value < 0n)
      assert.equal(taken(), value < 0n ? -value : value)
      wide.loadUint64(lo, hi)
      assert.equal(taken(), BigInt.asUintN(64, value))
      const isSafe = value >= -(2n ** 53n) && value < 2n ** 53n
      assert.equal(wide.safeOf(lo, hi), isSafe ? Number(value) : NaN)
    }),
    { numRuns: 500 },
  )
})

test('moves the point of a safe integer, or leaves it to the register', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: -20, max: 20 }), (value, digits) => {
      const power = 10n ** BigInt(Math.abs(digits))
      const exact = digits < 0 ? (BigInt(value) % power === 0n ? BigInt(value) / power : undefined) : BigInt(value) * power
      const result = wide.shiftSafe(value, digits)
      if (!Number.isNaN(result)) assert.equal(BigInt(result), exact)
      else
        assert(
          exact === undefined ||
            exact > BigInt(Number.MAX_SAFE_INTEGER) ||
            exact < -BigInt(Number.MAX_SAFE_INTEGER) ||
            Math.abs(digits) > 15,
        )
    }),
    { numRuns: 1000 },
  )
  assert.equal(wide.shiftSafe(NaN, 2), NaN)
})
