/**
 * PostgreSQL's types and ours.
 *
 * | PostgreSQL | read as | lost |
 * |---|---|---|
 * | bool | bool | |
 * | int2, int4, int8, oid | int16, int32, int64, uint32 | |
 * | float4, float8 | float32, float64 | |
 * | numeric(p,s), p ≤ 38, 0 ≤ s ≤ p | decimal(p,s) | |
 * | other numeric | numeric (text) | |
 * | text, varchar, char(n), name, citext, enums | utf8; char(n) with its padding | |
 * | bytea | binary | |
 * | date, time, timestamp, timestamptz, interval | date, time, timestamp, timestamptz, interval | |
 * | json, jsonb | json | |
 * | uuid | uuid | |
 * | arrays of these, one dimension from 1 | list | other shapes are refused, or read as text with `arrays: text` |
 * | everything else | utf8, as `::text` writes it | |
 *
 * Domains are their base types, on both sides.
 */
import {
  binary,
  bool,
  date,
  decimalType,
  float,
  int,
  interval,
  json,
  list,
  numeric,
  time,
  timestamp,
  utf8,
  uuid,
  type Type,
} from '#columnar'

/** How a value is coded in binary COPY and in parameters: by the `send` and `recv` functions of these types. */
export type Wire =
  | { readonly kind: ScalarWire }
  | { readonly kind: 'array'; readonly item: { readonly kind: ScalarWire }; readonly itemOid: number }

export type ScalarWire =
  | 'bool'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'oid'
  | 'float4'
  | 'float8'
  | 'numeric'
  | 'text'
  | 'bytea'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'interval'
  // Before PostgreSQL 17, where the bits of infinity are a length of time.
  | 'finiteInterval'
  | 'json'
  | 'jsonb'
  | 'uuid'

/** A type as the catalogue describes it, domains resolved. */
export interface PgType {
  readonly oid: number
  readonly modifier: number
  /** Of an array. */
  readonly item?: PgType
  /** `e`: enum. */
  readonly kind: string
  readonly name: string
  /** Whether its name stands in pg_catalog. */
  readonly isBuiltIn: boolean
  /** Version of the server, as {@link Connection.serverVersion} has it. */
  readonly server: number
}

interface Row {
  readonly wire: ScalarWire
  readonly type: (modifier: number) => Type
}

const row = (wire: ScalarWire, type: Type): Row => ({ wire, type: () => type })

/** By OID (src/include/catalog/pg_type.dat), which never change. */
const TYPES: Readonly<Record<number, Row>> = {
  16: row('bool', bool),
  17: row('bytea', binary),
  19: row('text', utf8), // name
  20: row('int8', int(64)),
  21: row('int2', int(16)),
  23: row('int4', int(32)),
  25: row('text', utf8),
  26: row('oid', int(32, false)),
  114: row('json', json),
  700: row('float4', float(32)),
  701: row('float8', float(64)),
  1042: row('text', utf8), // char(n)
  1043: row('text', utf8), // varchar
  1082: row('date', date),
  1083: row('time', time),
  1114: row('timestamp', timestamp(false)),
  1184: row('timestamp', timestamp(true)),
  1186: row('interval', interval),
  1700: { wire: 'numeric', type: numericType },
  2950: row('uuid', uuid),
  3802: row('jsonb', json),
}

const NUMERIC = 1700
const INTERVAL = 1186
const INFINITE_INTERVALS_SINCE = 170_000

/** https://www.postgresql.org/docs/current/catalog-pg-attribute.html; the scale is signed and has 11 bits since version 15. */
function numericType(modifier: number): Type {
  if (modifier < 4) return numeric
  return decimalType(((modifier - 4) >> 16) & 0xffff, scaleOf(modifier))
}

const scaleOf = (modifier: number) => (((modifier - 4) & 0x7ff) ^ 1024) - 1024

/** What is read, and how; undefined when the value has to be read as text. */
export function readsAs(
  { oid, modifier, item, kind, name, isBuiltIn, server }: PgType,
  arrays: 'list' | 'text',
): { type: Type; wire: Wire } | undefined {
  if (oid === INTERVAL && server < INFINITE_INTERVALS_SINCE) return { type: interval, wire: { kind: 'finiteInterval' } }
  const known = TYPES[oid]
  if (known) return { type: known.type(modifier), wire: { kind: known.wire } }
  // The send function of an enum gives its label, that of citext its text.
  if (kind === 'e' || (name === 'citext' && !isBuiltIn && item === undefined)) return { type: utf8, wire: { kind: 'text' } }
  if (item === undefined || arrays === 'text') return undefined
  const element = readsAs({ ...item, modifier }, arrays)
  if (element === undefined || element.wire.kind === 'array') return undefined
  return { type: list(element.type), wire: { kind: 'array', item: element.wire, itemOid: item.oid } }
}

/** What the type of a target column takes in binary; undefined when only text will do. */
export function writesAs(type: PgType): Wire | undefined {
  return readsAs(type, 'list')?.wire
}

