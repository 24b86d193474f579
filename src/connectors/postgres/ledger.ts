/**
 * Where runs and positions are recorded in the target: the table `sluice_ledger`.
 *
 * Its primary key is (job, run, split). The head row of a job has an empty run and split; its descriptor says which run is the
 * newest and who holds it. A run's rows have the epoch of the last attempt: a commit changes them only where the epoch is its own, so
 * an attempt whose run was begun anew or claimed finds none and commits nothing.
 */
import { randomUUID } from 'node:crypto'
import {
  ledgerErrors,
  type Json,
  type Progress,
  type RunId,
  type RunRecord,
  type RunStore,
  type Split,
  type Target,
} from '#connector'
import { SluiceError } from '#errors'
import { postgresDialect, printTableName, quoteTableName, type TableName } from '#sql'
import { postgresErrors } from './errors.ts'
import type { Connection } from './protocol/connection.ts'

const TABLE = 'sluice_ledger'
const { literal } = postgresDialect

export interface LedgerHooks {
  /** Creates tables and executes what comes before the first row, in the transaction that begins the run. */
  readonly prepare: (session: Connection, targets: readonly Target[]) => Promise<void>
  /** What of that cannot run in a transaction. */
  readonly prepareOutside: (session: Connection) => Promise<void>
  readonly finish: (session: Connection) => Promise<void>
  readonly finishOutside: (session: Connection) => Promise<void>
}

/** The descriptor of the head row. */
interface Head {
  readonly run: string
  readonly holder: string
  readonly began: string
  readonly finished: boolean
  readonly memo: Json
}

export class Ledger implements RunStore {
  readonly #session: () => Promise<Connection>
  readonly #table: TableName
  readonly #hooks: LedgerHooks

  constructor(session: () => Promise<Connection>, schema: string | undefined, hooks: LedgerHooks) {
    this.#session = session
    this.#table = schema === undefined ? { name: TABLE } : { schema, name: TABLE }
    this.#hooks = hooks
  }

  get name(): string {
    return printTableName(this.#table, postgresDialect)
  }

  get #sql(): string {
    return quoteTableName(this.#table, postgresDialect)
  }

  get ddl(): string {
    return `CREATE TABLE IF NOT EXISTS ${this.#sql} (
  job text NOT NULL,
  run text NOT NULL,
  split text NOT NULL,
  descriptor text,
  position text,
  epoch bigint NOT NULL,
  done boolean NOT NULL DEFAULT false,
  bad bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job, run, split)
)`
  }

  async find(job: string): Promise<RunRecord | undefined> {
    const session = await this.#session()
    if (!(await this.#exists(session))) return undefined
    return this.#record(session, job)
  }

  async begin({ job, run }: RunId, targets: readonly Target[], splits: readonly Split[], memo: Json): Promise<RunRecord> {
    const session = await this.#session()
    await this.#create(session)
    await this.#hooks.prepareOutside(session)
    return this.#transaction(session, job, async () => {
      const head: Head = { run, holder: randomUUID(), began: new Date().toISOString(), finished: false, memo }
      const { rows } = await session.execute(
        `INSERT INTO ${this.#sql} AS l (job, run, split, descriptor, epoch) VALUES ($1, '', '', $2, 1)
         ON CONFLICT (job, run, split) DO UPDATE SET descriptor = excluded.descriptor, epoch = l.epoch + 1, done = false, updated_at = now()
         RETURNING epoch`,
        [job, JSON.stringify(head)],
      )
      const epoch = Number(rows[0]?.[0])
      await session.execute(`DELETE FROM ${this.#sql} WHERE job = $1 AND run <> ''`, [job])
      await this.#hooks.prepare(session, targets)
      const descriptors = JSON.stringify(splits.map(split => [split.id, JSON.stringify(split)]))
      await session.execute(
        `INSERT INTO ${this.#sql} (job, run, split, descriptor, epoch)
         SELECT $1, $2, s ->> 0, s ->> 1, $3::bigint FROM json_array_elements($4::json) AS s`,
        [job, run, String(epoch), descriptors],
      )
      return { job, ...head, epoch, splits: splits.map(split => ({ split, done: false })) }
    })
  }

  claim(run: RunId): Promise<RunRecord> {
    return this.#raise(run, randomUUID())
  }

  reclaim(run: RunRecord): Promise<RunRecord> {
    return this.#raise(run, run.holder, run.holder)
  }

  /** Raises the epoch for `holder`; where the run has to be held by `from`, only then. */
  async #raise({ job, run }: RunId, holder: string, from?: string): Promise<RunRecord> {
    const session = await this.#session()
    if (!(await this.#exists(session))) throw ledgerErrors.missing({ job, run, table: this.name })
    return this.#transaction(session, job, async () => {
      const { head, epoch } = await this.#lockedHead(session, { job, run })
      if (head.run !== run || (from !== undefined && head.holder !== from)) throw ledgerErrors.fenced({ job, run })
      await this.#storeHead(session, job, { ...head, holder }, epoch + 1)
      await session.execute(`UPDATE ${this.#sql} SET epoch = $3::bigint, updated_at = now() WHERE job = $1 AND run = $2`, [
        job,
        run,
        String(epoch + 1),
      ])
      const record = await this.#record(session, job)
      if (record === undefined) throw ledgerErrors.missing({ job, run, table: this.name })
      return record
    })
  }

