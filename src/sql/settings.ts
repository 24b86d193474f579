/** What the options of readers and writers of SQL databases mean once they are put together. */
import type { z } from 'zod'
import type { Note } from '#connector'
import { SluiceError } from '#errors'
import { parseColumns, type ColumnList } from './columns.ts'
import type { Dialect } from './dialect.ts'
import { sqlErrors } from './errors.ts'
import { parseJdbcUrl, type HostPort, type JdbcUrl } from './jdbc-url.ts'
import type { connectionEntry, connectionShape, readerShape, writerShape } from './options.ts'
import { parseTableName, type TableName } from './table-name.ts'

type ConnectionOptions = z.output<z.ZodObject<typeof connectionShape>>
type ReaderOptions = z.output<z.ZodObject<typeof readerShape>>
type WriterOptions = z.output<z.ZodObject<typeof writerShape>>

export interface SqlConnection {
  /** To be tried in order; never empty. */
  readonly hosts: readonly HostPort[]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
  readonly properties: Readonly<Record<string, string>>
  /** The server was named by a JDBC URL. */
  readonly isJdbc?: boolean
  readonly connectTimeoutMs: number
  /** 0 waits for ever. */
  readonly queryTimeoutMs: number
}

export interface SqlReaderSettings {
  readonly connection: SqlConnection
  /** Empty when there is a query. */
  readonly tables: readonly TableName[]
  readonly query: string | undefined
  readonly columns: ColumnList
  readonly where: string | undefined
  readonly splitColumn: string | undefined
  readonly splitStrategy: 'range' | 'mod'
  readonly fetchSize: number | undefined
  /** Only rows with `column > start`. */
  readonly after: { readonly column: string; readonly start: string } | undefined
  readonly orderBy: string | undefined
  readonly notes: readonly Note[]
}

export interface SqlWriterSettings {
  readonly connection: SqlConnection
  /** Empty: every dataset goes to the table of its own name. */
  readonly tables: readonly TableName[]
  readonly schema: string | undefined
  readonly columns: ColumnList
  readonly mode: 'insert' | 'replace' | 'update'
  /** Columns that identify a row; undefined: the primary key, else another unique key. */
  readonly key: readonly string[] | undefined
  /** `false`: NULL does not overwrite. */
  readonly nullsOverwrite: boolean
  readonly batchSize: number | undefined
  readonly preSql: readonly string[]
  readonly postSql: readonly string[]
  readonly notes: readonly Note[]
}

/** What a system adds to the common options. */
export interface SystemFacts {
  readonly dialect: Dialect
  readonly systems: readonly JdbcUrl['system'][]
}

const DEFAULT_CONNECT_TIMEOUT_S = 30

/** For `superRefine`: what the settings would refuse when they are put together is found when the file is validated. */
export function checkedBy<Options>(settings: (options: Options) => unknown) {
  return (options: Options, context: { addIssue(issue: { code: 'custom'; message: string }): void }): void => {
    try {
      settings(options)
    } catch (error) {
      if (!SluiceError.is(error)) throw error
      context.addIssue({ code: 'custom', message: error.hint === undefined ? error.message : `${error.message} ${error.hint}` })
    }
  }
}

export function readerSettings(options: ReaderOptions, facts: SystemFacts): SqlReaderSettings {
  const place = placeOf(options, facts)
  const query = present(options.customSql)?.trim().replace(/;\s*$/, '')
  const columns = parseColumns(options.columns)
  if (query === undefined && place.tables.length === 0) throw missing('which table to read', 'Set `tables` (or `customSql`).')
  return {
    connection: place.connection,
    // As in FlinkX, a query replaces the table.
    tables: query === undefined ? place.tables : [],
    query,
    columns,
    where: present(options.where),
    splitColumn: present(options.splitPk),
    splitStrategy: options.splitStrategy === 'mod' ? 'mod' : 'range',
    fetchSize: options.fetchSize,
    after: startOf(options, columns),
    orderBy: present(options.orderByColumn),
    notes: [...place.notes, ...readerNotes(options)],
  }
}

export function writerSettings(options: WriterOptions, facts: SystemFacts): SqlWriterSettings {
  const place = placeOf(options, facts)
  const mode = (present(options.writeMode) ?? 'insert').toLowerCase()
  return {
    connection: place.connection,
    tables: place.tables,
    schema: place.schema,
    columns: parseColumns(options.columns),
    mode: mode === 'upsert' ? 'update' : (mode as SqlWriterSettings['mode']),
    key: uniqueKeyOf(options),
    nullsOverwrite: options.allReplace ?? place.allReplace ?? true,
    batchSize: options.batchSize,
    preSql: statementsOf(options.preSql),
    postSql: statementsOf(options.postSql),
    notes: place.notes,
  }
}

