/** What the tests of this connector share: a server's database, a plain client, and a reader and writer put together. */
import pg from 'pg'
import { contextOfEnds, endsOf } from '#conformance'
import { forFile, freshDatabase, type Server } from '../../../tools/servers/index.ts'
import { postgresSink } from './sink.ts'
import { postgresSource } from './source.ts'

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
export const filePlayground = (server: Server, skip: string | false): Promise<Playground> =>
  forFile(skip, () => playground(server))

export const contextOf = contextOfEnds
export const { openSource, openSink, openLedgerSink, readAll, copy } = endsOf(postgresSource, postgresSink)
