/** Where the rows of a dataset go: found in the catalogue by the coordinator, carried to the workers as plain data. */
import type { Field } from '#columnar'
import type { Dataset, Json, Note, Target } from '#connector'
import { mapColumns, parseTableName, postgresDialect, printTableName, type SqlWriterSettings, type TableName } from '#sql'
import {
  attributesOf,
  findRelation,
  resultTypes,
  uniqueKeysOf,
  type Attribute,
  type Relation,
  type UniqueKey,
} from './catalog.ts'
import { postgresErrors } from './errors.ts'
import { propertyNotes } from './options.ts'
import type { Connection } from './protocol/connection.ts'
import { encodingOf } from './copy-data.ts'
import { createStatements, writeStatements, type TargetDetail, type WrittenColumn } from './target-detail.ts'
import { boundsOf, columnTypeFor, dropsFields, limitsOf, wantedType, writesAs, type PgType } from './types.ts'

export interface PlanOptions {
  readonly settings: SqlWriterSettings
  readonly createTable: boolean
  /** The ledger as it is called in messages; undefined when there is none. */
  readonly ledger: string | undefined
}

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
  const attributes = await attributesOf(session, relation)
  await requireWritable(session, relation, settings)
  const pairs = pairUp(dataset, relation, attributes, settings)
  requireFilled(relation.label, attributes, pairs)
  const generated = pairs.filter(isGenerated).map(({ attribute }) => attribute.name)
  const [first] = generated
  if (first !== undefined && settings.columns !== undefined) refuseGenerated(relation.label, first)
  const names = pairs.map(({ attribute }) => attribute.name)
  return build(dataset, { schema: relation.schema, name: relation.name }, options, {
    schema: pairs.map(({ field, attribute: { name, type, notNull, native } }) => fieldFor(field, name, type, !notNull, native)),
    columns: pairs
      .filter(pair => !isGenerated(pair))
      .map(({ field, attribute, index }) => column(field, attribute.name, attribute.type, index)),
    create: [],
    key: settings.mode === 'insert' ? null : await keyOf(session, relation, names, settings),
    notes: notesAbout(relation, generated),
  })
}

/** A column of the source and where it goes. */
interface Pair {
  readonly field: Field
  readonly attribute: Attribute
  /** Place in the batch. */
  readonly index: number
}

const isGenerated = ({ attribute }: Pair) => attribute.generated !== ''

function pairUp(dataset: Dataset, { label }: Relation, attributes: readonly Attribute[], settings: SqlWriterSettings): Pair[] {
  const { fields } = dataset.schema
  const byName = new Map(attributes.map(attribute => [attribute.name, attribute]))
  const mapped = mapColumns({
    dataset: dataset.id,
    table: label,
    source: fields.map(({ name }) => name),
    columns: settings.columns,
    target: [...byName.keys()],
  })
  return mapped.map((name, index) => ({ field: fields[index]!, attribute: byName.get(name)!, index }))
}

/** Finds out before the first row what the server would say about it. */
async function requireWritable(session: Connection, { oid, kind, label }: Relation, { mode }: SqlWriterSettings): Promise<void> {
  if (kind !== 'r' && kind !== 'p') {
    const reason = 'it is a view or a foreign table'
    throw postgresErrors.targetNotWritable({ table: label, reason, hint: 'Write the table that is behind it.' })
  }
  const rights = mode === 'insert' ? ['INSERT'] : ['INSERT', 'UPDATE', 'SELECT']
  const tests = rights.map(
    right => `has_table_privilege(${oid}::oid, '${right}') OR has_any_column_privilege(${oid}::oid, '${right}')`,
  )
  const { rows } = await session.query(`SELECT ${tests.join(', ')}`)
  const missing = rights.filter((_, at) => rows[0]?.[at] !== 't')
  if (missing.length === 0) return
  const text = `user ${session.user} has no right to ${missing.join(' and ')} on ${label}`
  throw postgresErrors.noRights({ place: session.place, sqlState: '42501', text })
}

function notesAbout({ label, isUnlogged }: Relation, generated: readonly string[]): Note[] {
  const notes = generated.map(name => `"${name}" of ${label} is generated by the server; the value of the source is not written.`)
  if (isUnlogged) notes.push(`${label} is UNLOGGED: a crash of the server empties it, whatever has been committed.`)
  return notes.map(text => ({ level: 'warning', text }))
}

/** A column that must have a value and gets none would fail with the first row; one that drops parts of a value would not even fail. */
function requireFilled(table: string, attributes: readonly Attribute[], pairs: readonly Pair[]): void {
  const written = new Set(pairs.map(({ attribute }) => attribute.name))
  const empty = attributes.filter(
    one => one.notNull && !one.hasDefault && one.identity === '' && one.generated === '' && !written.has(one.name),
  )
  if (empty.length > 0) {
    const reason = `column ${empty.map(({ name }) => `"${name}"`).join(', ')} must have a value and the source has none`
    throw postgresErrors.targetNotWritable({
      table,
      reason,
      hint: 'Read such a column (or a constant), or give it a default in the table.',
    })
  }
  const cut = pairs.find(({ attribute }) => dropsFields(attribute.type))
  if (cut) {
    const reason = `column "${cut.attribute.name}" of type ${cut.attribute.native} drops parts of an interval`
    throw postgresErrors.targetNotWritable({ table, reason, hint: 'Give the column the type interval.' })
  }
}

function refuseGenerated(table: string, name: string): never {
  const hint = 'Leave the column out of reader and writer.'
  throw postgresErrors.targetNotWritable({ table, reason: `column "${name}" is generated by the server`, hint })
}

/** Columns for ON CONFLICT: those that the options name, which a unique index must have, or else the primary or only unique key. */
async function keyOf(
  session: Connection,
  relation: Relation,
  mapped: readonly string[],
  { key, mode }: SqlWriterSettings,
): Promise<UniqueKey> {
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
  return found
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
  const create = createStatements(
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
    key: settings.mode === 'insert' ? null : { columns: key as string[], nullsDiffer: false },
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
  readonly key: Pick<UniqueKey, 'columns' | 'nullsDiffer'> | null
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
    key: key?.columns ?? null,
    nullsDiffer: key?.nullsDiffer ?? false,
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
    notes: [...settings.notes, ...propertyNotes(settings.connection), ...notes, ...textNotes(detail), ...batchNotes(settings)],
    ...(takesEncoded(dataset, schema, detail) ? { takesEncoded: true } : {}),
    detail: detail as unknown as Json,
  }
}

/** Every column goes, as it is, into one of the same type in every respect. */
function takesEncoded(
  { schema: { fields }, encoding }: Dataset,
  wanted: readonly Field[],
  { columns, key }: TargetDetail,
): boolean {
  const wires = columns.flatMap(({ wire }) => wire ?? [])
  return (
    key === null &&
    encoding !== undefined &&
    wires.length === fields.length &&
    encodingOf(wires) === encoding &&
    fields.every(({ native }, at) => native?.system === 'postgres' && native.type === wanted[at]?.native?.type)
  )
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
