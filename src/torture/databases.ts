/** Databases that exist only as long as the torture does. */
import { randomBytes } from 'node:crypto'
import { loadMysql, loadPg } from './drivers.ts'
import { tortureErrors } from './errors.ts'
import type { DatabaseAddress } from './side.ts'

export interface ThrowAwayServer {
  /** As the server says it. */
  readonly version: string
  /** A new, empty database with a name that nobody else uses. */
  create(): Promise<DatabaseAddress>
  /** Removes the databases that were created, with the connections that are still open on them. */
  close(): Promise<void>
}

export async function postgresServer(url: string): Promise<ThrowAwayServer> {
  const address = parse('postgres', /^postgres(ql)?:$/, url, 5432)
  const pg = await loadPg()
  const client = new pg.Client({ ...address, database: address.database || 'postgres' })
  await client.connect()
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
  return throwAway(address, `PostgreSQL ${rows[0]?.server_version}`, {
    create: name => client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`),
    remove: async name => {
      await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
      await client.query(`DROP DATABASE ${name}`)
    },
    end: () => client.end(),
  })
}

export async function mysqlServer(url: string): Promise<ThrowAwayServer> {
  const address = parse('mysql', /^(mysql|mariadb):$/, url, 3306)
  const { database: _, ...login } = address
  const client = await (await loadMysql()).createConnection(login)
  const [rows] = await client.query('SELECT VERSION() AS version')
  const version = String((rows as { version: string }[])[0]?.version)
  return throwAway(address, /mariadb/i.test(version) ? version : `MySQL ${version}`, {
    create: name => client.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`),
    remove: async name => {
      // An open transaction would hold up the DROP.
      const [sessions] = await client.query('SELECT id FROM information_schema.processlist WHERE db = ?', [name])
      // It may have gone by itself in between.
      for (const { id } of sessions as { id: number }[]) await client.query(`KILL ${id}`).catch(() => {})
      await client.query(`DROP DATABASE ${name}`)
    },
    end: () => client.end(),
  })
}

function throwAway(
  address: DatabaseAddress,
  version: string,
  administer: {
    create(name: string): Promise<unknown>
    remove(name: string): Promise<unknown>
    end(): Promise<void>
  },
): ThrowAwayServer {
  const created: string[] = []
  return {
    version,
    create: async () => {
      const database = `sluice_torture_${randomBytes(6).toString('hex')}`
      await administer.create(database)
      created.push(database)
      return { ...address, database }
    },
    close: async () => {
      try {
        for (const name of created) await administer.remove(name)
      } finally {
        await administer.end()
      }
    },
  }
}

function parse(flag: string, scheme: RegExp, text: string, usualPort: number): DatabaseAddress {
  const url = URL.parse(text)
  if (url === null || !scheme.test(url.protocol) || url.hostname === '') throw tortureErrors.badUrl({ flag, scheme: flag })
  return {
    host: url.hostname,
    port: url.port === '' ? usualPort : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  }
}
