/** Systems, data and judges for the kill test: everything here speaks to servers through foreign clients, never through our own code. */
import { execFile, spawn } from 'node:child_process'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Database } from '../../tools/servers/index.ts'

export const ROWS = 150_000
/** Rows after which a job of this test commits: often enough that kills fall between many commits. */
export const COMMIT_ROWS = 10_000

const root = new URL('../..', import.meta.url).pathname
const exec = promisify(execFile)

/** What one side holds: rows, distinct keys, and the sum of a hash over all columns, as text. */
export interface Fingerprint {
  readonly rows: number
  readonly keys: number
  readonly hash: string
}

export interface Side {
  readonly name: string
  /** Its half of a native job file. */
  readonly options: Readonly<Record<string, unknown>>
  fingerprint(): Promise<Fingerprint>
  /** Empties the target, the ledger included, as if nothing had ever run. */
  reset(): Promise<void>
  /** Makes the next commit wait, so that a kill falls inside it; returns how to let go. Undefined where there is nothing to lock. */
  holdCommits?(): Promise<() => Promise<void>>
  close(): Promise<void>
}

const COLUMNS = 'id bigint, k int, name varchar(40), ts timestamp, amount numeric(12,2)'
const PG_HASH = `sum(('x' || substr(md5(concat_ws('|', id, k, coalesce(name, '~'), to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US'), amount)), 1, 13))::bit(52)::bigint)::text`
const PG_ROWS = `SELECT g, (g * 7919) % 100003, CASE WHEN g % 50 = 0 THEN NULL ELSE 'näme ' || md5(g::text) END,
  timestamp '2020-01-01' + g * interval '1.000001 second', (g % 999983) / 100.0 FROM generate_series(1, ${ROWS}) g`

export async function postgresSide(database: Database, table: string, role: 'source' | 'target'): Promise<Side> {
  const { host, port, user, password } = database
  const client = new pg.Client({ host, port, user, password, database: database.database })
  await client.connect()
  const key = role === 'source' ? ', PRIMARY KEY (id)' : '' // Without a key a repeated row shows instead of failing.
  await client.query(`CREATE TABLE ${table} (${COLUMNS}${key})`)
  if (role === 'source') await client.query(`INSERT INTO ${table} ${PG_ROWS}`)
  await client.query(`ANALYZE ${table}`)
  return {
    name: 'PostgreSQL',
    options: { connector: 'postgres', host, port, user, password, database: database.database, tables: [table] },
    fingerprint: async () => {
      const { rows } = await client.query(
        `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS keys, ${PG_HASH} AS hash FROM ${table}`,
      )
      return rows[0] as Fingerprint
    },
    reset: async () => {
      await client.query(`TRUNCATE ${table}; DROP TABLE IF EXISTS sluice_ledger`)
    },
    holdCommits: async () => {
      const locker = new pg.Client({ host, port, user, password, database: database.database })
      await locker.connect()
      await waitFor(async () => (await client.query(`SELECT to_regclass('sluice_ledger') AS t`)).rows[0]?.t !== null)
      await locker.query('BEGIN; SELECT 1 FROM sluice_ledger FOR UPDATE')
      return () => locker.end()
    },
    close: () => client.end(),
  }
}

const MY_HASH = `CAST(SUM(CAST(CONV(SUBSTR(MD5(CONCAT_WS('|', id, k, COALESCE(name, '~'), DATE_FORMAT(ts, '%Y-%m-%d %H:%i:%s.%f'), amount)), 1, 13), 16, 10) AS UNSIGNED)) AS CHAR)`

