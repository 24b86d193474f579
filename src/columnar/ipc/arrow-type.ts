/**
 * Arrow's types (https://github.com/apache/arrow/blob/main/format/Schema.fbs) and ours.
 *
 * Written: decimals always in 128 bits, as few readers know Decimal64; json and uuid as the canonical extension types; numeric, which
 * Arrow does not have, as text with the extension name `sluice.numeric`. What a field says besides its type is JSON in its metadata.
 * Read: besides what is written, other units and widths, which become ours where nothing is lost.
 */
import { columnarErrors } from '../errors.ts'
import type { Field } from '../schema.ts'
import * as types from '../types.ts'
import { bool, int16, int32, table, text, uint8, type FlatTable, type Node, type Slot } from './flatbuffer.ts'

/** Members of the union Type. */
const ARROW = {
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  interval: 11,
  list: 12,
  fixedSizeBinary: 15,
  duration: 18,
  largeBinary: 19,
  largeUtf8: 20,
  largeList: 21,
} as const

const PRECISION = { 32: 1, 64: 2 } as const
const DATE_UNIT = { day: 0, millisecond: 1 } as const
const TIME_UNIT = { second: 0, millisecond: 1, microsecond: 2, nanosecond: 3 } as const
export const INTERVAL_UNIT = { yearMonth: 0, dayTime: 1, monthDayNano: 2 } as const
/** Factors from seconds, milliseconds, microseconds and nanoseconds to microseconds; see {@link Encoding}. */
const MICROS_PER_UNIT = [1_000_000, 1000, 1, -1000] as const
const MS_PER_DAY = -86_400_000
const UUID_BYTES = 16
/** Lists within lists. Foreign metadata could otherwise exhaust the stack. */
const MAX_DEPTH = 32

const EXTENSION = 'ARROW:extension:name'
const EXTENSION_METADATA = 'ARROW:extension:metadata'
/** Metadata key for what our fields know besides Arrow's: native type, length, fraction, comment. */
const FIELD_KEY = 'sluice.field'
/** Metadata key that marks the column of the row kinds. */
export const ROLE_KEY = 'sluice.role'
export const ROW_KIND_ROLE = 'row-kind'

/** How a value lies in an Arrow buffer, where that differs from how it lies in a {@link types.Layout}. */
export type Encoding =
  | { readonly kind: 'same' }
  /** Decimals as integers of a width that need not be ours. */
  | { readonly kind: 'decimal'; readonly bytes: 4 | 8 | 16 }
  /** Counts of another unit than ours: to be multiplied by `factor`, or divided where it is negative. */
  | { readonly kind: 'scaled'; readonly bytes: 4 | 8; readonly factor: number }
  | { readonly kind: 'interval'; readonly unit: number }
  /** Offsets of 64 bits. */
  | { readonly kind: 'large' }
  /** Bytes of a fixed number per row, which are `binary` here. */
  | { readonly kind: 'fixed-bytes'; readonly bytes: number }

/** A field of an Arrow schema in our terms. */
export interface ArrowField {
  readonly field: Field
  readonly encoding: Encoding
  readonly item: ArrowField | undefined
  readonly isRowKind: boolean
}

/** The table Field. */
export function encodeField(field: Field, extra: Readonly<Record<string, string>> = {}): Node {
  const [id, type] = arrowType(field.type)
  const { name, nullable, type: own, ...more } = field
  const metadata = {
    ...extensionOf(own),
    ...(Object.keys(more).length > 0 ? { [FIELD_KEY]: JSON.stringify(more) } : {}),
    ...extra,
  }
  const children = own.kind === 'list' ? [encodeField({ name: 'item', type: own.item, nullable: true })] : []
  const pairs = Object.entries(metadata).map(([key, value]): Node => ({ table: [text(key), text(value)] }))
  return {
    table: [text(name), bool(nullable), uint8(id), type, undefined, { to: { nodes: children } }, { to: { nodes: pairs } }],
  }
}

