/** What the plan of a reader has to say about a relation. */
import type { Note, ReadPlan } from '#connector'
import type { SqlReaderSettings } from '#sql'
import type { TableFacts } from './discovery.ts'
import type { KeyColumn } from './key.ts'
import type { Picked, ZeroDates } from './read-columns.ts'
import { GEOMETRIES, logicalType } from './types.ts'

export function resumeOf(table: string, identity: readonly string[], key: readonly KeyColumn[]): ReadPlan['resume'] {
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

export function settingNotes(
  { notes, fetchSize, orderBy, connection }: SqlReaderSettings,
  zeroDates: ZeroDates,
  key: readonly KeyColumn[],
): Note[] {
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

export function resumeNotes(key: readonly KeyColumn[], resumeColumn: string | undefined): Note[] {
  if (resumeColumn === undefined || (key.length === 1 && key[0]?.name.toLowerCase() === resumeColumn.toLowerCase())) return []
  const instead =
    key.length > 0
      ? `the key (${key.map(({ name }) => name).join(', ')}), which no two rows share`
      : 'whole splits, as it is no key'
  return [{ level: 'info', text: `The run resumes by ${instead}, not by ${resumeColumn}.` }]
}

export function typeNotes({ selected }: Picked, facts: TableFacts): Note[] {
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
