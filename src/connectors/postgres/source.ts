/**
 * Reads tables and queries of PostgreSQL by binary COPY.
 *
 * A table with a key is cut into ranges of it and read in its order; the position is the key of the last row. Everything else is
 * read split by split. Memory: one batch, the receive buffer and one row.
 */
import { z } from 'zod'
import { defineSource, type Chunk, type Context, type Dataset, type Digests, type Reader, type ReadPlan } from '#connector'
import {
  checkedBy,
  ignoredReaderOptions,
  protectionNotes,
  readerSettings,
  readerShape,
  refusedReaderOptions,
  type SqlReaderSettings,
} from '#sql'
import { HIGH_WATER_BYTES } from '#wire'
import { CopyOut } from './copy-out.ts'
import { compileDecoder } from './decode.ts'
import { digest, digestForm } from './digests.ts'
import { openSession, postgresFacts, propertyNotes, tlsShape } from './options.ts'
import type { Connection } from './protocol/connection.ts'
import { postgresErrors } from './errors.ts'
import { decodedRows, encodedRows, type ReadColumns } from './row-chunks.ts'
import { requireSameSchema, select, type Selection } from './selection.ts'
import { divide, resumeOf, splitStatement, type PgPosition, type PgSplit } from './splits.ts'

const settingsOf = (options: z.output<z.ZodObject<typeof readerShape>>) => readerSettings(options, postgresFacts)

const options = z
  .strictObject({
    ...readerShape,
    ...tlsShape,
    arrays: z
      .enum(['list', 'text'])
      .default('list')
      .describe('How arrays are read: as lists, which must have one dimension, or as text like `{1,2}`.'),
    splitRows: z
      .int()
      .min(1)
      .default(750_000)
      .describe('Rows of a split, about. Splits are what workers share and what is read again where a position is no help.')
      .meta({ unit: 'rows', advanced: true }),
  })
  .superRefine(checkedBy(settingsOf))

type Options = z.output<typeof options>

export const postgresSource = defineSource({
  name: 'postgres',
  title: 'PostgreSQL',
  summary: 'Reads tables, views and queries of PostgreSQL 12 to 18 by binary COPY.',
  stability: 'beta',
  options,
  refused: refusedReaderOptions,
  ignored: ignoredReaderOptions,
  capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
  open: async (given, context) => new PostgresReader(given, context),
})

/** What is needed to read a dataset, prepared once. */
interface Prepared extends ReadColumns {
  readonly selection: Selection
}

