/** What is read of a table or query: expressions, types, conditions, and the key by which reading can resume. */
import { formatTimestamp, sameType, typeName, utf8, type Field } from '#columnar'
import type { Dataset, Note } from '#connector'
import {
  checkResumeColumn,
  findName,
  postgresDialect,
  quoteTableName,
  restrictionOf,
  whereClause,
  type ColumnList,
  type ColumnSpec,
  type SqlReaderSettings,
  type TableName,
} from '#sql'
import { attributesOf, getRelation, resultTypes, uniqueKeysOf, type Attribute, type Relation, type UniqueKey } from './catalog.ts'
import type { DecodedColumn } from './decode.ts'
import { encodingOf } from './copy-data.ts'
import { postgresErrors } from './errors.ts'
import type { Connection } from './protocol/connection.ts'
import { boundsOf, readsAs, type PgType, type ScalarWire } from './types.ts'

export interface SelectedColumn extends DecodedColumn {
  /** Already quoted. */
  readonly expression: string
  readonly name: string
}

export interface Selection {
  readonly dataset: Dataset
  /** Table or subquery, already quoted. */
  readonly from: string
  /** Those of the dataset, in its order. */
  readonly columns: readonly SelectedColumn[]
  readonly conditions: readonly string[]
  /** Columns of the key by which splits are cut and read in order; empty when there is none. */
  readonly key: readonly SelectedColumn[]
  /** The column that the options name for splitting, when it is not the key. */
  readonly splitColumn: SelectedColumn | undefined
  readonly orderBy: readonly string[]
  /** Undefined for a query. */
  readonly relation: Relation | undefined
  readonly notes: readonly Note[]
}

export interface SelectionOptions {
  readonly settings: SqlReaderSettings
  readonly arrays: 'list' | 'text'
  /** Column by which the job wants to resume, if it names one. */
  readonly resumeColumn: string | undefined
}

const { quote, literal } = postgresDialect
const QUERY_ALIAS = 'sluice_query'
/** An ORDER BY takes a name for one of the output columns before it looks at the table, so a computed one must not have a column's name. */
const RENAMED = ' AS "?"'

/** A column that could be read, before the list of columns is applied. */
interface Candidate {
  readonly name: string
  readonly type: PgType
  readonly native: string | undefined
  readonly nullable: boolean
  readonly comment: string | undefined
}

/** How the table, or the query of the settings, is read. */
export async function select(session: Connection, table: TableName | undefined, options: SelectionOptions): Promise<Selection> {
  const { settings } = options
  if (table === undefined) return selectQuery(session, settings.query ?? '', options)
  const relation = await getRelation(session, table)
  const [attributes, keys] = [await attributesOf(session, relation), await uniqueKeysOf(session, relation)]
  const source: Source = {
    id: relation.label,
    from: quoteTableName(relation, postgresDialect),
    relation,
    candidates: attributes.map(candidate),
  }
  return build(source, keys, options)
}

async function selectQuery(session: Connection, query: string, options: SelectionOptions): Promise<Selection> {
  const from = `(${query}\n) AS ${QUERY_ALIAS}`
  const columns = await session.describe(`SELECT * FROM ${from}`)
  const types = await resultTypes(session, columns)
  const twice = columns.find(({ name }, at) => columns.findIndex(other => other.name === name) !== at)
  if (twice) throw postgresErrors.queryHasNoName({ column: twice.name })
  const candidates = columns.map(({ name }, at): Candidate => {
    const type = types[at]
    if (type === undefined) throw postgresErrors.schemaChanged({ dataset: 'query' })
    return { name, type, native: undefined, nullable: true, comment: undefined }
  })
  return build({ id: 'query', from, relation: undefined, candidates }, [], options)
}

const candidate = ({ name, type, native, notNull, comment }: Attribute): Candidate => ({
  name,
  type,
  native,
  nullable: !notNull,
  comment,
})

interface Source {
  readonly id: string
  readonly from: string
  readonly relation: Relation | undefined
  readonly candidates: readonly Candidate[]
}

