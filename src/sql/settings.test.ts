import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { postgresDialect } from './dialect.ts'
import { readerShape, writerShape } from './options.ts'
import { readerSettings, writerSettings } from './settings.ts'

const facts = { dialect: postgresDialect, systems: ['postgresql'] as const }
const reader = (options: object) =>
  readerSettings(z.strictObject(readerShape).parse(options), { ...facts, systems: ['postgresql'] })
const writer = (options: object) =>
  writerSettings(z.strictObject(writerShape).parse(options), { ...facts, systems: ['postgresql'] })
const url = 'jdbc:postgresql://db:5433/shop?sslmode=require'

test('native names and those of FlinkX mean the same', () => {
  const native = reader({
    host: 'db',
    port: 5433,
    database: 'shop',
    user: 'me',
    password: 'x',
    schema: 's',
    tables: ['t'],
    properties: { sslmode: 'require' },
  })
  const flinkx = reader({
    user: 'me',
    password: 'x',
    connection: [{ jdbcUrl: [url], table: ['t'], schema: 's' }],
    customSql: '',
    where: '',
    startLocation: '',
  })
  assert.deepEqual({ ...flinkx, connection: { ...flinkx.connection, isJdbc: false } }, native)
  assert.equal(flinkx.connection.isJdbc, true)
  assert.deepEqual(native.tables, [{ schema: 's', name: 't' }])
})

test('a reader takes jdbcUrl as a list and a writer as a text, and the other way round', () => {
  assert.equal(reader({ connection: [{ jdbcUrl: url, table: 'a.b' }] }).connection.hosts[0]?.host, 'db')
  assert.equal(writer({ connection: { jdbcUrl: [url], table: ['t'] } }).connection.database, 'shop')
})

test('startLocation filters together with increColumn, and alone has a note', () => {
  const place = { connection: [{ jdbcUrl: [url], table: ['t'] }] }
  assert.deepEqual(reader({ ...place, increColumn: 'id', startLocation: 20 }).after, { column: 'id', start: '20' })
  assert.deepEqual(reader({ ...place, columns: ['x', 'id'], increColumn: '1', startLocation: '20' }).after, {
    column: 'id',
    start: '20',
  })
  const alone = reader({ ...place, startLocation: '20' })
  assert.equal(alone.after, undefined)
  assert.match(alone.notes[0]?.text ?? '', /startLocation/)
})

const keys: [updateKey: unknown, expected: unknown][] = [
  [{ PRIMARY: [], uk: ['a', 'b'] }, ['a', 'b']],
  [{ key: 'a' }, ['a']],
  [['a'], ['a']],
  ['a, b', ['a', 'b']],
  [{}, undefined],
  [[], undefined],
  ['', undefined],
  [null, undefined],
]
for (const [updateKey, expected] of keys) {
  test(`updateKey ${JSON.stringify(updateKey)} means ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(writer({ host: 'h', updateKey }).key, expected)
  })
}

test('statements are a list whatever they were', () => {
  assert.deepEqual(writer({ host: 'h', preSql: '', postSql: 'a' }).preSql, [])
  assert.deepEqual(writer({ host: 'h', preSql: ['a', ' '], postSql: 'a; b' }).preSql, ['a'])
  assert.deepEqual(writer({ host: 'h', writeMode: 'UPDATE' }).mode, 'update')
})

test('refuses what contradicts itself or says too little', () => {
  assert.throws(() => reader({ host: 'h' }), { code: 'sql.incomplete', message: /which table/ })
  assert.throws(() => reader({ tables: 't' }), { code: 'sql.incomplete', message: /which server/ })
  assert.throws(() => reader({ host: 'h', connection: [{ jdbcUrl: url, table: 't' }] }), { code: 'sql.contradiction' })
  assert.throws(() => reader({ connection: [{ jdbcUrl: 'jdbc:mysql://h/d', table: 't' }] }), { code: 'sql.contradiction' })
  assert.throws(() => reader({ connection: [{ jdbcUrl: url }, { jdbcUrl: url }], tables: 't' }), { code: 'sql.contradiction' })
  assert.throws(() => writer({ host: 'h', tables: ['*'] }), { code: 'sql.every-table' })
  assert.throws(() => reader({ host: 'h', tables: 'a.b.c' }), { code: 'sql.bad-table-name' })
})

test('reads quoted table names', () => {
  const tables = reader({ host: 'h', tables: ['"my schema"."a.b"', '"a""b"', 'x y'] }).tables
  assert.deepEqual(tables, [{ schema: 'my schema', name: 'a.b' }, { name: 'a"b' }, { name: 'x y' }])
})
