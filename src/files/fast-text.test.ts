/** Against the words of ECMAScript: String, toFixed, Date. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { putDate, putDecimal64, putInt32, putInt64, putTimestamp, putUint32 } from './fast-text.ts'

const out = new Uint8Array(64)
const written = (put: (pos: number) => number) => Buffer.from(out.subarray(3, put(3))).toString()
const wordsOf = (value: bigint) => [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))] as const

test('integers', () => {
  const edges = Array.from({ length: 19 }, (_, exponent) => 10n ** BigInt(exponent)).flatMap(value => [
    value - 1n,
    value,
    -value,
    1n - value,
  ])
  const powers = [7n, 8n, 15n, 16n, 31n, 32n, 52n, 53n, 54n, 63n].flatMap(bits => [2n ** bits - 1n, -(2n ** bits)])
  for (const value of [...edges, ...powers]) {
    assert.equal(
      written(pos => putInt64(out, pos, ...wordsOf(value))),
      String(value),
    )
    if (BigInt.asIntN(32, value) === value)
      assert.equal(
        written(pos => putInt32(out, pos, Number(value))),
        String(value),
      )
    if (BigInt.asUintN(32, value) === value)
      assert.equal(
        written(pos => putUint32(out, pos, Number(value))),
        String(value),
      )
  }
  fc.assert(
    fc.property(
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      value => written(pos => putInt64(out, pos, ...wordsOf(value))) === String(value),
    ),
  )
})

test('decimals', () => {
  const value = fc.bigInt(-(10n ** 18n) + 1n, 10n ** 18n - 1n)
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 18 }), (unscaled, scale) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
      const point = digits.length - scale
      const expected = `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`
      assert.equal(
        written(pos => putDecimal64(out, pos, ...wordsOf(unscaled), scale, 10 ** scale)),
        expected,
      )
    }),
  )
  assert.equal(
    written(pos => putDecimal64(out, pos, 0, -0x8000_0000, 2, 100)),
    'NaN',
  )
})

test('days of the years 1 to 9999: each of 400 years, every 41st of the others', () => {
  const isCycle = (days: number) => days >= -135_140 && days < -135_140 + 146_097
  for (let days = -719_162; days <= 2_932_896; days += isCycle(days) ? 1 : 41) {
    const expected = new Date(days * 86_400_000).toISOString().slice(0, 10)
    if (written(pos => putDate(out, pos, days)) !== expected) assert.fail(expected)
  }
  assert.equal(
    written(pos => putDate(out, pos, 2_932_896)),
    '9999-12-31',
  )
  assert.equal(
    written(pos => putDate(out, pos, -719_163)),
    '0001-12-31 BC',
  )
  assert.equal(
    written(pos => putDate(out, pos, 0x7fff_ffff)),
    'infinity',
  )
})

test('timestamps', () => {
  const first = BigInt(Date.UTC(1600, 0, 1)) * 1000n
  const last = BigInt(Date.UTC(9999, 11, 31)) * 1000n
  const check = (micros: bigint) => {
    const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n)
    const fraction = String(((micros % 1_000_000n) + 1_000_000n) % 1_000_000n).padStart(6, '0')
    const expected = `${new Date(Number(millis)).toISOString().slice(0, 19)}${fraction === '000000' ? '' : `.${fraction}`}`
    assert.equal(
      written(pos => putTimestamp(out, pos, ...wordsOf(micros), false, 0x54)),
      expected,
    )
    assert.equal(
      written(pos => putTimestamp(out, pos, ...wordsOf(micros), true, 0x20)),
      `${expected.replace('T', ' ')}Z`,
    )
  }
  // Just below a second, far from 1970: where a quotient of doubles is rounded up.
  for (let second = 2n ** 32n; second < 2n ** 33n; second += 98_765_432n)
    for (const micros of [-1n, 0n, 1n, 999_999n]) check(second * 1_000_000n + micros)
  fc.assert(fc.property(fc.bigInt(first, last), check), { numRuns: 1000 })
})
