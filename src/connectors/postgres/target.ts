/** Where the rows of a dataset go: found in the catalogue by the coordinator, carried to the workers as plain data. */
import type { Field } from '#columnar'
import type { Dataset, Json, Note, Target } from '#connector'
import {
  mapColumns,
  parseTableName,
  postgresDialect,
  printTableName,
  quoteTableName,
  type SqlWriterSettings,
  type TableName,
} from '#sql'
import { attributesOf, findRelation, resultTypes, uniqueKeysOf, type Attribute, type Relation } from './catalog.ts'
import type { EncodedColumn } from './encode.ts'
import { postgresErrors } from './errors.ts'
import type { Connection } from './protocol/connection.ts'
import { boundsOf, columnTypeFor, dropsFields, limitsOf, wantedType, writesAs, type PgType, type Wire } from './types.ts'

const { quote } = postgresDialect

/** The writer's part of a target, as it travels in `detail`. */
export interface TargetDetail {
  readonly schema: string | null
  readonly table: string
  /** Those that are written, with their place in the batch. */
  readonly columns: readonly WrittenColumn[]
  /** Undefined: some column takes only text. */
  readonly isBinary: boolean
  /** Statements that create the table when it is missing. */
  readonly create: readonly string[]
  /** Columns that identify a row, when rows replace others. */
  readonly key: readonly string[] | null
  /** Replace with what the source has, NULLs included. */
  readonly nullsOverwrite: boolean
}

interface WrittenColumn {
  readonly name: string
  readonly index: number
  /** Null: only as text. */
  readonly wire: Wire | null
  readonly limits: EncodedColumn['limits']
}

export interface PlanOptions {
  readonly settings: SqlWriterSettings
  readonly createTable: boolean
  /** The ledger as it is called in messages; undefined when there is none. */
  readonly ledger: string | undefined
}

/** Carried as JSON; written by this file only. */
export const detailOf = (target: Target): TargetDetail => target.detail as unknown as TargetDetail

export async function planTarget(session: Connection, dataset: Dataset, options: PlanOptions): Promise<Target> {
  const { settings } = options
  const wanted = tableFor(dataset, settings)
  const relation = await findRelation(session, wanted)
  if (relation) return planExisting(session, dataset, relation, options)
  return planNew(session, dataset, wanted, options)
}

/** The table that the options name, or the one that is called like the dataset. */
function tableFor(dataset: Dataset, { tables, schema }: SqlWriterSettings): TableName {
  const own = { ...(schema === undefined ? {} : { schema }), name: ownName(dataset.id) }
  const [only] = tables
  if (only === undefined) return own
  if (tables.length === 1) return only
  const named = tables.find(({ name }) => name.toLowerCase() === own.name.toLowerCase())
  if (named) return named
  const table = printTableName(own, postgresDialect)
  throw postgresErrors.targetNotWritable({
    table,
    reason: `none of the tables of the writer is called like ${dataset.id}`,
    hint: 'Name one table, or one for each dataset of the reader under the same name.',
  })
}

/** The dataset's name without the schema; other systems quote differently. */
function ownName(id: string): string {
  const quoteCharacter = id.includes('`') ? '`' : '"'
  try {
    return parseTableName(id, { quoteCharacter }).name
  } catch {
    return id
  }
}

async function planExisting(session: Connection, dataset: Dataset, relation: Relation, options: PlanOptions): Promise<Target> {
  const { settings } = options
  const table = relation.label
  if (relation.kind !== 'r' && relation.kind !== 'p') {
    const reason = 'it is a view or a foreign table'
    throw postgresErrors.targetNotWritable({ table, reason, hint: 'Write the table that is behind it.' })
  }
  const attributes = await attributesOf(session, relation)
  const mapped = mapColumns({
    dataset: dataset.id,
    table,
    source: dataset.schema.fields.map(({ name }) => name),
    columns: settings.columns,
    target: attributes.map(({ name }) => name),
  })
  const pairs = mapped.map((name, index) => ({
    field: dataset.schema.fields[index]!,
    attribute: attributes.find(one => one.name === name)!,
    index,
  }))
  requireFilled(table, attributes, mapped)
  const cut = pairs.find(({ attribute }) => dropsFields(attribute.type))
  if (cut) {
    const reason = `column "${cut.attribute.name}" of type ${cut.attribute.native} drops parts of an interval`
    throw postgresErrors.targetNotWritable({ table, reason, hint: 'Give the column the type interval.' })
  }
  const isSkipped = ({ attribute }: { attribute: Attribute }) => attribute.generated !== ''
  const generated = pairs.filter(isSkipped)
  if (generated.length > 0 && settings.columns !== undefined) refuseGenerated(table, generated[0]!.attribute)
  const key = settings.mode === 'insert' ? null : await keyOf(session, relation, mapped, settings)
  const notes: Note[] = [
    ...generated.map(({ attribute }): Note => ({
      level: 'warning',
      text: `"${attribute.name}" of ${table} is generated by the server; the value of the source is not written.`,
    })),
    ...(relation.isUnlogged
      ? [
          {
            level: 'warning' as const,
            text: `${table} is UNLOGGED: a crash of the server empties it, whatever has been committed.`,
          },
        ]
      : []),
  ]
  const columns = pairs
    .filter(pair => !isSkipped(pair))
    .map(({ field, attribute, index }) => column(field, attribute.name, attribute.type, index))
  return build(dataset, { schema: relation.schema, name: relation.name }, options, {
    schema: pairs.map(({ field, attribute }): Field =>
      fieldFor(field, attribute.name, attribute.type, !attribute.notNull, attribute.native),
    ),
    columns,
    create: [],
    key,
    notes,
  })
}

