/** What the tests of this connector share: a server's database, a foreign client, and a reader and writer put together. */
import { after } from 'node:test'
import mysql from 'mysql2/promise'
import type { Value } from '#columnar'
import type { Context, Dataset, RunRecord, Target, TransactionalWriter, Writer } from '#connector'
import { freshDatabase, type Server } from '../../../tools/servers/index.ts'
import { mysqlSink } from './sink.ts'
import { mysqlSource } from './source.ts'

export const contextOf = (rest: Partial<Context> = {}): Context => ({
  signal: new AbortController().signal,
  batchRows: 1000,
  batchBytes: 1024 * 1024,
  parallelism: 1,
  job: 'test-job',
  log: { debug() {}, warn() {} },
  ...rest,
})

export interface Place {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface Playground extends AsyncDisposable {
  /** Options that reach the database. */
  readonly place: Place & { readonly sslMode: 'disabled' }
  /** Rows as the foreign client sees them, every value as the text of the server. */
  rows(sql: string): Promise<(string | null)[][]>
  run(...statements: string[]): Promise<void>
}

/** A database of its own, and the `mysql2` package as the foreign client, with no rules about values. */
export async function playground(server: Server, options: { unprivileged?: boolean } = {}): Promise<Playground> {
  const database = await freshDatabase(server, options)
  const { host, port, user, password } = database
  const place = { host, port, user, password, database: database.database }
  const typeCast = (field: { string(encoding?: string): string | null }) => field.string('utf8')
  const client = await mysql.createConnection({ ...place, charset: 'utf8mb4', rowsAsArray: true, typeCast })
  client.on('error', () => {}) // The database is dropped under it.
  await client.query("SET time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
  return {
    place: { ...place, sslMode: 'disabled' },
    rows: async sql => (await client.query(sql))[0] as unknown as (string | null)[][],
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
  mysqlSource.open(mysqlSource.options.parse(options), context)

export const openSink = (options: object, context = contextOf()): Promise<Writer> =>
  mysqlSink.open(mysqlSink.options.parse(options), context)

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

/** A whole run without the engine's casts: works where source and target types are the same. */
export async function copy(source: object, sink: object, context = contextOf()): Promise<CopyResult> {
  await using reader = await openSource(source, context)
  await using writer = await openLedgerSink(sink, context)
  const [dataset] = await reader.discover()
  if (dataset === undefined) throw new Error('nothing to read')
  const target = await writer.plan(dataset)
  const splits = await Array.fromAsync(reader.enumerate(dataset))
  const run = await writer.runs.begin({ job: context.job, run: 'run-1' }, [target], splits, null)
  await writer.join(run)
  for (const split of splits) {
    for await (const { batch, position } of reader.read(dataset, split, undefined)) {
      await writer.write(target, batch)
      await writer.commit([{ split: split.id, ...(position === undefined ? {} : { position }), done: false }])
    }
    await writer.commit([{ split: split.id, done: true }])
  }
  await writer.runs.finish(run, [target])
  return { target, run }
}
