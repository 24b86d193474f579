import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { has, load, names, parsePluginName, resolve, sink, source } from './index.ts'

test('lists every connector there is, under the name that it declares', async () => {
  const folders = (await readdir('src/connectors', { withFileTypes: true })).filter(entry => entry.isDirectory())
  assert.deepEqual(names(), folders.map(({ name }) => name).sort())
  for (const name of names()) {
    for (const kind of ['source', 'sink'] as const) {
      assert(has(kind, name), `${name} is no ${kind}`)
      assert.equal((await load(kind, name)).name, name)
    }
  }
})

test('loads a connector only when it is asked for', async () => {
  const text = await readFile('src/catalog/index.ts', 'utf8')
  assert.doesNotMatch(text, /^import .*#connectors/m)
})

test('understands the plugin names of FlinkX', () => {
  for (const [name, expected] of [
    ['mysqlreader', 'mysql'],
    ['mysqlwriter', 'mysql'],
    ['mysqlsource', 'mysql'],
    ['MysqlSink', 'mysql'],
    ['mysql', 'mysql'],
    ['postgresqlreader', 'postgres'],
    ['PostgreSQLWriter', 'postgres'],
    ['adbpostgresqlwriter', 'postgres'],
    ['postgres', 'postgres'],
    ['tidbreader', 'mysql'],
    ['polardbwriter', 'mysql'],
    ['streamreader', 'stream'],
    ['streamwriter', 'stream'],
    ['csv', 'csv'],
    ['oraclereader', undefined],
    ['reader', undefined],
    ['', undefined],
    ['constructor', undefined],
    ['toStringreader', undefined],
  ] as const) {
    assert.equal(resolve(name), expected, name)
  }
})

test('tells the side that a plugin name is for', () => {
  for (const [written, stem, name, side] of [
    ['mysqlreader', 'mysql', 'mysql', 'source'],
    ['MysqlWriter', 'mysql', 'mysql', 'sink'],
    ['postgresqlsource', 'postgresql', 'postgres', 'source'],
    ['mariadbsink', 'mariadb', 'mysql', 'sink'],
    ['mysql', 'mysql', 'mysql', undefined],
    ['hbase2reader', 'hbase2', 'hbase2', 'source'],
    ['cassandrawriterer', 'cassandrawriterer', 'cassandrawriterer', undefined],
    ['reader', 'reader', 'reader', 'source'],
    ['constructorreader', 'constructor', 'constructor', 'source'],
  ] as const) {
    assert.deepEqual(parsePluginName(written), { stem, name, side }, written)
  }
})

test('says of a connector of FlinkX that it is not available yet', async () => {
  await assert.rejects(source('oraclereader'), {
    code: 'catalog.unknown-connector',
    fault: 'usage',
    message: 'The source "oraclereader" of FlinkX is not available yet.',
  })
})

test('suggests the name that was meant', async () => {
  await assert.rejects(sink('postgresqlwriter'), {
    message: 'There is no sink "postgresqlwriter".',
    hint: /^Did you mean "postgres"\?/,
  })
  await assert.rejects(sink('nosuch'), { hint: /^Known connectors: csv, / })
})
