/** How one dataset is read: its columns as SQL and as fields, its key, and what the plan has to say about it. */
import { Column, type Field, type Type, utf8, writeValue } from '#columnar'
import type { Dataset, Note, ReadPlan } from '#connector'
import {
  type ColumnList,
  type ColumnSpec,
  findName,
  type KeyValues,
  mysqlDialect,
  orderByClause,
  printTableName,
  rangePredicate,
  remainderPredicate,
  type SqlReaderSettings,
  sqlErrors,
  type TableName,
  whereClause,
} from '#sql'
import { describeTable, estimatedRows, identityOf, type TableFacts, tableSql } from './discovery.ts'
import { mysqlErrors } from './errors.ts'
import { isKeyable, type KeyColumn, keyColumn, keyLiterals, readingKey } from './key.ts'
import type { Session, TlsOptions } from './options.ts'
import { FLAG } from './protocol/field-types.ts'
import type { BatchField } from './read-query.ts'
import { definedType, GEOMETRIES, logicalType, type NativeColumn } from './types.ts'

export interface ReadSettings extends SqlReaderSettings {
  readonly tls: TlsOptions
  readonly zeroDates: 'refuse' | 'null' | 'text'
  readonly splitRows: number
}

export interface Relation {
  readonly dataset: Dataset
  /** Quoted table, or a derived table. */
  readonly from: string
  /** What is selected: the columns of the batch that are no constants, then those of the key that are not among them. */
  readonly selected: readonly Field[]
  readonly expressions: readonly string[]
  readonly fields: readonly BatchField[]
  /** The columns that rows are read in the order of; empty when there is no usable key. */
  readonly key: readonly KeyColumn[]
  /** Where the key's columns are in `selected`. */
  readonly keyAt: readonly number[]
  /** The columns that splits are made by; empty when it cannot be divided. */
  readonly splitBy: readonly KeyColumn[]
  /** Whether the split column can be NULL. */
  readonly hasNullSplits: boolean
  readonly conditions: readonly (string | undefined)[]
  readonly orderBy: readonly string[]
  readonly resume: ReadPlan['resume']
  readonly notes: readonly Note[]
}

/** What a range of rows is, as a split stores it. */
export interface Part {
  readonly lower: KeyValues | null
  readonly upper: KeyValues | null
  readonly remainder: readonly [at: number, of: number] | null
}

const { quote, literal } = mysqlDialect

export function selectSql(relation: Relation, part: Part, position: KeyValues | undefined): string {
  const { expressions, from, conditions, orderBy, key } = relation
  const after = position && rangePredicate(mysqlDialect, namesOf(key), { lower: position }, keyLiterals(key))
  const where = whereClause([partPredicate(relation, part), after, ...conditions])
  return `SELECT ${expressions.join(', ')} FROM ${from}${where}${orderByClause(orderBy)}`
}

/** A range may name only the first columns of the key. The first range takes the NULLs. */
function partPredicate({ splitBy, hasNullSplits }: Relation, { lower, upper, remainder }: Part): string | undefined {
  const [first] = splitBy
  if (remainder && first) return remainderPredicate(quote(first.name), ...remainder)
  const columns = splitBy.slice(0, (lower ?? upper)?.length)
  const predicate = rangePredicate(
    mysqlDialect,
    namesOf(columns),
    { lower: lower ?? undefined, upper: upper ?? undefined },
    keyLiterals(columns),
  )
  return lower === null && predicate !== undefined && hasNullSplits && first
    ? `${predicate} OR ${quote(first.name)} IS NULL`
    : predicate
}

const namesOf = (columns: readonly KeyColumn[]) => columns.map(({ name }) => quote(name))

export const datasetId = (table: TableName) => printTableName(table, mysqlDialect)

