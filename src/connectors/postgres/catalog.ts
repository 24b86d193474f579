/** What the catalogue of a database says about tables, columns, keys and types. */
import { printTableName, postgresDialect, type TableName } from '#sql'
import { postgresErrors } from './errors.ts'
import type { Connection } from './protocol/connection.ts'
import type { ResultColumn } from './protocol/messages.ts'
import type { PgType } from './types.ts'

/** A table or something that can be read like one. */
export interface Relation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** `public.orders`: id of the dataset and name in messages. */
  readonly label: string
  /** `r` table, `p` partitioned table, `v` view, `m` materialised view, `f` foreign table. */
  readonly kind: string
  /** -1 when it was never analysed. */
  readonly estimatedRows: number
  readonly blocks: number
  readonly comment: string | undefined
  readonly isUnlogged: boolean
  /** Row-level security hides rows from this user. */
  readonly isFiltered: boolean
}

/** A column of a relation as it stands in the catalogue. */
export interface Attribute {
  readonly name: string
  readonly number: number
  readonly type: PgType
  /** `character varying(20)` */
  readonly native: string
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** `a` GENERATED ALWAYS AS IDENTITY, `d` BY DEFAULT, empty: none. */
  readonly identity: string
  /** `s` stored, `v` virtual, empty: not generated. */
  readonly generated: string
  readonly comment: string | undefined
}

/** Columns that identify a row, with an index that compares like the columns do. */
export interface UniqueKey {
  readonly columns: readonly string[]
  readonly isPrimary: boolean
  /** It lets in any number of rows with NULL in one of its columns. */
  readonly nullsDiffer: boolean
  /** All columns are NOT NULL and sorted as an ORDER BY sorts. */
  readonly isOrdered: boolean
}

const READABLE = ['r', 'p', 'v', 'm', 'f']

/** The relation of that name: exactly so, or else the only one that differs in case. */
export async function findRelation(session: Connection, table: TableName): Promise<Relation | undefined> {
  const { rows } = await session.execute(
    `SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples, obj_description(c.oid, 'pg_class'),
            CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END,
            c.relpersistence = 'u', row_security_active(c.oid),
            (c.relname = $1)::int + CASE WHEN n.nspname = coalesce($2, n.nspname) THEN 1 ELSE 0 END AS exactness
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE lower(c.relname) = lower($1) AND c.relkind = ANY ($3)
        AND CASE WHEN $2::text IS NULL THEN n.nspname = ANY (current_schemas(true)) ELSE lower(n.nspname) = lower($2) END
      ORDER BY exactness DESC, array_position(current_schemas(true), n.nspname), n.nspname, c.relname`,
    [table.name, table.schema ?? null, `{${READABLE.join(',')}}`],
  )
  const [best, second] = rows
  const isAmbiguous = second !== undefined && best?.at(-1) !== '2' && second.at(-1) === best?.at(-1)
  if (best === undefined || isAmbiguous) return undefined
  const [oid, schema, name, kind, estimate, comment, blocks, isUnlogged, isFiltered] = best.map(value => value ?? '')
  return {
    oid: Number(oid),
    schema: schema ?? '',
    name: name ?? '',
    label: printTableName({ schema: schema ?? '', name: name ?? '' }, postgresDialect),
    kind: kind ?? '',
    estimatedRows: Number(estimate),
    blocks: Number(blocks),
    comment: comment === '' ? undefined : comment,
    isUnlogged: isUnlogged === 't',
    isFiltered: isFiltered === 't',
  }
}

/** Like {@link findRelation}; throws when there is none. */
export async function getRelation(session: Connection, table: TableName): Promise<Relation> {
  const relation = await findRelation(session, table)
  if (relation) return relation
  const name = printTableName(table, postgresDialect)
  throw postgresErrors.tableMissing({ place: session.place, sqlState: '42P01', text: `there is no table or view ${name}` })
}

