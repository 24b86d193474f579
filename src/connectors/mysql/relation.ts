/** How one dataset is read: its columns as SQL and as fields, its key, and what the plan has to say about it. */
import { type Type, utf8 } from '#columnar'
import type { Dataset, Note, ReadPlan } from '#connector'
import {
  checkResumeColumn,
  findName,
  type KeyValues,
  mysqlDialect,
  orderByClause,
  printTableName,
  rangePredicate,
  remainderPredicate,
  restrictionOf,
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
import {
  addKey,
  isDate,
  isTimed,
  isVisible,
  named,
  pick,
  type Picked,
  type ReadColumn,
  readColumn,
  tableColumns,
  type ZeroDates,
} from './read-columns.ts'
import { resumeNotes, resumeOf, settingNotes, typeNotes } from './read-notes.ts'
import { definedType, logicalType } from './types.ts'

export interface ReadSettings extends SqlReaderSettings {
  readonly tls: TlsOptions
  readonly zeroDates: ZeroDates
  readonly splitRows: number
}

export interface Relation extends Picked {
  readonly dataset: Dataset
  /** Quoted table, or a derived table. */
  readonly from: string
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
  checkResumeColumn(
    id,
    resumeColumn,
    facts.columns.map(({ name }) => name),
    settings.columns,
  )
  const from = tableSql(facts)
  const columns = await tableColumns(session, facts, settings.zeroDates)
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
      ...restrictionOf(conditions),
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
    notes: [...settingNotes(settings, settings.zeroDates, key), ...resumeNotes(key, resumeColumn), ...typeNotes(picked, facts)],
  }
}

export async function relationOfQuery(
  session: Session,
  settings: ReadSettings,
  query: string,
  resumeColumn: string | undefined,
): Promise<Relation> {
  // A line break ends a comment at the end of the query, which would swallow the parenthesis.
  const from = `(${query}\n) sluice_query`
  const statement = await session.connection.prepare(`SELECT * FROM ${from}`)
  await session.connection.close(statement)
  const columns = statement.definitions.map((definition): ReadColumn => {
    const type = definedType(definition)
    const nullable = (definition.flags & FLAG.NOT_NULL) === 0
    return readColumn(
      { name: definition.name, type, nullable, ...(isTimed(type) ? { fraction: Math.min(6, definition.decimals) } : {}) },
      settings.zeroDates,
    )
  })
  const id = 'query'
  checkResumeColumn(
    id,
    resumeColumn,
    columns.map(({ field }) => field.name),
    settings.columns,
  )
  const picked = pick(id, settings.columns ?? columns.map(({ field }) => named(field.name)), columns)
  const splitBy = settings.splitColumn === undefined ? [] : [querySplitColumn(id, columns, settings.splitColumn)]
  const conditions = [settings.where, afterQueryPredicate(id, settings, columns)]
  return {
    ...picked,
    keyAt: [],
    dataset: {
      id,
      ...restrictionOf(conditions, query),
      schema: { fields: picked.fields.map(({ field }) => field) },
      primaryKey: [],
    },
    from,
    key: [],
    splitBy,
    hasNullSplits: splitBy.length > 0,
    conditions,
    orderBy: orderColumn(id, settings, columns),
    resume: {
      by: 'split',
      why: `a query has no key to go on by: an interrupted split is read again, and each split is committed as a whole`,
    },
    notes: settingNotes(settings, settings.zeroDates, []),
  }
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
