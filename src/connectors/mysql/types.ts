/**
 * MySQL's and MariaDB's types and ours.
 *
 * | MySQL | ours | notes |
 * |---|---|---|
 * | TINYINT … BIGINT | int8 … int64, uint8 … uint64 | MEDIUMINT is int32 with and without sign; TINYINT(1) is a number |
 * | FLOAT, DOUBLE | float32, float64 | |
 * | DECIMAL(p, s) | decimal(p, s), numeric beyond 38 digits | |
 * | BIT(1), BIT(n) | bool, uint64 | a number is what MySQL takes BIT for, and it comes back exactly by way of any system |
 * | DATE | date | days that do not exist (0000-00-00, 2024-02-31) as `zeroDates` says |
 * | DATETIME, TIMESTAMP | timestamp, timestamptz | sessions run in UTC |
 * | TIME | duration | goes to ±838:59:59.999999 |
 * | YEAR | int16 | 0 is the year 0000 |
 * | CHAR, VARCHAR, TEXT, INET4, INET6 | utf8 | the server converts other character sets |
 * | ENUM, SET | utf8 | members as they are defined, byte by byte; those of a SET in the order of definition |
 * | BINARY, VARBINARY, BLOB, VECTOR | binary | |
 * | JSON | json | MariaDB: LONGTEXT with a json_valid check |
 * | geometry | binary | WKB; EWKB where the SRID is not 0 |
 * | UUID (MariaDB) | uuid | |
 */
import { binary, bool, date, decimalType, duration, float, int, json, type Type, timestamp, utf8, uuid } from '#columnar'
import { BINARY_CHARSET, FIELD, FLAG } from './protocol/field-types.ts'
import type { ColumnDefinition } from './protocol/responses.ts'

/** A column as the catalog describes it. */
export interface NativeColumn {
  readonly name: string
  /** `bigint`, `varchar`: lower case, without parameters. */
  readonly dataType: string
  /** `bigint(20) unsigned`, `enum('a','b')`: as DDL has it. */
  readonly columnType: string
  /** Of ENUM and SET, in the order of definition: the texts that the server takes for what they are. */
  readonly members?: readonly string[]
  readonly isNullable: boolean
  readonly precision: number
  readonly scale: number
  /** Characters of a text or bytes of a binary. */
  readonly length: number | undefined
  /** Digits behind the second. */
  readonly fraction: number
  /** Undefined for what is no text. */
  readonly charset: string | undefined
  readonly collation: string | undefined
  readonly comment: string
  /** Computed by the server: it cannot be written. */
  readonly isGenerated: boolean
  /** Not part of `*`. */
  readonly isInvisible: boolean
  readonly hasDefault: boolean
  readonly isAutoIncrement: boolean
  /** MariaDB's JSON: a LONGTEXT whose check says json_valid. */
  readonly isJson: boolean
}

export const GEOMETRIES: ReadonlySet<string> = new Set([
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
])
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set', 'inet4', 'inet6'])
const BINARIES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'vector'])
const INTEGERS: Readonly<Record<string, 8 | 16 | 32 | 64>> = { tinyint: 8, smallint: 16, int: 32, integer: 32, bigint: 64 }

const isUnsigned = ({ columnType }: Pick<NativeColumn, 'columnType'>) => /\bunsigned\b/i.test(columnType)
/** `n` of BIT(n). */
export const bitsOf = ({ columnType }: Pick<NativeColumn, 'columnType'>) => Number(/\((\d+)\)/.exec(columnType)?.[1] ?? 1)
export const isBinaryColumn = ({ dataType }: NativeColumn) => BINARIES.has(dataType)

/** What the catalog escapes in `enum('a','it''s')`, whatever the SQL mode is. */
const ESCAPED: Readonly<Record<string, string>> = { 0: '\0', n: '\n', r: '\r' }

/** The members of ENUM and SET. */
export function membersOf({
  dataType,
  columnType,
}: Pick<NativeColumn, 'dataType' | 'columnType'>): Pick<NativeColumn, 'members'> {
  if (dataType !== 'enum' && dataType !== 'set') return {}
  const quoted = [...columnType.matchAll(/'((?:[^'\\]|''|\\.)*)'/gs)]
  const unescaped = (_: string, letter: string | undefined) => (letter === undefined ? "'" : (ESCAPED[letter] ?? letter))
  return { members: quoted.map(([, text = '']) => text.replace(/''|\\(.)/gs, unescaped)) }
}