export async function relationOfTable(
  session: Session,
  settings: ReadSettings,
  table: TableName,
  resumeColumn: string | undefined,
): Promise<Relation> {
  const id = datasetId(table)
  const facts = await describeTable(session, table)
  if (facts === undefined || facts.columns.length === 0) {
    throw mysqlErrors.tableMissing({
      table: id,
      place: session.connection.place,
      database: table.schema ?? session.facts.database ?? '',
    })
  }
  const from = tableSql(facts)
  const columns = await tableColumns(session, facts, settings)
  const specs = settings.columns ?? facts.columns.flatMap(column => (isVisible(column) ? [named(column.name)] : []))
  const picked = pick(id, specs, columns)
  const hasDatesAsNull = (key: readonly KeyColumn[]) => settings.zeroDates === 'null' && key.some(({ type }) => isDate(type))
  const natural = readingKey(facts)
  const key = natural === undefined || hasDatesAsNull(natural) ? [] : natural
  const withKey = addKey(picked, key, columns)
  const identity = identityOf(facts)
  const conditions = [settings.where, afterPredicate(id, settings, facts)]
  const splitBy = settings.splitColumn === undefined ? key : [splitColumn(id, facts, settings.splitColumn)]
  return {
    ...withKey,
    dataset: {
      id,
      schema: { fields: picked.fields.map(({ field }) => field) },
      primaryKey: identity,
      ...(facts.comment === '' ? {} : { comment: facts.comment }),
      estimatedRows: await estimatedRows(session.connection, from, whereClause(conditions)),
    },
    from,
    key,
    splitBy,
    hasNullSplits:
      settings.splitColumn !== undefined && (facts.columns.find(({ name }) => name === splitBy[0]?.name)?.isNullable ?? false),
    conditions,
    orderBy: key.length > 0 ? namesOf(key) : orderColumn(id, settings, columns),
    resume: resumeOf(id, identity, key),
    notes: [...settingNotes(settings, key), ...resumeNotes(key, resumeColumn), ...typeNotes(picked, facts)],
  }
}

export async function relationOfQuery(session: Session, settings: ReadSettings, query: string): Promise<Relation> {
  // A line break ends a comment at the end of the query, which would swallow the parenthesis.
  const from = `(${query}\n) sluice_query`
  const statement = await session.connection.prepare(`SELECT * FROM ${from}`)
  await session.connection.close(statement)
  const columns = statement.definitions.map((definition): ReadColumn => {
    const type = definedType(definition)
    const nullable = (definition.flags & FLAG.NOT_NULL) === 0
    return readColumn(
      { name: definition.name, type, nullable, ...(isTimed(type) ? { fraction: Math.min(6, definition.decimals) } : {}) },
      settings,
    )
  })
  const id = 'query'
  const picked = pick(id, settings.columns ?? columns.map(({ field }) => named(field.name)), columns)
  const splitBy = settings.splitColumn === undefined ? [] : [querySplitColumn(id, columns, settings.splitColumn)]
  return {
    ...picked,
    keyAt: [],
    dataset: { id, schema: { fields: picked.fields.map(({ field }) => field) }, primaryKey: [] },
    from,
    key: [],
    splitBy,
    hasNullSplits: splitBy.length > 0,
    conditions: [settings.where, afterQueryPredicate(id, settings, columns)],
    orderBy: orderColumn(id, settings, columns),
    resume: {
      by: 'split',
      why: `a query has no key to go on by: an interrupted split is read again, and each split is committed as a whole`,
    },
    notes: settingNotes(settings, []),
  }
}

/** A column that can be selected. */
interface ReadColumn {
  readonly field: Field
  readonly expression: string
}

type Picked = Pick<Relation, 'selected' | 'expressions' | 'fields'>

const named = (name: string): ColumnSpec => ({ kind: 'column', name })
const isVisible = (column: NativeColumn) => !column.isInvisible
const isDate = (type: Type) => type.kind === 'date' || type.kind === 'timestamp'
const isTimed = (type: Type) => type.kind === 'duration' || type.kind === 'timestamp'