export async function mysqlSide(database: Database, table: string, role: 'source' | 'target'): Promise<Side> {
  const { host, port, user, password } = database
  const connect = () =>
    mysql.createConnection({ host, port, user, password, database: database.database, timezone: 'Z', dateStrings: true })
  const client = await connect()
  const key = role === 'source' ? ', PRIMARY KEY (id)' : ''
  await client.query(
    `CREATE TABLE ${table} (id bigint NOT NULL, k int, name varchar(40), ts datetime(6), amount decimal(12,2)${key}) CHARACTER SET utf8mb4`,
  )
  if (role === 'source') await client.query(MY_ROWS(table))
  return {
    name: 'MariaDB',
    options: { connector: 'mysql', host, port, user, password, database: database.database, tables: [table] },
    fingerprint: async () => {
      const [rows] = await client.query(
        `SELECT COUNT(*) AS \`rows\`, COUNT(DISTINCT id) AS \`keys\`, ${MY_HASH} AS hash FROM ${table}`,
      )
      const [row] = rows as { rows: number; keys: number; hash: string }[]
      return { rows: Number(row?.rows), keys: Number(row?.keys), hash: String(row?.hash) }
    },
    reset: async () => {
      await client.query(`TRUNCATE ${table}`)
      await client.query('DROP TABLE IF EXISTS sluice_ledger')
    },
    holdCommits: async () => {
      const locker = await connect()
      await waitFor(async () => {
        const [rows] = await client.query(`SHOW TABLES LIKE 'sluice_ledger'`)
        return (rows as unknown[]).length > 0
      })
      await locker.beginTransaction()
      await locker.query('SELECT 1 FROM sluice_ledger FOR UPDATE')
      return async () => locker.destroy()
    },
    close: () => client.end(),
  }
}

/** The same rows as PG_ROWS. */
const MY_ROWS = (
  table: string,
) => `INSERT INTO ${table} SELECT seq, (seq * 7919) % 100003, IF(seq % 50 = 0, NULL, CONCAT('näme ', MD5(seq))),
  TIMESTAMP('2020-01-01') + INTERVAL (seq * 1000001) MICROSECOND, ROUND((seq % 999983) / 100, 2) FROM seq_1_to_${ROWS}`

/** A folder of CSV files; its content is judged by PostgreSQL's own COPY. */
export async function csvSide(
  folder: string,
  judge: Database,
  psql: string,
  role: 'source' | 'target',
  from?: { database: Database; table: string },
): Promise<Side> {
  await mkdir(folder, { recursive: true })
  const url = (database: Database) =>
    `postgres://${database.user}:${database.password}@${database.host}:${database.port}/${database.database}`
  const client = new pg.Client(url(judge))
  await client.connect()
  await client.query(`CREATE TABLE IF NOT EXISTS judge_${role} (${COLUMNS})`)
  if (from)
    await exec(psql, [
      url(from.database),
      '-qc',
      `\\copy (SELECT * FROM ${from.table} ORDER BY id) TO '${join(folder, 'rows.csv')}' CSV HEADER`,
    ])
  const names = ['id', 'k', 'name', 'ts', 'amount']
  const types = ['int64', 'int32', 'utf8', 'timestamp', 'decimal(12,2)']
  return {
    name: 'CSV',
    options:
      role === 'source'
        ? {
            connector: 'csv',
            path: join(folder, '*.csv'),
            header: true,
            columns: names.map((name, i) => ({ name, type: types[i] })),
          }
        : { connector: 'csv', path: folder, header: true },
    fingerprint: async () => {
      await client.query(`TRUNCATE judge_${role}`)
      for (const file of await csvFiles(folder))
        await exec(psql, [url(judge), '-qc', `\\copy judge_${role} FROM '${file}' CSV HEADER`])
      const { rows } = await client.query(
        `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS keys, ${PG_HASH} AS hash FROM judge_${role}`,
      )
      return rows[0] as Fingerprint
    },
    reset: async () => {
      await rm(folder, { recursive: true })
      await mkdir(folder)
    },
    close: () => client.end(),
  }
}

async function csvFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const visible = entries.filter(
    entry => entry.isFile() && entry.name.endsWith('.csv') && !/(^|\/)\./.test(entry.parentPath.slice(folder.length)),
  )
  return visible.map(entry => join(entry.parentPath, entry.name))
}

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > until) throw new Error('waited for 10 s in vain')
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** One `sluice run` as a process of its own. */
export class Run {
  readonly events: { readonly event: string; readonly [key: string]: unknown }[] = []
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #child
  #errors = ''

  constructor(args: readonly string[]) {
    this.#child = spawn(join(root, 'bin/sluice'), ['run', ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface(this.#child.stdout).on('line', line => this.events.push(JSON.parse(line) as { event: string }))
    this.#child.stderr.on('data', (text: Buffer) => (this.#errors += String(text)))
    this.ended = new Promise(resolve => this.#child.once('close', (code, signal) => resolve({ code, signal })))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  get output(): string {
    return (
      this.#errors +
      this.events
        .slice(-5)
        .map(event => JSON.stringify(event))
        .join('\n')
    )
  }
}

/** A generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
