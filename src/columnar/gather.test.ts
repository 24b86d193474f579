import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { gatherRows, pickRows } from './gather.ts'
import { int } from './types.ts'
import { batchOf, rowsIn, rowsOf, someTypes } from './values.test-support.ts'

test('rows of every type are picked in any order, also into a batch used before', () => {
  fc.assert(
    fc.property(rowsOf(someTypes, 20), fc.array(fc.nat(), { maxLength: 40 }), (rows, numbers) => {
      const batch = batchOf(someTypes, rows)
      const wanted = batch.rows === 0 ? [] : numbers.map(number => number % batch.rows)
      const all = rowsIn(batch)
      const expected = wanted.map(row => all[row])
      const picked = pickRows(batch, wanted)
      assert.deepEqual(rowsIn(picked), expected)
      gatherRows(batch, wanted.toReversed(), picked)
      assert.deepEqual(rowsIn(picked), expected.toReversed())
    }),
    { numRuns: 40 },
  )
})

test('row kinds come along', () => {
  const batch = batchOf([int(32)], [[1], [2], [3]])
  batch.kinds = Uint8Array.of(0, 3, 2)
  assert.deepEqual(pickRows(batch, [2, 1]).kinds, Uint8Array.of(2, 3))
})
