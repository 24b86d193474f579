/**
 * Writes tables of MySQL and MariaDB with INSERT, REPLACE or INSERT … ON DUPLICATE KEY UPDATE and binary parameters (row-sender.ts).
 *
 * Rows and positions become durable in one transaction (ledger.ts), unless `ledger` is `none`. Memory: three commands of 1 MiB.
 */
import { z } from 'zod'
import { Batch } from '#columnar'
import {
  type Context,
  type Dataset,
  defineSink,
  type PlainWriter,
  type Progress,
  type RunRecord,
  type RunStore,
  type Savepoints,
  type Target,
  type TransactionalWriter,
  type Writer,
} from '#connector'
import {
  checkedBy,
  executeStatements,
  ignoredWriterOptions,
  refusedWriterOptions,
  type SqlWriterSettings,
  writerSettings,
  writerShape,
} from '#sql'
import { SluiceError } from '#errors'
import { mysqlErrors } from './errors.ts'
import { KeepAlive } from './keep-alive.ts'
import { Ledger } from './ledger.ts'
import { mysqlFacts, openSession, type Session, tlsShape } from './options.ts'
import { Packet, PACKET_BYTES, PACKETS } from './packet.ts'
import type { Connection } from './protocol/connection.ts'
import { readBackOptions } from './read-back.ts'
import { RowSender } from './row-sender.ts'
import { commitsByItself, detailOf, planTarget, type TargetDetail } from './target.ts'

const settingsOf = (options: z.output<z.ZodObject<typeof writerShape>>) => writerSettings(options, mysqlFacts)

const options = z
  .strictObject({
    ...writerShape,
    ...tlsShape,
    createTable: z
      .boolean()
      .default(false)
      .describe('Create the table when it is missing: InnoDB, utf8mb4, with primary key and comments.'),
    ledger: z
      .enum(['auto', 'none'])
      .default('auto')
      .describe(
        '`auto` keeps positions in the table `sluice_ledger` of the target, so that every row arrives exactly once. `none` gives that up.',
      ),
    ledgerDatabase: z
      .string()
      .optional()
      .describe('Database of the ledger table; the one of the connection when left out.')
      .meta({ advanced: true }),
  })
  .superRefine(checkedBy(settingsOf))

export type SinkOptions = z.output<typeof options>

export const mysqlSink = defineSink({
  name: 'mysql',
  title: 'MySQL and MariaDB',
  summary: 'Writes tables of MySQL 5.5 to 9 and MariaDB by bulk or multi-row statements; replaces rows by key on request.',
  stability: 'beta',
  options,
  refused: refusedWriterOptions,
  ignored: ignoredWriterOptions,
  capabilities: { delivery: 'transactional', accepts: ['append'] },
  open: async (given, context): Promise<Writer> => {
    const target = new TargetSession(given, context)
    return given.ledger === 'none' ? new UnrecordedWriter(target) : new LedgerWriter(target)
  },
  readBack: readBackOptions,
})

/** Targets whose prepared statements are kept; those of the others are closed. */
const MAX_SENDERS = 8

/** The point to which a refused piece goes back; packets have savepoints of their own in between. */
const PIECE = 'sluice_piece'

/** The connection and what both writers do with it. */
class TargetSession implements AsyncDisposable, Savepoints {
  accepted = 0
  readonly options: SinkOptions
  readonly settings: SqlWriterSettings
  readonly #context: Context
  #session: Promise<Session> | undefined
  #isOpen = false
  /** Least recently used first. */
  readonly #senders = new Map<string, { readonly sender: RowSender; readonly detail: TargetDetail }>()
  #current: string | undefined
  readonly #pool = Array.from({ length: PACKETS }, (_, index) => index)
  readonly #packets: Packet[] = []
  readonly #alive = new KeepAlive(() => this.#recoverably(() => this.#flush()))

  constructor(given: SinkOptions, context: Context) {
    this.options = given
    this.settings = settingsOf(given)
    this.#context = context
  }

  /** One connection for life: an open transaction cannot move to another. */
  get session(): Promise<Session> {
    this.#session ??= openSession(this.settings.connection, this.options, 'write', this.#context)
    return this.#session
  }

  get savepoints(): Savepoints | undefined {
    return this.#context.quarantine === true ? this : undefined
  }

  /** Before the first row of a worker. */
  async join(): Promise<void> {
    const { connection } = await this.session
    await this.#alive.start(connection)
  }

  async write(target: Target, batch: Batch): Promise<void> {
    await this.#alive.during(() => this.#recoverably(() => this.#write(target, batch)))
  }

