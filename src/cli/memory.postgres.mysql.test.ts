/**
 * Memory is a number that the user sets: the largest resident set of a run stays below it and the documented base (ARCHITECTURE.md §7).
 * docs/memory.json holds what was measured; `SLUICE_UPDATE_GOLDEN=1` writes it anew, and `npm run docs` puts it into docs/reliability.md.
 */
import assert from 'node:assert/strict'
import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { FaultProxy } from '#conformance'
import { fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { start } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-memory-'))
after(() => rm(folder, { recursive: true }))

const MiB = 1024 * 1024
/** What the runtime itself takes, and each worker. The same figures stand in ARCHITECTURE.md §7. */
const BASE_BYTES = 64 * MiB
const WORKER_BYTES = 36 * MiB
/** Generated code, of each column in each worker. */
const COLUMN_BYTES = 32 * 1024

const TABLE = new URL('../../docs/memory.json', import.meta.url)
const isUpdate = process.env['SLUICE_UPDATE_GOLDEN'] === '1'
/** By name of the test. */
const measured = new Map<string, { readonly memory: number; readonly allowed: number; readonly peak: number }>()

const postgres = await fileServer('postgres-15')
const maria = await fileServer('mariadb-10.11')

describe('peak memory', { skip: postgres.skip || maria.skip, concurrency: 1 }, () => {
  let [a, b, x, y]: Database[] = []
  let client: pg.Client
  let packetBytes = 0

  before(async () => {
    a = await freshDatabase(postgres.server)
    b = await freshDatabase(postgres.server)
    x = await freshDatabase(maria.server)
    y = await freshDatabase(maria.server)
    client = new pg.Client(loginOf(a))
    await client.connect()
    await withMysql(x, async my => {
      const [[row]] = await my.query<mysql.RowDataPacket[]>('SELECT @@global.max_allowed_packet AS bytes')
      packetBytes = Number(row?.['bytes'])
      await my.query(`SET GLOBAL max_allowed_packet = ${1024 * MiB}`)
    })
  })
  after(async () => {
    if (packetBytes > 0) await withMysql(x!, my => my.query(`SET GLOBAL max_allowed_packet = ${packetBytes}`))
    await client?.end()
    for (const database of [a, b, x, y]) await database?.[Symbol.asyncDispose]()
  })

  describe('with values of 64 MB', { concurrency: 1 }, () => {
    const [rows, memory] = [3, 400 * MiB]
    before(async () => {
      await client.query(`CREATE TABLE huge AS SELECT id, convert_to(repeat('0123456789abcdef', ${4 * MiB}), 'UTF8') AS v
        FROM generate_series(1, ${rows}) AS id; ALTER TABLE huge ADD PRIMARY KEY (id)`)
      await withMysql(x!, my =>
        my.query(`CREATE TABLE huge (id int PRIMARY KEY, v longblob) AS
          SELECT seq AS id, REPEAT('0123456789abcdef', ${4 * MiB}) AS v FROM seq_1_to_${rows}`),
      )
    })

    for (const [name, from, to] of [
      ['PostgreSQL → PostgreSQL', () => a, () => b],
      ['PostgreSQL → MariaDB', () => a, () => y],
      ['MariaDB → PostgreSQL', () => x, () => b],
    ] as const) {
      test(name, async t => {
        const report = await run(reader(from()!, 'huge'), writer(to()!, 'huge'), { memory })
        assertBelow(t, report, memory, 1)
        assert.equal(report.rows, rows)
      })
    }

    test('that do not fit stop the run, and the error names the option', async t => {
      for (const from of [a, x]) {
        const report = await run(reader(from!, 'huge'), writer(b!, 'none'), { memory: 100 * MiB })
        const { err } = report
        assertBelow(t, report, 100 * MiB, 1, { code: 65 })
        assert.match(
          err,
          /data\.row-too-large .*huge: row 1 of split \S*huge\S* has at least \d+ bytes, and the memory of the job allows rows of \d+ bytes/,
        )
        assert.match(err, /`--max-memory`/)
      }
    })
  })

  test('with 1,600 columns, all that PostgreSQL has', async t => {
    const names = Array.from({ length: 1599 }, (_, i) => `c${i}`)
    await client.query(`CREATE TABLE wide (id int PRIMARY KEY, ${names.map(name => `${name} text`).join(', ')})`)
    await client.query(`INSERT INTO wide SELECT id, ${names.map((_, i) => `'${i}'`).join(', ')} FROM generate_series(1, 2000) id`)
    const memory = 32 * MiB
    const report = await run(reader(a!, 'wide'), writer(b!, 'wide'), { memory })
    assertBelow(t, report, memory, 1, { columns: 1600 })
    assert.equal(report.rows, 2000)
  })

  test('with 1,000 columns of MariaDB', async t => {
    const names = Array.from({ length: 999 }, (_, i) => `c${i}`)
    await withMysql(x!, async my => {
      await my.query(`CREATE TABLE wide (id int PRIMARY KEY, ${names.map(name => `${name} int`).join(', ')})`)
      await my.query(`INSERT INTO wide SELECT seq, ${names.map((_, i) => i).join(', ')} FROM seq_1_to_4000`)
    })
    const memory = 32 * MiB
    const report = await run(reader(x!, 'wide'), writer(b!, 'wide_of_mysql'), { memory })
    assertBelow(t, report, memory, 1, { columns: 1000 })
    assert.equal(report.rows, 4000)
  })

  describe('with 2,000 columns in files', { concurrency: 1 }, () => {
    const [rows, memory] = [2000, 32 * MiB]
    const names = Array.from({ length: 2000 }, (_, i) => `c${i}`)
    const values = names.map((_, i) => [`text ${i}`, i, i + 0.5, i % 2 === 0, '2024-02-29 23:59:59'][i % 5])

    for (const connector of ['csv', 'jsonl']) {
      test(`that ${connector} writes`, async t => {
        const columns = names.map((name, i) => ({ name, type: ['string', 'long', 'double', 'bool', 'timestamp'][i % 5] }))
        const sink = { connector, path: join(folder, `wide_${connector}`) }
        const report = await run({ connector: 'stream', rows, columns }, sink, { memory })
        assertBelow(t, report, memory, 1, { columns: names.length })
        assert.equal(report.rows, rows)
      })

      test(`that ${connector} reads`, async t => {
        const path = join(folder, `wide.${connector}`)
        const row =
          connector === 'csv' ? values.join() : JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i]])))
        await writeFile(path, `${connector === 'csv' ? `${names.join()}\n` : ''}${`${row}\n`.repeat(rows)}`)
        const report = await run({ connector, path }, { connector: 'stream' }, { memory })
        assertBelow(t, report, memory, 1, { columns: names.length })
        assert.equal(report.rows, rows)
      })
    }
  })

  test('with a sink that is far slower than the source', async t => {
    await using proxy = await FaultProxy.start(b!.host, b!.port)
    const memory = 16 * MiB
    const columns = [
      { name: 'id', type: 'id' },
      { name: 's', type: 'string' },
    ]
    const slow = { ...writer(b!, 'slow'), host: proxy.host, port: proxy.port }
    proxy.set({ kind: 'trickle', direction: 'to-server', bytes: 16 * 1024, everyMs: 20 })
    const report = await run({ connector: 'stream', rows: 150_000, columns }, slow, { memory })
    assert(proxy.fired.trickle > 50, `the proxy slowed ${proxy.fired.trickle} pieces`)
    assertBelow(t, report, memory, 1)
    assert.equal(report.rows, 150_000)
  })

  test('with 16 workers', async t => {
    await client.query(`CREATE TABLE many AS SELECT id, 'row number ' || id AS s, id * 1.5::float8 AS f
      FROM generate_series(1, 320000) AS id; ALTER TABLE many ADD PRIMARY KEY (id)`)
    const memory = 64 * MiB
    const settings = { memory, channels: 16 }
    const report = await run({ ...reader(a!, 'many'), splitRows: 20_000 }, writer(b!, 'many'), settings)
    assertBelow(t, report, memory, 16)
    assert.equal(report.rows, 320_000)
  })

  test('docs/memory.json tells of these jobs and these limits', async () => {
    const rows = [...measured].map(([job, figures]) => ({ job, ...figures }))
    if (isUpdate) await writeFile(TABLE, `${JSON.stringify(rows, null, 1)}\n`)
    const written = JSON.parse(await readFile(TABLE, 'utf8')) as typeof rows
    const limits = (all: typeof rows) => all.map(({ peak: _, ...limit }) => limit)
    assert.deepEqual(limits(written), limits(rows))
  })
})

