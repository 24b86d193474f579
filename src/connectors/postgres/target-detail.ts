/** What the writer must know of a target in the workers: plain data, made by the coordinator (target.ts), and the statements that follow from it. */
import type { Dataset, Target } from '#connector'
import { postgresDialect, quoteTableName, type TableName } from '#sql'
import type { EncodedColumn } from './encode.ts'
import type { Wire } from './types.ts'

const { quote, literal } = postgresDialect

/** The writer's part of a target, as it travels in `detail`. */
export interface TargetDetail {
  readonly schema: string | null
  readonly table: string
  /** Those that are written, with their place in the batch. */
  readonly columns: readonly WrittenColumn[]
  /** False: some column takes only text. */
  readonly isBinary: boolean
  /** Statements that create the table when it is missing. */
  readonly create: readonly string[]
  /** Columns that identify a row, when rows replace others. */
  readonly key: readonly string[] | null
  /** Rows with NULL in the key replace none, and none of each other. */
  readonly nullsDiffer: boolean
  /** Replace with what the source has, NULLs included. */
  readonly nullsOverwrite: boolean
}

export interface WrittenColumn {
  readonly name: string
  readonly index: number
  /** Null: only as text. */
  readonly wire: Wire | null
  readonly limits: EncodedColumn['limits']
}

/** Carried as JSON; written by target.ts only. */
export const detailOf = (target: Target): TargetDetail => target.detail as unknown as TargetDetail

/** What an encoder of this target needs. */
export function encodedColumns(target: Target): EncodedColumn[] {
  const { columns } = detailOf(target)
  return columns.map(({ index, wire, limits }) => ({
    type: target.schema.fields[index]!.type,
    wire: wire ?? { kind: 'text' },
    limits,
  }))
}

const STAGE_ORDER = 'sluice_order'

/** The statements that move rows into the target, in order. */
export function writeStatements(detail: TargetDetail): string[] {
  return detail.key === null
    ? [copyStatement(detail)]
    : [stageStatement(detail), copyStatement(detail), mergeStatement(detail, detail.key)]
}

const targetName = ({ schema, table }: TargetDetail) =>
  quoteTableName({ ...(schema === null ? {} : { schema }), name: table }, postgresDialect)

const columnNames = ({ columns }: TargetDetail) => columns.map(({ name }) => quote(name)).join(', ')

/** Session-local, so that the name need not be unique elsewhere; the hash keeps targets of one session apart. */
function stageName({ schema, table, columns }: TargetDetail): string {
  let hash = 0
  for (const character of JSON.stringify([schema, table, columns.map(({ name }) => name)]))
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0
  return `pg_temp.${quote(`sluice_stage_${(hash >>> 0).toString(16)}`)}`
}

export const copyStatement = (detail: TargetDetail): string => {
  const columns = detail.key === null ? columnNames(detail) : `${columnNames(detail)}, ${quote(STAGE_ORDER)}`
  return `COPY ${detail.key === null ? targetName(detail) : stageName(detail)} (${columns}) FROM STDIN (FORMAT ${detail.isBinary ? 'binary' : 'text'})`
}

/** The types of the target without its constraints, and the order of the rows. */
export const stageStatement = (detail: TargetDetail): string =>
  `CREATE TEMPORARY TABLE IF NOT EXISTS ${stageName(detail).replace('pg_temp.', '')} ON COMMIT DELETE ROWS AS SELECT ${columnNames(detail)}, 0::bigint AS ${quote(STAGE_ORDER)} FROM ${targetName(detail)} WITH NO DATA`

export const truncateStatement = (detail: TargetDetail): string => `TRUNCATE ${stageName(detail)}`

/** The newest of the staged rows with the same key wins, here and in the target. */
export function mergeStatement(detail: TargetDetail, key: readonly string[]): string {
  const names = columnNames(detail)
  const keys = key.map(quote).join(', ')
  const table = targetName(detail)
  const others = detail.columns.map(({ name }) => name).filter(name => !key.includes(name))
  const value = (name: string) =>
    detail.nullsOverwrite ? `excluded.${name}` : `coalesce(excluded.${name}, sluice_target.${name})`
  const action =
    others.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${others
          .map(quote)
          .map(name => `${name} = ${value(name)}`)
          .join(', ')}`
  // DISTINCT ON takes NULLs for equal, unlike the index.
  const areNull = key.map(name => `${quote(name)} IS NULL`).join(' OR ')
  const same = detail.nullsDiffer ? `${keys}, CASE WHEN ${areNull} THEN ${quote(STAGE_ORDER)} END` : keys
  return (
    `INSERT INTO ${table} AS sluice_target (${names}) OVERRIDING SYSTEM VALUE ` +
    `SELECT DISTINCT ON (${same}) ${names} FROM ${stageName(detail)} ORDER BY ${same}, ${quote(STAGE_ORDER)} DESC ` +
    `ON CONFLICT (${keys}) DO ${action}`
  )
}

/** The statements that create the table of a dataset, its key and its comments. */
export function createStatements(
  dataset: Dataset,
  table: TableName,
  names: readonly string[],
  types: readonly string[],
  key: readonly string[],
): string[] {
  const target = quoteTableName(table, postgresDialect)
  const { fields } = dataset.schema
  const lines = fields.map((field, at) => `${quote(names[at] ?? '')} ${types[at]}${field.nullable ? '' : ' NOT NULL'}`)
  if (key.length > 0) lines.push(`PRIMARY KEY (${key.map(quote).join(', ')})`)
  const comments = fields.flatMap(({ comment }, at) =>
    comment === undefined ? [] : [`COMMENT ON COLUMN ${target}.${quote(names[at] ?? '')} IS ${literal(comment).trim()}`],
  )
  const comment = dataset.comment === undefined ? [] : [`COMMENT ON TABLE ${target} IS ${literal(dataset.comment).trim()}`]
  return [`CREATE TABLE IF NOT EXISTS ${target} (\n  ${lines.join(',\n  ')}\n)`, ...comment, ...comments]
}
