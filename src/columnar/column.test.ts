/** Columns, batches and single values: column.ts, batch.ts, value.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Batch } from './batch.ts'
import { Column } from './column.ts'
import { bool, int, list, parseTypeName, typeName, utf8 } from './types.ts'
import { readValue, writeValue, type Value } from './value.ts'
import { batchOf, columnOf, fillBatch, rowsIn, rowsOf, schemaOf, someTypes, valuesIn, valuesOf } from './values.test-support.ts'

for (const type of someTypes) {
  test(`${typeName(type)}: every value is read as it was written, next to NULLs`, () => {
    fc.assert(
      fc.property(fc.array(fc.option(valuesOf(type)), { maxLength: 20 }), values => {
        const column = columnOf(type, values)
        assert.deepEqual(valuesIn(column, values.length), values)
        assert.equal(column.nulls, values.filter(value => value === null).length)
      }),
      { numRuns: 40 },
    )
  })
}

test('a batch that is used again shows nothing of its earlier rows', () => {
  fc.assert(
    fc.property(rowsOf(someTypes, 10), rowsOf(someTypes, 10), (first, second) => {
      const batch = new Batch(schemaOf(someTypes), 10)
      assert.deepEqual(rowsIn(fillBatch(batch, first)), first)
      assert.deepEqual(rowsIn(fillBatch(batch, second)), second)
    }),
    { numRuns: 40 },
  )
})

test('bits behind the last row stay ones', () => {
  const column = columnOf(int(8), [null, 1, null], 20)
  assert.deepEqual([...column.validity], [0b1111_1010, 0xff, 0xff])
})

test('a list has as many items as it likes', () => {
  const column = new Column(list(list(utf8)), 2)
  const rows: Value[] = [Array.from({ length: 100 }, (_, i) => [`${i}`, null]), [[], null, Array.from({ length: 50 }, () => 'x')]]
  for (const [row, value] of rows.entries()) writeValue(column, row, value)
  assert.deepEqual(valuesIn(column, 2), rows)
  column.reset()
  writeValue(column, 0, [])
  assert.deepEqual(readValue(column, 0), [])
})

test('growing keeps the rows', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.boolean()), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 100 }),
      (values, more) => {
        for (const type of [bool, int(16)]) {
          const own = values.map(value => (value === null || type === bool ? value : Number(value)))
          const column = columnOf(type, own)
          column.reserveRows(values.length + more)
          assert(column.capacity >= values.length + more)
          writeValue(column, values.length, null)
          assert.deepEqual(valuesIn(column, values.length + 1), [...own, null])
        }
      },
    ),
  )
})

test('bytes count as they are laid out', () => {
  const batch = batchOf(
    [int(32), utf8, list(int(64)), bool],
    [
      [1, 'abc', [1n, 2n], true],
      [2, null, null, false],
    ],
  )
  assert.equal(batch.byteLength, 2 * 4 + (2 * 4 + 3) + (2 * 4 + 2 * 8) + 1)
})

const misfits: readonly (readonly [type: string, value: Value])[] = [
  ['bool', 1],
  ['bool', 'true'],
  ['int8', 128],
  ['int8', 1.5],
  ['int8', ''],
  ['int8', true],
  ['uint32', -1],
  ['int64', 2n ** 63n],
  ['int64', '1.0'],
  ['uint64', -1n],
  ['float64', '1'],
  ['decimal(5,2)', '1000'],
  ['decimal(5,2)', '0.001'],
  ['numeric', '1e5'],
  ['numeric', '01'],
  ['numeric', '-NaN'],
  ['utf8', '\ud800'],
  ['utf8', 5],
  ['json', '"\ud800"'],
  ['binary', 'abc'],
  ['uuid', '0123'],
  ['date', '2023-02-29'],
  ['date', '9999999-01-01'],
  ['time', '25:00:00'],
  ['timestamp', '9999999-01-01 00:00:00'],
  ['duration', 2n ** 63n],
  ['interval', 'P1Y'],
  ['interval', { months: 2 ** 31, days: 0, micros: 0n }],
  ['interval', { months: 0, days: 0, micros: 2n ** 63n }],
  ['list<int8>', [128]],
  ['list<int8>', 1],
]

for (const [name, value] of misfits) {
  test(`${name} does not take ${typeof value} ${JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}` : part))}`, () => {
    const column = new Column(parseTypeName(name) ?? assert.fail(name), 1)
    assert.throws(
      () => writeValue(column, 0, value),
      error => error instanceof RangeError || error instanceof TypeError,
    )
  })
}

test('types have names that are read back', () => {
  for (const type of someTypes) assert.deepEqual(parseTypeName(typeName(type)), type)
  for (const text of ['', 'int', 'decimal(39,0)x', 'decimal(1)', 'list<>', 'list<x>', 'INT32'])
    assert.equal(parseTypeName(text), undefined, text)
  assert.deepEqual([parseTypeName('decimal(39,2)'), parseTypeName('decimal(5,6)')], [{ kind: 'numeric' }, { kind: 'numeric' }])
})