interface Report {
  readonly code: number | null
  readonly err: string
  readonly rows: number
  readonly peakBytes: number
}

function assertBelow(t: TestContext, report: Report, memory: number, workers: number, { columns = 4, code = 0 } = {}): void {
  const { err, peakBytes } = report
  assert.equal(report.code, code, err)
  const most = memory + BASE_BYTES + workers * (WORKER_BYTES + columns * COLUMN_BYTES)
  const name = t.fullName.split(' > ').slice(1).join(', ')
  measured.set(name, { memory, allowed: most, peak: Math.max(peakBytes, measured.get(name)?.peak ?? 0) })
  assert(peakBytes > 0 && peakBytes <= most, `the peak was ${mib(peakBytes)}, and ${mib(most)} are allowed`)
}

const mib = (bytes: number) => `${(bytes / MiB).toFixed(1)} MiB`

let jobs = 0

async function run(source: object, sink: object, settings: object): Promise<Report> {
  const file = join(folder, `job${jobs++}.json`)
  await writeFile(file, JSON.stringify({ source, sink, settings: { stateDir: join(folder, 'state'), ...settings } }))
  let peakBytes = 0
  const { child, outcome } = start(['run', file])
  // The high-water mark never falls, so the last look before the end is nearly all of it. getrusage would count the test's own.
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'latin1').catch(() => '')
    peakBytes = Math.max(peakBytes, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024)
  }, 10)
  const { code, err } = await outcome.finally(() => clearInterval(timer))
  const rows = Number(
    /([\d,]+) rows/.exec(err.split('\n').findLast(line => line.includes(' rows')) ?? '')?.[1]?.replaceAll(',', '') ?? 0,
  )
  return { code, err, rows, peakBytes }
}

const reader = (database: Database, table: string) => ({ connector: database.kind, ...loginOf(database), tables: [table] })
const writer = (database: Database, table: string) => ({
  ...reader(database, table),
  createTable: true,
  preSql: [`TRUNCATE ${table}`],
})

function loginOf({ host, port, user, password, database }: Database) {
  return { host, port, user, password, database }
}

async function withMysql(database: Database, work: (client: mysql.Connection) => Promise<unknown>): Promise<void> {
  const my = await mysql.createConnection(loginOf(database))
  await work(my).finally(() => my.end())
}
