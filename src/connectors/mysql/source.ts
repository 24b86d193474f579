/**
 * Source for MySQL 5.5 to 9 and MariaDB 10.5 and later: tables or one query, by the binary protocol.
 *
 * A table with a key is divided into ranges of it and read in its order, so an interrupted split goes on behind the last row. What
 * has no usable key is read in one go and resumes by split.
 */
import { z } from 'zod'
import { defineSource, type Chunk, type Context, type Dataset, type Digests, type Reader, type ReadPlan } from '#connector'
import { checkedBy, ignoredReaderOptions, type KeyValues, readerSettings, readerShape, refusedReaderOptions } from '#sql'
import { HIGH_WATER_BYTES } from '#wire'
import { digest, digestForm } from './digests.ts'
import { mysqlErrors } from './errors.ts'
import { isKeyValues } from './key.ts'
import { mysqlFacts, openSession, type Session, tlsShape } from './options.ts'
import {
  datasetId,
  type Part,
  type ReadSettings,
  type Relation,
  relationOfQuery,
  relationOfTable,
  selectSql,
} from './relation.ts'
import { readQuery } from './read-query.ts'
import { boundaries } from './splits.ts'

const options = z.strictObject({
  ...readerShape,
  ...tlsShape,
  zeroDates: z
    .enum(['refuse', 'null', 'text'])
    .optional()
    .describe(
      'What becomes of dates that do not exist, such as 0000-00-00: refused (when left out), NULL, or all dates are read as text.',
    ),
  splitRows: z
    .int()
    .min(1)
    .default(500_000)
    .describe('Rows of a split, about. Splits are what workers share and what is read again where a position is no help.')
    .meta({ unit: 'rows', advanced: true }),
})

export type SourceOptions = z.output<typeof options>

/** A range of the key (or of another column), a remainder, or everything. */
export type MysqlSplit = {
  readonly id: string
  readonly dataset: string
  readonly lower: KeyValues | null
  readonly upper: KeyValues | null
  /** Rows with this remainder of this number, by the split column. */
  readonly remainder: readonly [at: number, of: number] | null
}

/** The key of the last row, as text. */
export type MysqlPosition = KeyValues

function readSettings(given: SourceOptions): ReadSettings {
  const sql = readerSettings(given, mysqlFacts)
  const { properties } = sql.connection
  const asNull = /^convert_?to_?null$/i.test(properties['zeroDateTimeBehavior'] ?? '')
  return { ...sql, tls: given, splitRows: given.splitRows, zeroDates: given.zeroDates ?? (asNull ? 'null' : 'refuse') }
}

export const mysqlSource = defineSource({
  name: 'mysql',
  title: 'MySQL and MariaDB',
  summary: 'Reads tables or a query of MySQL 5.5 to 9 and MariaDB, in parallel by ranges of the key, resumable.',
  stability: 'beta',
  options: options.superRefine(checkedBy(readSettings)),
  refused: refusedReaderOptions,
  ignored: ignoredReaderOptions,
  capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
  open: async (given, context) => MysqlReader.open(readSettings(given), context),
})

/** Socket buffer of the kernel aside: what is received and not decoded, and the copy while it grows. */
const BUFFER_BYTES = 2 * HIGH_WATER_BYTES

class MysqlReader implements Reader<MysqlSplit, MysqlPosition> {
  readonly bufferBytes = BUFFER_BYTES
  readonly #settings: ReadSettings
  readonly #context: Context
  /** Kept from one call to the next; undefined while a call uses it. */
  #idle: Session | undefined
  #isDisposed = false
  readonly #relations = new Map<string, Promise<Relation>>()
  readonly digests: Digests = {
    form: dataset => this.#use(async session => digestForm(await this.#relation(dataset.id, session))),
    compute: (dataset, key) =>
      this.#use(async session => digest(session.connection, await this.#relation(dataset.id, session), key)),
  }

  private constructor(settings: ReadSettings, context: Context) {
    this.#settings = settings
    this.#context = context
  }

  /** Connects once, so that a wrong password is found here. */
  static async open(settings: ReadSettings, context: Context): Promise<MysqlReader> {
    const reader = new MysqlReader(settings, context)
    reader.#idle = await reader.#connect()
    return reader
  }

  async discover(): Promise<Dataset[]> {
    const { tables, query } = this.#settings
    const ids = query === undefined ? [...new Set(tables.map(datasetId))].sort() : [QUERY]
    return this.#use(async session => {
      const found: Dataset[] = []
      for (const id of ids) found.push((await this.#relation(id, session)).dataset)
      return found
    })
  }

