/** Checksums that MySQL and MariaDB compute themselves, for `sluice verify`. */
import { typeName, type Field } from '#columnar'
import { DIGEST_CHUNKS, type ChunkDigest } from '#connector'
import { whereClause } from '#sql'
import type { Connection } from './protocol/connection.ts'
import type { Relation } from './relation.ts'

const HEX_DIGITS_OF_CHUNK = Math.log2(DIGEST_CHUNKS) / 4
/** 60 bits: their sum over any number of rows is an exact DECIMAL. */
const HEX_DIGITS_OF_VALUE = 15

/** Two relations with the same form have equal texts for equal values only; undefined where a column has no certain form. */
export function digestForm({ fields }: Relation): string | undefined {
  const forms = fields.map(({ field }) => formOf(field))
  return forms.includes(undefined) || fields.some(field => 'constant' in field) ? undefined : `mysql ${forms.join(', ')}`
}

/** Texts are hashed as they are stored, so the character set belongs to the form. */
function formOf({ type, native }: Field): string | undefined {
  if (type.kind !== 'utf8') return type.kind === 'int' ? 'int' : typeName(type)
  const charset = /collate (\w+?)(?:_|$)/.exec(native?.type ?? '')?.[1]
  return charset === undefined ? undefined : `${typeName(type)} in ${charset}`
}

/** MySQL 9.6 has no MD5 any more. */
const hashOf = (expression: string) => `SHA2(${expression}, 256)`

/** Undefined when the server has no such hash: then it answers with NULL. */
export async function digest(
  connection: Connection,
  relation: Relation,
  key: readonly number[],
): Promise<ReadonlyMap<number, ChunkDigest> | undefined> {
  const { fields, expressions, from, conditions } = relation
  const columns = fields.map(one => ('constant' in one ? 'NULL' : textOf(one.field, expressions[one.from] ?? '')))
  const hash = (list: readonly (string | undefined)[], digits: number) =>
    `CAST(CONV(LEFT(${hashOf(`CONCAT_WS('|', ${list.join(', ')})`)}, ${digits}), 16, 10) AS UNSIGNED)`
  const chunk = hash(
    key.map(at => columns[at]),
    HEX_DIGITS_OF_CHUNK,
  )
  const found = await connection.objects<'chunk' | 'number' | 'total'>(
    `SELECT chunk, COUNT(*) AS number, SUM(value) AS total
       FROM (SELECT ${chunk} AS chunk, ${hash(columns, HEX_DIGITS_OF_VALUE)} AS value FROM ${from}${whereClause(conditions)}) AS hashed
      GROUP BY chunk`,
  )
  if (found.some(({ chunk: at, total }) => at === null || total === null)) return undefined
  return new Map(found.map(({ chunk: at, number, total }) => [Number(at), { rows: Number(number), sum: total ?? '' }]))
}

/** Short texts without a bar: what is long is hashed first, as CONCAT gives NULL for more than max_allowed_packet. `-` alone is no value. */
function textOf({ type }: Field, expression: string): string {
  switch (type.kind) {
    case 'utf8':
    case 'json':
    case 'binary':
      return `IFNULL(${hashOf(expression)}, '-')`
    // A FLOAT is printed with six digits, a sum of it and a DOUBLE with all that it has.
    case 'float':
      return `IFNULL(${expression} + 0e0, '-')`
    // BIT is printed as bytes, a sum as a number.
    case 'bool':
    case 'int':
      return `IFNULL(${expression} + 0, '-')`
    default:
      return `IFNULL(${expression}, '-')`
  }
}