/**
 * The type in which the writer wants the values of a source column for a target column: the source's own where the target
 * holds all of it, else the one nearest to the target. The engine casts, and refuses what cannot be cast.
 */
export function wantedType(source: Type, target: PgType): Type {
  const wire = writesAs(target)
  if (wire === undefined) return target.item === undefined ? utf8 : source.kind === 'list' ? source : utf8
  if (wire.kind === 'array') {
    const { item } = target
    if (source.kind !== 'list' || item === undefined) return list(itemType(target))
    return list(wantedType(source.item, { ...item, modifier: target.modifier }))
  }
  if (target.oid === INTERVAL && source.kind === 'duration') return source
  return wire.kind === 'numeric'
    ? wantedNumeric(source, numericType(target.modifier), target.modifier < 4)
    : (readsAs(target, 'list')?.type ?? utf8)
}

const itemType = ({ item, modifier }: PgType): Type => (item && readsAs({ ...item, modifier }, 'list')?.type) ?? utf8

/** Whole numbers and decimals that fit as they are; the rest is cast to the target's precision, which refuses what it would lose. */
function wantedNumeric(source: Type, target: Type, isUnbounded: boolean): Type {
  if (isUnbounded) return source.kind === 'int' || source.kind === 'decimal' ? source : numeric
  if (target.kind !== 'decimal') return numeric
  const whole = target.precision - target.scale
  if (source.kind === 'int') return whole >= digitsOf(source) ? source : target
  if (source.kind === 'decimal' && source.scale <= target.scale && source.precision - source.scale <= whole) return source
  return target
}

const digitsOf = ({ bits }: { readonly bits: 8 | 16 | 32 | 64 }): number => ({ 8: 3, 16: 5, 32: 10, 64: 20 })[bits]

/** The column type that holds every value of ours, for a table that is created. */
export function columnTypeFor(type: Type, length: number | undefined, fraction: number | undefined): string {
  switch (type.kind) {
    case 'bool':
      return 'boolean'
    case 'int':
      return intColumn(type.bits, type.signed)
    case 'float':
      return type.bits === 32 ? 'real' : 'double precision'
    case 'decimal':
      return `numeric(${type.precision},${type.scale})`
    case 'numeric':
      return 'numeric'
    case 'utf8':
      return length !== undefined && length >= 1 && length <= MOST_CHARACTERS ? `character varying(${length})` : 'text'
    case 'json':
      // jsonb would lose the order of keys, repeated keys and the spelling of numbers.
      return 'json'
    case 'binary':
      return 'bytea'
    case 'uuid':
      return 'uuid'
    case 'date':
      return 'date'
    case 'time':
      return `time${fractionOf(fraction)} without time zone`
    case 'duration':
    case 'interval':
      return 'interval'
    case 'timestamp':
      return `timestamp${fractionOf(fraction)} ${type.zone ? 'with' : 'without'} time zone`
    case 'list':
      return `${columnTypeFor(type.item, length, fraction)}[]`
  }
}

const MOST_CHARACTERS = 10_485_760

const fractionOf = (fraction: number | undefined) => (fraction === undefined || fraction === 6 ? '' : `(${fraction})`)

function intColumn(bits: 8 | 16 | 32 | 64, signed: boolean): string {
  if (bits === 8) return 'smallint'
  if (signed) return bits === 16 ? 'smallint' : bits === 32 ? 'integer' : 'bigint'
  return bits === 16 ? 'integer' : bits === 32 ? 'bigint' : 'numeric(20,0)'
}

/** Most characters of text and most digits behind the second, as far as the modifier bounds them. */
export function boundsOf({ oid, modifier }: Pick<PgType, 'oid' | 'modifier'>): { length?: number; fraction?: number } {
  const [CHAR, VARCHAR, TIME, TIMESTAMP, TIMESTAMPTZ] = [1042, 1043, 1083, 1114, 1184]
  if ((oid === CHAR || oid === VARCHAR) && modifier >= 4) return { length: modifier - 4 }
  if ((oid === TIME || oid === TIMESTAMP || oid === TIMESTAMPTZ) && modifier >= 0) return { fraction: modifier }
  return {}
}

/** What the server would cut or round to fit a column, without a word. */
export function limitsOf({ oid, modifier, name, item }: PgType): { length?: number; fraction?: number; scale?: number } {
  if (item !== undefined) return limitsOf({ ...item, modifier })
  const { length, fraction } = boundsOf({ oid, modifier })
  if (name === 'varchar' && length !== undefined) return { length }
  if (fraction !== undefined) return { fraction }
  if (oid === INTERVAL && modifier >= 0 && (modifier & 0xffff) <= 6) return { fraction: modifier & 0xffff }
  return oid === NUMERIC && modifier >= 4 ? { scale: Math.max(scaleOf(modifier), 0) } : {}
}

/** `interval day` and its like drop smaller fields. https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-INTERVAL-INPUT */
export const dropsFields = ({ oid, modifier }: PgType): boolean =>
  oid === INTERVAL && modifier >= 0 && ((modifier >> 16) & 0x7fff) !== 0x7fff
