/** Rows that cannot be written: found, set aside exactly once whatever dies, counted against the limit, shown, and written again. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { killWhen, sluice } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-dirty-'))
after(() => rm(folder, { recursive: true }))

const ROWS = 60_000
/** Every 100th row is bad, each for another reason. */
const STEP = 100
const reasons = ['zero date', 'NUL', 'too large', 'duplicate', 'check'] as const

const postgres = await fileServer('postgres-15')
const maria = await fileServer('mariadb-10.11')

describe('bad rows', { skip: postgres.skip || maria.skip, concurrency: 1 }, () => {
  let [source, target]: Database[] = []
  let my: mysql.Connection
  let pgc: pg.Client

  before(async () => {
    source = await freshDatabase(maria.server)
    target = await freshDatabase(postgres.server)
    my = await mysql.createConnection({ ...loginOf(source), multipleStatements: true, dateStrings: true })
    pgc = new pg.Client(loginOf(target))
    await pgc.connect()
    await my.query(
      `SET sql_mode = ''; CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL, d date NOT NULL, s varchar(30) NOT NULL, n bigint NOT NULL)`,
    )
    await my.query(`INSERT INTO t SELECT seq, seq, '2024-02-29', CONCAT('row ', seq), seq FROM seq_1_to_${ROWS}`)
    const bad = [`d = '0000-00-00'`, `s = CONCAT('a', CHAR(0), 'b')`, 'n = 4000000000', 'u = id - 1', 's = ""']
    for (const [i, change] of bad.entries())
      await my.query(`UPDATE t SET ${change} WHERE id % ${STEP * bad.length} = ${STEP * (i + 1) - 1}`)
  })
  after(async () => {
    await my?.end()
    await pgc?.end()
    await source?.[Symbol.asyncDispose]()
    await target?.[Symbol.asyncDispose]()
  })

  const countOfBad = ROWS / STEP

  async function emptyTarget(): Promise<void> {
    await pgc.query('DROP TABLE IF EXISTS sluice_ledger')
    await emptyTable()
  }

  const emptyTable = () =>
    pgc.query(`DROP TABLE IF EXISTS t;
      CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL UNIQUE, d date NOT NULL, s text NOT NULL CHECK (s <> ''), n int NOT NULL)`)

  /** A job of its own, so that tests do not see each other's runs. */
  async function job(name: string, errorLimit: object, more: { settings?: object; sink?: object } = {}): Promise<string> {
    const file = join(folder, `${name}.json`)
    const { settings = {}, sink = {} } = more
    const text = {
      name,
      source: { connector: 'mysql', ...loginOf(source!), tables: ['t'] },
      sink: { connector: 'postgres', ...loginOf(target!), tables: ['t'], ...sink },
      settings: { errorLimit, stateDir: join(folder, 'state'), ...settings },
    }
    await writeFile(file, JSON.stringify(text))
    return file
  }

  /** What must be in the target: all rows without the bad ones. */
  async function assertGoodRows(): Promise<void> {
    const { rows } = await pgc.query<{ id: number }>('SELECT id FROM t ORDER BY id')
    const expected = Array.from({ length: ROWS }, (_, i) => i + 1).filter(id => id % STEP !== STEP - 1)
    assert.deepEqual(
      rows.map(({ id }) => id),
      expected,
    )
  }

  async function badKeys(file: string): Promise<string[]> {
    const { out } = await sluice(['dirty', 'show', file, '--json', '--rows', String(ROWS)])
    return lines<{ key: string }>(out).map(({ key }) => key)
  }

  const expectedKeys = Array.from({ length: countOfBad }, (_, i) => `id=${STEP * (i + 1) - 1}`)

  test('are set aside with reason, place and values, and all others arrive', async () => {
    await emptyTarget()
    const file = await job('all', { record: 1000 })
    const { code, out, err } = await sluice(['run', file, '--json'])
    assert.equal(code, 0, err)
    const report = lines<{ event: string; rowsBad: number; meter: { rowsWritten: number } }>(out).find(
      ({ event }) => event === 'report',
    )
    assert.deepEqual([report?.rowsBad, report?.meter.rowsWritten], [countOfBad, ROWS - countOfBad])
    await assertGoodRows()
    const listed = lines<{ rows: number; codes: Record<string, number> }>((await sluice(['dirty', 'list', file, '--json'])).out)
    const each = countOfBad / reasons.length
    assert.deepEqual(
      listed.map(({ rows, codes }) => [rows, codes]),
      [[countOfBad, { 'data.value-refused': 3 * each, 'postgres.duplicate-key': each, 'postgres.row-refused': each }]],
    )
    const shown = lines<{ key: string; text?: string; column?: string; row: unknown[] }>(
      (await sluice(['dirty', 'show', file, '--json', '--rows', '600'])).out,
    )
    const of = (id: number) => shown.find(({ key }) => key === `id=${id}`)
    assert.deepEqual([of(99)?.column, of(99)?.text], ['d', '0000-00-00'])
    assert.deepEqual([of(199)?.column, of(199)?.row[3]], ['s', 'a\0b'])
    assert.deepEqual([of(299)?.column, of(299)?.row], ['n', [299, 299, '2024-02-29', 'row 299', '4000000000']])
    assert.deepEqual([of(399)?.column, of(399)?.row[1]], [undefined, 398])
    assert.deepEqual(
      shown.map(({ key }) => key).toSorted((a, b) => Number(a.slice(3)) - Number(b.slice(3))),
      expectedKeys,
    )
  })

  test('neither repeat nor get lost when the engine is killed', async () => {
    await emptyTarget()
    const file = await job('killed', { record: 1000 }, { settings: { restore: { maxRowNumForCheckpoint: 2000 } } })
    for (let kill = 0; kill < 4; kill++) {
      await killWhen(['run', file, '--resume', '--json'], async () => {
        const { rows } = await pgc.query<{ count: string }>('SELECT count(*) FROM t')
        return Number(rows[0]?.count) >= (kill + 1) * 12_000
      })
    }
    const { code, err } = await sluice(['run', file, '--resume'])
    assert.equal(code, 0, err)
    await assertGoodRows()
    assert.deepEqual(
      (await badKeys(file)).toSorted((a, b) => Number(a.slice(3)) - Number(b.slice(3))),
      expectedKeys,
    )
  })

  test('stop the run when there are more than the limit, by number and by share', async () => {
    for (const [name, limit, words, shown] of [
      ['limit-11', { record: 10 }, /11 rows cannot be written; the job allows 10\./, 11],
      ['limit-share', { percentage: 0.5 }, /the job allows 0\.5 % of/],
      ['limit-1', { record: 0 }, /column "d", row 99/],
    ] as const) {
      await emptyTarget()
      const file = await job(name, limit)
      const { code, err } = await sluice(['run', file, '--fresh'])
      assert.equal(code, 65, err)
      assert.match(err, words)
      // Though none of them has been committed.
      if (shown !== undefined) assert.equal((await badKeys(file)).length, shown)
    }
    const { code, err } = await sluice(['run', await job('enough', { percentage: 1 }), '--fresh'])
    assert.equal(code, 0, err)
  })

  test('stop the run when all workers together have more than the limit, though none of them has', async () => {
    for (const [record, expected] of [
      [countOfBad - 1, 65],
      [countOfBad, 0],
    ] as const) {
      await emptyTarget()
      const file = await job('together', { record }, { settings: { channels: 2 } })
      const { code, err } = await sluice(['run', file, '--fresh'])
      assert.equal(code, expected, err)
      if (code !== 0) assert.match(err, /600 rows cannot be written; the job allows 599\./)
    }
  })

  test('do not stop a resumed run whose share of them is allowed', async () => {
    await emptyTarget()
    const commits = { restore: { maxRowNumForCheckpoint: 2000 } }
    const file = await job('share', { percentage: 1.5 }, { settings: { ...commits, rowsPerSecond: 10_000 } })
    const wasKilled = await killWhen(['run', file, '--json'], async () => {
      const { rows } = await pgc.query<{ count: string }>('SELECT count(*) FROM t')
      return Number(rows[0]?.count) >= 40_000
    })
    assert.equal(wasKilled, true)
    await job('share', { percentage: 1.5 }, { settings: commits })
    const { code, err } = await sluice(['run', file, '--resume'])
    assert.equal(code, 0, err)
    await assertGoodRows()
  })

  test('of a kind that must not be set aside stop the run', async () => {
    await emptyTarget()
    const file = await job('kinds', {}, { settings: { badRows: { duplicate: 'fail' } } })
    const { code, err } = await sluice(['run', file, '--fresh'])
    assert.equal(code, 65, err)
    assert.match(err, /duplicate key/)
  })

  test('go to the folder that the job names', async () => {
    await emptyTarget()
    const file = await job('folder', {}, { settings: { dirty: { path: join(folder, 'elsewhere') } } })
    assert.equal((await sluice(['run', file])).code, 0)
    assert.equal((await badKeys(file)).length, countOfBad)
    assert.match(await readFile(join(folder, 'state', 'folder', 'history.jsonl'), 'utf8'), /"rowsBad":600/)
  })

  test('are found among staged rows, too', async () => {
    await emptyTarget()
    const { code, err } = await sluice(['run', await job('staged', {}, { sink: { writeMode: 'update', uniqueKey: ['id'] } })])
    assert.equal(code, 0, err)
    await assertGoodRows()
  })

  test('are found by a MySQL target, which does not say where they are', async () => {
    await pgc.query(`DROP TABLE IF EXISTS back; CREATE TABLE back (id int PRIMARY KEY, u int, s text);
      INSERT INTO back SELECT i, CASE WHEN i % 700 = 0 THEN i - 1 ELSE i END,
        CASE WHEN i % 999 = 0 THEN '' WHEN i % 1300 = 0 THEN 'far too long' ELSE 'fine' END FROM generate_series(1, 20000) i`)
    await my.query(`DROP TABLE IF EXISTS back;
      CREATE TABLE back (id int PRIMARY KEY, u int UNIQUE, s varchar(5) CHECK (s <> '')) ENGINE = InnoDB`)
    const file = join(folder, 'back.json')
    const text = {
      name: 'back',
      source: { connector: 'postgres', ...loginOf(target!), tables: ['back'] },
      sink: { connector: 'mysql', ...loginOf(source!), tables: ['back'] },
      settings: { errorLimit: { record: 1000 }, stateDir: join(folder, 'state') },
    }
    await writeFile(file, JSON.stringify(text))
    const { code, err } = await sluice(['run', file])
    assert.equal(code, 0, err)
    const isBad = (id: number) => id % 700 === 0 || id % 999 === 0 || id % 1300 === 0
    const ids = Array.from({ length: 20_000 }, (_, i) => i + 1)
    const [rows] = await my.query<mysql.RowDataPacket[]>('SELECT id FROM back ORDER BY id')
    assert.deepEqual(
      rows.map(({ id }) => Number(id)),
      ids.filter(id => !isBad(id)),
    )
    assert.deepEqual(
      (await badKeys(file)).toSorted((x, y) => Number(x.slice(3)) - Number(y.slice(3))),
      ids.filter(isBad).map(id => `id=${id}`),
    )
  })

  test('that a trigger refuses, with a code of its own, are bad rows', async () => {
    await pgc.query(`DROP TABLE IF EXISTS judged; CREATE TABLE judged (id int PRIMARY KEY, s text);
      CREATE OR REPLACE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id % 1000 = 0 THEN RAISE 'not this one'; END IF;
        IF NEW.id % 1000 = 1 THEN RAISE 'nor this one' USING ERRCODE = 'MY001'; END IF;
        RETURN NEW; END $$;
      CREATE TRIGGER judge BEFORE INSERT ON judged FOR EACH ROW EXECUTE FUNCTION judge()`)
    await my.query(`DROP TABLE IF EXISTS judged; CREATE TABLE judged (id int PRIMARY KEY, s varchar(30));
      CREATE TRIGGER judge BEFORE INSERT ON judged FOR EACH ROW BEGIN
        IF NEW.id % 1000 = 2 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF;
        IF NEW.id % 1000 = 3 THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT = 'nor this one'; END IF; END`)
    const mariadb = { connector: 'mysql', ...loginOf(source!) }
    const rows = { customSql: `SELECT seq AS id, 'x' AS s FROM seq_1_to_5000` }
    for (const [name, end] of [
      ['judged', { connector: 'postgres', ...loginOf(target!) }],
      ['signalled', mariadb],
    ] as const) {
      const file = join(folder, `${name}.json`)
      const settings = { errorLimit: { record: 10 }, stateDir: join(folder, 'state') }
      const ends = { source: { ...mariadb, ...rows }, sink: { ...end, tables: ['judged'] } }
      await writeFile(file, JSON.stringify({ name, ...ends, settings }))
      const { code, out, err } = await sluice(['run', file, '--json'])
      assert.equal(code, 0, err)
      assert.match(out, /"rowsBad":10\b/)
    }
  })

  test('are written again once their cause is gone; the rest stays', async () => {
    await emptyTarget()
    const file = await job('again', {}, { sink: { preSql: ['TRUNCATE t'] } })
    assert.equal((await sluice(['run', file])).code, 0)
    await pgc.query('ALTER TABLE t ALTER n TYPE bigint, DROP CONSTRAINT t_u_key, DROP CONSTRAINT t_s_check')
    const first = await sluice(['dirty', 'replay', file, '--json'])
    assert.equal(first.code, 1, first.err)
    const left = (2 * countOfBad) / reasons.length
    const replayed = lines<{ event: string; written: number; left: number }>(first.out).find(({ event }) => event === 'replayed')
    assert.deepEqual([replayed?.written, replayed?.left], [countOfBad - left, left])
    const { rows } = await pgc.query<{ count: string }>('SELECT count(*) FROM t')
    assert.equal(Number(rows[0]?.count), ROWS - left)
    // What is left is in a set of its own, and the first set is not written again.
    const second = lines<{ event: string; sets: number; written: number; left: number }>(
      (await sluice(['dirty', 'replay', file, '--json'])).out,
    )
    assert.deepEqual(
      second.filter(({ event }) => event === 'replayed').map(({ sets, written, left: still }) => [sets, written, still]),
      [[1, 0, left]],
    )
  })

  test('of a run that can still go on wait until it has finished', async () => {
    await emptyTarget()
    const commits = { settings: { restore: { maxRowNumForCheckpoint: 1000 }, rowsPerSecond: 60_000 } }
    const file = await job('waiting', { record: countOfBad / 2 }, commits)
    assert.equal((await sluice(['run', file])).code, 65)
    const { code, out } = await sluice(['dirty', 'replay', file])
    assert.equal(code, 1)
    assert.match(out, /^The rows of run \S+ wait until it has finished/)
    await job('waiting', {}, commits)
    assert.equal((await sluice(['run', file, '--resume'])).code, 0)
    await pgc.query('ALTER TABLE t ALTER n TYPE bigint, DROP CONSTRAINT t_u_key, DROP CONSTRAINT t_s_check')
    assert.deepEqual(await replayedBy(file), [1, (3 * countOfBad) / 5, (2 * countOfBad) / 5])
  })

  test('are not written twice when a replay that died before its last line is followed by one of another run', async () => {
    await emptyTarget()
    const state = { settings: { stateDir: join(folder, 'died') } }
    const file = await job('died', {}, { ...state, sink: { preSql: ['TRUNCATE t'] } })
    for (const run of ['a', 'b']) assert.equal((await sluice(['run', file, '--run-id', run])).code, 0)
    await pgc.query(
      'ALTER TABLE t ALTER n TYPE bigint, DROP CONSTRAINT t_u_key, DROP CONSTRAINT t_s_check, DROP CONSTRAINT t_pkey',
    )
    const written = (3 * countOfBad) / 5
    assert.deepEqual(await replayedBy(file, '--run', 'a'), [1, written, (2 * countOfBad) / 5])
    const marks = (await readdir(join(folder, 'died'), { recursive: true })).filter(name => name.endsWith('replayed.json'))
    assert.equal(marks.length, 1)
    await rm(join(folder, 'died', marks[0]!))
    assert.deepEqual((await replayedBy(file, '--run', 'b')).slice(0, 2), [2, written])
    assert.equal((await replayedBy(file))[1], 0)
    const { rows } = await pgc.query<{ count: string }>('SELECT count(*) FROM t')
    assert.equal(Number(rows[0]?.count), ROWS - countOfBad + 2 * written)
  })

  test('of a run with the id of an earlier one, whose rows have been replayed, are replayed, too', async () => {
    await emptyTarget()
    const file = await job('weekday', {}, { sink: { preSql: ['TRUNCATE t'] } })
    const written = (3 * countOfBad) / 5
    for (let week = 0; week < 2; week++) {
      for (const run of ['monday', 'tuesday']) assert.equal((await sluice(['run', file, '--run-id', run])).code, 0)
      await pgc.query('ALTER TABLE t ALTER n TYPE bigint, DROP CONSTRAINT t_u_key, DROP CONSTRAINT t_s_check')
      assert.deepEqual(await replayedBy(file, '--run', 'tuesday'), [1, written, (2 * countOfBad) / 5])
      await emptyTable()
    }
  })

  test('of a run that was left behind are not written beside those of the run that was begun instead', async () => {
    await emptyTarget()
    const clean = { sink: { preSql: ['TRUNCATE t'] } }
    const file = await job('anew', { record: countOfBad / 2 }, clean)
    assert.equal((await sluice(['run', file])).code, 65)
    await job('anew', {}, clean)
    assert.equal((await sluice(['run', file])).code, 0)
    await pgc.query(
      'ALTER TABLE t ALTER n TYPE bigint, DROP CONSTRAINT t_u_key, DROP CONSTRAINT t_s_check, DROP CONSTRAINT t_pkey',
    )
    assert.match((await sluice(['dirty', 'list', file])).out, / left behind 2/)
    assert.deepEqual(await replayedBy(file), [1, (3 * countOfBad) / 5, (2 * countOfBad) / 5])
    const { rows } = await pgc.query<{ count: string; keys: string }>('SELECT count(*), count(DISTINCT id) AS keys FROM t')
    assert.deepEqual(rows, [{ count: `${ROWS - (2 * countOfBad) / 5}`, keys: `${ROWS - (2 * countOfBad) / 5}` }])
  })

  /** Runs, rows written and rows left of a replay. */
  async function replayedBy(file: string, ...args: string[]): Promise<number[]> {
    const { out } = await sluice(['dirty', 'replay', file, '--json', ...args])
    const last = lines<{ event: string; sets: number; written: number; left: number }>(out).at(-1)!
    assert.equal(last.event, 'replayed', out)
    return [last.sets, last.written, last.left]
  }
})

function lines<T>(text: string): T[] {
  return text
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as T)
}

function loginOf({ host, port, user, password, database }: Database) {
  return { host, port, user, password, database }
}