  async explain(dataset: Dataset): Promise<ReadPlan> {
    return this.#use(async session => {
      const relation = await this.#relation(dataset.id, session)
      return {
        statements: [selectSql(relation, EVERYTHING, undefined)],
        resume: relation.resume,
        notes: [...relation.notes, ...session.notes],
      }
    })
  }

  async *enumerate(dataset: Dataset): AsyncIterable<MysqlSplit> {
    const splits = await this.#use(async session => this.#divide(await this.#relation(dataset.id, session), session))
    yield* splits
  }

  async *read(dataset: Dataset, split: MysqlSplit, position: MysqlPosition | undefined): AsyncIterable<Chunk<MysqlPosition>> {
    const session = await this.#take()
    try {
      const relation = await this.#relation(dataset.id, session)
      if (position !== undefined && !isKeyValues(position, relation.key))
        throw mysqlErrors.badPosition({ dataset: dataset.id, split: split.id })
      const rows = readQuery(session.connection, {
        dataset: dataset.id,
        sql: selectSql(relation, split, position),
        selected: relation.selected,
        fields: relation.fields,
        key: relation.keyAt,
        zeroDates: this.#settings.zeroDates === 'null' ? 'null' : 'refuse',
        quarantine: this.#context.quarantine === true,
        limits: this.#context,
        timeoutSeconds: this.#settings.connection.queryTimeoutMs / 1000,
        signal: this.#context.signal,
      })
      const isResumable = relation.resume.by === 'position'
      for await (const { batch, lastKey, refused } of rows) yield { batch, refused, position: isResumable ? lastKey : undefined }
    } finally {
      await this.#giveBack(session)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    await this.#idle?.connection[Symbol.asyncDispose]()
    this.#idle = undefined
  }

  async #divide(relation: Relation, { connection }: Session): Promise<MysqlSplit[]> {
    const { dataset, splitBy, from, conditions } = relation
    const [, of] = this.#remainders(relation)
    const split = (at: number, part: Partial<MysqlSplit>): MysqlSplit => ({
      ...EVERYTHING,
      id: `${dataset.id}#${String(at + 1).padStart(4, '0')}`,
      dataset: dataset.id,
      ...part,
    })
    if (of > 0) return Array.from({ length: of }, (_, at) => split(at, { remainder: [at, of] }))
    if (splitBy.length === 0) return [split(0, {})]
    const { parallelism } = this.#context
    const { splitRows } = this.#settings
    const where = conditions.filter(condition => condition !== undefined)
    const inner = await boundaries(connection, { from, where, by: splitBy, parallelism, splitRows })
    return Array.from({ length: inner.length + 1 }, (_, at) =>
      split(at, { lower: inner[at - 1] ?? null, upper: inner[at] ?? null }),
    )
  }

  #remainders({ splitBy, dataset }: Relation): readonly [at: number, of: number] {
    const [by] = splitBy
    if (this.#settings.splitStrategy !== 'mod' || by === undefined || this.#settings.splitColumn === undefined) return [0, 0]
    if (by.type.kind === 'int') return [0, this.#context.parallelism]
    throw mysqlErrors.splitColumnUnusable({ dataset: dataset.id, column: by.name, reason: 'only integers have remainders' })
  }

  #relation(id: string, session: Session): Promise<Relation> {
    const known = this.#relations.get(id)
    if (known) return known
    const { query, tables } = this.#settings
    const { resumeColumn } = this.#context
    const table = tables.find(name => datasetId(name) === id)
    const relation =
      query === undefined && table !== undefined
        ? relationOfTable(session, this.#settings, table, resumeColumn)
        : relationOfQuery(session, this.#settings, query ?? '', resumeColumn)
    this.#relations.set(id, relation)
    return relation
  }

  #connect(): Promise<Session> {
    return openSession(this.#settings.connection, this.#settings.tls, 'read', this.#context)
  }

  async #take(): Promise<Session> {
    const idle = this.#idle
    this.#idle = undefined
    if (idle?.connection.isIdle) return idle
    await idle?.connection[Symbol.asyncDispose]()
    return this.#connect()
  }

  /** A connection in the middle of an answer is of no use any more, nor is one that comes back after the end. */
  async #giveBack(session: Session): Promise<void> {
    if (session.connection.isIdle && this.#idle === undefined && !this.#isDisposed) this.#idle = session
    else await session.connection[Symbol.asyncDispose]()
  }

  async #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#take()
    try {
      return await work(session)
    } finally {
      await this.#giveBack(session)
    }
  }
}

const QUERY = 'query'
const EVERYTHING: Part = { lower: null, upper: null, remainder: null }
