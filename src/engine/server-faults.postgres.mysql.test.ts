/**
 * The server of either end fails in the middle of a run: the run goes on by itself, and every row arrives once, or it ends with a reason and
 * nothing half written.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '#conformance'
import { SluiceError } from '#errors'
import { fileServer, freshDatabase, testServer, type Database } from '../../tools/servers/index.ts'
import {
  ask,
  assertArrived,
  createSource,
  createTarget,
  manyRows,
  runThrough,
  someoneWaits,
  until,
  type Job,
  type Place,
} from './faults.test-support.ts'
import type { RunEvent } from './run.ts'

const postgres = await fileServer('postgres-15')
const mysql = await fileServer('mysql-9')
const skip = postgres.skip || mysql.skip
/** To kill. The last test of a system takes it away. */
const own = {
  postgres: await fileServer('postgres-15', { own: true }),
  mysql: await fileServer('mysql-9', { own: true }),
}

const ROWS = manyRows(12_000)
/** Six commits in three seconds. */
const PACE = { commitRows: 2000, rowsPerSecond: 4000 }

const systems = [
  ['postgres', 'postgres-15'],
  ['mysql', 'mysql-9'],
] as const

type System = (typeof systems)[number][0]

describe('server faults', { skip, concurrency: 1 }, () => {
  let databases: Readonly<Record<System, Database>>
  let tables = 0

  before(async () => {
    databases = { postgres: await freshDatabase(postgres.server), mysql: await freshDatabase(mysql.server) }
    await createSource(databases.postgres, 'origin', ROWS)
  })
  after(async () => {
    for (const database of Object.values(databases ?? {})) await database.drop()
  })

  /** A job from PostgreSQL into a new table with a key. */
  async function jobInto(sink: Place, more: Partial<Job> = {}): Promise<Job> {
    const to = `target${++tables}`
    await createTarget(sink, to, true)
    return { source: databases.postgres, sink, from: 'origin', to, ...PACE, ...more }
  }

  for (const [system] of systems) {
    test(`${system}: a deadlock`, async () => {
      const job = await jobInto(databases[system])
      // PostgreSQL looks for deadlocks once, when it has waited so long. Until then there must be one.
      if (system === 'postgres') await ask(job.sink, `ALTER DATABASE ${databases.postgres.database} SET deadlock_timeout = '4s'`)
      const { events } = await runAgainst(job, () => causeDeadlock(job))
      assertRestarted(events, system === 'postgres' ? 'postgres.conflict' : 'mysql.deadlock')
      await assertArrived(job.sink, job.to, ROWS)
    })

    test(`${system}: a lock that is not released in time`, async () => {
      const job = await jobInto(databases[system])
      await shortenLockWait(job)
      const { events } = await runAgainst(job, disturbed => ask(job.sink, 'BEGIN', lockLedger(job), () => disturbed))
      assertRestarted(events, system === 'postgres' ? 'postgres.locked' : 'mysql.lock-wait')
      await assertArrived(job.sink, job.to, ROWS)
    })

    test(`${system}: a row whose key is there already ends the run`, async () => {
      const job = await jobInto(databases[system])
      await ask(job.sink, `INSERT INTO ${job.to} VALUES (7000, 'mine', 'mine')`)
      const events: RunEvent[] = []
      const run = runThrough({ ...job, onEvent: event => events.push(event) })
      await assert.rejects(run, { code: `${system}.duplicate-key`, fault: 'data', message: /7000/ })
      assert(!events.some(({ kind }) => kind === 'restarting'))
      const found = await ask(job.sink, `SELECT id, name, digits FROM ${job.to} WHERE id <> 7000 ORDER BY id`)
      assert.deepEqual(found, ROWS.slice(0, 6000), 'the commits before it')
      assert.deepEqual(await ask(job.sink, `SELECT name FROM ${job.to} WHERE id = 7000`), [['mine']])
    })

    test(`${system}: the server commits and its answer is lost`, async () => {
      await using proxy = await FaultProxy.start('127.0.0.1', databases[system].port)
      const job = await jobInto({ ...databases[system], port: proxy.port })
      const direct = { ...job, sink: databases[system] }
      const { report, events } = await runAgainst(job, async () => {
        await until(async () => (await rowsOf(direct)) >= PACE.commitRows)
        proxy.set({ kind: 'cut', direction: 'to-client', afterBytes: 0, behind: 'COMMIT' })
      })
      assert.equal(proxy.fired.cut, 1)
      assertRestarted(events, 'wire.lost')
      // Those with rows and the one that ends the split, without the one that is not known to have happened.
      assert.equal(report.meter.commits, ROWS.length / PACE.commitRows + 1 - 1)
      await assertArrived(direct.sink, job.to, ROWS)
    })

    test(`${system}: an engine that loses its connections after another has taken its run over`, async () => {
      await using proxy = await FaultProxy.start('127.0.0.1', databases[system].port)
      const job = await jobInto({ ...databases[system], port: proxy.port }, { rowsPerSecond: 2000 })
      const direct = { ...job, ...PACE, sink: databases[system] }
      let isTaken = false
      const cutOff = async () => {
        isTaken = true
        await proxy.refuse()
        await proxy.accept()
      }
      const events: RunEvent[] = []
      const older = runThrough({ ...job, onEvent: event => events.push(event) }).catch((error: unknown) => error)
      await until(async () => (await rowsOf(direct)) >= PACE.commitRows)
      const heir = runThrough({ ...direct, resume: true, onEvent: ({ kind }) => kind === 'resumed' && void cutOff() })
      const error = await older
      assert(SluiceError.is(error, 'ledger.fenced'), String(error))
      assert(isTaken, 'it ended before it was cut off')
      assertRestarted(events, 'wire.lost')
      const { report } = await heir
      assert.deepEqual([report.outcome, report.attempts], ['finished', 1])
      await assertArrived(direct.sink, job.to, ROWS)
    })

    for (const side of ['source', 'sink'] as const) {
      test(`${system}: the ${side} is killed and restarted`, async () => {
        const { server } = own[system]
        if (side === 'source') await createSource(server, 'origin', ROWS)
        const job = await jobInto(side === 'sink' ? server : databases.postgres, side === 'source' ? slowly(server) : {})
        const { events } = await runAgainst(job, async () => {
          if (side === 'source') await until(() => isReading(job.source))
          else await until(async () => (await rowsOf(job)) >= PACE.commitRows)
          await server.kill()
          await sleep(1000)
          await server.restart()
        })
        assertRestarted(events, side === 'source' ? 'wire.lost' : undefined)
        await assertArrived(job.sink, job.to, ROWS)
      })
    }
  }

  test('postgres: a transaction that turns read-only', async () => {
    const job = await jobInto(databases.postgres)
    await ask(
      job.sink,
      'CREATE TABLE read_only (is_on boolean); INSERT INTO read_only VALUES (false)',
      `CREATE FUNCTION turn() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF (SELECT is_on FROM read_only) THEN SET LOCAL transaction_read_only = on; END IF; RETURN NULL; END $$`,
      `CREATE TRIGGER turn AFTER INSERT ON ${job.to} EXECUTE FUNCTION turn()`,
    )
    const { events } = await runAgainst(job, async disturbed => {
      await ask(job.sink, 'UPDATE read_only SET is_on = true')
      await disturbed
      await ask(job.sink, 'UPDATE read_only SET is_on = false')
    })
    assertRestarted(events, 'postgres.read-only')
    await assertArrived(job.sink, job.to, ROWS)
  })

  test('mysql: a server that turns read-only, and one that stays so', async () => {
    const { server } = own.mysql
    const job = await jobInto(server)
    const { events } = await runAgainst(job, async disturbed => {
      await ask(server, 'SET GLOBAL super_read_only = 1')
      await disturbed
      await ask(server, 'SET GLOBAL super_read_only = 0', 'SET GLOBAL read_only = 0')
    })
    assertRestarted(events, 'mysql.read-only')
    await assertArrived(job.sink, job.to, ROWS)

    const stays = await jobInto(server, { restart: { attempts: 3, leastMs: 0 } })
    const run = runAgainst(stays, () => ask(server, 'SET GLOBAL super_read_only = 1'))
    await assert.rejects(run, { code: 'engine.gave-up', message: /after 3 failed attempts.*read-only/s })
    assert.equal((await rowsOf(stays)) % PACE.commitRows, 0)
    await ask(server, 'SET GLOBAL super_read_only = 0', 'SET GLOBAL read_only = 0')
  })

  for (const [system, name] of systems) {
    test(`${system}: an empty server takes the place of the sink`, async t => {
      const { server: first } = own[system]
      const job = await jobInto(first)
      const run = runAgainst(job, async () => {
        await until(async () => (await rowsOf(job)) >= PACE.commitRows)
        await first.stop()
        const second = await testServer(t, name, { own: true, port: first.port })
        if (second) await createTarget(second, job.to, true)
      })
      await assert.rejects(run, { code: 'ledger.missing', fault: 'usage' })
      assert.equal(await rowsOf(job), 0)
    })
  }
})

