/** The database of the sink refuses, is in the way, or is another one. Afterwards it is well again, and the job comes to its end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabase } from './pairs.ts'
import { endOf, midway, recovered, RECOVERY_SECONDS, resume, type Effect, type Fault, type Round } from './round.ts'
import { ROWS } from './rows.ts'
import { LEDGER, type Sql } from './side.ts'

const noDatabase: Fault['obstacle'] = ({ sink }) => (isDatabase(sink) ? undefined : 'files have no sessions, keys or locks')

const fault = (name: string, title: string, act: Fault['act'], more: Partial<Fault> = {}): Fault => ({
  name: `sink-${name}`,
  title: `sink: ${title}`,
  recoversWithinSeconds: RECOVERY_SECONDS,
  obstacle: noDatabase,
  act,
  ...more,
})

export const sinkFaults: readonly Fault[] = [
  fault('lost-answer', 'it commits, and its answer is lost', loseAnswer),
  fault('lock-wait', 'a lock is not released in time', waitForLock, { needs: 'time' }),
  fault('deadlock', 'another session wants the same locks in another order', causeDeadlock, { needs: 'time' }),
  fault('read-only', 'transactions can only read for a while', forbidWrites, {
    needs: 'time',
    obstacle: (pair, means) =>
      pair.sink === 'mysql' ? 'a server of mysql is read-only as a whole, for all jobs on it' : noDatabase(pair, means),
  }),
  fault('duplicate', 'it has the key of a row already; then it has not, and the same command', round =>
    refuseRow(round, 'duplicate'),
  ),
  fault('refusal', 'a constraint refuses a row; then it is gone, and the same command', round => refuseRow(round, 'refusal')),
  fault('replaced', 'an empty one in its place', replace, { needs: 'time' }),
]

type System = Sql['system']

async function loseAnswer(round: Round): Promise<Effect> {
  const proxy = proxyOf(round)
  const before = proxy.fired.cut
  const run = round.start()
  await midway(round, run)
  proxy.set({ kind: 'cut', direction: 'to-client', afterBytes: 0, behind: 'COMMIT' })
  await run.until(() => proxy.fired.cut > before)
  proxy.set()
  return { fired: proxy.fired.cut > before, ...(await recovered(run)) }
}

const LOCK_MS = 4_000
const LOCK_CODES: Readonly<Record<System, string>> = { postgres: 'postgres.locked', mysql: 'mysql.lock-wait' }

/** Connectors wait for half a minute and more; a trigger makes it a moment for the transaction that writes. */
const IMPATIENCE: Readonly<Record<System, (table: string) => readonly string[]>> = {
  postgres: table => [
    `CREATE OR REPLACE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN PERFORM set_config('lock_timeout', '200ms', true); RETURN NULL; END $$`,
    `CREATE TRIGGER hurry AFTER INSERT ON ${table} EXECUTE FUNCTION hurry()`,
  ],
  mysql: table => [`CREATE TRIGGER hurry BEFORE INSERT ON ${table} FOR EACH ROW SET SESSION innodb_lock_wait_timeout = 1`],
}

async function waitForLock(round: Round): Promise<Effect> {
  const { sql, holdCommits } = round.field.sink
  const { system, table, ask } = given(sql)
  await ask(...IMPATIENCE[system](table))
  round.defer(() => ask(system === 'postgres' ? `DROP TRIGGER hurry ON ${table}` : 'DROP TRIGGER hurry'))
  const run = round.start()
  await midway(round, run)
  const release = await given(holdCommits)()
  const hasGivenUp = () => run.restartCodes.includes(LOCK_CODES[system])
  await Promise.race([run.until(hasGivenUp), sleep(LOCK_MS)]).finally(release)
  return { fired: hasGivenUp(), ...(await recovered(run)) }
}

const DEADLOCK_CODES: Readonly<Record<System, string>> = { postgres: 'postgres.conflict', mysql: 'mysql.deadlock' }

/**
 * A session holds the ledger, which the job needs for its commit, and then wants the rows of the job. The job is the victim: in PostgreSQL
 * because it looks for deadlocks sooner, in MySQL because the other one has changed more rows.
 */
