/**
 * Where runs and positions are recorded in the target: the table `sluice_ledger`.
 *
 * Its primary key is (job, run, split). The head row of a job has an empty run and split; its descriptor says which run is the newest
 * and who holds it. A run's rows have the epoch of the last attempt: a commit changes them only where the epoch is its own, so an attempt
 * whose run was begun anew or claimed finds none and commits nothing.
 *
 * DDL commits by itself in MySQL, so a run begins in three steps: older holders are fenced and their rows forgotten; tables are made and
 * preSql is executed; the run and its splits are stored. Until the last step there is no run that could be resumed.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  type Json,
  ledgerErrors,
  type Progress,
  type RunId,
  type RunRecord,
  type RunStore,
  type Split,
  type Target,
} from '#connector'
import { SluiceError } from '#errors'
import { mysqlDialect, printTableName, quoteTableName, type TableName } from '#sql'
import { mysqlErrors } from './errors.ts'
import type { Session } from './options.ts'
import type { Connection } from './protocol/connection.ts'

const TABLE = 'sluice_ledger'
const { literal } = mysqlDialect
/** Characters of a key column: 767 bytes is what every InnoDB row format takes. */
const KEY_CHARS = 190
/** So long a claim waits for whoever is committing. */
const CLAIM_SECONDS = 30
/** Splits that are stored by one statement. */
const SPLITS_PER_STATEMENT = 500

export interface LedgerHooks {
  /** Creates tables and executes what comes before the first row. */
  readonly prepare: (connection: Connection, targets: readonly Target[]) => Promise<void>
  /** What comes after the last row: outside and inside the transaction that marks the run as finished. */
  readonly finishOutside: (connection: Connection) => Promise<void>
  readonly finishInside: (connection: Connection) => Promise<void>
}

/** The descriptor of the head row. */
interface Head {
  /** Null while a run is being begun. */
  readonly run: string | null
  readonly holder: string
  readonly began: string
  readonly finished: boolean
  readonly memo: Json
}

export class Ledger implements RunStore {
  readonly #session: () => Promise<Session>
  readonly #table: TableName
  readonly #hooks: LedgerHooks

  constructor(session: () => Promise<Session>, schema: string | undefined, hooks: LedgerHooks) {
    this.#session = session
    this.#table = schema === undefined ? { name: TABLE } : { schema, name: TABLE }
    this.#hooks = hooks
  }

  get name(): string {
    return printTableName(this.#table, mysqlDialect)
  }

  get #sql(): string {
    return quoteTableName(this.#table, mysqlDialect)
  }

  get ddl(): string {
    const key = `VARCHAR(${KEY_CHARS}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL`
    return `CREATE TABLE IF NOT EXISTS ${this.#sql} (
  job ${key},
  run ${key},
  split ${key},
  descriptor LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  position LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  epoch BIGINT NOT NULL,
  done TINYINT NOT NULL DEFAULT 0,
  bad BIGINT NOT NULL DEFAULT 0,
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (job, run, split)
) ENGINE = InnoDB`
  }

  async find(job: string): Promise<RunRecord | undefined> {
    const { connection } = await this.#session()
    if (!(await this.#exists(connection))) return undefined
    return this.#record(connection, job)
  }

  async begin({ job, run }: RunId, targets: readonly Target[], splits: readonly Split[], memo: Json): Promise<RunRecord> {
    const session = await this.#session()
    const { connection } = session
    await this.#create(session)
    const head = { run, holder: randomUUID(), began: new Date().toISOString(), finished: false, memo }
    const epoch = await this.#transaction(connection, job, () =>
      this.#fence(connection, { job, run }, { ...head, run: null, memo: null }),
    )
    await this.#hooks.prepare(connection, targets)
    await this.#transaction(connection, job, async () => {
      await this.#held(connection, { job, run, epoch })
      await this.#storeSplits(connection, { job, run, epoch }, splits)
      await this.#storeHead(connection, job, head)
    })
    return { job, ...head, epoch, splits: splits.map(split => ({ split, done: false })) }
  }

  claim(run: RunId): Promise<RunRecord> {
    return this.#raise(run, randomUUID())
  }

  reclaim(run: RunRecord): Promise<RunRecord> {
    return this.#raise(run, run.holder, run.holder)
  }