/** A run to which `inflict` happens from its first row on; it is told when the run begins again, or has ended. */
async function runAgainst(job: Job, inflict: (disturbed: Promise<void>) => Promise<unknown>) {
  let fault: Promise<unknown> | undefined
  const disturbed = Promise.withResolvers<void>()
  const onEvent = ({ kind }: RunEvent) => {
    if (kind === 'begun') fault = inflict(disturbed.promise)
    if (kind === 'restarting') disturbed.resolve()
  }
  const [run] = await Promise.allSettled([runThrough({ ...job, onEvent }).finally(disturbed.resolve)])
  await fault
  if (run.status === 'rejected') throw run.reason
  return run.value
}

function assertRestarted(events: readonly RunEvent[], code?: string): void {
  const codes = events.flatMap(event => (event.kind === 'restarting' ? [event.error.code] : []))
  assert(codes.length > 0, 'no restart')
  assert(code === undefined || codes.includes(code), `${code} is not among ${codes.join(', ')}`)
}

const PAUSE = { postgres: 'pg_sleep(0.001) IS NOT NULL', mysql: 'SLEEP(0.001) = 0' }

/** Reads a table of ROWS from a server in a second or two. */
function slowly(source: Place): Partial<Job> {
  const pause = PAUSE[source.kind]
  return { source, sourceOptions: { customSql: `SELECT * FROM origin WHERE id % 10 <> 0 OR ${pause}` } }
}