/** With `zeroDates: text` the server writes dates as text. */
function readColumn(field: Field, { zeroDates }: ReadSettings): ReadColumn {
  const expression = quote(field.name)
  if (zeroDates !== 'text' || !isDate(field.type)) {
    return { field: zeroDates === 'null' && isDate(field.type) ? { ...field, nullable: true } : field, expression }
  }
  const { fraction: _fraction, ...rest } = field
  return { field: { ...rest, type: utf8 }, expression: `CAST(${expression} AS CHAR)` }
}

async function tableColumns(session: Session, facts: TableFacts, settings: ReadSettings): Promise<ReadColumn[]> {
  const unknown = facts.columns.filter(column => logicalType(column) === undefined)
  const types = await typesOfUnknown(session, facts, unknown)
  return facts.columns.map(column => readColumn(fieldOf(column, logicalType(column) ?? types.get(column.name) ?? utf8), settings))
}

/** Types that are newer than we are, or made by a plugin: as the server sends them. */
async function typesOfUnknown(
  { connection }: Session,
  facts: TableFacts,
  columns: readonly NativeColumn[],
): Promise<Map<string, Type>> {
  if (columns.length === 0) return new Map()
  const statement = await connection.prepare(
    `SELECT ${columns.map(({ name }) => quote(name)).join(', ')} FROM ${tableSql(facts)}`,
  )
  await connection.close(statement)
  return new Map(statement.definitions.map(definition => [definition.name, definedType(definition)]))
}

function fieldOf(column: NativeColumn, type: Type): Field {
  const isBounded = column.length !== undefined && /char$|binary$|text$|blob$/.test(column.dataType)
  const native = column.isJson
    ? 'json'
    : column.collation === undefined
      ? column.columnType
      : `${column.columnType} collate ${column.collation}`
  return {
    name: column.name,
    type,
    nullable: column.isNullable,
    native: { system: 'mysql', type: native },
    ...(isBounded ? { length: column.length } : {}),
    ...(isTimed(type) ? { fraction: column.fraction } : {}),
    ...(column.comment === '' ? {} : { comment: column.comment }),
  }
}

function pick(dataset: string, specs: NonNullable<ColumnList>, columns: readonly ReadColumn[]): Picked {
  const known = columns.map(({ field }) => field.name)
  const missing = specs.flatMap(spec => (spec.kind === 'column' && findName(known, spec.name) === undefined ? [spec.name] : []))
  if (missing.length > 0) throw sqlErrors.columnMissing({ dataset, table: dataset, columns: missing, known })
  const selected: Field[] = []
  const expressions: string[] = []
  const fields = specs.map((spec, at): BatchField => {
    if (spec.kind === 'constant') return constantField(spec, at)
    const column = columns[known.indexOf(findName(known, spec.name) ?? '')]!
    selected.push(column.field)
    expressions.push(column.expression)
    return { field: column.field, from: selected.length - 1 }
  })
  return { selected, expressions, fields }
}

function constantField(spec: Extract<ColumnSpec, { kind: 'constant' }>, at: number): BatchField {
  const field: Field = { name: spec.name, type: spec.type, nullable: false }
  const value =
    spec.type.kind === 'bool'
      ? /^(true|1|t|yes)$/i.test(spec.value)
      : spec.type.kind === 'int' && spec.type.bits === 64
        ? BigInt(spec.value)
        : spec.value
  const fill = (column: Column, rows: number) => {
    for (let row = 0; row < rows; row++) writeValue(column, row, value)
  }
  try {
    fill(new Column(spec.type, 1), 1)
  } catch (cause) {
    throw sqlErrors.badColumn({ at: at + 1, reason: `"${spec.value}" is no ${spec.type.kind}` }, cause)
  }
  return { field, constant: fill }
}