/** The columns of a relation, dropped ones apart, in order. */
export async function attributesOf(session: Connection, relation: Relation): Promise<Attribute[]> {
  const generated = session.serverVersion >= 120_000 ? 'a.attgenerated' : "''"
  const { rows } = await session.execute(
    `SELECT a.attname, a.attnum, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef,
            a.attidentity, ${generated}, col_description(a.attrelid, a.attnum)
       FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [String(relation.oid)],
  )
  const types = await resolveTypes(
    session,
    rows.map(row => ({ oid: Number(row[2]), modifier: Number(row[3]) })),
  )
  return rows.map((row, at) => ({
    name: row[0] ?? '',
    number: Number(row[1]),
    type: types[at] ?? { oid: 0, modifier: -1, kind: '', name: '', isBuiltIn: false, server: session.serverVersion },
    native: row[4] ?? '',
    notNull: row[5] === 't',
    hasDefault: row[6] === 't',
    identity: row[7] ?? '',
    generated: row[8] ?? '',
    comment: row[9] ?? undefined,
  }))
}

/** Unique keys whose index is valid, complete and over plain columns; the primary key first, then by name. */
export async function uniqueKeysOf(session: Connection, relation: Relation): Promise<UniqueKey[]> {
  // An index compares like an ORDER BY when it has the column's collation, the default operators, and no DESC or NULLS FIRST.
  const { rows } = await session.execute(
    `SELECT i.indisprimary, json_agg(a.attname ORDER BY k.at),
            bool_and(a.attnotnull AND (i.indoption::int[])[k.at - 1] = 0 AND (i.indcollation::oid[])[k.at - 1] = a.attcollation AND o.opcdefault),
            bool_or(NOT a.attnotnull AND NOT coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false))
       FROM pg_index i
       JOIN pg_class c ON c.oid = i.indexrelid
      CROSS JOIN LATERAL unnest((i.indkey::int[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(number, at)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       JOIN pg_opclass o ON o.oid = (i.indclass::oid[])[k.at - 1]
      WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indimmediate
      GROUP BY i.indexrelid, i.indisprimary, c.relname
      ORDER BY i.indisprimary DESC, count(*), c.relname`,
    [String(relation.oid)],
  )
  return rows.map(([isPrimary, columns, isOrdered, nullsDiffer]) => ({
    columns: JSON.parse(columns ?? '[]') as string[],
    isPrimary: isPrimary === 't',
    isOrdered: isOrdered === 't',
    nullsDiffer: nullsDiffer === 't',
  }))
}

interface TypeReference {
  readonly oid: number
  readonly modifier: number
}

/** Types with their domains resolved to what they stand for, and the items of arrays. */
async function resolveTypes(session: Connection, references: readonly TypeReference[]): Promise<PgType[]> {
  const { rows } = await session.execute(
    `WITH RECURSIVE wanted(oid) AS (
       SELECT unnest($1::oid[])
       UNION
       SELECT part FROM wanted JOIN pg_type t ON t.oid = wanted.oid
        CROSS JOIN LATERAL unnest(ARRAY[t.typbasetype, t.typelem]) AS part WHERE part <> 0
     )
     SELECT t.oid, t.typname, t.typtype, t.typbasetype, t.typtypmod, item.oid, n.nspname = 'pg_catalog'
       FROM wanted JOIN pg_type t ON t.oid = wanted.oid JOIN pg_namespace n ON n.oid = t.typnamespace
       LEFT JOIN pg_type item ON item.oid = t.typelem AND item.typarray = t.oid`,
    [`{${references.map(({ oid }) => oid).join(',')}}`],
  )
  const found = new Map(rows.map(row => [Number(row[0]), row]))
  const resolve = ({ oid, modifier }: TypeReference): PgType => {
    const [, name, kind, base, baseModifier, item, isBuiltIn] = found.get(oid) ?? []
    if (kind === 'd') return resolve({ oid: Number(base), modifier: Number(baseModifier) })
    return {
      oid,
      modifier,
      kind: kind ?? '',
      name: name ?? '',
      isBuiltIn: isBuiltIn === 't',
      server: session.serverVersion,
      ...(item === undefined || item === null ? {} : { item: resolve({ oid: Number(item), modifier }) }),
    }
  }
  return references.map(resolve)
}

/** Types of the columns of a query. */
export const resultTypes = (session: Connection, columns: readonly ResultColumn[]): Promise<PgType[]> =>
  resolveTypes(
    session,
    columns.map(({ type, modifier }) => ({ oid: type, modifier })),
  )
