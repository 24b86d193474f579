/**
 * Reads tables and queries of PostgreSQL by binary COPY.
 *
 * A table with a key is cut into ranges of it and read in its order; the position is the key of the last row. Everything else is
 * read split by split. Memory: one batch, the receive buffer and one row.
 */
import { z } from 'zod'
import { Batch, capacityFor, Column, EncodedBatch, type DecodeRows } from '#columnar'
import {
  dataErrors,
  defineSource,
  type Chunk,
  type Context,
  type Dataset,
  type Digests,
  type Reader,
  type ReadPlan,
  type RefusedRow,
} from '#connector'
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
import { CopyData } from './copy-data.ts'
import { CopyOut } from './copy-out.ts'
import { compileDecoder, type BindDecoder, type Refuse } from './decode.ts'
import { digest, digestForm } from './digests.ts'
import { keyText } from './key-text.ts'
import { openSession, postgresFacts, propertyNotes, tlsShape } from './options.ts'
import type { Connection } from './protocol/connection.ts'
import { postgresErrors } from './errors.ts'
import { requireSameSchema, select, type SelectedColumn, type Selection } from './selection.ts'
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
interface Prepared {
  readonly selection: Selection
  /** Those of the dataset, then key columns that it has not. */
  readonly columns: readonly SelectedColumn[]
  /** Indexes of the key columns in `columns`. */
  readonly key: readonly number[]
  readonly bind: BindDecoder
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
    const statement = example === undefined ? [] : [copyStatement(splitStatement(selection, example, columns))]
    return {
      statements: statement,
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
    if (encoded && dataset.encoding !== undefined) return yield* this.#readEncoded(dataset, split, position)
    const { selection, columns, key, bind } = await this.#prepare(dataset)
    await using lease = await this.#lease()
    const { session } = lease
    const sql = copyStatement(splitStatement(selection, split, columns, position))
    const batch = new Batch(dataset.schema, capacityFor(dataset.schema.fields, this.#context))
    const all = [...batch.columns, ...columns.slice(batch.columns.length).map(({ type }) => new Column(type, batch.capacity))]
    const { batchBytes: maxBytes, rowBytes } = this.#context
    const limits = { maxRows: batch.capacity, maxBytes, rowBytes }
    const refused: RefusedRow[] = []
    const copy = new CopyOut({
      session,
      sql,
      columns: all,
      decode: bind(all),
      limits,
      fail: failures(dataset, columns),
      refuse: refusals(dataset, columns, this.#context.quarantine === true ? refused : undefined),
      dataset: dataset.id,
    })
    const hasPosition = split.by === 'key'
    lease.isBusy = true
    await copy.start()
    while ((batch.rows = await copy.next()) > 0) {
      const last = batch.rows - 1
      yield { batch, refused, position: hasPosition ? key.map(at => keyText(all[at]!, last)) : undefined }
      this.#context.signal.throwIfAborted()
      refused.length = 0
    }
    lease.isBusy = false
  }

  async *#readEncoded(dataset: Dataset, split: PgSplit, position: PgPosition | undefined): AsyncIterable<Chunk<PgPosition>> {
    const { selection, columns, key, bind } = await this.#prepare(dataset)
    await using lease = await this.#lease()
    const { session } = lease
    const sql = copyStatement(splitStatement(selection, split, columns, position))
    const [fail, refuse] = [failures(dataset, columns), refusals(dataset, columns, undefined)]
    const decode: DecodeRows = (bytes, rows) => {
      const into = columns.map(({ type }) => new Column(type, rows))
      bind(into)({ buffer: bytes, start: 0, end: bytes.length }, { rows: 0, bytes: 0, need: 0 }, rows, Infinity, fail, refuse)
      return into
    }
    const { batchRows: maxRows, batchBytes: maxBytes, rowBytes } = this.#context
    const batch = new EncodedBatch(dataset.schema, maxRows, decode)
    const data = new CopyData(columns.length)
    const limits = { maxRows, maxBytes, rowBytes }
    const copy = new CopyOut({ session, sql, columns: [], decode: data.take, limits, fail, refuse, dataset: dataset.id })
    lease.isBusy = true
    await copy.start()
    for (let rows = await copy.next(); rows > 0; rows = await copy.next()) {
      batch.hold(data.rows, rows, rows * data.overhead)
      const last = split.by === 'key' ? decode(data.lastRow, 1) : []
      yield { batch, position: split.by === 'key' ? key.map(at => keyText(last[at]!, 0)) : undefined }
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
    const known = this.#prepared.get(dataset.id)
    if (known) return known
    const prepared = this.#prepareAnew(dataset)
    this.#prepared.set(dataset.id, prepared)
    prepared.catch(() => this.#prepared.delete(dataset.id))
    return prepared
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
    const { id } = selection.dataset
    const divided = this.#divided.get(id) ?? this.#divideAnew(selection)
    this.#divided.set(id, divided)
    divided.catch(() => this.#divided.delete(id))
    return divided
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

const copyStatement = (select: string) => `COPY (${select}) TO STDOUT (FORMAT binary)`

/** Errors of the decoder, which knows the column by its place only. */
function failures(dataset: Dataset, columns: readonly SelectedColumn[]) {
  return (what: string, column: number): never => {
    const name = columns[column]?.name ?? ''
    throw postgresErrors.protocol({ place: dataset.id, what: column === -1 ? what : `${what} in column "${name}"` })
  }
}

/** What the decoder cannot represent goes to `refused`, or stops the run where there is none. */
function refusals(dataset: Dataset, columns: readonly SelectedColumn[], refused: RefusedRow[] | undefined): Refuse {
  return (what, at, row) => {
    const column = columns[at]?.name ?? ''
    const shape = what.startsWith('array:') ? what.slice('array:'.length) : undefined
    const reason = shape === undefined ? what : `an array ${shape} is no list; \`arrays: text\` reads it as text`
    if (refused !== undefined) {
      if (refused.at(-1)?.row !== row) refused.push({ row, column, reason })
    } else if (shape === undefined) throw dataErrors.valueRefused({ dataset: dataset.id, column, reason })
    else throw postgresErrors.listShape({ dataset: dataset.id, column, shape })
  }
}