function extensionOf({ kind }: types.Type): Record<string, string> {
  if (kind === 'json') return { [EXTENSION]: 'arrow.json', [EXTENSION_METADATA]: '' }
  if (kind === 'uuid') return { [EXTENSION]: 'arrow.uuid', [EXTENSION_METADATA]: '' }
  return kind === 'numeric' ? { [EXTENSION]: 'sluice.numeric', [EXTENSION_METADATA]: '' } : {}
}

/** The member of the union and its table. */
function arrowType(type: types.Type): [id: number, type: Slot] {
  switch (type.kind) {
    case 'bool':
      return [ARROW.bool, table()]
    case 'int':
      return [ARROW.int, table(int32(type.bits), bool(type.signed))]
    case 'float':
      return [ARROW.float, table(int16(PRECISION[type.bits]))]
    case 'decimal':
      return [ARROW.decimal, table(int32(type.precision), int32(type.scale), int32(128))]
    case 'numeric':
    case 'utf8':
    case 'json':
      return [ARROW.utf8, table()]
    case 'binary':
      return [ARROW.binary, table()]
    case 'uuid':
      return [ARROW.fixedSizeBinary, table(int32(UUID_BYTES))]
    case 'date':
      return [ARROW.date, table(int16(DATE_UNIT.day))]
    case 'time':
      return [ARROW.time, table(int16(TIME_UNIT.microsecond), int32(64))]
    case 'duration':
      return [ARROW.duration, table(int16(TIME_UNIT.microsecond))]
    case 'timestamp':
      return [ARROW.timestamp, table(int16(TIME_UNIT.microsecond), type.zone ? text('UTC') : undefined)]
    case 'interval':
      return [ARROW.interval, table(int16(INTERVAL_UNIT.monthDayNano))]
    case 'list':
      return [ARROW.list, table()]
  }
}

/** Reads the table Field. Types that have no counterpart are refused by name of the column. */
export function decodeField(source: FlatTable, depth = 0): ArrowField {
  const name = source.text(0) ?? ''
  const metadata = new Map(source.tables(6).map(pair => [pair.text(0) ?? '', pair.text(1) ?? '']))
  const unknown = (reason: string) => columnarErrors.unknownArrow({ column: name, reason })
  if (source.table(4) !== undefined) throw unknown('it is dictionary-encoded')
  if (depth > MAX_DEPTH) throw unknown('its lists are nested too deeply')
  const child = source.tables(5)[0]
  const item = child && decodeField(child, depth + 1)
  const found = decodeType(source.int(2, 1, 0), source.table(3), metadata.get(EXTENSION), item)
  if (typeof found === 'string') throw unknown(found)
  const field = { name, type: found.type, nullable: source.bool(1), ...ownMetadata(metadata.get(FIELD_KEY)) }
  return { field, encoding: found.encoding, item, isRowKind: metadata.get(ROLE_KEY) === ROW_KIND_ROLE }
}

interface Found {
  readonly type: types.Type
  readonly encoding: Encoding
}

const same = (type: types.Type): Found => ({ type, encoding: { kind: 'same' } })

/** The type, or why there is none. */
function decodeType(
  id: number,
  details: FlatTable | undefined,
  extension: string | undefined,
  item: ArrowField | undefined,
): Found | string {
  switch (id) {
    case ARROW.bool:
      return same(types.bool)
    case ARROW.int:
      return decodeInt(details?.int(0, 4, 0) ?? 0, details?.bool(1) ?? false)
    case ARROW.float: {
      const precision = details?.int(0, 2, 0)
      return precision === PRECISION[32]
        ? same(types.float(32))
        : precision === PRECISION[64]
          ? same(types.float(64))
          : 'it has floats of 16 bits'
    }
    case ARROW.decimal:
      return decodeDecimal(details?.int(0, 4, 0) ?? 0, details?.int(1, 4, 0) ?? 0, details?.int(2, 4, 128) ?? 128)
    case ARROW.utf8:
      return same(textType(extension))
    case ARROW.largeUtf8:
      return { type: textType(extension), encoding: { kind: 'large' } }
    case ARROW.binary:
      return same(types.binary)
    case ARROW.largeBinary:
      return { type: types.binary, encoding: { kind: 'large' } }
    case ARROW.fixedSizeBinary:
      return decodeFixed(details?.int(0, 4, 0) ?? 0, extension)
    case ARROW.list:
    case ARROW.largeList:
      if (item === undefined) return 'it is a list without items'
      return { type: types.list(item.field.type), encoding: { kind: id === ARROW.list ? 'same' : 'large' } }
    default:
      return decodeTemporal(id, details)
  }
}