/** A column that must have a value and gets none would fail with the first row. */
function requireFilled(table: string, attributes: readonly Attribute[], mapped: readonly string[]): void {
  const empty = attributes.filter(
    one => one.notNull && !one.hasDefault && one.identity === '' && one.generated === '' && !mapped.includes(one.name),
  )
  if (empty.length === 0) return
  const names = empty.map(({ name }) => `"${name}"`).join(', ')
  throw postgresErrors.targetNotWritable({
    table,
    reason: `column ${names} must have a value and the source has none`,
    hint: 'Read such a column (or a constant), or give it a default in the table.',
  })
}

function refuseGenerated(table: string, { name }: Attribute): never {
  throw postgresErrors.targetNotWritable({
    table,
    reason: `column "${name}" is generated by the server`,
    hint: 'Leave the column out of reader and writer.',
  })
}

/** Columns for ON CONFLICT: those that the options name, which a unique index must have, or else the primary or only unique key. */
async function keyOf(
  session: Connection,
  relation: Relation,
  mapped: readonly string[],
  { key, mode }: SqlWriterSettings,
): Promise<string[]> {
  const keys = await uniqueKeysOf(session, relation)
  const lower = key?.map(name => name.toLowerCase())
  const isNamed = (columns: readonly string[]) =>
    lower?.length === columns.length && columns.every(name => lower.includes(name.toLowerCase()))
  const found =
    key === undefined
      ? keys.find(({ columns }) => columns.every(name => mapped.includes(name)))
      : keys.find(({ columns }) => isNamed(columns))
  const fail = (reason: string) => postgresErrors.keyMissing({ table: relation.label, mode, reason })
  if (found === undefined && key !== undefined) throw fail(`no unique index has exactly the columns ${key.join(', ')}`)
  if (found === undefined)
    throw fail(
      keys.length === 0 ? 'it has no primary key and no unique index' : 'no key has all its columns among those that are written',
    )
  const unwritten = found.columns.filter(name => !mapped.includes(name))
  if (unwritten.length > 0) throw fail(`its key column ${unwritten.join(', ')} is not written`)
  return [...found.columns]
}

async function planNew(session: Connection, dataset: Dataset, wanted: TableName, options: PlanOptions): Promise<Target> {
  const { settings, createTable } = options
  const { fields } = dataset.schema
  const label = printTableName(wanted, postgresDialect)
  const names = mapColumns({
    dataset: dataset.id,
    table: label,
    source: fields.map(({ name }) => name),
    columns: settings.columns,
    target: undefined,
  })
  const types = await columnTypes(session, fields)
  const key = dataset.primaryKey.map(name => names[fields.findIndex(field => field.name === name)])
  const hasKey = key.length > 0 && !key.includes(undefined)
  const create = creation(
    dataset,
    wanted,
    names,
    types.map(({ sql }) => sql),
    hasKey ? (key as string[]) : [],
  )
  if (!createTable) throw postgresErrors.targetMissing({ table: label, ddl: create.join(';\n') })
  if (settings.mode !== 'insert' && !hasKey)
    throw postgresErrors.keyMissing({
      table: label,
      mode: settings.mode,
      reason: 'the source has no primary key to create it with',
    })
  const columns = fields.map((field, index) => column(field, names[index] ?? '', types[index]!.type, index))
  return build(dataset, wanted, options, {
    schema: fields.map((field, index) =>
      fieldFor(field, names[index] ?? '', types[index]!.type, field.nullable, types[index]!.sql),
    ),
    columns,
    create,
    key: settings.mode === 'insert' ? null : (key as string[]),
    notes: [{ level: 'info', text: `${label} does not exist and is created.` }],
  })
}