  async finish(record: RunRecord): Promise<void> {
    const { job, run } = record
    const session = await this.#session()
    if (!(await this.#exists(session))) throw ledgerErrors.missing({ job, run, table: this.name })
    const isDone = await this.#transaction(session, job, async () => (await this.#held(session, record)).finished)
    if (isDone) return
    await this.#hooks.finishOutside(session)
    await this.#transaction(session, job, async () => {
      const head = await this.#held(session, record)
      if (head.finished) return
      await this.#hooks.finish(session)
      await this.#storeHead(session, job, { ...head, finished: true }, record.epoch)
    })
  }

  /**
   * A statement that records progress, and fails with a division by zero where the run is not held any more. It holds
   * values as literals, so that it can follow the rows in the same message.
   */
  progressStatement({ job, run, epoch }: RunRecord, progress: readonly Progress[]): string {
    const guard = `l.job = ${literal(job)} AND l.epoch = ${Number(epoch)}`
    if (progress.length === 0) {
      return `SELECT 1 / count(*) FROM (SELECT FROM ${this.#sql} AS l WHERE ${guard} AND l.run = '' AND l.split = '' FOR SHARE) AS held`
    }
    const rows = progress.map(({ split, position, done, bad = 0 }) => {
      const text = position === undefined ? 'NULL' : literal(JSON.stringify(position))
      return `(${literal(split)}, ${text}, ${done}, ${bad})`
    })
    return (
      `WITH held AS (UPDATE ${this.#sql} AS l SET position = moved.position::text, done = moved.done, bad = moved.bad, updated_at = now() ` +
      `FROM (VALUES ${rows.join(', ')}) AS moved(split, position, done, bad) ` +
      `WHERE ${guard} AND l.run = ${literal(run)} AND l.split = moved.split RETURNING 1) ` +
      `SELECT 1 / (count(*) = ${progress.length})::int FROM held`
    )
  }