  /** Raises the epoch for `holder`; where the run has to be held by `from`, only then. */
  async #raise({ job, run }: RunId, holder: string, from?: string): Promise<RunRecord> {
    const { connection } = await this.#session()
    if (!(await this.#exists(connection))) throw ledgerErrors.missing({ job, run, table: this.name })
    return this.#transaction(connection, job, async () => {
      const { head, epoch } = await this.#lockedHead(connection, { job, run })
      if (from !== undefined && head.holder !== from) throw ledgerErrors.fenced({ job, run })
      if (head.run === null) throw ledgerErrors.missing({ job, run, table: this.name })
      if (head.run !== run) throw ledgerErrors.fenced({ job, run })
      await this.#storeHead(connection, job, { ...head, holder })
      await connection.query(
        `UPDATE ${this.#sql} SET epoch = ${epoch + 1}, updated_at = UTC_TIMESTAMP() WHERE job = ${key(job)} AND run IN ('', ${key(run)})`,
      )
      const record = await this.#record(connection, job)
      if (record === undefined) throw ledgerErrors.missing({ job, run, table: this.name })
      return record
    })
  }

  async finish(record: RunRecord): Promise<void> {
    const { job, run } = record
    const { connection } = await this.#session()
    if (!(await this.#exists(connection))) throw ledgerErrors.missing({ job, run, table: this.name })
    const before = await this.#transaction(connection, job, () => this.#held(connection, record))
    if (before.finished) return
    await this.#hooks.finishOutside(connection)
    await this.#transaction(connection, job, async () => {
      const head = await this.#held(connection, record)
      await this.#hooks.finishInside(connection)
      await this.#storeHead(connection, job, { ...head, finished: true })
    })
  }

  /** Stores how far splits are, in the transaction that is open. Throws `ledger.fenced` or `ledger.missing` when the run is not held any more. */
  async record(connection: Connection, run: RunRecord, progress: readonly Progress[]): Promise<void> {
    const { job, epoch } = run
    try {
      // Without progress the rows must be fenced all the same.
      if (progress.length === 0) await this.#held(connection, run, 'LOCK IN SHARE MODE')
      for (const { split, position, done, bad = 0 } of progress) {
        const text = position === undefined ? 'NULL' : literal(JSON.stringify(position))
        const { affected } = await connection.query(
          `UPDATE ${this.#sql} SET position = ${text}, done = ${done ? 1 : 0}, bad = ${bad}, updated_at = UTC_TIMESTAMP() WHERE job = ${key(job)} AND run = ${key(run.run)} AND split = ${key(split)} AND epoch = ${epoch}`,
        )
        if (affected !== 1) await this.#lost(connection, run)
      }
    } catch (error) {
      if (SluiceError.is(error, 'mysql.unknown-table')) throw ledgerErrors.missing({ job, run: run.run, table: this.name }, error)
      throw error
    }
  }

  async #lost(connection: Connection, run: RunRecord): Promise<never> {
    await this.#held(connection, run, 'LOCK IN SHARE MODE')
    throw ledgerErrors.missing({ job: run.job, run: run.run, table: this.name })
  }

  /** Raises the epoch of the job and forgets earlier runs; returns the epoch. */
  async #fence(connection: Connection, { job, run }: RunId, head: Head): Promise<number> {
    await connection.query(
      `INSERT INTO ${this.#sql} (job, run, split, descriptor, epoch, done, updated_at) VALUES (${key(job)}, '', '', ${literal(JSON.stringify(head))}, 1, 0, UTC_TIMESTAMP()) ` +
        'ON DUPLICATE KEY UPDATE epoch = epoch + 1, descriptor = VALUES(descriptor), done = 0, updated_at = VALUES(updated_at)',
    )
    const { epoch } = await this.#lockedHead(connection, { job, run })
    await connection.query(`DELETE FROM ${this.#sql} WHERE job = ${key(job)} AND run <> ''`)
    return epoch
  }

  async #storeSplits(
    connection: Connection,
    { job, run, epoch }: RunId & { epoch: number },
    splits: readonly Split[],
  ): Promise<void> {
    for (let from = 0; from < splits.length; from += SPLITS_PER_STATEMENT) {
      const rows = splits
        .slice(from, from + SPLITS_PER_STATEMENT)
        .map(
          split =>
            `(${key(job)}, ${key(run)}, ${key(split.id)}, ${literal(JSON.stringify(split))}, ${epoch}, 0, UTC_TIMESTAMP())`,
        )
      await connection.query(
        `INSERT INTO ${this.#sql} (job, run, split, descriptor, epoch, done, updated_at) VALUES ${rows.join(', ')}`,
      )
    }
  }

  async #storeHead(connection: Connection, job: string, head: Head): Promise<void> {
    await connection.query(
      `UPDATE ${this.#sql} SET descriptor = ${literal(JSON.stringify(head))}, done = ${head.finished ? 1 : 0}, updated_at = UTC_TIMESTAMP() WHERE job = ${key(job)} AND run = '' AND split = ''`,
    )
  }

  async #lockedHead(connection: Connection, { job, run }: RunId, lock = 'FOR UPDATE'): Promise<{ head: Head; epoch: number }> {
    const [row] = await connection.objects<'descriptor' | 'epoch'>(
      `SELECT descriptor, epoch FROM ${this.#sql} WHERE job = ${key(job)} AND run = '' AND split = '' ${lock}`,
    )
    if (!row?.descriptor) throw ledgerErrors.missing({ job, run, table: this.name })
    return { head: JSON.parse(row.descriptor) as Head, epoch: Number(row.epoch) }
  }

  /** Locks the head row; throws when the run has been taken over or claimed again since. */
  async #held(connection: Connection, { job, run, epoch }: RunId & { readonly epoch: number }, lock?: string): Promise<Head> {
    const found = await this.#lockedHead(connection, { job, run }, lock)
    if (found.epoch !== epoch || (found.head.run !== null && found.head.run !== run)) throw ledgerErrors.fenced({ job, run })
    return found.head
  }

  async #record(connection: Connection, job: string): Promise<RunRecord | undefined> {
    const [row] = await connection.objects<'descriptor' | 'epoch'>(
      `SELECT descriptor, epoch FROM ${this.#sql} WHERE job = ${key(job)} AND run = '' AND split = ''`,
    )
    if (!row?.descriptor) return undefined
    const { run, ...head } = JSON.parse(row.descriptor) as Head
    if (run === null) return undefined
    const rows = await connection.objects<'descriptor' | 'position' | 'done' | 'bad'>(
      `SELECT descriptor, position, done, bad FROM ${this.#sql} WHERE job = ${key(job)} AND run = ${key(run)} ORDER BY split`,
    )
    return {
      job,
      run,
      ...head,
      epoch: Number(row.epoch),
      splits: rows.map(({ descriptor, position, done, bad }) => ({
        split: JSON.parse(descriptor ?? '{}') as Split,
        ...(position === null ? {} : { position: JSON.parse(position) as Json }),
        done: done === '1',
        ...(Number(bad) > 0 ? { bad: Number(bad) } : {}),
      })),
    }
  }

  async #exists(connection: Connection): Promise<boolean> {
    const { schema } = this.#table
    const place = schema === undefined ? 'DATABASE()' : literal(schema)
    const { rows } = await connection.query(
      `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${place} AND TABLE_NAME = ${literal(TABLE)}`,
    )
    return rows.length > 0
  }

  async #create({ connection, facts }: Session): Promise<void> {
    if (await this.#exists(connection)) return
    try {
      await connection.query(this.ddl)
    } catch (error) {
      if (!SluiceError.is(error, 'mysql.no-rights')) throw error
      throw ledgerErrors.noRights({ table: this.name, user: facts.user, ddl: `${this.ddl};` }, error)
    }
  }

  /** Waits for whoever has the head row, but not for ever. */
  async #transaction<T>(connection: Connection, job: string, work: () => Promise<T>): Promise<T> {
    await connection.query(`SET SESSION innodb_lock_wait_timeout = ${CLAIM_SECONDS}`)
    await connection.query('START TRANSACTION')
    try {
      const result = await work()
      await connection.query('COMMIT')
      return result
    } catch (error) {
      if (connection.isIdle) await connection.query('ROLLBACK')
      if (SluiceError.is(error, 'mysql.lock-wait')) throw mysqlErrors.runBusy({ job, table: this.name }, error)
      throw error
    }
  }
}

/** A name as a constant. One that is longer than the column ends in a digest of all of it. */
function key(name: string): string {
  const characters = Array.from(name)
  if (characters.length <= KEY_CHARS) return literal(name)
  const digest = createHash('sha256').update(name).digest('hex')
  return literal(`${characters.slice(0, KEY_CHARS - digest.length - 1).join('')}#${digest}`)
}