  /** Commands are pipelined inside a piece only: its end is a round trip. */
  async end(): Promise<void> {
    await this.#alive.during(async () => {
      await this.#recoverably(() => this.#flush())
      this.accepted++
      const { connection } = await this.session
      if (this.#isOpen) await connection.query(`SAVEPOINT ${PIECE}`)
    })
  }

  /** `end` has waited already. */
  async settle(): Promise<void> {}

  async #write(target: Target, batch: Batch): Promise<void> {
    const { connection, facts } = await this.session
    await this.#begin(connection)
    if (this.#current !== target.dataset) await this.#switch(target, connection, facts.maxPacket)
    const { sender, detail } = this.#senders.get(target.dataset)!
    await sender.write(detail.indexes.length === batch.columns.length ? batch : withColumns(batch, detail.indexes))
  }

  async #begin(connection: Connection): Promise<void> {
    if (this.#isOpen) return
    await connection.query('START TRANSACTION')
    if (this.savepoints) await connection.query(`SAVEPOINT ${PIECE}`)
    this.#isOpen = true
  }

  /** With savepoints: goes back to the start of the piece when the server refuses a row. */
  async #recoverably(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const current = this.#current === undefined ? undefined : this.#senders.get(this.#current)
      if (!this.savepoints || !SluiceError.is(error) || error.fault !== 'data' || current === undefined) throw error
      if (!current.detail.isTransactional)
        throw mysqlErrors.cannotGoBack({ table: current.detail.dataset, reason: error.message }, error)
      await current.sender.reset()
      const { connection } = await this.session
      await connection.query(`ROLLBACK TO SAVEPOINT ${PIECE}`)
      throw error
    }
  }

  /** Everything written since the last call, and what `last` adds, in one transaction. */
  async commit(last?: (connection: Connection) => Promise<void>): Promise<void> {
    await this.#alive.during(async () => {
      const { connection } = await this.session
      await this.#begin(connection)
      await this.#flush()
      await last?.(connection)
      await connection.query('COMMIT')
      this.#isOpen = false
    })
  }

  async plan(dataset: Dataset, ledger: string | undefined): Promise<Target> {
    const { createTable } = this.options
    const session = await this.session
    const { isMariaDb } = session.facts
    const target = await planTarget(session, dataset, { settings: this.settings, createTable, ledger, isMariaDb })
    return { ...target, notes: [...target.notes, ...session.notes] }
  }

  async prepare(connection: Connection, targets: readonly Target[]): Promise<void> {
    for (const create of new Set(targets.flatMap(target => detailOf(target).create ?? []))) await connection.query(create)
    await executeStatements('preSql', this.settings.preSql, statement => connection.query(statement))
  }

  /** Statements that commit by themselves take all others with them, so that their order is kept. */
  async finish(connection: Connection, isInside: boolean): Promise<void> {
    const { postSql } = this.settings
    if (postSql.some(commitsByItself) === isInside) return
    await executeStatements('postSql', postSql, statement => connection.query(statement))
  }

  /** The server rolls back what is open when the connection ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#alive.stop()
    const session = await this.#session?.catch(() => undefined)
    await session?.connection[Symbol.asyncDispose]()
  }

  /** Rows of one target are out before those of the next, so that one set of packets is enough for all. */
  async #switch(target: Target, connection: Connection, maxPacket: number): Promise<void> {
    await this.#flush()
    const known = this.#senders.get(target.dataset)
    this.#senders.delete(target.dataset)
    const detail = detailOf(target)
    if (this.#packets.length === 0) this.#packets.push(...this.#pool.map(index => new Packet(index)))
    this.#senders.set(target.dataset, known ?? { detail, sender: new RowSender(connection, detail, maxPacket, this.#packets) })
    this.#current = target.dataset
    for (const [dataset, { sender }] of this.#senders) {
      if (this.#senders.size <= MAX_SENDERS) break
      this.#senders.delete(dataset)
      await sender.close()
    }
  }

  async #flush(): Promise<void> {
    if (this.#current !== undefined) await this.#senders.get(this.#current)?.sender.flush()
  }
}

/** The columns that are written, without those that the server generates. */
function withColumns(batch: Batch, indexes: readonly number[]): Batch {
  const schema = { fields: indexes.map(at => batch.schema.fields[at]!) }
  const chosen = new Batch(
    schema,
    batch.capacity,
    indexes.map(at => batch.columns[at]!),
  )
  chosen.rows = batch.rows
  return chosen
}

const BUFFER_BYTES = PACKETS * PACKET_BYTES

class LedgerWriter implements TransactionalWriter {
  readonly delivery = 'transactional'
  readonly bufferBytes = BUFFER_BYTES
  readonly #target: TargetSession
  readonly #ledger: Ledger
  #run: RunRecord | undefined

  constructor(target: TargetSession) {
    this.#target = target
    this.#ledger = new Ledger(() => target.session, target.options.ledgerDatabase, {
      prepare: (connection, targets) => target.prepare(connection, targets),
      finishOutside: connection => target.finish(connection, false),
      finishInside: connection => target.finish(connection, true),
    })
  }

  get runs(): RunStore {
    return this.#ledger
  }

  plan(dataset: Dataset): Promise<Target> {
    return this.#target.plan(dataset, this.#ledger.name)
  }

  async join(run: RunRecord): Promise<void> {
    this.#run = run
    await this.#target.join()
  }

  get savepoints(): Savepoints | undefined {
    return this.#target.savepoints
  }

  write(target: Target, batch: Batch): Promise<void> {
    return this.#target.write(target, batch)
  }

  async commit(progress: readonly Progress[]): Promise<void> {
    const run = this.#run
    if (run === undefined) throw new Error('commit before join')
    await this.#target.commit(connection => this.#ledger.record(connection, run, progress))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]()
  }
}

class UnrecordedWriter implements PlainWriter {
  readonly delivery = 'plain'
  readonly bufferBytes = BUFFER_BYTES
  readonly #target: TargetSession

  constructor(target: TargetSession) {
    this.#target = target
  }

  plan(dataset: Dataset): Promise<Target> {
    return this.#target.plan(dataset, undefined)
  }

  async prepare(_run: RunRecord, targets: readonly Target[], fresh: boolean): Promise<void> {
    if (fresh) await this.#target.prepare((await this.#target.session).connection, targets)
  }

  join(): Promise<void> {
    return this.#target.join()
  }

  get savepoints(): Savepoints | undefined {
    return this.#target.savepoints
  }

  write(target: Target, batch: Batch): Promise<void> {
    return this.#target.write(target, batch)
  }

  flush(): Promise<void> {
    return this.#target.commit()
  }

  async finish(): Promise<void> {
    const { connection } = await this.#target.session
    await this.#target.finish(connection, false)
    await this.#target.finish(connection, true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]()
  }
}
