/** Tables, jobs and judges for the tests of faults: servers are filled and looked at by foreign clients, never by our own code. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** A statement, or what happens between two of them and may ask on their connection. */
export type Step = string | ((query: (statement: string) => Promise<readonly unknown[]>) => Promise<unknown>)

/** Takes steps on a connection of its own and returns the rows of the last statement as text. */
export async function ask(place: Place, ...steps: Step[]): Promise<Row[]> {
  const { host, port, user, password, database } = place
  const text = (rows: readonly unknown[][]) => rows.map(row => row.map(value => (value === null ? null : String(value))))
  if (place.kind === 'postgres') {
    const client = new pg.Client({ host, port, user, password, database })
    await client.connect()
    const query = async (statement: string) => (await client.query({ text: statement, rowMode: 'array' })).rows as unknown[][]
    try {
      return text(await takeAll(steps, query))
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
  const query = async (statement: string) => {
    const [rows] = await client.query(statement)
    return Array.isArray(rows) ? (rows as unknown[][]) : []
  }
  try {
    return text(await takeAll(steps, query))
  } finally {
    await client.end()
  }
}

async function takeAll(steps: readonly Step[], query: (statement: string) => Promise<unknown[][]>): Promise<unknown[][]> {
  let rows: unknown[][] = []
  for (const step of steps) {
    if (typeof step === 'string') rows = await query(step)
    else await step(query)
  }
  return rows
}

/** A step of who holds a lock: returns when somebody waits for it. */
export function someoneWaits({ kind }: Place): Step {
  const waiting = {
    postgres: 'SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid',
    mysql: `SELECT 1 FROM information_schema.innodb_trx AS t JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
      WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'`,
  }
  // InnoDB answers the same again until nobody has asked for 0.1 s.
  // https://dev.mysql.com/doc/refman/8.4/en/innodb-information-schema-internal-data.html
  return query => until(async () => (await query(waiting[kind])).length > 0, 200)
}

/** Much longer than anything takes that is waited for. */
const PATIENCE_MS = 120_000

export async function until(condition: () => boolean | Promise<boolean>, everyMs = 10): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await condition()); await sleep(everyMs))
    assert(performance.now() < end, `not in ${PATIENCE_MS / 1000} s`)
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
    restart: { attempts: 6, leastMs: PATIENCE_MS, firstDelayMs: 50, maxDelayMs: 1000, ...job.restart },
    checkpointSeconds: 1,
    stateDir,
  }
}
