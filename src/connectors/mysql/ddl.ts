/** Tables that are made for a dataset: InnoDB, utf8mb4, with its key and comments. */
import type { Field } from '#columnar'
import type { Dataset } from '#connector'
import { mysqlDialect, quoteTableName, type TableName } from '#sql'
import type { ServerFacts } from './options.ts'
import { membersOf, type NativeColumn } from './types.ts'

const { quote, literal } = mysqlDialect

/** What a server can do, as far as DDL depends on it. */
export interface DdlFacts extends Pick<ServerFacts, 'isMariaDb' | 'version'> {
  /** Collations that the server knows. */
  readonly collations: ReadonlySet<string>
}

export interface NewTable {
  readonly ddl: string
  readonly columns: readonly NativeColumn[]
  readonly notes: readonly string[]
}

/** A VARCHAR of utf8mb4 that a row has room for beside others. */
const MAX_VARCHAR = 4096
const MAX_VARBINARY = 16_384
/** Bytes of all VARCHAR and CHAR columns of a row, less than 65,535. */
const MAX_ROW_BYTES = 60_000
/** Largest key part of every InnoDB row format: 767 bytes, 4 for a character. */
const KEY_CHARS = 191
const KEY_BYTES = 767
const MAX_SCALE = 30
const MAX_DIGITS = 65

export function newTable(dataset: Dataset, table: TableName, names: readonly string[], facts: DdlFacts): NewTable {
  const { fields } = dataset.schema
  const notes: string[] = []
  let room = MAX_ROW_BYTES
  const types = fields.map(field => {
    const isKey = dataset.primaryKey.includes(field.name)
    const type = nativeType(field, facts, notes) ?? createdType(field, facts, isKey)
    const bytes = rowBytes(type)
    if (!isKey && bytes > room) return isTextType(type) ? 'LONGTEXT' : 'LONGBLOB'
    room -= bytes
    return type
  })
  const key = dataset.primaryKey.map(name => fields.findIndex(field => field.name === name))
  const hasKey = key.length > 0 && !key.includes(-1)
  const lines = fields.map((field, at) => columnLine(field, names[at] ?? '', types[at] ?? '', hasKey && key.includes(at)))
  if (hasKey) lines.push(`PRIMARY KEY (${key.map(at => quote(names[at] ?? '')).join(', ')})`)
  const comment = dataset.comment === undefined ? '' : ` COMMENT = ${literal(dataset.comment.slice(0, 2048))}`
  const ddl = `CREATE TABLE IF NOT EXISTS ${quoteTableName(table, mysqlDialect)} (\n  ${lines.join(',\n  ')}\n) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4${comment}`
  return {
    ddl,
    columns: fields.map((field, at) => describedColumn(field, names[at] ?? '', types[at] ?? '', key.includes(at))),
    notes,
  }
}

function columnLine(field: Field, name: string, type: string, isKey: boolean): string {
  // Without DEFAULT or NULL, old servers give the first TIMESTAMP a default that changes with every update.
  const isTimestamp = /^timestamp/i.test(type)
  const nullability = field.nullable && !isKey ? 'NULL' : isTimestamp && !isKey ? 'NULL' : 'NOT NULL'
  const byDefault = isTimestamp && isKey ? ` DEFAULT CURRENT_TIMESTAMP${/\(\d\)/.exec(type)?.[0] ?? ''}` : ''
  const comment = field.comment === undefined ? '' : ` COMMENT ${literal(field.comment.slice(0, 1024))}`
  return `${quote(name)} ${type} ${nullability}${byDefault}${comment}`
}

/** The type that it has in a source of the same kind, where this server knows it. */
function nativeType(
  { native, name, length }: Field,
  { isMariaDb, version, collations }: DdlFacts,
  notes: string[],
): string | undefined {
  if (native?.system !== 'mysql') return undefined
  const [, type = native.type, collation] = /^(.*) collate (\w+)$/s.exec(native.type) ?? []
  if (/^(uuid|inet[46])$/i.test(type) && !isMariaDb) return undefined
  if (/^vector/i.test(type) && !isAtLeast(version, isMariaDb ? [11, 7] : [9])) return undefined
  // Of views, old servers say a length that no VARCHAR can have.
  if (length !== undefined && /^varchar/i.test(type) && length > 16_383) return 'LONGTEXT'
  if (collation === undefined) return type
  if (collations.has(collation)) return `${type} COLLATE ${collation}`
  notes.push(
    `Column "${name}" has the collation ${collation} in the source, which this server does not know; the default of utf8mb4 is used.`,
  )
  return type
}

