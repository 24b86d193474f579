import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RowHasher } from './hash.ts'
import { packBatch, unpackBatch } from './slab.ts'
import { bool, float, int, list, utf8, type Type } from './types.ts'
import type { Value } from './value.ts'
import { batchOf, rowsOf, someTypes } from './values.test-support.ts'

const all = (types: readonly Type[]) => types.map((_, i) => i)

/** The hash of each row as text. */
function hashes(types: readonly Type[], rows: readonly (readonly Value[])[]): string[] {
  const words = new RowHasher().hash(batchOf(types, rows), all(types))
  return rows.map((_, row) => `${words[row * 2]} ${words[row * 2 + 1]}`)
}

test('a row has the same hash wherever it lies', () => {
  fc.assert(
    fc.property(rowsOf(someTypes, 8), rows => {
      const straight = hashes(someTypes, rows)
      assert.deepEqual(hashes(someTypes, rows.toReversed()).toReversed(), straight)
      const batch = batchOf(someTypes, rows)
      const unpacked = unpackBatch(batch.schema, packBatch(batch))
      const hasher = new RowHasher()
      // A hasher that has been used before, on a longer batch.
      hasher.hash(batchOf([bool], [[true], [false], [null]]), [0])
      const words = hasher.hash(unpacked, all(someTypes))
      assert.deepEqual(
        rows.map((_, row) => `${words[row * 2]} ${words[row * 2 + 1]}`),
        straight,
      )
    }),
    { numRuns: 10 },
  )
})

test('rows that differ in one value have different hashes', () => {
  const types = [utf8, int(64), list(utf8), bool, float(64)]
  const base: readonly Value[] = ['ab', 1n, ['a', 'b'], true, 0.5]
  const variants: readonly (readonly Value[])[] = [
    base,
    ['abc', 1n, ['a', 'b'], true, 0.5],
    ['', 1n, ['a', 'b'], true, 0.5],
    [null, 1n, ['a', 'b'], true, 0.5],
    ['ab', 1n << 32n, ['a', 'b'], true, 0.5],
    ['ab', -1n, ['a', 'b'], true, 0.5],
    ['ab', null, ['a', 'b'], true, 0.5],
    ['ab', 1n, ['ab'], true, 0.5],
    ['ab', 1n, ['a', null], true, 0.5],
    ['ab', 1n, [], true, 0.5],
    ['ab', 1n, null, true, 0.5],
    ['ab', 1n, ['a', 'b'], false, 0.5],
    ['ab', 1n, ['a', 'b'], true, -0.5],
  ]
  assert.equal(new Set(hashes(types, variants)).size, variants.length)
})

test('values that are equal to a database are equal here', () => {
  const [zero, minus] = hashes([float(64)], [[0], [-0]])
  assert.equal(zero, minus)
  const [narrow] = hashes([float(32)], [[0.5]])
  const [double] = hashes([float(64)], [[0.5]])
  assert.equal(narrow, double)
})

test('only the columns that are asked for count, in the order that is asked for', () => {
  const batch = batchOf([int(32), int(32)], [[1, 2]])
  const hash = (columns: number[]) => [...new RowHasher().hash(batch, columns)]
  assert.notDeepEqual(hash([0, 1]), hash([1, 0]))
  assert.deepEqual(hash([1]), [...new RowHasher().hash(batchOf([int(32)], [[2]]), [0])])
  assert.throws(() => hash([2]), RangeError)
})