function decodeTemporal(id: number, details: FlatTable | undefined): Found | string {
  switch (id) {
    case ARROW.date:
      return (details?.int(0, 2, 1) ?? 1) === DATE_UNIT.day ? scaled(types.date, 4, 1) : scaled(types.date, 8, MS_PER_DAY)
    case ARROW.time: {
      const factor = MICROS_PER_UNIT[details?.int(0, 2, 1) ?? 1]
      return factor === undefined
        ? 'its unit is unknown'
        : scaled(types.time, (details?.int(1, 4, 32) ?? 32) === 64 ? 8 : 4, factor)
    }
    case ARROW.timestamp: {
      const factor = MICROS_PER_UNIT[details?.int(0, 2, 0) ?? 0]
      return factor === undefined ? 'its unit is unknown' : scaled(types.timestamp(details?.text(1) !== undefined), 8, factor)
    }
    case ARROW.duration: {
      const factor = MICROS_PER_UNIT[details?.int(0, 2, 1) ?? 1]
      return factor === undefined ? 'its unit is unknown' : scaled(types.duration, 8, factor)
    }
    case ARROW.interval:
      return { type: types.interval, encoding: { kind: 'interval', unit: details?.int(0, 2, 0) ?? 0 } }
    default:
      return `it has Arrow type ${id}, which is not supported`
  }
}

const scaled = (type: types.Type, bytes: 4 | 8, factor: number): Found => ({ type, encoding: { kind: 'scaled', bytes, factor } })

function decodeInt(bits: number, signed: boolean): Found | string {
  return bits === 8 || bits === 16 || bits === 32 || bits === 64
    ? same(types.int(bits, signed))
    : `it has integers of ${bits} bits`
}

function decodeDecimal(precision: number, scale: number, bits: number): Found | string {
  const type = types.decimalType(precision, scale)
  if (type.kind !== 'decimal') return `it is decimal(${precision},${scale})`
  return bits === 32 || bits === 64 || bits === 128
    ? { type, encoding: { kind: 'decimal', bytes: (bits / 8) as 4 | 8 | 16 } }
    : `it has decimals of ${bits} bits`
}

function decodeFixed(bytes: number, extension: string | undefined): Found | string {
  if (bytes === UUID_BYTES && extension === 'arrow.uuid') return same(types.uuid)
  return bytes > 0 ? { type: types.binary, encoding: { kind: 'fixed-bytes', bytes } } : 'its width is 0'
}

function textType(extension: string | undefined): types.Type {
  return extension === 'arrow.json' ? types.json : extension === 'sluice.numeric' ? types.numeric : types.utf8
}

/**
 * What our writer has said about the field, as far as it is harmless: a native type would become part of DDL, and the text is
 * foreign. Other text under our key is no reason to fail.
 */
function ownMetadata(json: string | undefined): Partial<Field> {
  const { length, fraction, comment } = parsedObject(json)
  return {
    ...(Number.isSafeInteger(length) ? { length: length as number } : {}),
    ...(Number.isSafeInteger(fraction) ? { fraction: fraction as number } : {}),
    ...(typeof comment === 'string' ? { comment } : {}),
  }
}

function parsedObject(json: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(json ?? '{}')) as Record<string, unknown>
  } catch {
    return {}
  }
}
