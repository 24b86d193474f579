/** Sends a table of tricky values from a system to another (or none) and back into a table like the first, and says what became of each value. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { typeName, type Schema } from '#columnar'
import { freshDatabase } from '../../tools/servers/index.ts'
import { type Outcome, sluice } from './sluice.test-support.ts'
import type { Alike, Kind } from './tricky-values.test-support.ts'

/** What became of one value; a row of docs/exactness.json. */
export interface ExactnessRow {
  readonly type: string
  readonly value: string
  /** How it travels. */
  readonly logical: string
  /** Type of the column that Sluice makes in the system in the middle; for a route without one, of the target. Of a file, what its reader is told. */
  readonly target: string
  readonly result: 'exact' | 'refused' | 'quarantined'
  readonly reason?: string
}

interface Column {
  readonly name: string
  readonly type: string
}

/** A system at one end of a job. */
export interface End extends AsyncDisposable {
  /** Options of a reader of `table`; `columns` is what a file does not know about itself. */
  reader(table: string, columns: readonly Column[]): object
  writer(table: string, create: boolean): object
}

export interface DatabaseEnd extends End {
  readonly kind: 'postgres' | 'mysql'
  rows(sql: string): Promise<(string | null)[][]>
}

type Facts = Parameters<typeof freshDatabase>[0]

