/** What the tests of this connector share: a server's database, a foreign client, and a reader and writer put together. */
import mysql from 'mysql2/promise'
import { contextOfEnds, endsOf } from '#conformance'
import { forFile, freshDatabase, type Server } from '../../../tools/servers/index.ts'
import { mysqlSink } from './sink.ts'
import { mysqlSource } from './source.ts'

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
export const filePlayground = (server: Server, skip: string | false): Promise<Playground> =>
  forFile(skip, () => playground(server))

export const contextOf = contextOfEnds
export const { openSource, openSink, openLedgerSink, readAll, copy } = endsOf(mysqlSource, mysqlSink)
