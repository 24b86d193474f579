/** What the tests of this connector share: a server's database, a plain client, and a reader and writer put together. */
import { after } from 'node:test'
import pg from 'pg'
import type { Value } from '#columnar'
import type { Context, Dataset, RunRecord, Target, TransactionalWriter, Writer } from '#connector'
import { freshDatabase, type Server } from '../../../tools/servers/index.ts'
import { postgresSink } from './sink.ts'
import { postgresSource } from './source.ts'

export const contextOf = (rest: Partial<Context> = {}): Context => ({
  signal: new AbortController().signal,
  batchRows: 1000,
  batchBytes: 1024 * 1024,
  parallelism: 1,
  job: 'test-job',
  log: { debug() {}, warn() {} },
  ...rest,
})

export interface Playground extends AsyncDisposable {
  /** Options that reach the database. */
  readonly place: { host: string; port: number; user: string; password: string; database: string; sslMode: 'disable' }
  /** Rows as the foreign client sees them, every value as the text of the server. */
  rows(sql: string): Promise<(string | null)[][]>
  run(...statements: string[]): Promise<void>
}

/** A database of its own, and the `pg` package as the foreign client. */
async function playground(server: Server, options: { unprivileged?: boolean } = {}): Promise<Playground> {
  const database = await freshDatabase(server, options)
  const { host, port, user, password } = database
  const client = new pg.Client({ host, port, user, password, database: database.database })
  client.on('error', () => {}) // The database is dropped under it.
  await client.connect()
  await client.query("SET TimeZone = 'UTC'; SET extra_float_digits = 3")
  const asText = { getTypeParser: () => (text: string) => text }
  return {
    place: { host, port, user, password, database: database.database, sslMode: 'disable' },
    rows: async sql => (await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types: asText })).rows,
    run: async (...statements) => {
      for (const statement of statements) await client.query(statement)
    },
    async [Symbol.asyncDispose]() {
      await client.end()
      await database.drop()
    },
  }
}

/** A playground for all tests of a file. */
export async function filePlayground(server: Server, skip: string | false): Promise<Playground> {
  if (skip !== false) return undefined as unknown as Playground
  const created = await playground(server)
  // A server that was started for the file has ended by then, with everything on it.
  after(() => Promise.resolve(created[Symbol.asyncDispose]()).catch(() => {}))
  return created
}

export const openSource = (options: object, context = contextOf()) =>
  postgresSource.open(postgresSource.options.parse(options), context)

export const openSink = (options: object, context = contextOf()): Promise<Writer> =>
  postgresSink.open(postgresSink.options.parse(options), context)

export async function openLedgerSink(options: object, context = contextOf()): Promise<TransactionalWriter> {
  const writer = await openSink(options, context)
  if (writer.delivery !== 'transactional') throw new Error('a writer with a ledger was expected')
  return writer
}

/** All rows of a source, by dataset. */
export async function readAll(options: object, context = contextOf()): Promise<{ datasets: Dataset[]; rows: Value[][] }> {
  await using reader = await openSource(options, context)
  const datasets = await reader.discover()
  const rows: Value[][] = []
  for (const dataset of datasets) {
    for await (const split of reader.enumerate(dataset)) {
      for await (const { batch } of reader.read(dataset, split, undefined)) {
        for (let row = 0; row < batch.rows; row++) rows.push(batch.row(row))
      }
    }
  }
  return { datasets, rows }
}

export interface CopyResult {
  readonly target: Target
  readonly run: RunRecord
}

/** A whole run without the engine's casts: works where source and target types are the same. Rows are passed on undecoded if `encoded` and possible. */
export async function copy(source: object, sink: object, encoded = false): Promise<CopyResult> {
  const context = contextOf()
  await using reader = await openSource(source, context)
  await using writer = await openLedgerSink(sink, context)
  const [dataset] = await reader.discover()
  if (dataset === undefined) throw new Error('nothing to read')
  const target = await writer.plan(dataset)
  const splits = await Array.fromAsync(reader.enumerate(dataset))
  const run = await writer.runs.begin({ job: context.job, run: 'run-1' }, [target], splits, null)
  await writer.join(run)
  for (const split of splits) {
    for await (const { batch, position } of reader.read(dataset, split, undefined, encoded && target.takesEncoded)) {
      await writer.write(target, batch)
      await writer.commit([{ split: split.id, ...(position === undefined ? {} : { position }), done: false }])
    }
    await writer.commit([{ split: split.id, done: true }])
  }
  await writer.runs.finish(run, [target])
  return { target, run }
}
