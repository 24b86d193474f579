/** Databases of their own for tests that share a server. */
import { randomBytes } from 'node:crypto'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { ServerFacts } from './server.ts'

/** What a client needs to know to work in the database. */
export interface Database extends AsyncDisposable {
  readonly kind: 'postgres' | 'mysql'
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Removes it, together with the connections that are still open on it. */
  drop(): Promise<void>
}

export interface DatabaseOptions {
  /** Connect as `app`, who may do everything in this database and nothing elsewhere. The superuser by default. */
  readonly unprivileged?: boolean
  /** Beginning of its name, to recognize it in the server's log. */
  readonly prefix?: string
}

/** Runs one statement and returns its rows, each as an array of values. */
type Query = (sql: string) => Promise<readonly (readonly unknown[])[]>

/** Creates an empty database with a name that nobody else uses. */
export async function freshDatabase(server: ServerFacts, options: DatabaseOptions = {}): Promise<Database> {
  const database = `${options.prefix ?? 'test'}_${randomBytes(6).toString('hex')}`
  const { kind, host, port } = server
  const [create, remove] = kind === 'postgres' ? [createInPostgres, removeFromPostgres] : [createInMysql, removeFromMysql]
  await asAdmin(server, query => create(query, database))
  const app = options.unprivileged === true ? server.accounts.find(({ user }) => user === 'app') : undefined
  const { user, password } = app ?? server
  const drop = () => asAdmin(server, query => remove(query, database))
  return { kind, host, port, user, password, database, drop, [Symbol.asyncDispose]: drop }
}

/** Runs statements in the server's own database as its superuser, each in a transaction of its own. */
export async function execute(server: ServerFacts, statements: readonly string[]): Promise<void> {
  await asAdmin(server, async query => {
    for (const statement of statements) await query(statement)
  })
}

async function asAdmin(server: ServerFacts, action: (query: Query) => Promise<void>): Promise<void> {
  const { kind, host, port, user, password, database } = server
  if (kind === 'postgres') {
    const client = new pg.Client({ host, port, user, password, database })
    await client.connect()
    const query: Query = async sql => (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows
    await action(query).finally(() => client.end())
  } else {
    const client = await mysql.createConnection({ host, port, user, password, database })
    const query: Query = async sql => {
      const [rows] = await client.query<mysql.RowDataPacket[][]>({ sql, rowsAsArray: true })
      return Array.isArray(rows) ? rows : []
    }
    await action(query).finally(() => client.end())
  }
}

async function createInPostgres(query: Query, database: string): Promise<void> {
  // template0: somebody may just be connected to template1, which makes CREATE DATABASE fail.
  await query(`CREATE DATABASE "${database}" OWNER app TEMPLATE template0`)
}

async function removeFromPostgres(query: Query, database: string): Promise<void> {
  await query(`REVOKE CONNECT ON DATABASE "${database}" FROM PUBLIC, app`)
  await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)
  await query(`DROP DATABASE "${database}"`)
}

async function createInMysql(query: Query, database: string): Promise<void> {
  await query(`CREATE DATABASE \`${database}\``)
  await query(`GRANT ALL ON \`${database}\`.* TO app@'%'`)
}

async function removeFromMysql(query: Query, database: string): Promise<void> {
  // An open transaction would hold up the DROP for as long as a year.
  for (const [id] of await query(`SELECT id FROM information_schema.processlist WHERE db = '${database}'`)) {
    // It may have gone by itself in between.
    await query(`KILL ${String(id)}`).catch(() => {})
  }
  await query(`DROP DATABASE \`${database}\``)
  await query(`REVOKE ALL ON \`${database}\`.* FROM app@'%'`)
}