  /** What a failed commit means: fenced or missing when the ledger says so, else what the server said. */
  async explainFailure(session: Connection, error: unknown, record: RunRecord): Promise<unknown> {
    const isGuard = SluiceError.is(error) && (error.detail['sqlState'] === '22012' || error.code === 'postgres.table-missing')
    if (!isGuard || !session.stream.isOpen) return error
    if (session.transaction !== 'I') await session.query('ROLLBACK')
    const { job, run, epoch } = record
    if (!(await this.#exists(session))) return ledgerErrors.missing({ job, run, table: this.name })
    const head = await this.#record(session, job)
    if (head === undefined) return ledgerErrors.missing({ job, run, table: this.name })
    if (head.run !== run || head.epoch !== epoch) return ledgerErrors.fenced({ job, run })
    return error.detail['sqlState'] === '22012' ? ledgerErrors.missing({ job, run, table: this.name }) : error
  }

  async #exists(session: Connection): Promise<boolean> {
    const { rows } = await session.execute('SELECT to_regclass($1) IS NOT NULL', [this.#sql])
    return rows[0]?.[0] === 't'
  }

  async #create(session: Connection): Promise<void> {
    if (await this.#exists(session)) return
    try {
      await session.query(this.ddl)
    } catch (error) {
      if (!SluiceError.is(error)) throw error
      const state = error.detail['sqlState']
      // Somebody else was faster: IF NOT EXISTS does not protect from that.
      if ((state === '23505' || state === '42P07') && (await this.#exists(session))) return
      if (state === '42501') throw ledgerErrors.noRights({ table: this.name, user: session.user, ddl: `${this.ddl};` }, error)
      throw error
    }
  }

  async #storeHead(session: Connection, job: string, head: Head, epoch: number): Promise<void> {
    await session.execute(
      `UPDATE ${this.#sql} SET descriptor = $2, epoch = $3::bigint, done = $4::boolean, updated_at = now() WHERE job = $1 AND run = '' AND split = ''`,
      [job, JSON.stringify(head), String(epoch), String(head.finished)],
    )
  }

  /** Locks the head row; throws when the run has been taken over or claimed again since. */
  async #held(session: Connection, { job, run, epoch }: RunRecord): Promise<Head> {
    const found = await this.#lockedHead(session, { job, run })
    if (found.epoch !== epoch) throw ledgerErrors.fenced({ job, run })
    return found.head
  }

  async #lockedHead(session: Connection, { job, run }: RunId): Promise<{ head: Head; epoch: number }> {
    const { rows } = await session.execute(
      `SELECT descriptor, epoch FROM ${this.#sql} WHERE job = $1 AND run = '' AND split = '' FOR UPDATE`,
      [job],
    )
    const [descriptor, epoch] = rows[0] ?? []
    if (!descriptor) throw ledgerErrors.missing({ job, run, table: this.name })
    return { head: JSON.parse(descriptor) as Head, epoch: Number(epoch) }
  }

  async #record(session: Connection, job: string): Promise<RunRecord | undefined> {
    const { rows } = await session.execute(
      `SELECT split, descriptor, position, done, epoch, bad FROM ${this.#sql} AS l
        WHERE job = $1 AND (run = '' OR run = (SELECT (h.descriptor::json) ->> 'run' FROM ${this.#sql} AS h WHERE h.job = $1 AND h.run = '' AND h.split = ''))
        ORDER BY run, split`,
      [job],
    )
    const [head, ...splits] = rows
    if (head?.[0] !== '' || !head[1]) return undefined
    return {
      job,
      ...(JSON.parse(head[1]) as Head),
      epoch: Number(head[4]),
      splits: splits.map(([, descriptor, position, done, , bad]) => ({
        split: JSON.parse(descriptor ?? '{}') as Split,
        ...(position ? { position: JSON.parse(position) as Json } : {}),
        done: done === 't',
        ...(Number(bad) > 0 ? { bad: Number(bad) } : {}),
      })),
    }
  }

  /** Waits for whoever has the head row, but not for ever. */
  async #transaction<T>(session: Connection, job: string, work: () => Promise<T>): Promise<T> {
    await session.query('BEGIN')
    try {
      const result = await work()
      await session.query('COMMIT')
      return result
    } catch (error) {
      if (session.stream.isOpen) await session.query('ROLLBACK')
      if (SluiceError.is(error, 'postgres.locked')) throw postgresErrors.runBusy({ job, table: this.name }, error)
      throw error
    }
  }
}
