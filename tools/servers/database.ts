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

/** Creates an empty database with a name that nobody else uses. */
export async function freshDatabase(server: ServerFacts, options: DatabaseOptions = {}): Promise<Database> {
  const database = `${options.prefix ?? 'test'}_${randomBytes(6).toString('hex')}`
  const { kind, host, port } = server
  const [create, remove] = kind === 'postgres' ? postgresStatements(database) : mysqlStatements(database)
  await execute(server, create)
  const app = options.unprivileged === true ? server.accounts.find(({ user }) => user === 'app') : undefined
  const { user, password } = app ?? server
  const drop = () => execute(server, remove)
  return { kind, host, port, user, password, database, drop, [Symbol.asyncDispose]: drop }
}

/** Runs statements as the superuser, outside any transaction. */
export async function execute(server: ServerFacts, statements: readonly string[]): Promise<void> {
  const { kind, host, port, user, password, database } = server
  if (kind === 'postgres') {
    const client = new pg.Client({ host, port, user, password, database })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  } else {
    const client = await mysql.createConnection({ host, port, user, password, database })
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }
}

function postgresStatements(database: string): [create: string[], remove: string[]] {
  const disconnect = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`
  // template0: somebody may just be connected to template1, which makes CREATE DATABASE fail.
  const create = `CREATE DATABASE "${database}" OWNER app TEMPLATE template0`
  return [[create], [`REVOKE CONNECT ON DATABASE "${database}" FROM PUBLIC`, disconnect, `DROP DATABASE "${database}"`]]
}

function mysqlStatements(database: string): [create: string[], remove: string[]] {
  const name = `\`${database}\``
  return [
    [`CREATE DATABASE ${name}`, `GRANT ALL ON ${name}.* TO app@'%'`],
    [`DROP DATABASE ${name}`, `REVOKE ALL ON ${name}.* FROM app@'%'`],
  ]
}
