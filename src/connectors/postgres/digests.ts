/** Checksums that PostgreSQL computes itself, for `sluice verify`. */
import { typeName } from '#columnar'
import { DIGEST_CHUNKS, type ChunkDigest } from '#connector'
import type { Connection } from './protocol/connection.ts'
import { selectStatement, type SelectedColumn, type Selection } from './selection.ts'

/** Two selections with the same form have equal texts for equal values only. */
export function digestForm({ columns }: Selection): string {
  return `postgres ${columns.map(({ type }) => (type.kind === 'int' ? 'int' : typeName(type))).join(', ')}`
}

/**
 * A row as text tells NULL from the empty string and one column from the next (https://www.postgresql.org/docs/current/rowtypes.html, 8.16.6),
 * and sessions of ours print every type in one form. The hash is that of hash partitioning.
 */
export async function digest(
  session: Connection,
  selection: Selection,
  key: readonly number[],
): Promise<ReadonlyMap<number, ChunkDigest>> {
  const names = selection.columns.map((_, at) => `c${at}`)
  const columns = selection.columns.map((column, at): SelectedColumn => ({
    ...column,
    expression: `(${withoutName(column.expression)})::text AS ${names[at]}`,
  }))
  const hash = (list: readonly (string | undefined)[]) => `hashtextextended(ROW(${list.join(', ')})::text COLLATE "C", 0)`
  const { rows } = await session.query(
    `SELECT chunk, count(*), sum(value)
       FROM (SELECT ${hash(key.map(at => names[at]))} & ${DIGEST_CHUNKS - 1} AS chunk, ${hash(names)} AS value
               FROM (${selectStatement(selection, columns, [], [])}) AS selected) AS hashed
      GROUP BY chunk`,
  )
  return new Map(rows.map(([chunk, count, sum]) => [Number(chunk), { rows: Number(count), sum: sum ?? '' }]))
}

/** Computed columns are given a name of their own. */
const withoutName = (expression: string) => expression.replace(/ AS "\?"$/, '')
