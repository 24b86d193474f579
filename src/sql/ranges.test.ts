import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mysqlDialect, postgresDialect } from './dialect.ts'
import { rangePredicate, remainderPredicate, whereClause } from './ranges.ts'

test('writes ranges that are open below and closed above', () => {
  const range = { lower: ['1'], upper: ["it's"] }
  assert.equal(rangePredicate(postgresDialect, ['"id"'], range), `"id" > '1' AND "id" <= 'it''s'`)
  assert.equal(rangePredicate(postgresDialect, ['"id"'], {}), undefined)
  assert.equal(rangePredicate(postgresDialect, ['a', 'b'], { upper: ['1', '2'] }), `(a, b) <= ('1', '2')`)
})

// The spelled-out form is evaluated as JavaScript and compared with the lexicographic order it stands for.
test('compares composite keys like their index', () => {
  const key = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2))
  fc.assert(
    fc.property(key, key, key, fc.integer({ min: 1, max: 3 }), (row, lower, upper, width) => {
      const [values, from, to] = [row, lower, upper].map(list => list.slice(0, width).map(String))
      const sql = rangePredicate(mysqlDialect, ['a', 'b', 'c'].slice(0, width), { lower: from, upper: to }, value => value) ?? ''
      const js = sql.replaceAll(' = ', ' === ').replaceAll('AND', '&&').replaceAll('OR', '||')
      const actual = new Function('a', 'b', 'c', `return ${js}`)(...row) as boolean
      const order = (values?.join('') ?? '') > (from?.join('') ?? '') && (values?.join('') ?? '') <= (to?.join('') ?? '')
      assert.equal(actual, order, sql)
    }),
  )
})

test('keeps the conditions of users apart', () => {
  assert.equal(whereClause([undefined, ' ']), '')
  assert.equal(whereClause(['a = 1 OR b = 2', undefined, 'c']), ' WHERE (a = 1 OR b = 2) AND (c)')
  assert.equal(whereClause(['a -- note', 'c']), ' WHERE (a -- note\n) AND (c)')
  assert.equal(remainderPredicate('"k"', 0, 3), '(abs(mod("k", 3)) = 0 OR "k" IS NULL)')
})

test('quotes names and texts so that they cannot end early', () => {
  assert.equal(postgresDialect.quote('a"b'), '"a""b"')
  assert.equal(postgresDialect.literal("a'b"), "'a''b'")
  assert.equal(postgresDialect.literal("a\\'b"), " E'a\\\\''b'")
  assert.equal(mysqlDialect.quote('a`b'), '`a``b`')
  assert.equal(mysqlDialect.literal("a\\'b"), "'a\\\\''b'")
})