const DEADLOCK: Readonly<Record<System, (table: string) => readonly string[]>> = {
  postgres: table => [
    'BEGIN',
    `SET LOCAL deadlock_timeout = '20s'`,
    `SELECT 1 FROM ${LEDGER} FOR UPDATE`,
    `DO $$ BEGIN
       WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid)
         AND clock_timestamp() < now() + interval '5 s' LOOP PERFORM pg_sleep(0.01); END LOOP;
       LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE; END $$`,
    'COMMIT',
  ],
  mysql: table => [
    'CREATE TABLE IF NOT EXISTS ballast (i int)',
    'BEGIN',
    `INSERT INTO ballast WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT a.i FROM n AS a, n AS b`,
    `SELECT 1 FROM ${LEDGER} FOR UPDATE`,
    'SELECT SLEEP(1.5)',
    `SELECT count(*) FROM ${table} FOR UPDATE`,
    'COMMIT',
    'DROP TABLE ballast',
  ],
}

async function causeDeadlock(round: Round): Promise<Effect> {
  const { system, table, ask } = given(round.field.sink.sql)
  const run = round.start()
  await midway(round, run)
  await ask(...DEADLOCK[system](table))
  const recovery = await recovered(run)
  return { fired: run.restartCodes.includes(DEADLOCK_CODES[system]), ...recovery }
}

const READ_ONLY_MS = 3_000

/** As on a server that was demoted: a trigger turns each transaction that writes. */
async function forbidWrites(round: Round): Promise<Effect> {
  const { table, ask } = given(round.field.sink.sql)
  const run = round.start()
  await midway(round, run)
  await ask(
    `CREATE OR REPLACE FUNCTION turn() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN SET LOCAL transaction_read_only = on; RETURN NULL; END $$`,
    `CREATE TRIGGER turn AFTER INSERT ON ${table} EXECUTE FUNCTION turn()`,
  )
  const hasNoticed = () => run.restartCodes.includes('postgres.read-only')
  await Promise.race([run.until(hasNoticed), sleep(READ_ONLY_MS)]).finally(() => ask(`DROP TRIGGER turn ON ${table}`))
  return { fired: hasNoticed(), ...(await recovered(run)) }
}

interface Obstruction {
  readonly code: string
  readonly make: readonly string[]
  readonly undo: readonly string[]
}

function obstruction(kind: 'duplicate' | 'refusal', { system, table }: Sql, id: number): Obstruction {
  if (kind === 'duplicate') {
    return {
      code: `${system}.duplicate-key`,
      make: [`CREATE UNIQUE INDEX planted ON ${table} (id)`, `INSERT INTO ${table} (id) VALUES (${id})`],
      // No row of the source is without a k.
      undo: [`DELETE FROM ${table} WHERE k IS NULL`, `DROP INDEX planted${system === 'mysql' ? ` ON ${table}` : ''}`],
    }
  }
  return {
    code: system === 'postgres' ? 'postgres.row-refused' : 'mysql.value-rejected',
    make: [`ALTER TABLE ${table} ADD CONSTRAINT planted CHECK (id <> ${id})`],
    undo: [`ALTER TABLE ${table} DROP CONSTRAINT planted`],
  }
}

/** A job that allows no bad rows ends at the first, and goes on where it was when the cause is gone. */
async function refuseRow(round: Round, kind: 'duplicate' | 'refusal'): Promise<Effect> {
  const sql = given(round.field.sink.sql)
  const { code, make, undo } = obstruction(kind, sql, 1 + Math.floor(round.random() * ROWS))
  await sql.ask(...make)
  const run = round.start()
  await endOf(run, [65]).finally(() => sql.ask(...undo))
  if (run.errorCode !== code) throw new Error(`ended otherwise than with ${code}: ${run.output}`)
  return { fired: true, ...(await resume(round)) }
}

/** As after a failover to a server that was never filled: the job must not write the rest into it as if it were all. */
async function replace(round: Round): Promise<Effect> {
  const { sink } = round.field
  const proxy = proxyOf(round)
  const run = round.start({ isSlow: true })
  await midway(round, run)
  await proxy.refuse()
  await sink.reset().finally(() => proxy.accept())
  await endOf(run, [64])
  if (run.errorCode !== 'ledger.missing') throw new Error(`ended otherwise than with ledger.missing: ${run.output}`)
  if ((await sink.fingerprint()).rows > 0) throw new Error('the refused run has written to the empty server')
  await round.field.clear()
  await endOf(round.start({ isFresh: true }), [0])
  return { fired: true, stop: 'ledger.missing' }
}

const proxyOf = ({ field }: Round) => given(field.proxies.sink)

/** `obstacle` has made sure of it. */
function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('this sink has no server')
  return value
}
