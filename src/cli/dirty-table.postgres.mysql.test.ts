/** Rows that were set aside reach the table that the job names exactly once, whatever dies or is away; the files stay what counts. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { sluice } from './sluice.test-support.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = await mkdtemp(join(tmpdir(), 'sluice-dirty-table-'))
after(() => rm(folder, { recursive: true }))

const ROWS = 6000
/** Every tenth row does not fit into the target. */
const BAD = ROWS / 10

const postgres = await fileServer('postgres-15')
const maria = await fileServer('mariadb-10.11')

interface Record {
  readonly job_id: string
  readonly job_name: string
  readonly operator_name: string
  readonly dirty_data: string
  readonly error_message: string
  readonly field_name: string
  readonly create_time: Date
}

describe('the table for bad rows', { skip: postgres.skip || maria.skip, concurrency: 1 }, () => {
  let [inMaria, inPostgres]: Database[] = []
  let my: mysql.Connection
  let pgc: pg.Client

  before(async () => {
    inMaria = await freshDatabase(maria.server)
    inPostgres = await freshDatabase(postgres.server)
    my = await mysql.createConnection({ ...loginOf(inMaria), multipleStatements: true, timezone: 'Z' })
    pgc = new pg.Client(loginOf(inPostgres))
    await pgc.connect()
    await my.query('CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL, s text) CHARACTER SET utf8mb4')
    await my.query(
      `INSERT INTO t SELECT seq, IF(seq % 10 = 0, 4000000000, seq), IF(seq % 20 = 0, CONCAT('ä😀', CHAR(0)), 'x') FROM seq_1_to_${ROWS}`,
    )
  })
  after(async () => {
    await my?.end()
    await pgc?.end()
    await inMaria?.[Symbol.asyncDispose]()
    await inPostgres?.[Symbol.asyncDispose]()
  })

  beforeEach(() => pgc.query('DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, s text)'))

  async function job(name: string, dirty: object, more: object = {}): Promise<string> {
    const file = join(folder, `${name}.json`)
    const text = {
      name,
      source: { connector: 'mysql', ...loginOf(inMaria!), tables: ['t'] },
      sink: { connector: 'postgres', ...loginOf(inPostgres!), tables: ['t'] },
      settings: { errorLimit: {}, stateDir: join(folder, 'state'), dirty, ...more },
    }
    await writeFile(file, JSON.stringify(text))
    return file
  }

  const mariaTable = (table: string) => ({ connector: 'mysql', ...loginOf(inMaria!), tables: [table] })
  const postgresTable = (table: string) => ({ connector: 'postgres', ...loginOf(inPostgres!), tables: [table] })

  /** Of each run in the table, its rows: every bad row once. */
  function assertRuns(records: readonly Record[], runs: number, name: string): void {
    const byRun = Map.groupBy(records, ({ job_id }) => job_id)
    assert.equal(byRun.size, runs)
    for (const rows of byRun.values()) {
      const ids = rows.map(({ dirty_data }) => (JSON.parse(dirty_data) as { id: number }).id).sort((a, b) => a - b)
      assert.deepEqual(
        ids,
        Array.from({ length: BAD }, (_, i) => (i + 1) * 10),
      )
    }
    for (const { job_name, create_time } of records) {
      assert.equal(job_name, name)
      assert(Math.abs(create_time.getTime() - Date.now()) < 600_000, String(create_time))
    }
  }

  const inPg = async (table: string) => (await pgc.query<Record>(`SELECT * FROM ${table}`)).rows
  const inMy = async (table: string) => (await my.query<mysql.RowDataPacket[]>(`SELECT * FROM ${table}`))[0] as Record[]

  test('in MySQL, as ChunJun made it, has the rows with their values, and again those of the next run', async () => {
    await my.query(`CREATE TABLE chunjun_dirty_data (job_id varchar(32) NOT NULL, job_name varchar(255) NOT NULL,
      operator_name varchar(255) NOT NULL, dirty_data text NOT NULL, error_message text, field_name varchar(255),
      create_time timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (job_id), KEY (operator_name), KEY (create_time))`)
    const file = await job('chunjun', { table: mariaTable('chunjun_dirty_data') })
    const { code, err } = await sluice(['run', file])
    assert.equal(code, 0, err)
    assert.match(err, /any number is set aside and copied into a table of mysql at the end/)
    assert.match(err, /600 rows that were set aside are now in the table of the job/)
    const records = await inMy('chunjun_dirty_data')
    assertRuns(records, 1, 'chunjun')
    const found = records.find(({ dirty_data }) => dirty_data.startsWith('{"id":20,'))
    assert.deepEqual(JSON.parse(found?.dirty_data ?? ''), { id: 20, n: '4000000000', s: 'ä😀\0' })
    assert.equal(found?.field_name, 'n')
    assert.match(found?.operator_name ?? '', /\bt$/)
    assert.match(found?.error_message ?? '', /^data\.value-refused id=20: .*column "n"/)
    await pgc.query('TRUNCATE t')
    assert.equal((await sluice(['run', file])).code, 0)
    assertRuns(await inMy('chunjun_dirty_data'), 2, 'chunjun')
    const { code: again, err: said } = await sluice(['dirty', 'export', file, '--table'])
    assert.deepEqual([again, said], [0, 'The table has all rows.\n'])
  })

  test("in PostgreSQL, by ChunJun's command line, is made when it is missing", async () => {
    const login = { host: inPostgres!.host, port: inPostgres!.port }
    const file = await job('conf', {})
    const keys = {
      'output-type': 'jdbc',
      'max-rows': '-1',
      'jdbc.url': `jdbc:postgresql://${login.host}:${login.port}/${inPostgres!.database}`,
      'jdbc.username': inPostgres!.user,
      'jdbc.password': inPostgres!.password,
      'jdbc.table': 'from_conf',
    }
    const conf = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`chunjun.dirty-data.${key}`, value]))
    const { code, err } = await sluice(['-mode', 'local', '-jobType', 'sync', '-job', file, '-confProp', JSON.stringify(conf)])
    assert.equal(code, 0, err)
    assertRuns(await inPg('from_conf'), 1, 'conf')
  })

  for (const [system, tableOf, hold, records] of [
    ['MySQL', mariaTable, holdMaria, inMy],
    ['PostgreSQL', postgresTable, holdPostgres, inPg],
  ] as const) {
    test(`in ${system}, with kill -9 at the rows and at the commit of a copy: each row once, of both runs`, async () => {
      const [name, table] = [`killed-${system}`, `killed_${system.toLowerCase()}`]
      const file = await job(name, { table: tableOf(table) })
      assert.equal((await sluice(['run', file])).code, 0)
      assertRuns(await records(table), 1, name)
      await pgc.query('TRUNCATE t')
      for (const [command, inCommit] of [
        [['run', file], false],
        [['dirty', 'export', file, '--table'], true],
      ] as const) {
        await using held = await hold(table)
        const child = spawn(join(root, 'bin/sluice'), command, { stdio: 'ignore' })
        const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
        await until(held.someoneWaits)
        if (inCommit) {
          await held.moveToLedger()
          await until(held.someoneCommits)
        }
        child.kill('SIGKILL')
        await ended
      }
      const { code, err } = await sluice(['dirty', 'export', file, '--table'])
      assert.equal(code, 0, err)
      assertRuns(await records(table), 2, name)
    })
  }

  test('may be away: the run ends well, and the rows follow', async () => {
    const file = await job('away', { table: { ...postgresTable('later'), password: '', user: 'nobody_here' } })
    const { code, err } = await sluice(['run', file])
    assert.equal(code, 0, err)
    assert.match(
      err,
      /warning Rows that were set aside are not in the table of the job: .*nobody_here.*`sluice dirty export --table`/,
    )
    await job('away', { table: postgresTable('later') })
    assert.equal((await sluice(['dirty', 'export', file, '--table'])).code, 0)
    assertRuns(await inPg('later'), 1, 'away')
  })

  test('gets the rows of a run that was stopped when it has finished, not before', async () => {
    const table = { table: postgresTable('stopped') }
    const commits = { restore: { maxRowNumForCheckpoint: 1000 }, rowsPerSecond: 8000 }
    const file = await job('stopped', table, { errorLimit: { record: BAD / 2 }, ...commits })
    assert.equal((await sluice(['run', file])).code, 65)
    const { code, err } = await sluice(['dirty', 'export', file, '--table'])
    assert.equal(code, 0, err)
    assert.match(err, /^0 rows .*; those of run \S+ follow when it has finished/)
    await job('stopped', table, commits)
    assert.equal((await sluice(['run', file, '--resume'])).code, 0)
    assertRuns(await inPg('stopped'), 1, 'stopped')
  })

  test('is not needed to have every hundredth row printed, values and all', async () => {
    const { code, err } = await sluice(['run', await job('printed', { log: { every: 100 } })])
    assert.equal(code, 0, err)
    const printed = err.split('\n').filter(line => line.startsWith('warning Set aside: '))
    assert.equal(printed.length, BAD / 100)
    assert.match(printed[0] ?? '', /column "n".* Its values: \{"id":1000,"n":"4000000000","s":"ä😀\\u0000"\}$/)
  })

  /** Makes a writer wait for the table, then its commit for the ledger, and tells which of them somebody waits for. */
  async function holdPostgres(table: string) {
    const [rows, commits] = [new pg.Client(loginOf(inPostgres!)), new pg.Client(loginOf(inPostgres!))]
    await Promise.all([rows.connect(), commits.connect()])
    await rows.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`)
    const waitsFor = (events: string) => async () => {
      const text = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event`
      return (await pgc.query(`${text} IN (${events})`)).rows.length > 0
    }
    const moveToLedger = async () => {
      await commits.query('BEGIN; SELECT 1 FROM sluice_ledger FOR UPDATE')
      await rows.query('ROLLBACK')
    }
    const release = async () => void (await Promise.all([rows.end(), commits.end()]))
    const waits = { someoneWaits: waitsFor(`'relation'`), someoneCommits: waitsFor(`'transactionid', 'tuple'`) }
    return { ...waits, moveToLedger, [Symbol.asyncDispose]: release }
  }

  async function holdMaria(table: string) {
    const [rows, commits] = [await mysql.createConnection(loginOf(inMaria!)), await mysql.createConnection(loginOf(inMaria!))]
    await rows.query(`LOCK TABLES ${table} READ`)
    const isThere = (condition: string) => async () => {
      const text = `SELECT 1 FROM information_schema.processlist p LEFT JOIN information_schema.innodb_trx x
        ON x.trx_mysql_thread_id = p.id WHERE db = DATABASE() AND ${condition}`
      return (await my.query<mysql.RowDataPacket[]>(text))[0].length > 0
    }
    const moveToLedger = async () => {
      await commits.beginTransaction()
      await commits.query('SELECT 1 FROM sluice_ledger FOR UPDATE')
      await rows.query('UNLOCK TABLES')
    }
    const release = async () => void [rows.destroy(), commits.destroy()]
    const waits = { someoneWaits: isThere(`state LIKE 'Waiting for table%'`), someoneCommits: isThere(`trx_state = 'LOCK WAIT'`) }
    return { ...waits, moveToLedger, [Symbol.asyncDispose]: release }
  }
})

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 180_000; !(await isSo());) {
    assert(Date.now() < end, 'nobody waits')
    // InnoDB answers the same again until nobody has asked for 0.1 s.
    await sleep(200)
  }
}

function loginOf({ host, port, user, password, database }: Database) {
  return { host, port, user, password, database }
}
