import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { once } from 'node:events'
import fc from 'fast-check'
import { packBatch, slabBytes, unpackBatch } from './slab.ts'
import { int, list, utf8 } from './types.ts'
import { batchOf, fillBatch, rowsIn, rowsOf, schemaOf, someTypes } from './values.test-support.ts'

test('a batch of every type comes out of its slab as it went in, also out of a slab used before', () => {
  const used = new ArrayBuffer(1 << 20)
  new Uint8Array(used).fill(0xa5)
  fc.assert(
    fc.property(rowsOf(someTypes, 20), rows => {
      const batch = batchOf(someTypes, rows)
      const slab = packBatch(batch)
      assert.equal(slab.byteLength, slabBytes(batch))
      const expected = rowsIn(batch)
      assert.deepEqual(rowsIn(unpackBatch(batch.schema, slab)), expected)
      assert.equal(packBatch(batch, used), used)
      // The batch is overwritten by the next rows, the slab must not notice.
      fillBatch(batch, [])
      assert.deepEqual(rowsIn(unpackBatch(batch.schema, used)), expected)
    }),
    { numRuns: 40 },
  )
})

test('a slab that is too small is not used', () => {
  const batch = batchOf([utf8], [['x'.repeat(100)]])
  const small = new ArrayBuffer(64)
  assert.notEqual(packBatch(batch, small), small)
})

test('rows that are left of an earlier, longer batch are not packed', () => {
  const batch = batchOf([utf8], [['a'], ['b'], ['c']])
  const long = slabBytes(batch)
  assert(slabBytes(fillBatch(batch, [['a']])) < long)
})

test('row kinds travel along', () => {
  const batch = batchOf([int(32)], [[1], [2], [3]])
  batch.kinds = Uint8Array.of(0, 3, 2, 99)
  assert.deepEqual(unpackBatch(batch.schema, packBatch(batch)).kinds, Uint8Array.of(0, 3, 2))
})

test('buffers of a slab begin at multiples of 8 bytes, and its lists know where they end', () => {
  const types = [utf8, list(int(64)), int(8), list(utf8)]
  const batch = unpackBatch(
    schemaOf(types),
    packBatch(
      batchOf(types, [
        ['a', [1n, 2n], 3, ['b', null]],
        [null, null, null, []],
      ]),
    ),
  )
  for (const column of batch.columns.flatMap(each => (each.item ? [each, each.item] : [each]))) {
    for (const buffer of [column.validity, column.values, column.offsets, column.data]) assert.equal(buffer.byteOffset % 8, 0)
  }
  assert.equal(batch.columns[1]?.item?.capacity, 2)
  assert.equal(batch.byteLength, batchOf(types, rowsIn(batch)).byteLength)
})

test('a slab of other columns is refused', () => {
  const slab = packBatch(batchOf([int(32)], [[1]]))
  assert.throws(() => unpackBatch(schemaOf([int(32), int(32)]), slab), { code: 'columnar.bad-slab' })
  assert.throws(() => unpackBatch(schemaOf([int(32)]), new ArrayBuffer(64)), { code: 'columnar.bad-slab' })
})

test('a slab is moved to another thread, not copied', async () => {
  const batch = batchOf(
    [utf8, int(64)],
    [
      ['a', 1n],
      [null, null],
    ],
  )
  const { port1, port2 } = new MessageChannel()
  const slab = packBatch(batch)
  port1.postMessage(slab, [slab])
  const [moved] = (await once(port2, 'message')) as [ArrayBuffer]
  port1.close()
  assert.equal(slab.byteLength, 0)
  assert.deepEqual(rowsIn(unpackBatch(batch.schema, moved)), rowsIn(batch))
})