/** The key in any of FlinkX's shapes: list, map of lists (its first entry that is not empty), one name, or nothing in many ways. */
function uniqueKeyOf({ uniqueKey, updateKey }: WriterOptions): readonly string[] | undefined {
  if (uniqueKey !== undefined && uniqueKey.length > 0) return uniqueKey
  const candidates =
    typeof updateKey === 'object' && updateKey !== null && !Array.isArray(updateKey) ? Object.values(updateKey) : [updateKey]
  const lists = candidates.map(candidate => (typeof candidate === 'string' ? candidate.split(',') : (candidate ?? [])))
  const named = lists.map(list => list.map(name => name.trim()).filter(name => name !== ''))
  return named.find(list => list.length > 0)
}

function startOf({ increColumn, startLocation }: ReaderOptions, columns: ColumnList): SqlReaderSettings['after'] {
  const start = present(startLocation)
  const wanted = present(increColumn)
  if (start === undefined || wanted === undefined) return undefined
  // FlinkX takes the place of a declared column too.
  const declared = /^\d+$/.test(wanted) ? columns?.[Number(wanted)]?.name : undefined
  return { column: declared ?? wanted, start }
}

function readerNotes(options: ReaderOptions): Note[] {
  const notes: Note[] = []
  if (present(options.startLocation) !== undefined && present(options.increColumn) === undefined) {
    notes.push({ level: 'warning', text: '`startLocation` has no effect without `increColumn`.' })
  }
  if (present(options.requestAccumulatorInterval) !== undefined) {
    notes.push({ level: 'info', text: '`requestAccumulatorInterval` has no effect: no maximum is asked for beforehand.' })
  }
  if (present(options.customSql) !== undefined && options.tables !== undefined) {
    notes.push({ level: 'warning', text: '`customSql` is read; `table` has no effect beside it.' })
  }
  return notes
}

/** Server and tables, from the native names or from FlinkX's `connection`. */
function placeOf(options: ConnectionOptions, facts: SystemFacts) {
  const entries = [options.connection ?? []].flat()
  if (entries.length > 1)
    throw sqlErrors.contradiction({ reason: '`connection` has several entries, a job reads or writes one server' })
  const [entry] = entries
  const urls = [entry?.jdbcUrl ?? []].flat().filter(url => url.trim() !== '')
  const url = urls[0] === undefined ? undefined : jdbcUrlOf(urls[0], facts)
  if (url !== undefined && present(options.host) !== undefined) {
    throw sqlErrors.contradiction({ reason: '`host` and `jdbcUrl` are both given' })
  }
  const schema = present(entry?.schema) ?? present(options.schema)
  const tables = [entry?.table ?? [], options.tables ?? []].find(list => list.length > 0) ?? []
  const notes: Note[] =
    urls.length > 1 ? [{ level: 'warning', text: `Of ${urls.length} JDBC URLs the first one is used, as in FlinkX.` }] : []
  const names = [tables].flat().filter(name => name.trim() !== '')
  if (names.includes('*')) throw sqlErrors.everyTable({})
  return {
    connection: connectionOf(options, entry, url),
    schema,
    tables: names.map(name => inSchema(parseTableName(name, facts.dialect), schema)),
    allReplace: entry?.allReplace,
    notes,
  }
}

function connectionOf(
  options: ConnectionOptions,
  entry: z.output<typeof connectionEntry> | undefined,
  url: JdbcUrl | undefined,
): SqlConnection {
  const host = present(options.host)
  const hosts =
    url?.hosts ?? (host === undefined ? [] : [{ host, ...(options.port === undefined ? {} : { port: options.port }) }])
  if (hosts.length === 0) throw missing('which server to connect to', 'Set `host` (or `connection` with a `jdbcUrl`).')
  const properties: Record<string, string> = { ...url?.properties }
  for (const [key, value] of Object.entries(options.properties ?? {})) properties[key] = String(value)
  const seconds = (value: number | undefined, byDefault: number) =>
    (value === undefined || value === 0 ? byDefault : value) * 1000
  return {
    hosts,
    user: present(entry?.username) ?? present(options.user) ?? url?.user ?? properties['user'],
    password: entry?.password ?? options.password ?? url?.password ?? properties['password'],
    database: present(options.database) ?? url?.database,
    properties,
    isJdbc: url !== undefined,
    connectTimeoutMs: seconds(options.connectTimeOut, DEFAULT_CONNECT_TIMEOUT_S),
    queryTimeoutMs: seconds(options.queryTimeOut, 0),
  }
}

function jdbcUrlOf(text: string, { systems }: SystemFacts): JdbcUrl {
  const url = parseJdbcUrl(text)
  if (systems.includes(url.system)) return url
  throw sqlErrors.contradiction({ reason: `a \`jdbc:${url.system}:\` URL is given to a connector for ${systems.join(' and ')}` })
}

const inSchema = (table: TableName, schema: string | undefined): TableName =>
  table.schema === undefined && schema !== undefined ? { ...table, schema } : table

const statementsOf = (list: string | readonly string[] | undefined) =>
  [list ?? []].flat().filter(statement => statement.trim() !== '')

/** Undefined for what means "not given". */
function present(value: string | number | null | undefined): string | undefined {
  const text = value === null || value === undefined ? '' : String(value)
  return text.trim() === '' ? undefined : text
}

const missing = (what: string, hint: string) => sqlErrors.incomplete({ missing: what, hint })
