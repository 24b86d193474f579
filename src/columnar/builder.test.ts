import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder } from './builder.ts'
import { bool, int, list, uuid, utf8 } from './types.ts'
import type { Value } from './value.ts'
import { rowsIn, rowsOf, schemaOf, someTypes } from './values.test-support.ts'

function* build(builder: BatchBuilder, rows: Iterable<readonly Value[]>): Generator<Value[][]> {
  for (const values of rows) {
    if (builder.append(values)) continue
    yield rowsIn(builder.finish())
    assert(builder.append(values))
  }
  if (builder.rows > 0) yield rowsIn(builder.finish())
}

test('every row arrives once, in order, whatever the limits', () => {
  fc.assert(
    fc.property(
      rowsOf(someTypes, 30),
      fc.integer({ min: 1, max: 10 }),
      fc.constantFrom(1, 500, 2000, 1 << 20),
      (rows, limit, bytes) => {
        const batches = [...build(new BatchBuilder(schemaOf(someTypes), { rows: limit, bytes }), rows)]
        assert.deepEqual(batches.flat(), rows)
        for (const batch of batches) assert(batch.length >= 1 && batch.length <= limit)
      },
    ),
    { numRuns: 30 },
  )
})

test('no batch of several rows is above the limit of bytes', () => {
  const builder = new BatchBuilder(schemaOf([utf8]), { rows: 100, bytes: 50 })
  const sizes: number[] = []
  for (let i = 0; i < 40; i++) {
    if (builder.append(['x'.repeat(i)])) continue
    const batch = builder.finish()
    assert(batch.rows === 1 || batch.byteLength <= 50)
    sizes.push(batch.rows)
    assert(builder.append(['x'.repeat(i)]))
  }
  assert(sizes.length > 5)
  const large = new BatchBuilder(schemaOf([utf8]), { rows: 100, bytes: 50 })
  assert(large.append(['x'.repeat(1000)]), 'a row above the limit is a batch of its own')
  assert(!large.append(['']))
})

test('a row that does not fit leaves no trace', () => {
  const types = [bool, int(8), list(utf8), uuid]
  const builder = new BatchBuilder(schemaOf(types), { rows: 10, bytes: 1 << 20 })
  const good: Value[] = [false, 1, ['a', null], 'abababab-abab-abab-abab-abababababab']
  for (const bad of [
    [true, null, [null, 'b'], 'no uuid'],
    [null, 128, [], null],
    [true, 1, [null, null, 7], null],
    [1, 1, [], null],
  ] as Value[][]) {
    assert.throws(() => builder.append(bad), { code: 'columnar.bad-value', fault: 'data' })
    builder.append(good)
  }
  const batch = builder.finish()
  assert.deepEqual(rowsIn(batch), [good, good, good, good])
  assert.deepEqual(
    [...batch.columns, batch.columns[2]?.item].map(column => column?.nulls),
    [0, 0, 0, 0, 4],
  )
})

test('a finished builder begins anew', () => {
  const builder = new BatchBuilder(schemaOf([bool]), { rows: 2, bytes: 1 << 20 })
  builder.append([true])
  assert.equal(builder.finish().rows, 1)
  assert.equal(builder.rows, 0)
  builder.append([false])
  assert.deepEqual(rowsIn(builder.finish()), [[false]])
  assert.equal(builder.finish().rows, 0)
})
