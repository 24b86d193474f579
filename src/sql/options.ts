/**
 * Options that readers and writers of SQL databases share, under native names and FlinkX's
 * (https://github.com/DTStack/chunjun, `docs_zh/ChunJun连接器`), and what they mean once they are put together.
 *
 * Empty texts mean "not given": FlinkX's files are full of `"customSql": ""`.
 */
import { z } from 'zod'
import type { Note, RefusedOptions } from '#connector'
import { SluiceError } from '#errors'
import { parseColumns, type ColumnList } from './columns.ts'
import type { Dialect } from './dialect.ts'
import { sqlErrors } from './errors.ts'
import { parseJdbcUrl, type HostPort, type JdbcUrl } from './jdbc-url.ts'
import { parseTableName, type TableName } from './table-name.ts'

const oneOrMore = z.union([z.string(), z.array(z.string())])

/** FlinkX's `connection` entry. */
const connectionEntry = z.strictObject({
  jdbcUrl: oneOrMore.describe('JDBC URL; of a list, the first one is used.'),
  table: oneOrMore.optional().describe('Tables.'),
  schema: z.string().optional().describe('Schema of the tables.'),
  username: z.string().optional().describe('User; wins over the one outside.'),
  password: z.string().optional().describe('Password; wins over the one outside.').meta({ secret: true }),
  allReplace: z.boolean().optional().describe('The same as `allReplace` outside.'),
})

const columnEntry = z.union([z.string(), z.record(z.string(), z.unknown())])

const connectionShape = {
  host: z
    .string()
    .optional()
    .describe('Host name or address of the server.')
    .meta({ examples: ['db.example.com'] }),
  port: z.int().min(1).max(65_535).optional().describe('TCP port of the server; the usual one of the system when left out.'),
  user: z
    .string()
    .optional()
    .describe('User to log in as.')
    .meta({ aliases: ['username'] }),
  password: z.string().optional().describe('Password of the user.').meta({ secret: true }),
  database: z.string().optional().describe('Database to connect to.'),
  schema: z.string().optional().describe('Schema of the tables that are named without one.'),
  tables: oneOrMore
    .optional()
    .describe('Table or list of tables, each as `table` or `schema.table`.')
    .meta({ aliases: ['table'] }),
  connection: z
    .union([z.array(connectionEntry), connectionEntry])
    .optional()
    .describe('The way FlinkX names server and tables: a list with one entry that has `jdbcUrl`, `table` and `schema`.')
    .meta({ advanced: true }),
  properties: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('Connection properties in the words of the JDBC driver; they win over those in the URL.')
    .meta({ advanced: true }),
  connectTimeOut: z
    .int()
    .min(0)
    .optional()
    .describe('Longest wait for a connection; 0 means 30 s.')
    .meta({ unit: 'seconds', advanced: true }),
  queryTimeOut: z
    .int()
    .min(0)
    .optional()
    .describe('Longest silence of the server while an answer is due; 0 waits as long as the server works on it.')
    .meta({ unit: 'seconds', advanced: true }),
}

export const readerShape = {
  ...connectionShape,
  columns: z
    .union([z.string(), z.array(columnEntry)])
    .optional()
    .describe('Columns to read, in order; all when left out or `*`. An object with `name`, `type` and `value` is a constant.')
    .meta({ aliases: ['column'], examples: [['id', 'name', { name: 'source', type: 'string', value: 'eu' }]] }),
  where: z
    .string()
    .optional()
    .describe('SQL condition that the rows must meet.')
    .meta({ examples: ["status <> 'draft'"] }),
  customSql: z
    .string()
    .optional()
    .describe('SQL query to read instead of tables.')
    .meta({ aliases: ['querySql', 'query'] }),
  splitPk: z
    .string()
    .nullish()
    .describe('Column by whose values the rows are divided; the primary key when left out.')
    .meta({ aliases: ['splitKey'] }),
  splitStrategy: z
    .enum(['range', 'mod', ''])
    .optional()
    .describe('How `splitPk` divides: by ranges of values, or by the remainder of an integer (`mod`).')
    .meta({ advanced: true }),
  fetchSize: z
    .int()
    .optional()
    .describe('Rows per round trip, where the system has such a thing.')
    .meta({ unit: 'rows', advanced: true }),
  increColumn: z
    .union([z.string(), z.int()])
    .nullish()
    .describe('Column (or its place in `columns`) that `startLocation` refers to.'),
  startLocation: z
    .union([z.string(), z.number()])
    .nullish()
    .describe('Only rows whose `increColumn` is greater than this are read.'),
  orderByColumn: z.string().optional().describe('Column by which the rows of a split are ordered.').meta({ advanced: true }),
  requestAccumulatorInterval: z
    .union([z.int(), z.string()])
    .optional()
    .describe("Belongs to FlinkX's way of finding the maximum of `increColumn`; has no effect.")
    .meta({ unit: 'seconds', advanced: true }),
}

