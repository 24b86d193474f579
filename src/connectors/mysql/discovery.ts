/**
 * What a server knows about its tables.
 *
 * https://dev.mysql.com/doc/refman/8.4/en/information-schema.html. Columns that versions lack (`DATETIME_PRECISION` in 5.5,
 * `GENERATION_EXPRESSION` before 5.7) are simply absent from `SELECT *`.
 */
import { mysqlDialect, quoteTableName, type TableName } from '#sql'
import type { Connection } from './protocol/connection.ts'
import type { Session } from './options.ts'
import { membersOf, type NativeColumn } from './types.ts'

export interface TableFacts {
  readonly schema: string
  readonly name: string
  readonly columns: readonly NativeColumn[]
  /** Empty when there is none. */
  readonly primaryKey: readonly string[]
  /** Unique indexes over whole columns, the primary key first. */
  readonly uniqueKeys: readonly UniqueKey[]
  readonly engine: string | undefined
  readonly isView: boolean
  readonly comment: string
}

export interface UniqueKey {
  readonly name: string
  readonly columns: readonly string[]
  /** Whether a NULL can stand in it, so that several rows may share a value. */
  readonly isNullable: boolean
}

const { literal } = mysqlDialect
type Row = Record<string, string | null>

/** Undefined when there is no such table, or none that the account may see. */
export async function describeTable({ connection, facts }: Session, table: TableName): Promise<TableFacts | undefined> {
  const schema = table.schema ?? facts.database
  if (schema === undefined) return undefined
  const filter = `TABLE_SCHEMA = ${literal(schema)} AND TABLE_NAME = ${literal(table.name)}`
  const tables = await connection.objects<string>(`SELECT * FROM information_schema.TABLES WHERE ${filter}`)
  // Names compare without case here, whatever the file system does.
  const found = tables.find(row => row['table_name'] === table.name) ?? tables[0]
  if (found === undefined) return undefined
  const name = found['table_name'] ?? table.name
  const isSame = (row: Row) => row['table_name'] === name
  const columns = await connection.objects<string>(
    `SELECT * FROM information_schema.COLUMNS WHERE ${filter} ORDER BY ORDINAL_POSITION`,
  )
  const indexes = await connection.objects<string>(
    `SELECT * FROM information_schema.STATISTICS WHERE ${filter} ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  )
  const jsonColumns = facts.isMariaDb ? await checkedAsJson(connection, schema, name) : new Set<string>()
  const uniqueKeys = uniqueKeysOf(indexes.filter(isSame))
  return {
    schema: found['table_schema'] ?? schema,
    name,
    columns: columns.filter(isSame).map(row => nativeColumn(row, jsonColumns)),
    primaryKey: uniqueKeys.find(key => key.name === 'PRIMARY')?.columns ?? [],
    uniqueKeys,
    engine: found['engine'] ?? undefined,
    isView: found['table_type'] === 'VIEW' || found['table_type'] === 'SYSTEM VIEW',
    comment: found['table_type'] === 'VIEW' ? '' : (found['table_comment'] ?? ''),
  }
}

function nativeColumn(row: Row, jsonColumns: ReadonlySet<string>): NativeColumn {
  const columnType = row['column_type'] ?? ''
  const dataType = (row['data_type'] ?? '').toLowerCase()
  const name = row['column_name'] ?? ''
  const extra = (row['extra'] ?? '').toUpperCase()
  const length = row['character_maximum_length']
  return {
    name,
    dataType,
    columnType,
    ...membersOf({ dataType, columnType }),
    isNullable: row['is_nullable'] === 'YES',
    precision: Number(row['numeric_precision'] ?? 0),
    scale: Number(row['numeric_scale'] ?? 0),
    length: length === null || length === undefined ? undefined : Number(length),
    fraction: Number(row['datetime_precision'] ?? 0),
    charset: row['character_set_name'] ?? undefined,
    collation: row['collation_name'] ?? undefined,
    comment: row['column_comment'] ?? '',
    // MariaDB before 10.2 says VIRTUAL or PERSISTENT; DEFAULT_GENERATED is an ordinary column whose default is an expression.
    isGenerated:
      /\b(VIRTUAL|STORED|PERSISTENT)\b/.test(extra) ||
      ((row['generation_expression'] ?? '') !== '' && !extra.includes('DEFAULT_GENERATED')),
    isInvisible: extra.includes('INVISIBLE'),
    hasDefault: row['column_default'] !== null && row['column_default'] !== undefined,
    isAutoIncrement: extra.includes('AUTO_INCREMENT'),
    isJson: jsonColumns.has(name),
  }
}

function uniqueKeysOf(rows: readonly Row[]): UniqueKey[] {
  const byName = Map.groupBy(rows, row => row['index_name'] ?? '')
  const keys = [...byName].flatMap(([name, parts]): UniqueKey[] => {
    const isWhole = parts.every(part => part['non_unique'] === '0' && part['sub_part'] === null && part['column_name'] !== null)
    if (!isWhole) return []
    return [
      { name, columns: parts.map(part => part['column_name'] ?? ''), isNullable: parts.some(part => part['nullable'] === 'YES') },
    ]
  })
  return keys.sort((a, b) => Number(b.name === 'PRIMARY') - Number(a.name === 'PRIMARY'))
}

/** MariaDB's JSON columns; versions before 10.2.22 have neither the table nor the type. */
async function checkedAsJson(connection: Connection, schema: string, table: string): Promise<Set<string>> {
  const [has] = await connection.objects<'n'>(
    "SELECT COUNT(*) AS n FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'CHECK_CONSTRAINTS' AND COLUMN_NAME = 'TABLE_NAME'",
  )
  if (has?.n !== '1') return new Set()
  const checks = await connection.objects<'check_clause'>(
    `SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ${literal(schema)} AND TABLE_NAME = ${literal(table)}`,
  )
  return new Set(
    checks.flatMap(
      ({ check_clause: clause }) => /^json_valid\(`((?:[^`]|``)+)`\)$/i.exec(clause ?? '')?.[1]?.replaceAll('``', '`') ?? [],
    ),
  )
}

/** What the optimizer believes about the rows of a query; its dives into the index make it good for ranges of keys. */
export async function estimatedRows(connection: Connection, from: string, where = ''): Promise<number> {
  const { isMariaDb, version } = connection.greeting
  // MySQL 9 draws a tree unless asked for the table; 5.5 cannot be asked.
  const format = isMariaDb || version.startsWith('5.5.') ? '' : 'FORMAT=TRADITIONAL '
  const [plan] = await connection.objects<'rows'>(`EXPLAIN ${format}SELECT * FROM ${from}${where}`)
  return Number(plan?.rows ?? 0)
}

/** The columns that identify a row: the primary key, else the first unique index without NULLs. */
export const identityOf = ({ uniqueKeys }: TableFacts): readonly string[] =>
  uniqueKeys.find(key => !key.isNullable)?.columns ?? []

export const tableSql = ({ schema, name }: Pick<TableFacts, 'schema' | 'name'>) => quoteTableName({ schema, name }, mysqlDialect)
