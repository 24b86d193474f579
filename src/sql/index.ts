export {
  checkResumeColumn,
  declaredType,
  findName,
  mapColumns,
  parseColumns,
  type ColumnList,
  type ColumnSpec,
  type Mapping,
} from './columns.ts'
export { mysqlDialect, postgresDialect, type Dialect } from './dialect.ts'
export { sqlErrors } from './errors.ts'
export { parseJdbcUrl, type HostPort, type JdbcUrl } from './jdbc-url.ts'
export {
  ignoredReaderOptions,
  ignoredWriterOptions,
  readerShape,
  refusedReaderOptions,
  refusedWriterOptions,
  writerShape,
} from './options.ts'
export { isLocal, protectionNotes, verifiesByDefault, type Protection } from './protection.ts'
export {
  orderByClause,
  rangePredicate,
  remainderPredicate,
  restrictionOf,
  whereClause,
  type KeyLiteral,
  type KeyValues,
} from './ranges.ts'
export {
  checkedBy,
  readerSettings,
  writerSettings,
  type SqlConnection,
  type SqlReaderSettings,
  type SqlWriterSettings,
  type SystemFacts,
} from './settings.ts'
export { executeStatements, type StatementOption } from './statements.ts'
export { parseTableName, printTableName, quoteTableName, type TableName } from './table-name.ts'
