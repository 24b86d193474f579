/**
 * What people write by hand: rows of mysql2, put into PostgreSQL by pg with 1000 rows per INSERT. The quickest honest form:
 * rows as arrays, values as text, a prepared statement, one transaction.
 */
import { createConnection, type RowDataPacket } from 'mysql2'
import pg from 'pg'

const ROWS = 1000

interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

const table = process.argv[2] ?? ''
const login = (name: string) => JSON.parse(process.env[name] ?? '{}') as Login
const source = createConnection({ ...login('BENCH_SOURCE'), dateStrings: true, supportBigNumbers: true, bigNumberStrings: true })
const target = new pg.Client(login('BENCH_TARGET'))
await target.connect()
await target.query('BEGIN')
let values: unknown[] = []
let rows = 0
for await (const row of source
  .query<RowDataPacket[]>({ sql: `SELECT * FROM ${table}`, rowsAsArray: true })
  .stream({ highWaterMark: ROWS })) {
  for (const value of row as unknown[]) values.push(value)
  if (++rows === ROWS) await flush()
}
if (rows > 0) await flush()
await target.query('COMMIT')
await target.end()
source.destroy()

async function flush(): Promise<void> {
  const width = values.length / rows
  const places = Array.from({ length: rows }, (_, row) => {
    const numbers = Array.from({ length: width }, (_, column) => `$${row * width + column + 1}`)
    return `(${numbers.join(',')})`
  })
  await target.query({ name: `insert ${rows}`, text: `INSERT INTO ${table} VALUES ${places.join(',')}`, values })
  values = []
  rows = 0
}