/** The types that the columns of a new table get; the server tells what they are in binary. The native type of a PostgreSQL source is kept where the target knows it. */
async function columnTypes(session: Connection, fields: readonly Field[]): Promise<{ sql: string; type: PgType }[]> {
  const natives = fields.map(({ native }) => (native?.system === 'postgres' ? native.type : null))
  const known = await session.execute(
    `SELECT CASE WHEN t IS NULL THEN NULL ELSE to_regtype(t)::oid::text END FROM json_array_elements_text($1::json) WITH ORDINALITY AS n(t, at) ORDER BY at`,
    [JSON.stringify(natives)],
  )
  const sql = fields.map((field, at) =>
    known.rows[at]?.[0] ? (natives[at] ?? '') : columnTypeFor(field.type, field.length, field.fraction),
  )
  const columns = await session.describe(`SELECT ${sql.map((type, at) => `NULL::${type} AS c${at}`).join(', ')}`)
  const types = await resultTypes(session, columns)
  return sql.map((text, at) => ({ sql: text, type: types[at]! }))
}

function creation(
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
    comment === undefined
      ? []
      : [`COMMENT ON COLUMN ${target}.${quote(names[at] ?? '')} IS ${postgresDialect.literal(comment).trim()}`],
  )
  const comment =
    dataset.comment === undefined ? [] : [`COMMENT ON TABLE ${target} IS ${postgresDialect.literal(dataset.comment).trim()}`]
  return [`CREATE TABLE IF NOT EXISTS ${target} (\n  ${lines.join(',\n  ')}\n)`, ...comment, ...comments]
}

function column(field: Field, name: string, type: PgType, index: number): WrittenColumn {
  const { fraction, ...limits } = limitsOf(type)
  const isNarrower = fraction !== undefined && fraction < (field.fraction ?? 6)
  return { name, index, wire: writesAs(type) ?? null, limits: isNarrower ? { ...limits, fraction } : limits }
}

function fieldFor(field: Field, name: string, type: PgType, nullable: boolean, native: string): Field {
  const bounds = boundsOf(type)
  return { name, type: wantedType(field.type, type), nullable, native: { system: 'postgres', type: native }, ...bounds }
}

interface Parts {
  readonly schema: readonly Field[]
  readonly columns: readonly WrittenColumn[]
  readonly create: readonly string[]
  readonly key: readonly string[] | null
  readonly notes: readonly Note[]
}

function build(dataset: Dataset, table: TableName, options: PlanOptions, { schema, columns, create, key, notes }: Parts): Target {
  const { settings, ledger } = options
  const detail: TargetDetail = {
    schema: table.schema ?? null,
    table: table.name,
    columns,
    isBinary: columns.every(({ wire }) => wire !== null),
    create,
    key,
    nullsOverwrite: settings.nullsOverwrite || settings.mode === 'replace',
  }
  return {
    dataset: dataset.id,
    name: printTableName(table, postgresDialect),
    schema: { fields: schema },
    statements: [...create, ...settings.preSql, ...writeStatements(detail), ...settings.postSql],
    guarantee:
      ledger === undefined
        ? {
            delivery: 'at-least-once',
            why: '`ledger: none`: rows after the last stored position are written again after a crash',
          }
        : { delivery: 'exactly-once', why: `rows and positions are committed together, the positions in ${ledger}` },
    notes: [...settings.notes, ...notes, ...textNotes(detail), ...batchNotes(settings)],
    detail: detail as unknown as Json,
  }
}

function textNotes({ isBinary, columns }: TargetDetail): Note[] {
  if (isBinary) return []
  const names = columns
    .filter(({ wire }) => wire === null)
    .map(({ name }) => name)
    .join(', ')
  return [{ level: 'info', text: `Written by COPY in text form, which is slower, because of ${names}.` }]
}

const batchNotes = ({ batchSize }: SqlWriterSettings): Note[] =>
  batchSize === undefined ? [] : [{ level: 'info', text: '`batchSize` has no effect: COPY streams rows without statements.' }]

export const STAGE_ORDER = 'sluice_order'

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
  return (
    `INSERT INTO ${table} AS sluice_target (${names}) OVERRIDING SYSTEM VALUE ` +
    `SELECT DISTINCT ON (${keys}) ${names} FROM ${stageName(detail)} ORDER BY ${keys}, ${quote(STAGE_ORDER)} DESC ` +
    `ON CONFLICT (${keys}) DO ${action}`
  )
}

/** What an encoder of this target needs. */
export function encodedColumns(target: Target): EncodedColumn[] {
  const { columns } = detailOf(target)
  return columns.map(({ index, wire, limits }) => ({
    type: target.schema.fields[index]!.type,
    wire: wire ?? { kind: 'text' },
    limits,
  }))
}
