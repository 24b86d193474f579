import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Column } from './column.ts'
import { binary, float, int, interval, utf8 } from './types.ts'
import { cellToJson, valueFromJson, type ValueJson } from './value-json.ts'
import { batchOf, rowsIn, rowsOf, someTypes } from './values.test-support.ts'
import { writeValue } from './value.ts'

test('every value of every type survives JSON', () => {
  fc.assert(
    fc.property(rowsOf(someTypes, 10), rows => {
      const batch = batchOf(someTypes, rows)
      const texts = Array.from({ length: batch.rows }, (_, row) =>
        JSON.stringify(batch.columns.map(column => cellToJson(column, row))),
      )
      const back = texts.map(text => (JSON.parse(text) as ValueJson[]).map((value, i) => valueFromJson(someTypes[i]!, value)))
      assert.deepEqual(rowsIn(batchOf(someTypes, back)), rowsIn(batch))
    }),
    { numRuns: 60 },
  )
})

test('what JSON has no word for is written down all the same', () => {
  const [bigint, floats] = [new Column(int(64), 1), new Column(float(64), 4)]
  writeValue(bigint, 0, -9_223_372_036_854_775_808n)
  for (const [row, value] of [Number.NaN, -Infinity, -0, 5e-324].entries()) writeValue(floats, row, value)
  assert.deepEqual(cellToJson(bigint, 0), '-9223372036854775808')
  assert.deepEqual(
    [0, 1, 2, 3].map(row => cellToJson(floats, row)),
    ['NaN', '-Infinity', '-0', 5e-324],
  )
  assert(Object.is(valueFromJson(float(64), '-0'), -0))
  const months = new Column(interval, 1)
  writeValue(months, 0, { months: 1, days: -2, micros: 3n })
  assert.deepEqual(cellToJson(months, 0), { months: 1, days: -2, micros: '3' })
})

test('bytes that are no text are kept, and are no text when they come back', () => {
  const column = new Column(utf8, 1)
  column.data.set([0x61, 0xff])
  column.offsets[1] = 2
  assert.deepEqual(cellToJson(column, 0), { base64: 'Yf8=' })
  assert.throws(() => valueFromJson(utf8, { base64: 'Yf8=' }), /not UTF-8/)
  assert.deepEqual(valueFromJson(binary, 'Yf8='), Buffer.from([0x61, 0xff]))
})