class PostgresReader implements Reader<PgSplit, PgPosition> {
  // The receive buffer grows to twice the high-water mark; a row that is larger needs its own size, which nobody knows beforehand.
  readonly bufferBytes = 2 * HIGH_WATER_BYTES
  readonly #options: Options
  readonly #settings: SqlReaderSettings
  readonly #context: Context
  readonly #prepared = new Map<string, Promise<Prepared>>()
  readonly #divided = new Map<string, Promise<readonly PgSplit[]>>()
  /** Connections that nobody reads from at the moment. */
  readonly #idle: Connection[] = []
  #isDisposed = false
  #selected: Promise<readonly Selection[]> | undefined
  readonly digests: Digests = {
    form: async dataset => digestForm((await this.#prepare(dataset)).selection),
    compute: async (dataset, key) => {
      const { selection } = await this.#prepare(dataset)
      await using lease = await this.#lease()
      return await digest(lease.session, selection, key)
    },
  }

  constructor(given: Options, context: Context) {
    this.#options = given
    this.#settings = settingsOf(given)
    this.#context = context
  }

  async discover(): Promise<Dataset[]> {
    this.#selected = this.#selections()
    const selections = await this.#selected
    return selections.map(({ dataset }) => dataset).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async explain(dataset: Dataset): Promise<ReadPlan> {
    const { selection, columns } = await this.#prepare(dataset)
    const { by, why, notes } = resumeOf(selection)
    const [example] = await this.#divide(selection)
    await using lease = await this.#lease()
    const statements = example === undefined ? [] : [splitStatement(selection, example, columns)]
    // What the server does not understand of a condition is told before a run has begun.
    for (const statement of statements) await lease.session.describe(statement)
    return {
      statements: statements.map(copyStatement),
      resume: { by, why },
      notes: [
        ...this.#settings.notes,
        ...propertyNotes(this.#settings.connection),
        ...protectionNotes(lease.session.protection),
        ...selection.notes,
        ...notes,
        ...this.#fetchNote(),
      ],
    }
  }

  async *enumerate(dataset: Dataset): AsyncIterable<PgSplit> {
    const { selection } = await this.#prepare(dataset)
    yield* await this.#divide(selection)
  }

  async *read(
    dataset: Dataset,
    split: PgSplit,
    position: PgPosition | undefined,
    encoded = false,
  ): AsyncIterable<Chunk<PgPosition>> {
    const prepared = await this.#prepare(dataset)
    await using lease = await this.#lease()
    const { session } = lease
    const sql = copyStatement(splitStatement(prepared.selection, split, prepared.columns, position))
    const makeRows = encoded && dataset.encoding !== undefined ? encodedRows : decodedRows
    const rows = makeRows(dataset, prepared, split.by === 'key', this.#context)
    const copy = new CopyOut({ session, sql, dataset: dataset.id, ...rows.into })
    lease.isBusy = true
    await copy.start()
    for (let count = await copy.next(); count > 0; count = await copy.next()) {
      yield rows.chunk(count)
      this.#context.signal.throwIfAborted()
    }
    lease.isBusy = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    await Promise.all(this.#idle.splice(0).map(session => session[Symbol.asyncDispose]()))
  }

  /** A connection for one piece of work; other splits may be read at the same time through others. */
  async #lease(): Promise<Lease> {
    let session = this.#idle.pop()
    while (session?.stream.isOpen === false) session = this.#idle.pop()
    const { connection } = this.#settings
    session ??= await openSession({ connection, tls: this.#options }, this.#context)
    return new Lease(session, free => !this.#isDisposed && this.#idle.push(free) > 0)
  }

  async #selections(): Promise<Selection[]> {
    await using lease = await this.#lease()
    const { tables, query } = this.#settings
    const { resumeColumn } = this.#context
    const how = { settings: this.#settings, arrays: this.#options.arrays, resumeColumn }
    const selections: Selection[] = []
    for (const table of query === undefined ? tables : [undefined]) selections.push(await select(lease.session, table, how))
    return selections
  }

  #prepare(dataset: Dataset): Promise<Prepared> {
    return once(this.#prepared, dataset.id, () => this.#prepareAnew(dataset))
  }

  async #prepareAnew(dataset: Dataset): Promise<Prepared> {
    this.#selected ??= this.#selections()
    const selection = (await this.#selected).find(one => one.dataset.id === dataset.id)
    if (selection === undefined) throw postgresErrors.schemaChanged({ dataset: dataset.id })
    requireSameSchema(selection, dataset)
    const columns = [...selection.columns]
    const key = selection.key.map(column => {
      const at = columns.findIndex(({ expression }) => expression === column.expression)
      return at === -1 ? columns.push(column) - 1 : at
    })
    return { selection, columns, key, bind: compileDecoder(columns) }
  }

  /** Samples once: the plan shows what the run then takes. */
  #divide(selection: Selection): Promise<readonly PgSplit[]> {
    return once(this.#divided, selection.dataset.id, () => this.#divideAnew(selection))
  }

  async #divideAnew(selection: Selection): Promise<readonly PgSplit[]> {
    const { parallelism } = this.#context
    const { splitRows } = this.#options
    await using lease = await this.#lease()
    return await divide(lease.session, selection, { parallelism, splitRows, strategy: this.#settings.splitStrategy })
  }

  #fetchNote(): ReadPlan['notes'] {
    if (this.#settings.fetchSize === undefined) return []
    return [{ level: 'info', text: '`fetchSize` has no effect: COPY streams rows without round trips.' }]
  }
}

/** A connection that goes back to the idle ones, unless its work was left half-way. */
class Lease implements AsyncDisposable {
  readonly session: Connection
  /** Something is being sent that nobody will take. */
  isBusy = false
  readonly #giveBack: (session: Connection) => boolean

  /** `giveBack`: false when nobody wants it any more. */
  constructor(session: Connection, giveBack: (session: Connection) => boolean) {
    this.session = session
    this.#giveBack = giveBack
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { session } = this
    if (!this.isBusy && session.stream.isOpen && this.#giveBack(session)) return
    // The server may be sorting and not notice that nobody listens, so it is told on a second connection.
    await Promise.all([this.isBusy ? session.cancel() : undefined, session.stream[Symbol.asyncDispose]()])
  }
}

/** What a failure leaves undone is done again when it is asked for again. */
function once<T>(results: Map<string, Promise<T>>, id: string, work: () => Promise<T>): Promise<T> {
  const known = results.get(id)
  if (known) return known
  const result = work()
  results.set(id, result)
  result.catch(() => results.delete(id))
  return result
}

const copyStatement = (select: string) => `COPY (${select}) TO STDOUT (FORMAT binary)`
