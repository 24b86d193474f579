/** Where bad rows go, as ChunJun's `-confProp`, FlinkX's `setting.dirty` and our settings say it; meanings from flinkx-compatibility.md §1.6. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import * as catalog from '#catalog'
import { SluiceError } from '#errors'
import { problemsOf } from './errors.ts'
import { resolveJob } from './load.ts'
import { secretsOf } from './secrets.ts'

const reader = { name: 'streamreader', parameter: { columns: [{ name: 'id', type: 'int' }], rows: 1 } }
const writer = { name: 'streamwriter', parameter: {} }

async function load(dirty?: object, confProp?: object, errorLimit: object = { record: 7 }) {
  const setting = { errorLimit, ...(dirty === undefined ? {} : { dirty }) }
  const job = { content: [{ reader, writer }], setting }
  const text = confProp === undefined ? undefined : JSON.stringify(confProp)
  return await resolveJob(JSON.stringify({ job }), 'job.json', { catalog, confProp: text })
}

async function problems(...given: Parameters<typeof load>): Promise<string[]> {
  const error: unknown = await load(...given).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error === undefined ? [] : problemsOf(SluiceError.from(error)).map(({ code, message }) => `${code} ${message}`)
}

const chunjun = (keys: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(keys).map(([key, value]) => [`chunjun.dirty-data.${key}`, value]))

const url = 'jdbc:mysql://db:3307/warehouse?useSSL=false'
const jdbc = {
  'output-type': 'jdbc',
  'jdbc.url': url,
  'jdbc.username': 'etl',
  'jdbc.password': 'geheim77',
  'jdbc.table': 'dirty',
}

describe("ChunJun's number of rows", () => {
  for (const [rows, record] of [
    ['0', 0],
    [1, 0],
    ['100', 99],
    ['-1', null],
  ] as const) {
    test(`${rows}: ${record ?? 'any number'} may be bad`, async () => {
      const { job } = await load(undefined, chunjun({ 'max-rows': rows }))
      assert.deepEqual(job.settings.errorLimit, { record, percentage: null })
    })
  }

  test('of the job file counts when there is none', async () => {
    const { job } = await load(undefined, chunjun({ 'output-type': 'log' }))
    assert.deepEqual(job.settings.errorLimit, { record: 7, percentage: null })
  })
})

test("ChunJun's output", async () => {
  const everyOf = async (keys: Record<string, unknown>) => (await load(undefined, chunjun(keys))).job.settings.dirty?.log?.every
  assert.equal(await everyOf({ 'output-type': 'log', 'log.print-interval': '50' }), 50)
  assert.equal(await everyOf({ 'output-type': 'log' }), 1)
  assert.equal(await everyOf({ 'output-type': 'default', 'log.print-interval': '50' }), 1)
  assert.equal(await everyOf({ 'log.print-interval': '50' }), undefined)
  assert.equal(await everyOf(jdbc), undefined)
})

describe("ChunJun's table", () => {
  for (const [system, connector] of [
    ['mysql', 'mysql'],
    ['mariadb', 'mysql'],
    ['postgresql', 'postgres'],
  ] as const) {
    test(`of ${system}`, async () => {
      const address = url.replace('mysql', system)
      const { job, dirtyTable } = await load(undefined, chunjun({ ...jdbc, 'jdbc.url': address, 'jdbc.database': 'other' }))
      assert.equal(job.dirtyTable?.connector, connector)
      const { user, password, database, connection } = dirtyTable ?? {}
      assert.deepEqual(
        { user, password, database, connection },
        { user: 'etl', password: 'geheim77', database: 'other', connection: [{ jdbcUrl: address, table: ['dirty'] }] },
      )
      assert(secretsOf(job).includes('geheim77'))
    })
  }

  test('must be complete, and of a system that we write', async () => {
    assert.deepEqual(await problems(undefined, chunjun({ 'output-type': 'jdbc', 'jdbc.url': url })), [
      'job.incomplete -confProp:1:1: The output type "jdbc" needs "chunjun.dirty-data.jdbc.username", "chunjun.dirty-data.jdbc.table".',
    ])
    assert.deepEqual(await problems(undefined, chunjun({ ...jdbc, 'jdbc.url': 'mysql://etl:geheim77@db' })), [
      'job.incomplete -confProp:1:1: "chunjun.dirty-data.jdbc.url" is no JDBC URL.',
    ])
    const [oracle] = await problems(undefined, chunjun({ ...jdbc, 'jdbc.url': 'jdbc:oracle:thin:@db:1521:x' }))
    assert.match(oracle ?? '', /^job\.unknown-connector .*"oracle"/)
  })
})

test('what is different from ChunJun, or concerns Flink, is named; what it cannot mean is refused', async () => {
  const keys = { 'max-rows': 5, 'max-collect-failed-rows': '9', 'jdbc.batch-size': 1, 'jdbc.batch-flush-interval': 1, dir: '/d' }
  const { warnings } = await load(undefined, { ...chunjun({ ...keys, typo: 1 }), 'flink.checkpoint.interval': 1000 })
  const shown = warnings.map(({ message }) => message).join('\n')
  for (const key of Object.keys(keys)) assert(shown.includes(`chunjun.dirty-data.${key} `), `${key}: ${shown}`)
  assert.match(shown, /no effect here: flink\.checkpoint\.interval\./)
  assert.match(shown, /chunjun\.dirty-data\.typo.* means nothing here/)
  for (const wrong of [{ 'output-type': 'kafka' }, { 'max-rows': 'many' }, { 'log.print-interval': 0 }])
    assert.match((await problems(undefined, chunjun(wrong)))[0] ?? '', /^job\.invalid-setting -confProp:1:\d+: /)
  assert.match((await problems(undefined, []))[0] ?? '', /^job\.incomplete -confProp:1:1: /)
})

describe('setting.dirty of a FlinkX file', () => {
  test('an example of FlinkX keeps its rows where its path says', async () => {
    const file = new URL('./testdata/flinkx/1.5__examples__mysql_to_mysql.json', import.meta.url)
    const { job } = JSON.parse(await readFile(file, 'utf8')) as { job: { setting: { dirty: object } } }
    const { job: loaded, warnings } = await load(job.setting.dirty)
    assert.equal(loaded.settings.dirty?.path, '/tmp')
    assert.deepEqual(
      warnings.map(({ message }) => message.split(' ')[0]).filter(path => path?.startsWith('job.setting')),
      ['job.setting.dirty.hadoopConfig'],
    )
  })

  test('a name of a table alone is named as what it is not', async () => {
    const { job, warnings } = await load({ path: '/tmp', tableName: 'dirty_orders' })
    assert.equal(job.dirtyTable, undefined)
    assert.match(
      warnings.map(({ message }) => message).join('\n'),
      /job\.setting\.dirty\.tableName has no effect\. .*`dirty\.table`/,
    )
  })

  test('a table is a sink with its options checked', async () => {
    const table = { connector: 'postgresqlwriter', host: 'db', username: 'etl', password: 'geheim77', table: 'dirty' }
    const { job, dirtyTable } = await load({ table, log: { every: '20' } })
    assert.equal(job.dirtyTable?.connector, 'postgres')
    assert.deepEqual([dirtyTable?.['host'], dirtyTable?.['user'], dirtyTable?.['tables']], ['db', 'etl', 'dirty'])
    assert.equal(job.settings.dirty?.log?.every, 20)
    assert(secretsOf(job).includes('geheim77'))
    assert.match(
      (await problems({ table: { connector: 'jsonl', path: '/d' } }))[0] ?? '',
      /^job\.incomplete .*"jsonl" has no tables/,
    )
    assert.match(
      (await problems({ table: { ...table, port: 'x' } }))[0] ?? '',
      /^job\.invalid-option .*"port" of the sink "postgres"/,
    )
    assert.match(
      (await problems({ table: { host: 'db' } }))[0] ?? '',
      /^job\.missing-setting .*"job\.setting\.dirty\.table\.connector"/,
    )
  })
})
