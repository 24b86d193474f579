/**
 * Keys that rows can be read in the order of: what splits and positions are made of.
 *
 * A position is the key of the last row, every part as text in the form of its type; `keyLiteral` turns it into SQL.
 */
import { readValue, type Column, type Type } from '#columnar'
import { mysqlDialect, type KeyValues } from '#sql'
import { identityOf, type TableFacts } from './discovery.ts'
import { isBinaryColumn, logicalType, type NativeColumn } from './types.ts'

export interface KeyColumn {
  readonly name: string
  readonly type: Type
}

/** Types whose values compare in SQL as ORDER BY orders them. ENUM and SET do not: they sort by number and compare as text. */
function isOrderable(column: NativeColumn): boolean {
  const type = logicalType(column)
  switch (type?.kind) {
    case 'int':
    case 'decimal':
    case 'date':
    case 'timestamp':
    case 'duration':
    case 'uuid':
      return column.dataType !== 'bit'
    case 'utf8':
      return /char$|text$/.test(column.dataType)
    case 'binary':
      return isBinaryColumn(column) && column.dataType !== 'vector'
    default:
      return false
  }
}

/** The identity as a key to read by; undefined when there is none, or one of its columns has no usable order. */
export function readingKey(table: TableFacts): readonly KeyColumn[] | undefined {
  const columns = identityOf(table).map(name => table.columns.find(column => column.name === name))
  if (columns.length === 0) return undefined
  const key = columns.flatMap(column => (column !== undefined && isOrderable(column) ? [keyColumn(column)] : []))
  return key.length === columns.length ? key : undefined
}

export function keyColumn(column: NativeColumn): KeyColumn {
  return { name: column.name, type: logicalType(column) ?? { kind: 'utf8' } }
}

export const isKeyable = isOrderable

/** The key of one row, from columns in the order of the key. */
export const keyOfRow = (columns: readonly Column[], row: number): string[] => columns.map(column => keyText(column, row))

function keyText(column: Column, row: number): string {
  const value = readValue(column, row)
  switch (column.type.kind) {
    case 'binary':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'duration':
      return durationText(value as bigint)
    case 'date':
    case 'timestamp':
      return yearZero(String(value).replace(/Z/, ''))
    default:
      return String(value)
  }
}

/** Year 1 BC is MySQL's year 0. */
const yearZero = (text: string) => (text.endsWith(' BC') ? `0000${text.slice(4, -3)}` : text)

const MICROS = 1_000_000n

export function durationText(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const seconds = size / MICROS
  const pad = (part: bigint, width: number) => String(part).padStart(width, '0')
  const clock = `${pad(seconds / 3600n, 2)}:${pad((seconds / 60n) % 60n, 2)}:${pad(seconds % 60n, 2)}`
  return `${micros < 0n ? '-' : ''}${clock}${size % MICROS === 0n ? '' : `.${pad(size % MICROS, 6)}`}`
}

/** A part of a key as a constant. Numbers stand bare, so nothing else may be taken for one: positions come from outside. */
export function keyLiteral(type: Type, value: string): string {
  const isNumber = type.kind === 'int' || type.kind === 'decimal'
  if (isNumber && /^-?\d+(\.\d+)?$/.test(value)) return value
  if (type.kind === 'binary' && /^([\da-f]{2})*$/.test(value)) return `x'${value}'`
  return mysqlDialect.literal(value)
}

export const keyLiterals = (key: readonly KeyColumn[]) => (value: string, at: number) =>
  keyLiteral(key[at]?.type ?? { kind: 'utf8' }, value)

export const isKeyValues = (value: unknown, key: readonly KeyColumn[]): value is KeyValues =>
  Array.isArray(value) && value.length === key.length && value.every(part => typeof part === 'string')
