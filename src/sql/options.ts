/**
 * Options that readers and writers of SQL databases share, under native names and FlinkX's
 * (https://github.com/DTStack/chunjun, `docs_zh/ChunJun连接器`). What they mean once they are put together stands in settings.ts.
 *
 * Empty texts mean "not given": FlinkX's files are full of `"customSql": ""`.
 */
import { z } from 'zod'
import type { RefusedOptions } from '#connector'

const oneOrMore = z.union([z.string(), z.array(z.string())])

/** FlinkX's `connection` entry. */
export const connectionEntry = z.strictObject({
  jdbcUrl: oneOrMore.describe('JDBC URL; of a list, the first one is used.'),
  table: oneOrMore.optional().describe('Tables.'),
  schema: z.string().optional().describe('Schema of the tables.'),
  username: z.string().optional().describe('User; wins over the one outside.'),
  password: z.string().optional().describe('Password; wins over the one outside.').meta({ secret: true }),
  allReplace: z.boolean().optional().describe('The same as `allReplace` outside.'),
})

const columnEntry = z.union([z.string(), z.record(z.string(), z.unknown())])

export const connectionShape = {
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