const statements = oneOrMore.optional()

export const writerShape = {
  ...connectionShape,
  columns: z
    .union([z.string(), z.array(columnEntry)])
    .optional()
    .describe('Columns to write, in the order of the source columns; matched by name when left out or `*`.')
    .meta({ aliases: ['column'] }),
  writeMode: z
    .string()
    .regex(/^(insert|replace|update|upsert)?$/i, 'must be insert, replace or update')
    .optional()
    .describe('`insert`, `replace` (the whole row wins) or `update` (upsert by key).')
    .meta({ aliases: ['mode'] }),
  uniqueKey: z
    .array(z.string())
    .optional()
    .describe('Columns that identify a row for `replace` and `update`; the primary key when left out.'),
  updateKey: z
    .union([z.string(), z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))])
    .nullish()
    .describe("FlinkX's way of naming `uniqueKey`: a map from index name to columns.")
    .meta({ advanced: true }),
  allReplace: z
    .boolean()
    .optional()
    .describe('`false`: with `update`, a NULL of the source does not overwrite. Everything is overwritten when left out.'),
  batchSize: z
    .int()
    .min(0)
    .optional()
    .describe('Rows per statement, where the system has such a thing.')
    .meta({ unit: 'rows', advanced: true }),
  preSql: statements.describe('SQL statements to execute once before the first row.'),
  postSql: statements.describe('SQL statements to execute once after the last row.'),
}

/** Reader options of FlinkX that are known and not supported. */
export const refusedReaderOptions: RefusedOptions = {
  polling: 'Endless polling is not supported; run the job again with a new `startLocation`.',
  pollingInterval: 'Polling is not supported.',
  pollingFromMax: 'Polling is not supported.',
  useMaxFunc: 'The maximum of `increColumn` is not asked for beforehand.',
  splitPkStart: 'The bounds of the split column are found by sampling.',
  splitPkEnd: 'The bounds of the split column are found by sampling.',
  endLocation: 'An upper bound belongs into `where`.',
  withNoLock: 'It is an option of SQL Server.',
  defineColumnTypeForStatement: 'It is an option of Oracle.',
}

/** Writer options of FlinkX that are known and not supported. */
export const refusedWriterOptions: RefusedOptions = {
  executeDdlAble: 'Changes of table definitions are not executed.',
  ddlConfig: 'Changes of table definitions are not executed.',
  semantic: 'Delivery is exactly-once by the ledger; set `ledger: none` for less.',
  fieldDelim: 'Values are not sent as delimited text.',
  nullDelim: 'Values are not sent as delimited text.',
}

/** What platforms around FlinkX write into files for themselves (flinkx-compatibility.md §2.2, §5.4). */
const PLATFORM = [
  'sourceIds',
  'sourceId',
  'dataSourceId',
  'dtCenterSourceId',
  'type',
  'print',
  'encoding',
  'fullColumn',
  'fullColumnName',
  'fullColumnType',
  'metaColumns',
  'columnTypes',
  'checkFormat',
  'columnDisplaySize',
  'precision',
  'session',
  'resourceName',
] as const

export const ignoredReaderOptions: readonly string[] = [...PLATFORM, 'initReporter', 'isOrderBy']
export const ignoredWriterOptions: readonly string[] = [
  ...PLATFORM,
  'executePreSqlNoData',
  'executePostSqlNoData',
  'flushIntervalMills',
  'isAutoCommit',
  'initReporter',
]

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