/** The logical type; undefined when the column's type is unknown to us. */
export function logicalType(column: NativeColumn): Type | undefined {
  const { dataType, precision, scale } = column
  if (column.isJson) return json
  const bits = INTEGERS[dataType]
  if (bits !== undefined) return int(bits, !isUnsigned(column))
  if (GEOMETRIES.has(dataType) || BINARIES.has(dataType)) return binary
  if (TEXTS.has(dataType)) return utf8
  switch (dataType) {
    case 'mediumint':
      return int(32)
    case 'float':
      return float(32)
    case 'double':
    case 'real':
      return float(64)
    case 'decimal':
    case 'numeric':
      return decimalType(precision, scale)
    case 'bit':
      return bitsOf(column) === 1 ? bool : int(64, false)
    case 'date':
      return date
    case 'datetime':
      return timestamp(false)
    case 'timestamp':
      return timestamp(true)
    case 'time':
      return duration
    case 'year':
      return int(16)
    case 'json':
      return json
    case 'uuid':
      return uuid
    default:
      return undefined
  }
}

/** The logical type of a result column, for queries and for columns whose type the catalog gave no meaning. */
export function definedType(column: ColumnDefinition): Type {
  const isSigned = (column.flags & FLAG.UNSIGNED) === 0
  switch (column.type) {
    case FIELD.TINY:
      return int(8, isSigned)
    case FIELD.SHORT:
      return int(16, isSigned)
    case FIELD.YEAR:
      return int(16)
    case FIELD.INT24:
      return int(32)
    case FIELD.LONG:
      return int(32, isSigned)
    case FIELD.LONGLONG:
      return int(64, isSigned)
    case FIELD.FLOAT:
      return float(32)
    case FIELD.DOUBLE:
      return float(64)
    case FIELD.DECIMAL:
    case FIELD.NEWDECIMAL:
      // The length counts the point and, where there may be one, the sign.
      return decimalType(column.length - (column.decimals > 0 ? 1 : 0) - (isSigned ? 1 : 0), column.decimals)
    case FIELD.BIT:
      return column.length === 1 ? bool : int(64, false)
    case FIELD.DATE:
    case FIELD.NEWDATE:
      return date
    case FIELD.DATETIME:
      return timestamp(false)
    case FIELD.TIMESTAMP:
      return timestamp(true)
    case FIELD.TIME:
      return duration
    case FIELD.JSON:
      return json
    case FIELD.GEOMETRY:
    case FIELD.VECTOR:
      return binary
    default:
      return column.charset === BINARY_CHARSET && column.type !== FIELD.NULL ? binary : utf8
  }
}

const NUMBERS: ReadonlySet<number> = new Set([
  FIELD.TINY,
  FIELD.SHORT,
  FIELD.YEAR,
  FIELD.INT24,
  FIELD.LONG,
  FIELD.LONGLONG,
  FIELD.FLOAT,
  FIELD.DOUBLE,
  FIELD.DECIMAL,
  FIELD.NEWDECIMAL,
  FIELD.BIT,
  FIELD.DATE,
  FIELD.NEWDATE,
  FIELD.DATETIME,
  FIELD.TIMESTAMP,
  FIELD.TIME,
])

/** Whether a column that was planned with `type` can be decoded from what the server sends now: a table may have changed since. */
export function isDecodable(type: Type, column: ColumnDefinition): boolean {
  if (column.type === FIELD.NULL) return true
  const sent = definedType(column)
  if (type.kind === 'int' || type.kind === 'float') {
    return (
      sent.kind === type.kind &&
      sent.bits === type.bits &&
      (sent.kind === 'float' || (type.kind === 'int' && sent.signed === type.signed))
    )
  }
  if (type.kind === 'decimal') return sent.kind === 'decimal' && sent.scale === type.scale && sent.precision <= type.precision
  if (type.kind === 'numeric') return sent.kind === 'numeric' || sent.kind === 'decimal'
  if (type.kind === 'timestamp') return sent.kind === 'timestamp' && sent.zone === type.zone
  const isText = type.kind === 'utf8' || type.kind === 'json' || type.kind === 'binary' || type.kind === 'uuid'
  return isText ? !NUMBERS.has(column.type) : sent.kind === type.kind
}