function build(source: Source, keys: readonly UniqueKey[], { settings, arrays, resumeColumn }: SelectionOptions): Selection {
  const { id, relation, candidates, from } = source
  const find = (name: string) => pick(source, name)
  const isByPosition = relation === undefined && describesQuery(settings.columns, candidates)
  const all = candidates.map(({ name }): ColumnSpec => ({ kind: 'column', name }))
  const specs = isByPosition ? all : (settings.columns ?? all)
  const chosen = specs.map(spec => (spec.kind === 'constant' ? constant(spec) : column(find(spec.name), arrays)))
  checkResumeColumn(
    id,
    resumeColumn,
    candidates.map(({ name }) => name),
    settings.columns,
  )
  const key = keyFor(keys, settings, resumeColumn, find)
  const primaryKey = keys.find(({ isPrimary }) => isPrimary)?.columns ?? keys.find(({ isOrdered }) => isOrdered)?.columns ?? []
  const splitColumn = settings.splitColumn === undefined ? undefined : column(find(settings.splitColumn), arrays)
  const isKey = key.length === 1 && splitColumn?.name === key[0]?.name
  const orderKey =
    (splitColumn === undefined || isKey) && settings.orderBy === undefined ? key.map(name => column(name, arrays)) : []
  const encoding = orderKey.every(({ name }) => chosen.some(one => one.name === name))
    ? encodingOf(chosen.map(({ wire }) => wire))
    : undefined
  const conditions = conditionsOf(settings, find)
  return {
    dataset: {
      id,
      ...restrictionOf(conditions, relation === undefined ? settings.query : undefined),
      schema: { fields: chosen.map(({ field }) => field) },
      primaryKey,
      ...(relation?.comment === undefined ? {} : { comment: relation.comment }),
      ...(relation === undefined || relation.estimatedRows < 0 ? {} : { estimatedRows: relation.estimatedRows }),
      ...(encoding === undefined ? {} : { encoding }),
    },
    from,
    columns: chosen,
    conditions,
    key: orderKey,
    splitColumn: isKey ? undefined : splitColumn,
    orderBy: orderOf(settings.orderBy, find),
    relation,
    notes: [...textNotes(chosen), ...securityNotes(relation), ...(isByPosition ? [BY_POSITION] : [])],
  }
}

const BY_POSITION: Note = {
  level: 'info',
  text: 'The names in `columns` are not those of the query; its columns are read in their order, as in FlinkX.',
}

/** FlinkX reads everything that a query returns and takes the list of columns, which it demands, for their description. */
function describesQuery(columns: ColumnList, candidates: readonly Candidate[]): boolean {
  if (columns?.length !== candidates.length || columns.some(({ kind }) => kind === 'constant')) return false
  const names = candidates.map(({ name }) => name)
  return columns.some(({ name }) => findName(names, name) === undefined)
}

function pick({ id, candidates }: Source, name: string): Candidate {
  const exact = candidates.find(one => one.name === name)
  if (exact) return exact
  const names = candidates.map(one => one.name)
  const alike = findName(names, name)
  const found = candidates.find(one => one.name === alike)
  if (found) return found
  throw postgresErrors.columnUnknown({ dataset: id, columns: [name], known: names })
}

interface Chosen extends SelectedColumn {
  readonly field: Field
}

function column({ name, type, native, nullable, comment }: Candidate, arrays: 'list' | 'text'): Chosen {
  const read = readsAs(type, arrays)
  const field = {
    name,
    type: read?.type ?? utf8,
    nullable,
    ...(native === undefined ? {} : { native: { system: 'postgres', type: native } }),
    ...boundsOf(type),
    ...(comment === undefined ? {} : { comment }),
  }
  return {
    name,
    field,
    type: field.type,
    wire: read?.wire ?? { kind: 'text' },
    expression: read ? quote(name) : `${quote(name)}::text${RENAMED}`,
  }
}

const CONSTANTS: Readonly<Record<string, readonly [cast: string, wire: ScalarWire]>> = {
  int16: ['int2', 'int2'],
  int32: ['int4', 'int4'],
  int64: ['int8', 'int8'],
  float32: ['float4', 'float4'],
  float64: ['float8', 'float8'],
  bool: ['bool', 'bool'],
  numeric: ['numeric', 'numeric'],
  date: ['date', 'date'],
  time: ['time', 'time'],
  timestamp: ['timestamp', 'timestamp'],
  timestamptz: ['timestamptz', 'timestamp'],
  interval: ['interval', 'interval'],
  json: ['json', 'json'],
  uuid: ['uuid', 'uuid'],
  binary: ['bytea', 'bytea'],
}

