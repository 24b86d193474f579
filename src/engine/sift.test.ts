import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder, Caster, int, utf8, type Batch, type Schema } from '#columnar'
import { rowsWithout, sift } from './sift.ts'

const source: Schema = {
  fields: [
    { name: 'a', type: int(64), nullable: false },
    { name: 'b', type: utf8, nullable: true },
  ],
}
const target: Schema = {
  fields: [
    { name: 'a', type: int(8), nullable: false },
    { name: 'b', type: int(32), nullable: true },
  ],
}

function batchOf(rows: readonly (readonly [bigint, string | null])[]): Batch {
  const builder = new BatchBuilder(source, { rows: Math.max(1, rows.length), bytes: Infinity })
  for (const row of rows) builder.append(row)
  return builder.finish()
}

const isGood = ([a, b]: readonly [bigint, string | null]) => a >= -128n && a <= 127n && (b === null || /^-?\d+$/.test(b))

test('all rows that a cast refuses are found, and no other', () => {
  const value = fc.tuple(
    fc.oneof({ weight: 20, arbitrary: fc.bigInt({ min: -128n, max: 127n }) }, { weight: 1, arbitrary: fc.constant(128n) }),
    fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom('1', '-5', null) },
      { weight: 1, arbitrary: fc.constantFrom('x', '1.5', '') },
    ),
  )
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 600 }), rows => {
      const batch = batchOf(rows)
      const { kept, refused } = sift(new Caster(source, target), batch)
      const expected = rows.flatMap((row, i) => (isGood(row) ? [i] : []))
      assert.deepEqual(kept, expected)
      assert.deepEqual(rowsWithout(rows.length, refused), expected)
      for (const { row, column } of refused) assert.equal(column, rows[row]![0] === 128n ? 'a' : 'b')
    }),
    { numRuns: 30 },
  )
})

test('a batch of bad rows only leaves nothing', () => {
  const { kept, refused } = sift(new Caster(source, target), batchOf(Array.from({ length: 300 }, () => [1000n, null] as const)))
  assert.deepEqual([kept.length, refused.length], [0, 300])
})