function addKey(picked: Picked, key: readonly KeyColumn[], columns: readonly ReadColumn[]): Picked & Pick<Relation, 'keyAt'> {
  const selected = [...picked.selected]
  const expressions = [...picked.expressions]
  const keyAt = key.map(({ name, type }) => {
    // A key that is read as text has lost its order; it is read once more as it is.
    const at = selected.findIndex(field => field.name === name && field.type.kind === type.kind)
    if (at >= 0) return at
    const field = columns.find(column => column.field.name === name)?.field
    selected.push({ name, type, nullable: false, ...(field?.native ? { native: field.native } : {}) })
    expressions.push(quote(name))
    return selected.length - 1
  })
  return { ...picked, selected, expressions, keyAt }
}

function splitColumn(dataset: string, facts: TableFacts, wanted: string): KeyColumn {
  const name = findName(
    facts.columns.map(column => column.name),
    wanted,
  )
  const column = facts.columns.find(each => each.name === name)
  if (column === undefined) throw mysqlErrors.splitColumnUnusable({ dataset, column: wanted, reason: 'there is no such column' })
  if (!isKeyable(column))
    throw mysqlErrors.splitColumnUnusable({ dataset, column: wanted, reason: `${column.columnType} has no usable order` })
  return keyColumn(column)
}

function querySplitColumn(dataset: string, columns: readonly ReadColumn[], wanted: string): KeyColumn {
  const field = columns.map(column => column.field).find(({ name }) => name.toLowerCase() === wanted.toLowerCase())
  if (field === undefined)
    throw mysqlErrors.splitColumnUnusable({ dataset, column: wanted, reason: 'the query has no such column' })
  if (field.type.kind !== 'int' && field.type.kind !== 'decimal' && !isDate(field.type)) {
    throw mysqlErrors.splitColumnUnusable({
      dataset,
      column: wanted,
      reason: 'of a query, only numbers and dates can be divided',
    })
  }
  return { name: field.name, type: field.type }
}

function orderColumn(dataset: string, { orderBy }: ReadSettings, columns: readonly ReadColumn[]): string[] {
  if (orderBy === undefined) return []
  const known = columns.map(({ field }) => field.name)
  const name = findName(known, orderBy)
  if (name === undefined) throw sqlErrors.columnMissing({ dataset, table: dataset, columns: [orderBy], known })
  return [quote(name)]
}

function afterPredicate(dataset: string, { after }: ReadSettings, facts: TableFacts): string | undefined {
  if (after === undefined) return undefined
  const known = facts.columns.map(({ name }) => name)
  const column = facts.columns.find(({ name }) => name === findName(known, after.column))
  if (column === undefined) throw sqlErrors.columnMissing({ dataset, table: dataset, columns: [after.column], known })
  return `${quote(column.name)} > ${startLiteral(after.start, logicalType(column) ?? utf8)}`
}

function afterQueryPredicate(dataset: string, { after }: ReadSettings, columns: readonly ReadColumn[]): string | undefined {
  if (after === undefined) return undefined
  const known = columns.map(({ field }) => field.name)
  const field = columns.find(column => column.field.name === findName(known, after.column))?.field
  if (field === undefined) throw sqlErrors.columnMissing({ dataset, table: dataset, columns: [after.column], known })
  return `${quote(field.name)} > ${startLiteral(after.start, field.type)}`
}

/** Digits of s, ms, µs and ns since 1970, as FlinkX writes times down. */
const EPOCH_DIGITS: Readonly<Record<number, bigint>> = { 10: 1_000_000_000n, 13: 1_000_000n, 16: 1000n, 19: 1n }

function startLiteral(start: string, type: Type): string {
  const text = start.trim()
  if ((type.kind === 'int' || type.kind === 'decimal') && /^-?\d+(\.\d+)?$/.test(text)) return text
  const scale = isDate(type) && /^\d+$/.test(text) ? EPOCH_DIGITS[text.length] : undefined
  if (scale === undefined) return literal(text)
  const micros = (BigInt(text) * scale) / 1000n
  const fraction = String(micros % 1_000_000n).padStart(6, '0')
  return literal(`${new Date(Number(micros / 1000n)).toISOString().slice(0, 19).replace('T', ' ')}.${fraction}`)
}