/** Whether somebody reads slowly now. */
async function isReading(source: Place): Promise<boolean> {
  const sessions = {
    postgres: `pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query`,
    mysql: `information_schema.processlist WHERE id <> CONNECTION_ID() AND info`,
  }
  const found = await ask(source, `SELECT 1 FROM ${sessions[source.kind]} LIKE '%${PAUSE[source.kind]}%'`)
  return found.length > 0
}

const rowsOf = async ({ sink, to }: Job) => Number((await ask(sink, `SELECT count(*) FROM ${to}`))[0]?.[0])

const lockLedger = ({ to }: Job) => `SELECT 1 FROM sluice_ledger WHERE job = 'faults-${to}' FOR UPDATE`

/**
 * Another session holds the ledger, which the run needs to commit, and then wants the rows of the run. The victim is the run: in PostgreSQL
 * because it looks for deadlocks sooner, in MySQL because the other has changed more rows.
 */
async function causeDeadlock(job: Job): Promise<void> {
  const { sink, to } = job
  if (sink.kind === 'postgres') {
    const take = `LOCK TABLE ${to} IN ACCESS EXCLUSIVE MODE`
    await ask(sink, 'BEGIN', `SET LOCAL deadlock_timeout = '100s'`, lockLedger(job), someoneWaits(sink), take, 'COMMIT')
    return
  }
  await ask(sink, 'CREATE TABLE ballast (i int)')
  const numbers = 'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200)'
  const fill = `INSERT INTO ballast ${numbers} SELECT a.i FROM n AS a, n AS b`
  await ask(sink, 'BEGIN', lockLedger(job), fill, someoneWaits(sink), `SELECT count(*) FROM ${to} FOR UPDATE`, 'COMMIT')
}

/** The limits of the connectors are 30 s and more; a trigger makes it a fraction for the transaction that writes. */
async function shortenLockWait({ sink, to }: Job): Promise<void> {
  if (sink.kind === 'mysql') {
    await ask(sink, `CREATE TRIGGER hurry BEFORE INSERT ON ${to} FOR EACH ROW SET SESSION innodb_lock_wait_timeout = 1`)
    return
  }
  await ask(
    sink,
    `CREATE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN PERFORM set_config('lock_timeout', '200ms', true); RETURN NULL; END $$`,
    `CREATE TRIGGER hurry AFTER INSERT ON ${to} EXECUTE FUNCTION hurry()`,
  )
}
