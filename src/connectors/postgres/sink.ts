/**
 * Writes tables of PostgreSQL by binary COPY: directly, or through a temporary table and INSERT … ON CONFLICT.
 *
 * Rows and positions become durable in one transaction (ledger.ts), unless `ledger` is `none`. Memory: four send buffers.
 */
import { z } from 'zod'
import type { Batch } from '#columnar'
import {
  defineSink,
  type Context,
  type Dataset,
  type Note,
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
  ignoredWriterOptions,
  protectionNotes,
  refusedWriterOptions,
  writerSettings,
  writerShape,
  type SqlWriterSettings,
} from '#sql'
import { SEND_BUFFERS, SEND_BYTES } from '#wire'
import { Ledger } from './ledger.ts'
import { openSession, postgresFacts, tlsShape } from './options.ts'
import type { Connection } from './protocol/connection.ts'
import { KeptOut } from './kept-out.ts'
import { PieceWriter } from './piece-writer.ts'
import { readBackOptions } from './read-back.ts'
import { executeInside, executeOutside, needsNoTransaction } from './statements.ts'
import { TableWriter } from './table-writer.ts'
import { detailOf } from './target-detail.ts'
import { planTarget } from './target.ts'

const settingsOf = (options: z.output<z.ZodObject<typeof writerShape>>) => writerSettings(options, postgresFacts)

const options = z
  .strictObject({
    ...writerShape,
    ...tlsShape,
    createTable: z.boolean().default(false).describe('Create the table when it is missing, with primary key and comments.'),
    ledger: z
      .enum(['auto', 'none'])
      .default('auto')
      .describe(
        '`auto` keeps positions in the table `sluice_ledger` of the target, so that every row arrives exactly once. `none` gives that up.',
      ),
    ledgerSchema: z
      .string()
      .optional()
      .describe('Schema of the ledger table; `schema`, or the default of the session, when left out.')
      .meta({ advanced: true }),
    insertSqlMode: z
      .enum(['copy', 'COPY', ''])
      .optional()
      .describe("FlinkX's name for writing by COPY, which is always so.")
      .meta({ advanced: true }),
  })
  .superRefine(checkedBy(settingsOf))

export type SinkOptions = z.output<typeof options>

export const postgresSink = defineSink({
  name: 'postgres',
  title: 'PostgreSQL',
  summary: 'Writes tables of PostgreSQL 12 to 18 by binary COPY; replaces rows by key on request.',
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

/** The connection and what both writers do with it. */
class TargetSession implements AsyncDisposable {
  readonly options: SinkOptions
  readonly settings: SqlWriterSettings
  readonly #context: Context
  #session: Promise<Connection> | undefined
  #writer: TableWriter | PieceWriter | undefined

  constructor(given: SinkOptions, context: Context) {
    this.options = given
    this.settings = settingsOf(given)
    this.#context = context
  }

  /** One connection for life: an open transaction cannot move to another. */
  get session(): Promise<Connection> {
    const { connection } = this.settings
    const session = {
      default_transaction_isolation: 'read committed',
      default_transaction_read_only: 'off',
    }
    this.#session ??= openSession({ connection, tls: this.options, session }, this.#context)
    return this.#session
  }

  /** Undefined until {@link join}, and for jobs that stop at the first bad row: they need no way back. */
  get savepoints(): Savepoints | undefined {
    return this.#writer instanceof PieceWriter ? this.#writer : undefined
  }

  async join(): Promise<void> {
    const session = await this.session
    const Rows = this.#context.quarantine === true ? PieceWriter : TableWriter
    this.#writer ??= new Rows(session, new KeptOut(this.#context))
  }

  async write(target: Target, batch: Batch): Promise<void> {
    await this.#joined().write(target, batch)
  }

  async commit(last?: string): Promise<void> {
    await this.#joined().commit(last)
  }

  #joined(): TableWriter | PieceWriter {
    if (this.#writer === undefined) throw new Error('a write before join')
    return this.#writer
  }

  async plan(dataset: Dataset, ledger: string | undefined): Promise<Target> {
    const { createTable } = this.options
    const session = await this.session
    const target = await planTarget(session, dataset, { settings: this.settings, createTable, ledger })
    const { preSql, postSql } = this.settings
    const outside = [needsNoTransaction(preSql) && '`preSql`', needsNoTransaction(postSql) && '`postSql`']
      .filter(Boolean)
      .join(' and ')
    const text = `${outside} cannot run in a transaction and is repeated when the run is interrupted just then.`
    const repeated: Note[] = outside === '' ? [] : [{ level: 'warning', text }]
    return { ...target, notes: [...target.notes, ...protectionNotes(session.protection), ...repeated] }
  }

  /** In the transaction that is open. */
  async prepareInside(session: Connection, targets: readonly Target[]): Promise<void> {
    for (const statement of new Set(targets.flatMap(target => detailOf(target).create))) await session.query(statement)
    if (!needsNoTransaction(this.settings.preSql)) await executeInside(session, 'preSql', this.settings.preSql)
  }

  async prepareOutside(session: Connection): Promise<void> {
    if (needsNoTransaction(this.settings.preSql)) await executeOutside(session, 'preSql', this.settings.preSql)
  }

  async finishInside(session: Connection): Promise<void> {
    if (!needsNoTransaction(this.settings.postSql)) await executeInside(session, 'postSql', this.settings.postSql)
  }

  async finishOutside(session: Connection): Promise<void> {
    if (needsNoTransaction(this.settings.postSql)) await executeOutside(session, 'postSql', this.settings.postSql)
  }

  /** The server rolls back what is open when the connection ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    const session = await this.#session?.catch(() => undefined)
    if (session?.transaction === 'I') await session[Symbol.asyncDispose]()
    else await session?.stream[Symbol.asyncDispose]()
  }
}

const BUFFER_BYTES = SEND_BUFFERS * SEND_BYTES

class LedgerWriter implements TransactionalWriter {
  readonly delivery = 'transactional'
  readonly bufferBytes = BUFFER_BYTES
  readonly #target: TargetSession
  readonly #ledger: Ledger
  #run: RunRecord | undefined

  constructor(target: TargetSession) {
    this.#target = target
    const { ledgerSchema } = target.options
    this.#ledger = new Ledger(() => target.session, ledgerSchema ?? target.settings.schema, {
      prepare: (session, targets) => target.prepareInside(session, targets),
      prepareOutside: session => target.prepareOutside(session),
      finish: session => target.finishInside(session),
      finishOutside: session => target.finishOutside(session),
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
    try {
      await this.#target.commit(this.#ledger.progressStatement(run, progress))
    } catch (error) {
      throw await this.#ledger.explainFailure(await this.#target.session, error, run)
    }
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
    const session = await this.#target.session
    if (!fresh) return
    await this.#target.prepareOutside(session)
    await session.query('BEGIN')
    await this.#target.prepareInside(session, targets)
    await session.query('COMMIT')
  }

  async join(): Promise<void> {
    await this.#target.join()
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
    const session = await this.#target.session
    await this.#target.finishOutside(session)
    await session.query('BEGIN')
    await this.#target.finishInside(session)
    await session.query('COMMIT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]()
  }
}
