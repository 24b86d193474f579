/** Tables, jobs and judges for the tests of faults: servers are filled and looked at by foreign clients, never by our own code. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import * as catalog from '#catalog'
import { runJob, type RunEvent, type RunReport } from './run.ts'
import { DEFAULT_LIMITS, type JobSpec, type RestartPolicy } from './spec.ts'

export interface Place {
  readonly kind: 'postgres' | 'mysql'
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export type Row = readonly (string | null)[]

/** Id, text with NULLs and letters of more than one byte, digits. Without a pattern, so that a shifted byte shows. */
export const manyRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const digest = createHash('sha256').update(String(i)).digest('hex')
    return [String(i + 1), i % 50 === 0 ? null : `näme ${digest}${digest}`, `${i % 9973}.${digest.length}`]
  })

/** Runs statements on a connection of its own and returns the rows of the last one as text. */
export async function ask(place: Place, ...statements: string[]): Promise<Row[]> {
  const { host, port, user, password, database } = place
  const text = (rows: readonly unknown[][]) => rows.map(row => row.map(value => (value === null ? null : String(value))))
  if (place.kind === 'postgres') {
    const client = new pg.Client({ host, port, user, password, database })
    await client.connect()
    try {
      let rows: unknown[][] = []
      for (const statement of statements) rows = (await client.query({ text: statement, rowMode: 'array' })).rows as unknown[][]
      return text(rows)
    } finally {
      await client.end()
    }
  }
  const client = await mysql.createConnection({
    host,
    port,
    user,
    password,
    database,
    rowsAsArray: true,
    supportBigNumbers: true,
  })
  try {
    let rows: unknown = []
    for (const statement of statements) [rows] = await client.query(statement)
    return text(Array.isArray(rows) ? (rows as unknown[][]) : [])
  } finally {
    await client.end()
  }
}

const COLUMNS = 'id bigint NOT NULL, name varchar(300), digits varchar(40)'

export async function createSource(place: Place, table: string, rows: readonly Row[]): Promise<void> {
  await ask(place, `CREATE TABLE ${table} (${COLUMNS}, PRIMARY KEY (id))`)
  const value = (text: string | null) => (text === null ? 'NULL' : `'${text}'`)
  for (let from = 0; from < rows.length; from += 5000) {
    const values = rows.slice(from, from + 5000).map(row => `(${row.map(value).join(',')})`)
    await ask(place, `INSERT INTO ${table} VALUES ${values.join(',')}`)
  }
  if (place.kind === 'postgres') await ask(place, `ANALYZE ${table}`)
}

/** Without a key a repeated row shows instead of failing. */
export async function createTarget(place: Place, table: string, key = false): Promise<void> {
  await ask(place, `CREATE TABLE ${table} (${COLUMNS}${key ? ', PRIMARY KEY (id)' : ''})`)
}

/** Keys, and the content by hash: everything that has arrived, once. */
export async function assertArrived(place: Place, table: string, rows: readonly Row[]): Promise<void> {
  const found = await ask(place, `SELECT id, name, digits FROM ${table} ORDER BY id`)
  assert.equal(found.length, rows.length, 'rows')
  assert.equal(new Set(found.map(([id]) => id)).size, rows.length, 'distinct keys')
  assert.equal(digestOf(found), digestOf(rows))
}

const digestOf = (rows: readonly Row[]) => createHash('sha256').update(JSON.stringify(rows)).digest('hex')

export interface Job {
  readonly source: Place
  readonly sink: Place
  readonly from: string
  readonly to: string
  readonly sourceOptions?: Readonly<Record<string, unknown>>
  readonly sinkOptions?: Readonly<Record<string, unknown>>
  readonly restart?: Partial<RestartPolicy>
  /** Of both ends. */
  readonly connectSeconds?: number
  readonly commitRows?: number
  readonly rowsPerSecond?: number
  readonly resume?: boolean
  readonly onEvent?: (event: RunEvent) => void
}

/** Runs a job in this process; what happened stands in `events`. */
export async function runThrough(job: Job): Promise<{ readonly report: RunReport; readonly events: readonly RunEvent[] }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'sluice-faults-'))
  const events: RunEvent[] = []
  try {
    const report = await runJob(await specOf(job, stateDir), catalog, {
      resume: job.resume ?? false,
      fresh: false,
      drain: new AbortController().signal,
      signal: new AbortController().signal,
      onEvent: event => {
        events.push(event)
        job.onEvent?.(event)
      },
    })
    return { report, events }
  } finally {
    await rm(stateDir, { recursive: true })
  }
}

async function specOf(job: Job, stateDir: string): Promise<JobSpec> {
  const source = await catalog.source(job.source.kind)
  const sink = await catalog.sink(job.sink.kind)
  const optionsOf = ({ host, port, user, password, database }: Place) => ({
    host,
    port,
    user,
    password,
    database,
    connectTimeOut: job.connectSeconds ?? 30,
  })
  const { rowsPerSecond } = job
  return {
    id: `faults-${job.to}`,
    source: {
      connector: job.source.kind,
      options: source.options.parse({ ...optionsOf(job.source), ...(job.sourceOptions ?? { tables: [job.from] }) }),
    },
    sink: {
      connector: job.sink.kind,
      options: sink.options.parse({ ...optionsOf(job.sink), tables: [job.to], ...job.sinkOptions }),
    },
    readers: 1,
    writers: 1,
    limits: {
      ...DEFAULT_LIMITS,
      batchRows: 500,
      commitRows: job.commitRows ?? 5000,
      ...(rowsPerSecond === undefined ? {} : { rowsPerSecond }),
    },
    restart: { attempts: 6, leastMs: 20_000, firstDelayMs: 50, maxDelayMs: 1000, ...job.restart },
    checkpointSeconds: 1,
    stateDir,
  }
}