/** The same value in every row, computed by the server; types without a counterpart become text. */
function constant(spec: Extract<ColumnSpec, { kind: 'constant' }>): Chosen {
  const { name, value, type: wanted } = spec
  const decimal = wanted.kind === 'decimal' ? ([`numeric(${wanted.precision},${wanted.scale})`, 'numeric'] as const) : undefined
  const known = decimal ?? CONSTANTS[typeName(wanted)]
  const [cast, kind] = known ?? ['text', 'text']
  const type = known ? wanted : utf8
  return {
    name,
    type,
    wire: { kind },
    expression: `${literal(value).trim()}::${cast}${RENAMED}`,
    field: { name, type, nullable: false },
  }
}

/** The key to read by: the one that the job names if it is unique, else the primary key, else another one. */
function keyFor(
  keys: readonly UniqueKey[],
  settings: SqlReaderSettings,
  resumeColumn: string | undefined,
  find: (name: string) => Candidate,
): Candidate[] {
  const ordered = keys.filter(({ isOrdered }) => isOrdered)
  const known = keys.flatMap(({ columns }) => columns)
  const wanted = resumeColumn === undefined ? undefined : findName(known, resumeColumn)
  const named = [settings.splitColumn === undefined ? undefined : find(settings.splitColumn).name, wanted]
  const byName = named
    .map(name => ordered.find(({ columns }) => columns.length === 1 && columns[0] === name))
    .find(key => key !== undefined)
  return (byName ?? ordered[0])?.columns.map(find) ?? []
}

function conditionsOf({ where, after }: SqlReaderSettings, find: (name: string) => Candidate): string[] {
  if (after === undefined) return where === undefined ? [] : [where]
  const { name, type } = find(after.column)
  return [...(where === undefined ? [] : [where]), `${quote(name)} > ${literal(startText(after.start, type))}`]
}

const TIMES = [1082, 1114, 1184]
const MICROS_BY_DIGITS: Readonly<Record<number, (digits: string) => bigint>> = {
  10: digits => BigInt(digits) * 1_000_000n,
  13: digits => BigInt(digits) * 1000n,
  16: digits => BigInt(digits),
  19: digits => BigInt(digits) / 1000n,
}

/** FlinkX gives times as seconds, milliseconds, microseconds or nanoseconds since 1970, too; their number of digits tells which. */
function startText(start: string, { oid }: PgType): string {
  const micros = TIMES.includes(oid) && /^\d+$/.test(start) ? MICROS_BY_DIGITS[start.length]?.(start) : undefined
  return micros === undefined ? start : formatTimestamp(micros, false)
}

/** `id, name desc`: names only, no expressions. */
function orderOf(orderBy: string | undefined, find: (name: string) => Candidate): string[] {
  return (orderBy ?? '')
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => {
      const [, name = part, direction = ''] = /^(.*?)(?:\s+(asc|desc))?$/i.exec(part) ?? []
      return `${quote(find(name).name)}${direction === '' ? '' : ` ${direction.toUpperCase()}`}`
    })
}

function textNotes(columns: readonly Chosen[]): Note[] {
  const asText = columns.filter(({ expression, field }) => expression.endsWith(`::text${RENAMED}`) && field.native)
  if (asText.length === 0) return []
  const list = asText.map(({ name, field }) => `${name} (${field.native?.type})`).join(', ')
  return [{ level: 'info', text: `Read as text, in the form PostgreSQL prints: ${list}.` }]
}

function securityNotes(relation: Relation | undefined): Note[] {
  if (relation?.isFiltered !== true) return []
  return [{ level: 'warning', text: `${relation.label} has row-level security: only the rows that this user may see are read.` }]
}

/** Throws when the columns are no longer those of the plan. */
export function requireSameSchema(selection: Selection, dataset: Dataset): void {
  const { fields } = dataset.schema
  const isSame =
    fields.length === selection.columns.length &&
    fields.every((field, at) => {
      const now = selection.columns[at]
      return now !== undefined && now.name === field.name && sameType(now.type, field.type)
    })
  if (!isSame) throw postgresErrors.schemaChanged({ dataset: dataset.id })
}

/** The query of a selection with further conditions. */
export function selectStatement(
  selection: Selection,
  columns: readonly SelectedColumn[],
  conditions: readonly (string | undefined)[],
  order: readonly string[],
  from = selection.from,
): string {
  const where = whereClause([...selection.conditions, ...conditions])
  const orderBy = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`
  return `SELECT ${columns.map(({ expression }) => expression).join(', ')} FROM ${from}${where}${orderBy}`
}