function createdType({ type, length, fraction }: Field, facts: DdlFacts, isKey: boolean): string {
  const digits = hasFractions(facts) ? `(${fraction ?? 6})` : ''
  switch (type.kind) {
    case 'bool':
      return 'TINYINT(1)'
    case 'int':
      return `${{ 8: 'TINYINT', 16: 'SMALLINT', 32: 'INT', 64: 'BIGINT' }[type.bits]}${type.signed ? '' : ' UNSIGNED'}`
    case 'float':
      return type.bits === 32 ? 'FLOAT' : 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${Math.max(type.precision, Math.min(type.scale, MAX_SCALE))},${Math.min(type.scale, MAX_SCALE)})`
    case 'numeric':
      return `DECIMAL(${MAX_DIGITS},${MAX_SCALE})`
    case 'date':
      return 'DATE'
    case 'time':
    case 'duration':
      return `TIME${digits}`
    case 'timestamp':
      return `${type.zone ? 'TIMESTAMP' : 'DATETIME'}${digits}`
    case 'uuid':
      return 'CHAR(36) CHARACTER SET ascii'
    case 'binary':
      return binaryType(length, isKey)
    case 'json':
    case 'list':
      // JSON of MySQL would lose the order of keys, repeated keys, and digits of numbers; that of MariaDB is text.
      return facts.isMariaDb && hasJson(facts) ? 'JSON' : 'LONGTEXT'
    case 'interval':
      return 'VARCHAR(255)'
    case 'utf8':
      return textType(length, isKey)
  }
}

function textType(length: number | undefined, isKey: boolean): string {
  if (isKey) return `VARCHAR(${Math.min(length ?? KEY_CHARS, KEY_CHARS)}) COLLATE utf8mb4_bin`
  return length !== undefined && length <= MAX_VARCHAR ? `VARCHAR(${Math.max(1, length)})` : 'LONGTEXT'
}

function binaryType(length: number | undefined, isKey: boolean): string {
  if (isKey) return `VARBINARY(${Math.min(length ?? KEY_BYTES, KEY_BYTES)})`
  return length !== undefined && length <= MAX_VARBINARY ? `VARBINARY(${Math.max(1, length)})` : 'LONGBLOB'
}

const isTextType = (type: string) => /char|text/i.test(type)

function rowBytes(type: string): number {
  const [, name = '', length] = /^(\w+)\((\d+)\)/.exec(type) ?? []
  if (/^(var)?char$/i.test(name)) return Number(length) * 4
  return /^(var)?binary$/i.test(name) ? Number(length) : 16
}

const numbersOf = (version: string) => version.split(/[.-]/).map(Number)
const isAtLeast = (version: string, wanted: readonly number[]) => {
  const have = numbersOf(version)
  const at = wanted.findIndex((part, i) => part !== (have[i] ?? 0))
  return at === -1 || (have[at] ?? 0) > (wanted[at] ?? 0)
}
/** https://dev.mysql.com/doc/refman/8.4/en/fractional-seconds.html */
const hasFractions = ({ isMariaDb, version }: DdlFacts) => isAtLeast(version, isMariaDb ? [5, 3] : [5, 6, 4])
const hasJson = ({ version }: DdlFacts) => isAtLeast(version, [10, 2, 7])

/** The column as the catalog will describe it. */
function describedColumn(field: Field, name: string, type: string, isKey: boolean): NativeColumn {
  const [, word = '', parameters = ''] = /^(\w+)(?:\(([^']*?)\))?/.exec(type) ?? []
  const dataType = word.toLowerCase()
  const [first = 0, second = 0] = parameters.split(',').map(Number)
  const isText = /char|text|enum|set/.test(dataType)
  const isTimed = /^(time|datetime|timestamp)$/.test(dataType)
  return {
    name,
    dataType,
    columnType: type,
    ...membersOf({ dataType, columnType: type }),
    isNullable: field.nullable && !isKey,
    precision: dataType === 'decimal' ? first || 10 : 0,
    scale: dataType === 'decimal' ? second : 0,
    length: /char|binary/.test(dataType) ? first || 1 : undefined,
    fraction: isTimed ? first : 0,
    charset: isText ? 'utf8mb4' : undefined,
    collation: undefined,
    comment: '',
    isGenerated: false,
    isInvisible: false,
    hasDefault: false,
    isAutoIncrement: false,
    isJson: false,
  }
}
