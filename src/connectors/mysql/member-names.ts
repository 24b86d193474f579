/** The members of ENUM and SET columns as texts that a target keeps: what its catalog says of them is not always enough. */
import { SluiceError } from '#errors'
import { mysqlDialect, quoteTableName } from '#sql'
import { type TableFacts, tableSql } from './discovery.ts'
import type { Connection } from './protocol/connection.ts'
import type { NativeColumn } from './types.ts'

const { literal, quote } = mysqlDialect

/** The columns of a table, ENUM and SET with the members that a text can reach. */
export async function withReachableMembers(connection: Connection, table: TableFacts): Promise<NativeColumn[]> {
  const columns: NativeColumn[] = []
  for (const column of table.columns) {
    if (column.members === undefined) columns.push(column)
    else columns.push({ ...column, members: await reachable(connection, column, await stored(connection, table, column)) })
  }
  return columns
}

/**
 * The catalog has a question mark for a character of four bytes. Then the names are read from a temporary table with a row for each
 * position. An account that may not create one does without: texts with such a character are refused.
 */
async function stored(connection: Connection, table: TableFacts, { name, dataType, members = [] }: NativeColumn) {
  if (!members.some(member => member.includes('?'))) return members
  const temporary = quoteTableName({ schema: table.schema, name: 'sluice_members' }, mysqlDialect)
  try {
    await connection.query(`CREATE TEMPORARY TABLE ${temporary} SELECT ${quote(name)} AS name FROM ${tableSql(table)} LIMIT 0`)
  } catch (error) {
    if (SluiceError.is(error) && error.fault === 'usage') return members
    throw error
  }
  const positions = members.map((_, at) => `(${dataType === 'set' ? 1n << BigInt(at) : at + 1})`)
  await connection.query(`INSERT INTO ${temporary} VALUES ${positions.join(', ')}`)
  const rows = await connection.objects<'name'>(`SELECT name FROM ${temporary} ORDER BY name + 0`)
  await connection.query(`DROP TEMPORARY TABLE ${temporary}`)
  return rows.map(row => row.name ?? '')
}

/**
 * A table that was made without strict mode may have members that are the same to its collation. Then the server takes both texts for the
 * first of them.
 */
async function reachable(
  connection: Connection,
  { charset, collation }: NativeColumn,
  members: readonly string[],
): Promise<readonly string[]> {
  if (members.length < 2 || charset === undefined || collation === undefined) return members
  const names = members.map(
    (name, at) => `SELECT ${at} AS at, CONVERT(${literal(name)} USING ${charset}) COLLATE ${collation} AS name`,
  )
  const first = await connection.objects<'at'>(
    `SELECT MIN(at) AS at FROM (${names.join(' UNION ALL ')}) AS members GROUP BY name`,
  )
  const reached = new Set(first.map(({ at }) => Number(at)))
  return members.filter((_, at) => reached.has(at))
}
