/** Databases that exist only as long as the torture does. */
import { execFile as execFileWithCallback } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { loadMysql, loadPg } from './drivers.ts'
import { tortureErrors } from './errors.ts'
import { waitFor, type DatabaseAddress } from './side.ts'

const execFile = promisify(execFileWithCallback)

/** A server that recovers a crashed data directory takes its time. */
const RESTART_MS = 60_000

export interface ThrowAwayServer {
  /** As the server says it. */
  readonly version: string
  /** A new, empty database with a name that nobody else uses. */
  create(): Promise<DatabaseAddress>
  /** Kills it and starts it again; returns when the new one answers. Undefined for a server that is not ours to kill. */
  readonly restart: (() => Promise<void>) | undefined
  /** Removes the databases that were created, with the connections that are still open on them. */
  close(): Promise<void>
}

/** A server to borrow, and the shell command that kills it and starts it again. */
export interface ServerLoan {
  readonly url: string
  readonly restart?: string
}

export async function postgresServer({ url, restart }: ServerLoan): Promise<ThrowAwayServer> {
  const address = parse('postgres', /^postgres(ql)?:$/, url, 5432)
  const pg = await loadPg()
  const ask = async (statement: string): Promise<string> => {
    const client = new pg.Client({ ...address, database: address.database || 'postgres' })
    client.on('error', () => {}) // A server that is killed before the statement is sent; the statement then fails.
    await client.connect()
    try {
      const { rows } = await client.query<unknown[]>({ text: statement, rowMode: 'array' })
      return String(rows[0]?.[0])
    } finally {
      await client.end()
    }
  }
  return throwAway(address, `PostgreSQL ${await ask('SHOW server_version')}`, restart, {
    create: name => ask(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`),
    remove: async name => {
      await ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
      await ask(`DROP DATABASE ${name}`)
    },
    upSeconds: async () => Number(await ask('SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())')),
  })
}

export async function mysqlServer({ url, restart }: ServerLoan): Promise<ThrowAwayServer> {
  const address = parse('mysql', /^(mysql|mariadb):$/, url, 3306)
  const { database: _, ...login } = address
  const mysql = await loadMysql()
  const ask = async (statement: string): Promise<readonly unknown[][]> => {
    const client = await mysql.createConnection({ ...login, rowsAsArray: true })
    client.on('error', () => {}) // As above.
    try {
      const [rows] = await client.query(statement)
      return Array.isArray(rows) ? (rows as unknown[][]) : []
    } finally {
      await client.end()
    }
  }
  const version = String((await ask('SELECT VERSION()'))[0]?.[0])
  return throwAway(address, /mariadb/i.test(version) ? version : `MySQL ${version}`, restart, {
    create: name => ask(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`),
    remove: async name => {
      // An open transaction would hold up the DROP.
      const sessions = await ask(`SELECT id FROM information_schema.processlist WHERE db = '${name}'`)
      // It may have gone by itself in between.
      for (const [id] of sessions) await ask(`KILL ${Number(id)}`).catch(() => {})
      await ask(`DROP DATABASE ${name}`)
    },
    upSeconds: async () => Number((await ask(`SHOW GLOBAL STATUS LIKE 'Uptime'`))[0]?.[1]),
  })
}

/** Each call has a connection of its own: none is open when a server is killed. */
interface Administration {
  create(name: string): Promise<unknown>
  remove(name: string): Promise<unknown>
  upSeconds(): Promise<number>
}

function throwAway(
  address: DatabaseAddress,
  version: string,
  restartCommand: string | undefined,
  { create, remove, upSeconds }: Administration,
): ThrowAwayServer {
  const created: string[] = []
  return {
    version,
    create: async () => {
      const database = `sluice_torture_${randomBytes(6).toString('hex')}`
      await create(database)
      created.push(database)
      return { ...address, database }
    },
    restart: restartCommand === undefined ? undefined : () => restarted(restartCommand, upSeconds),
    close: async () => {
      for (const name of created) await remove(name)
    },
  }
}

/** Servers count whole seconds. */
const UPTIME_SLACK_SECONDS = 1

async function restarted(command: string, upSeconds: () => Promise<number>): Promise<void> {
  const since = performance.now()
  await execFile('/bin/sh', ['-c', command])
  await waitFor(`the server that \`${command}\` starts again`, RESTART_MS, async () => {
    const up = await upSeconds().catch(() => Infinity)
    return up <= (performance.now() - since) / 1000 + UPTIME_SLACK_SECONDS
  })
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