function resumeOf(table: string, identity: readonly string[], key: readonly KeyColumn[]): ReadPlan['resume'] {
  if (key.length > 0)
    return { by: 'position', why: `rows are read in the order of the key (${key.map(({ name }) => name).join(', ')})` }
  const reason =
    identity.length === 0
      ? `${table} has no primary key and no unique key without NULLs`
      : `the key of ${table} (${identity.join(', ')}) has a column whose values cannot be compared in its order`
  return {
    by: 'split',
    why: `${reason}: the table is read in one go, an interrupted run reads it again, and it is committed as a whole`,
  }
}

function settingNotes({ notes, fetchSize, orderBy, zeroDates, connection }: ReadSettings, key: readonly KeyColumn[]): Note[] {
  const more: Note[] = []
  if (fetchSize !== undefined)
    more.push({ level: 'info', text: '`fetchSize` has no effect: rows stream, and no more than 1 MiB of them waits in memory.' })
  if (orderBy !== undefined && key.length > 0)
    more.push({ level: 'info', text: `\`orderByColumn\` has no effect: rows are read in the order of the key.` })
  if (zeroDates === 'null') more.push({ level: 'warning', text: 'Dates that do not exist (0000-00-00) become NULL.' })
  if (zeroDates === 'text') more.push({ level: 'info', text: 'Dates are read as text.' })
  return [...notes, ...more, ...propertyNotes(connection.properties)]
}

/** Properties that are honoured, or whose purpose is served anyway. */
const KNOWN_PROPERTIES =
  /^(user|password|useSSL|requireSSL|verifyServerCertificate|sslMode|serverSslCert|allowPublicKeyRetrieval|zeroDateTimeBehavior|socketTimeout|localSocket|characterEncoding|useUnicode|connectionCollation|rewriteBatchedStatements|useCursorFetch|useServerPrepStmts|cachePrepStmts|prepStmtCache\w+|defaultFetchSize|autoReconnect|tinyInt1isBit|yearIsDateType|tcpKeepAlive|useCompression|nullCatalogMeansCurrent|useInformationSchema|allowMultiQueries|maxReconnects|failOverReadOnly|useLocalSessionState|noAccessToProcedureBodies|remarks|connectTimeout)$/i

export function propertyNotes(properties: Readonly<Record<string, string>>): Note[] {
  const unknown = Object.keys(properties).filter(name => !KNOWN_PROPERTIES.test(name) && !/timezone$/i.test(name))
  const zones = Object.keys(properties).filter(name => /timezone$/i.test(name))
  return [
    ...zones.map((name): Note => ({
      level: 'info',
      text: `\`${name}\` has no effect: DATETIME is carried as it stands, TIMESTAMP as an instant.`,
    })),
    ...unknown.map((name): Note => ({ level: 'warning', text: `The JDBC property \`${name}\` has no effect.` })),
  ]
}

function resumeNotes(key: readonly KeyColumn[], resumeColumn: string | undefined): Note[] {
  if (resumeColumn === undefined || (key.length === 1 && key[0]?.name.toLowerCase() === resumeColumn.toLowerCase())) return []
  const instead =
    key.length > 0
      ? `the key (${key.map(({ name }) => name).join(', ')}), which no two rows share`
      : 'whole splits, as it is no key'
  return [{ level: 'info', text: `The run resumes by ${instead}, not by ${resumeColumn}.` }]
}

function typeNotes({ selected }: Picked, facts: TableFacts): Note[] {
  return selected.flatMap((field): Note[] => {
    const column = facts.columns.find(({ name }) => name === field.name)
    if (column === undefined) return []
    if (GEOMETRIES.has(column.dataType))
      return [
        { level: 'info', text: `Column "${field.name}" (${column.dataType}) is read as WKB, as EWKB where its SRID is not 0.` },
      ]
    if (logicalType(column) === undefined)
      return [
        {
          level: 'warning',
          text: `Column "${field.name}" has the unknown type ${column.columnType}; it is read as ${field.type.kind}.`,
        },
      ]
    return []
  })
}
