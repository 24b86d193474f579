/** Tables that are copied. Their rows are made as CSV text without quotes, where an empty field is NULL. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

export interface Column {
  readonly name: string
  /** Its type in PostgreSQL and, but for `timestamp`, in MariaDB. */
  readonly type: string
  readonly isNullable?: boolean
}

export interface Dataset {
  /** Also the name of its tables. */
  readonly name: string
  readonly columns: readonly Column[]
  readonly key: readonly string[]
  /** Rows when nothing else is asked for. */
  readonly rows: number
  /** The rows as lines, in the order of the key; the same ones for the same count. */
  lines(rows: number): Generator<string>
}

/** CREATE TABLE, with the key, as both systems understand it. */
export function createTable({ name, columns, key }: Dataset, kind: 'postgres' | 'mysql'): string {
  const types = columns.map(column => `${column.name} ${typeFor(kind, column)}${column.isNullable ? '' : ' NOT NULL'}`)
  const options = kind === 'mysql' ? ' ENGINE=InnoDB CHARACTER SET utf8mb4' : ''
  return `CREATE TABLE ${name} (${types.join(', ')}, PRIMARY KEY (${key.join(', ')}))${options}`
}

function typeFor(kind: 'postgres' | 'mysql', { type }: Column): string {
  return kind === 'mysql' && type === 'timestamp' ? 'datetime' : type
}

/**
 * The number of rows and the sum of a hash over the text of all their values, computed by the server. Two tables with the
 * same result have the same rows, whichever system each of them is in.
 */
export function fingerprintQuery({ columns }: Dataset, kind: 'postgres' | 'mysql', table: string): string {
  const text = `md5(concat_ws('|', ${columns.map(column => textOf(column, kind)).join(', ')}))`
  const DIGITS = 13 // of hexadecimal: 52 bits
  const hash =
    kind === 'postgres'
      ? `sum(('x' || substr(${text}, 1, ${DIGITS}))::bit(52)::bigint)`
      : `sum(cast(conv(substr(${text}, 1, ${DIGITS}), 16, 10) AS unsigned))`
  return `SELECT concat(count(*), ' rows, hash ', ${hash}) FROM ${table}`
}

function textOf({ name, type, isNullable }: Column, kind: 'postgres' | 'mysql'): string {
  // Only ::text removes the padding, which MariaDB never shows.
  const value = kind === 'postgres' && type.startsWith('char') ? `${name}::text` : name
  return isNullable ? `coalesce(${value}, '~')` : value
}

/** Writes the rows to a file and returns the digest of its content. */
export async function writeCsv(dataset: Dataset, rows: number, path: string): Promise<string> {
  const LINES = 4096
  const digest = createHash('sha256')
  await using file = await open(path, 'w')
  let chunk = ''
  let count = 0
  const flush = async () => {
    const bytes = Buffer.from(chunk)
    digest.update(bytes)
    await file.write(bytes)
    chunk = ''
  }
  for (const line of dataset.lines(rows)) {
    chunk += `${line}\n`
    if (++count % LINES === 0) await flush()
  }
  await flush()
  return digest.digest('hex')
}

const DAY_MS = 86_400_000

/** `2024-02-29` of days since 1970. */
export function dateText(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10)
}
