/** In which type a column of the target wants its values, and what else an encoder must know to keep the server from changing them. */
import {
  binary,
  bool,
  date,
  decimalType,
  duration,
  type Field,
  int,
  json,
  numeric,
  timestamp,
  type Type,
  utf8,
  uuid,
} from '#columnar'
import type { ParameterColumn } from './protocol/row-encoder.ts'
import { bitsOf, GEOMETRIES, isBinaryColumn, logicalType, type NativeColumn } from './types.ts'

/** As near to the source as the column allows; the engine casts. */
export function wantedType(source: Type, column: NativeColumn): Type {
  const { dataType, precision, scale } = column
  const own = logicalType(column)
  if (column.members !== undefined) return utf8
  if (GEOMETRIES.has(dataType)) return binary
  if (dataType === 'bit') return bitType(source, column)
  if (isBinaryColumn(column)) return source.kind === 'uuid' && (column.length ?? 0) >= 16 ? uuid : binary
  switch (own?.kind) {
    case 'int':
      if (dataType === 'year') return int(16)
      return source.kind === 'bool' || (source.kind === 'int' && fits(source, own)) ? source : own
    case 'float':
      return source.kind === 'float' && source.bits <= own.bits ? source : own
    case 'decimal':
    case 'numeric':
      return decimalWanted(source, precision, scale)
    case 'date':
      return date
    case 'timestamp':
      return timestamp(own.zone)
    case 'duration':
      return source.kind === 'time' ? source : duration
    case 'json':
      return source.kind === 'utf8' ? utf8 : json
    case 'uuid':
      return source.kind === 'uuid' ? uuid : utf8
    default:
      return source.kind === 'json' || source.kind === 'uuid' ? source : utf8
  }
}

type Int = Extract<Type, { kind: 'int' }>

function fits(source: Int, target: Int): boolean {
  if (source.signed === target.signed) return source.bits <= target.bits
  return !source.signed && source.bits < target.bits
}

function bitType(source: Type, column: NativeColumn): Type {
  if (source.kind === 'bool' || source.kind === 'binary') return source
  return bitsOf(column) === 1 && source.kind !== 'int' ? bool : int(64, false)
}

/** A number that fits whatever its value is stays what it is; else the engine casts to the column's own digits, which it checks. */
function decimalWanted(source: Type, precision: number, scale: number): Type {
  if (source.kind === 'decimal' && source.scale <= scale && source.precision - source.scale <= precision - scale) return source
  if (source.kind === 'int' && INT_DIGITS[source.bits] <= precision - scale) return source
  const own = decimalType(precision, scale)
  return source.kind === 'numeric' && own.kind !== 'decimal' ? numeric : own
}

const INT_DIGITS = { 8: 3, 16: 5, 32: 10, 64: 20 } as const

/** How a field of the source is sent to a column. */
export function parameterColumn(source: Field, type: Type, column: NativeColumn, isMariaDb: boolean): ParameterColumn {
  const { dataType, length } = column
  const isText = type.kind === 'utf8' || type.kind === 'json'
  const isNumericText = type.kind === 'numeric'
  const keepsFraction = (source.fraction ?? 6) <= column.fraction
  return {
    type,
    fraction: keepsFraction ? 6 : column.fraction,
    ...(isText && dataType.endsWith('char') && length !== undefined && !((source.length ?? Infinity) <= length)
      ? { maxChars: length }
      : {}),
    ...(dataType === 'binary' && length !== undefined && !(type.kind === 'uuid' && length === 16) ? { exactBytes: length } : {}),
    trailingSpaces: spacesAtEnd(source, type, column),
    ...(column.members === undefined ? {} : { members: { isSet: dataType === 'set', names: column.members } }),
    isGeometry: GEOMETRIES.has(dataType),
    // MySQL refuses binary times of the last hour that have a fraction, though it can store them.
    isText:
      type.kind === 'uuid'
        ? !isBinaryColumn(column)
        : (type.kind === 'duration' || type.kind === 'time') && column.fraction > 0 && !isMariaDb,
    isYear: dataType === 'year',
    ...(isNumericText && logicalType(column)?.kind !== 'utf8' ? { scale: column.scale } : {}),
    // NULL stands for the next number in such a column, and in a TIMESTAMP of old servers for now.
    isNullable: column.isNullable,
  }
}

function spacesAtEnd(source: Field, type: Type, column: NativeColumn): ParameterColumn['trailingSpaces'] {
  const isChar = column.dataType === 'char' && (type.kind === 'utf8' || type.kind === 'json')
  if (!isChar && column.members === undefined) return 'keep'
  if (isBlankPadded(source)) return 'trim'
  return isChar ? 'refuse' : 'keep'
}

/** CHAR of any system: spaces at the end mean nothing in it. */
const isBlankPadded = ({ native }: Field) =>
  native !== undefined && /^(char|character|bpchar|nchar)\b(?! varying)/i.test(native.type)
