import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Batch } from './batch.ts'
import { Caster } from './caster.ts'
import type { Schema } from './schema.ts'
import { parseTypeName } from './types.ts'
import { writeValue, type Value } from './value.ts'

const schemaOf = (columns: Readonly<Record<string, string>>): Schema => ({
  fields: Object.entries(columns).map(([name, type]) => ({
    name,
    type: parseTypeName(type) ?? assert.fail(type),
    nullable: true,
  })),
})

function fill(batch: Batch, rows: readonly (readonly Value[])[]): Batch {
  batch.reset()
  for (const [row, values] of rows.entries()) for (const [i, value] of values.entries()) writeValue(batch.columns[i]!, row, value)
  batch.rows = rows.length
  return batch
}

const source = schemaOf({ id: 'int32', name: 'utf8', price: 'utf8' })
const target = schemaOf({ key: 'int64', title: 'utf8', amount: 'decimal(5,2)' })

function castTo(caster: Caster, batch: Batch): Batch {
  const result = caster.cast(batch)
  return 'batch' in result ? result.batch : assert.fail(JSON.stringify(result.refused))
}

test('casts what differs, borrows what is the same, and uses its batch again', () => {
  const caster = new Caster(source, target)
  const batch = new Batch(source, 4)
  const first = castTo(
    caster,
    fill(batch, [
      [1, 'a', '1.5'],
      [null, null, null],
    ]),
  )
  assert.deepEqual(
    [first.row(0), first.row(1)],
    [
      [1n, 'a', '1.50'],
      [null, null, null],
    ],
  )
  assert.equal(first.columns[1], batch.columns[1])
  assert.equal(first.schema, target)
  const second = castTo(caster, fill(batch, [[2, 'b', '7']]))
  assert.equal(second, first)
  assert.deepEqual([second.rows, second.row(0)], [1, [2n, 'b', '7.00']])
})

test('follows a source that lends other and larger batches', () => {
  const caster = new Caster(source, target)
  castTo(caster, fill(new Batch(source, 1), [[1, 'a', '1']]))
  const rows = Array.from({ length: 100 }, (_, i) => [i, `n${i}`, `${i}.25`])
  const larger = castTo(caster, fill(new Batch(source, 128), rows))
  assert.deepEqual(larger.row(99), [99n, 'n99', '99.25'])
  assert(larger.capacity >= 100)
  const other = castTo(caster, fill(new Batch(source, 2), [[5, 'x', '5']]))
  assert.deepEqual(other.row(0), [5n, 'x', '5.00'])
})

test('carries the kinds of the rows', () => {
  const batch = fill(new Batch(source, 2), [[1, 'a', '1']])
  batch.kinds = Uint8Array.of(3, 0)
  assert.equal(castTo(new Caster(source, target), batch).kinds, batch.kinds)
})

test('refuses by the first row, whatever the order of the columns', () => {
  const two = schemaOf({ a: 'utf8', b: 'utf8' })
  const caster = new Caster(two, schemaOf({ x: 'int8', y: 'int8' }))
  const batch = new Batch(two, 4)
  const rows = [
    ['1', '1'],
    ['2', 'no'],
    ['no', '3'],
  ] as const
  const reason = 'the text is not a number'
  assert.deepEqual(caster.cast(fill(batch, rows)), { refused: { row: 1, column: 'b', reason } })
  const mirrored = rows.map(([a, b]) => [b, a])
  assert.deepEqual(caster.cast(fill(batch, mirrored)), { refused: { row: 1, column: 'a', reason } })
  assert.deepEqual(castTo(caster, fill(batch, [['3', '4']])).row(0), [3, 4])
})

test('says before the first batch that there is no cast', () => {
  assert.throws(() => new Caster(schemaOf({ a: 'date' }), schemaOf({ a: 'int32' })), { code: 'columnar.no-cast' })
})