/** A database of its own on a server. */
export async function endOf(facts: Facts): Promise<DatabaseEnd> {
  const database = await freshDatabase(facts)
  const { kind, host, port, user, password } = database
  const login = { host, port, user, password, database: database.database }
  const { rows, close } = kind === 'postgres' ? await openPostgres(login) : await openMysql(login)
  return {
    kind,
    rows,
    reader: (table, columns) => ({ connector: kind, ...login, tables: [table], columns: columns.map(({ name }) => name) }),
    writer: (table, create) => ({ connector: kind, ...login, tables: [table], ...(create ? { createTable: true } : {}) }),
    [Symbol.asyncDispose]: async () => {
      await close()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function openPostgres(login: pg.ClientConfig) {
  const client = new pg.Client(login)
  await client.connect()
  await client.query(`SET TIME ZONE 'UTC'`)
  await client.query(`CREATE TYPE mood AS ENUM ('sad', 'with, comma', 'ö')`)
  const rows = async (sql: string) => (await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })).rows
  return { rows, close: () => client.end() }
}

async function openMysql(login: mysql.ConnectionOptions) {
  const client = await mysql.createConnection({ ...login, charset: 'utf8mb4' })
  await client.query(`SET time_zone = '+00:00', sql_mode = ''`)
  const rows = async (sql: string) => {
    const [found] = await client.query<mysql.RowDataPacket[][]>({ sql, rowsAsArray: true })
    return (Array.isArray(found) ? found : []) as unknown as (string | null)[][]
  }
  return { rows, close: () => client.end() }
}

/** Files in a folder; readers are told the types of the columns. */
export function fileEnd(connector: 'csv' | 'jsonl', path: string): End {
  return {
    reader: (_, columns) => ({ connector, path: join(path, '*'), columns }),
    writer: () => ({ connector, path }),
    async [Symbol.asyncDispose]() {},
  }
}

interface Value {
  readonly id: number
  readonly column: string
  readonly kind: Kind
  readonly literal: string
}

export async function roundTrip(
  source: DatabaseEnd,
  kinds: readonly Kind[],
  middle: End | undefined,
  folder: string,
): Promise<ExactnessRow[]> {
  const values = kinds.flatMap((kind, k) => kind.values.map(literal => ({ column: `c${k}`, kind, literal })))
  const numbered = values.map((value, at) => ({ ...value, id: at + 1 }))
  await createTables(source, kinds, numbered)
  const columns = ['id', ...kinds.map((_, k) => `c${k}`)].map(name => ({ name, type: '' }))
  const away = await leg(source.reader('every', columns), middle?.writer('every', true) ?? source.writer('back', false), folder)
  const home = middle && (await leg(middle.reader('every', away.arrived), source.writer('back', false), folder))
  const legs = [away, ...(home ? [home] : [])]
  await assertAlike(source, middle, numbered, away)
  const before = await shownOf(source, 'every', kinds)
  const behind = await shownOf(source, 'back', kinds)
  return numbered.map(value => outcomeOf(value, legs, before, behind))
}

/** One row per value, which is NULL in the columns of all other kinds. */
async function createTables(source: DatabaseEnd, kinds: readonly Kind[], values: readonly Value[]): Promise<void> {
  const columns = kinds.map(({ type }, k) => `c${k} ${type}`).join(', ')
  const suffix = source.kind === 'mysql' ? ' CHARACTER SET utf8mb4' : ''
  for (const table of ['every', 'back']) await source.rows(`CREATE TABLE ${table} (id int PRIMARY KEY, ${columns})${suffix}`)
  for (const { id, column, literal } of values) await source.rows(`INSERT INTO every (id, ${column}) VALUES (${id}, ${literal})`)
}

/** Of each row the value that its server shows, and an error where a column that should be NULL is not. */
async function shownOf(source: DatabaseEnd, table: string, kinds: readonly Kind[]): Promise<Map<number, string>> {
  const text = (expression: string) => (source.kind === 'postgres' ? `(${expression})::text` : `CONCAT(${expression})`)
  const shown = kinds.map(({ shown: how = c => c }, k) => text(how(`c${k}`)))
  const rows = await source.rows(`SELECT id, ${shown.join(', ')} FROM ${table} ORDER BY id`)
  return new Map(
    rows.map(([id, ...texts]) => {
      const present = texts.flatMap((each, k) => (each === null ? [] : [`c${k}: ${each}`]))
      return [Number(id), present.join(', ')]
    }),
  )
}

interface Leg {
  /** Columns that the plan refused, with the reason. */
  readonly refused: ReadonlyMap<string, string>
  /** Rows that were set aside, with the reason. */
  readonly bad: ReadonlyMap<number, string>
  /** What is in the target, with logical types. */
  readonly arrived: readonly Column[]
  /** Types of the columns as they travel and as the target has them. */
  readonly types: ReadonlyMap<string, { readonly logical: string; readonly target: string }>
}

interface PlannedDataset {
  readonly dataset: { readonly schema: Schema }
  readonly target: { readonly schema: Schema }
  readonly columns: readonly { readonly source: string; readonly targetType: string }[]
}

let jobs = 0

/** Plans until no column is refused any more, runs, and looks at what was set aside. */
export async function leg(
  source: object,
  sink: object,
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Leg> {
  const file = join(folder, `job${jobs++}.json`)
  const refused = new Map<string, string>()
  let { columns } = source as { columns: (string | Column)[] }
  let planned: Outcome = { code: 1, out: '', err: '' }
  while (planned.code !== 0) {
    const settings = { errorLimit: {}, stateDir: join(folder, 'state') }
    await writeFile(file, JSON.stringify({ source: { ...source, columns }, sink, settings }))
    planned = await sluice(['plan', file, '--json'], { env })
    if (planned.code === 0) break
    const { message } = errorOf(planned.out)
    const name = /column "(c\d+)"/.exec(message)?.[1]
    assert(name !== undefined && !refused.has(name), message)
    refused.set(name, message)
    columns = columns.filter(column => (typeof column === 'string' ? column : column.name) !== name)
  }
  const run = await sluice(['run', file], { env })
  assert.equal(run.code, 0, run.err)
  const { datasets } = (JSON.parse(planned.out) as { plan: { datasets: [PlannedDataset] } }).plan
  const [{ dataset, target, columns: plans }] = datasets
  const arrived = target.schema.fields.map(({ name, type }) => ({ name, type: typeName(type) }))
  const isFile = 'path' in sink
  const types = plans.map(({ source: name, targetType }, at) => {
    const logical = typeName(dataset.schema.fields[at]!.type)
    return [name, { logical, target: isFile ? arrived[at]!.type : targetType }] as const
  })
  return { refused, bad: await badRows(file), arrived, types: new Map(types) }
}

/** The last line of a command that failed. */
const errorOf = (out: string) => JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as { message: string }

async function badRows(file: string): Promise<Map<number, string>> {
  const { out, err, code } = await sluice(['dirty', 'show', file, '--json', '--rows', '9999'])
  assert.equal(code, 0, err)
  const rows = out.split('\n').filter(line => line !== '')
  return new Map(
    rows.map(line => {
      const { row, message } = JSON.parse(line) as { row: unknown[]; message: string }
      return [Number(row[0]), message]
    }),
  )
}

function outcomeOf(
  { id, kind, column, literal }: Value,
  legs: readonly Leg[],
  before: ReadonlyMap<number, string>,
  behind: ReadonlyMap<number, string>,
): ExactnessRow {
  const { logical = '', target = '' } = legs[0]?.types.get(column) ?? {}
  const facts = { type: kind.type, value: literal, logical, target }
  const refusal = legs.map(({ refused }) => refused.get(column)).find(reason => reason !== undefined)
  if (refusal !== undefined) return { ...facts, result: 'refused', reason: reasonOf(refusal) }
  const bad = legs.map(leg => leg.bad.get(id)).find(reason => reason !== undefined)
  if (bad === undefined) {
    if (kind.isEqual?.(before.get(id) ?? '', behind.get(id) ?? '') && behind.get(id) !== before.get(id))
      return { ...facts, result: 'exact', reason: 'the same number with other zeros at its end' }
    assert.equal(behind.get(id), before.get(id), `${kind.type} ${literal} was changed without a word`)
    return { ...facts, result: 'exact' }
  }
  assert(!behind.has(id), `${kind.type} ${literal} was set aside and written`)
  return { ...facts, result: 'quarantined', reason: reasonOf(bad) }
}

/** Without the place, which differs from run to run. */
const reasonOf = (message: string) =>
  message
    .replace(/^.*?, column "c\d+"(?:, row [^:]*)?: /, '')
    .replace(/^postgres@\S+: (.*)\. \(table .*\)$/, 'the server says: $1')
    .replaceAll(/\bc\d+\b/g, 'c')

type Spelling = Readonly<Record<DatabaseEnd['kind'], (c: string) => string>>

const SPELLINGS: Readonly<Record<Alike, Spelling>> = {
  text: { postgres: c => `${c}::text`, mysql: c => `CONCAT(${c})` },
  // MySQL counts like astronomers: the year before 0001 is 0000.
  date: {
    postgres: c => `CASE WHEN ${c} < '0001-01-01' THEN to_char(${c}, '0000-MM-DD') ELSE ${c}::text END`,
    mysql: c => `CONCAT(${c})`,
  },
  hex: { postgres: c => `upper(encode(convert_to(${c}::text, 'UTF8'), 'hex'))`, mysql: c => `HEX(CONVERT(${c} USING utf8mb4))` },
  bytes: { postgres: c => `upper(encode(${c}, 'hex'))`, mysql: c => `HEX(${c})` },
  float: { postgres: c => `${c}::text`, mysql: c => `CONCAT(${c})` },
  timestamp: {
    postgres: c => `to_char(${c}, 'YYYY-MM-DD HH24:MI:SS.US')`,
    mysql: c => `DATE_FORMAT(${c}, '%Y-%m-%d %H:%i:%s.%f')`,
  },
  duration: { postgres: c => `regexp_replace(${c}::text, '\\.?0+$', '')`, mysql: c => `REGEXP_REPLACE(${c}, '\\\\.?0+$', '')` },
  bool: { postgres: c => `${c}::text`, mysql: c => `IF(${c}, 'true', 'false')` },
  bits: { postgres: c => `${c}::text`, mysql: c => `CONCAT(CAST(${c} AS UNSIGNED))` },
}

/** What arrived in another database is what left, by the texts of both servers; a change that is undone on the way back shows here. */
async function assertAlike(source: DatabaseEnd, middle: End | undefined, values: readonly Value[], away: Leg): Promise<void> {
  if (middle === undefined || !('kind' in middle)) return
  const other = middle as DatabaseEnd
  for (const { id, kind, column, literal } of values) {
    if (kind.alike === undefined || away.refused.has(column) || away.bad.has(id)) continue
    const spelling = SPELLINGS[kind.alike]
    const of = async (end: DatabaseEnd, table: string) => {
      const [row] = await end.rows(`SELECT ${spelling[end.kind](column)} FROM ${table} WHERE id = ${id}`)
      return kind.alike === 'float' ? Number(row?.[0]) : row?.[0]
    }
    assert.deepEqual(await of(other, 'every'), await of(source, 'every'), `${kind.type} ${literal} arrived as another value`)
  }
}
