import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jobIdentity } from './identity.ts'
import { parseJob } from './job.ts'
import { testCatalog } from './catalog.test-support.ts'

const base = {
  source: {
    connector: 'mysql',
    username: 'a',
    password: 'b',
    fetchSize: 10,
    where: 'id > 1',
    customSql: '',
    connection: [{ jdbcUrl: ['jdbc:mysql://h:3306/shop?useSSL=false&user=u'], table: ['orders'] }],
  },
  sink: { connector: 'postgres', url: 'postgres://u:p@h/shop?currentSchema=public', column: ['a', 'b'] },
}

const identityOf = async (job: object) => jobIdentity(await parseJob(JSON.stringify(job), 'job.json', { catalog: testCatalog }))
const withSource = (options: object) => ({ ...base, source: { ...base.source, ...options } })
const withSink = (options: object) => ({ ...base, sink: { ...base.sink, ...options } })

test('is the name, where there is one', async () => {
  assert.equal(await identityOf({ ...base, name: 'orders' }), 'orders')
})

test('is 16 letters and digits otherwise, for ever the same', async () => {
  // Computed with Python's hashlib and base64 from the essence of the job, written out by hand.
  // A change of this value makes users lose the place of interrupted jobs.
  assert.equal(await identityOf(base), 'x7nz5oww42qurdfw')
})

describe('does not depend on', () => {
  for (const [what, job] of [
    ['credentials', withSource({ username: 'x', password: 'y' })],
    ['tuning', withSource({ fetchSize: 1, queryTimeOut: 3, FetchSize: 4 })],
    ['empty options', withSource({ customSql: null, splitPk: '', preSql: [], updateKey: {} })],
    ['the order of keys', { sink: Object.fromEntries(Object.entries(base.sink).reverse()), source: base.source }],
    [
      'switches and accounts inside a URL',
      withSource({ connection: [{ jdbcUrl: ['jdbc:mysql://x:y@h:3306/shop?useSSL=true'], table: ['orders'] }] }),
    ],
    ['settings', { ...base, settings: { channels: 4 } }],
  ] as const) {
    test(what, async () => assert.equal(await identityOf(job), await identityOf(base)))
  }
})

describe('depends on', () => {
  for (const [what, job] of [
    ['the filter', withSource({ where: 'id > 2' })],
    ['the connector', withSource({ connector: 'postgres' })],
    ['the table', withSource({ connection: [{ jdbcUrl: ['jdbc:mysql://h:3306/shop'], table: ['orders2'] }] })],
    ['the host', withSource({ connection: [{ jdbcUrl: ['jdbc:mysql://h2:3306/shop'], table: ['orders'] }] })],
    ['the order of columns', withSink({ column: ['b', 'a'] })],
    ['the schema inside a URL', withSink({ url: 'postgres://u:p@h/shop?currentSchema=other' })],
    ['which side is which', { source: { ...base.sink }, sink: { ...base.source } }],
  ] as const) {
    test(what, async () => assert.notEqual(await identityOf(job), await identityOf(base)))
  }
})
