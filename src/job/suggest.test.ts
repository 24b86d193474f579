import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, suggest } from './suggest.ts'

test('counts edits, a swap of neighbours as one', () => {
  for (const [a, b, distance] of [
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['encodig', 'encoding', 1],
    ['teh', 'the', 1],
    ['a', 'b', 1],
  ] as const) {
    assert.equal(editDistance(a, b), distance, `${a} -> ${b}`)
    assert.equal(editDistance(b, a), distance, `${b} -> ${a}`)
  }
})

test('suggests what is near, best first, and nothing that is far', () => {
  const known = ['fetchSize', 'batchSize', 'where', 'customSql']
  assert.deepEqual(suggest('fecthsize', known), ['fetchSize'])
  assert.deepEqual(suggest('FETCHSIZE', known), ['fetchSize'])
  assert.deepEqual(suggest('percent', ['record', 'percentage']), ['percentage'])
  assert.deepEqual(suggest('zzz', known), [])
  assert.deepEqual(suggest('x'.repeat(1e6), known), [])
})
