/** What needs no server; the rest is in sink.mysql.test.ts and conformance.mysql.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maskBytes } from './protocol/row-encoder.ts'
import { packNulls, powerOfTwoBelow } from './row-sender.ts'

test('packs the NULL bits of rows one behind the other, whatever their number is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), { maxLength: 20 }),
      fc.nat(5),
      (columns, nulls, skipped) => {
        const stride = maskBytes(columns)
        const masks = new Uint8Array((nulls.length + skipped) * stride)
        for (const [row, bits] of nulls.entries())
          for (let k = 0; k < columns; k++) if (bits[k]) masks[(row + skipped) * stride + (k >> 3)]! |= 1 << (k & 7)
        const out = new Uint8Array(3 + maskBytes(columns * nulls.length))
        packNulls(masks, skipped, nulls.length, columns, out, 3)
        const packed = nulls
          .flatMap(bits => bits.slice(0, columns))
          .map((_, bit) => (out[3 + (bit >> 3)]! & (1 << (bit & 7))) !== 0)
        assert.deepEqual(
          packed,
          nulls.flatMap(bits => bits.slice(0, columns)),
        )
      },
    ),
  )
})

test('divides any number of rows into powers of two', () => {
  for (const [value, power] of [
    [1, 1],
    [2, 2],
    [3, 2],
    [1023, 512],
    [1024, 1024],
    [4095, 2048],
    [0.5, 1],
  ] as const)
    assert.equal(powerOfTwoBelow(value), power)
})
