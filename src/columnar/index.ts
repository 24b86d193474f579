export { Batch, BATCH_BYTES, BATCH_ROWS, ROW_KINDS, type RowKind } from './batch.ts'
export { Column, VIEWS, type Values } from './column.ts'
export { RowHasher } from './hash.ts'
export type { Field, Schema } from './schema.ts'
export * as special from './special.ts'
export {
  civilFromDays,
  daysFromCivil,
  formatDate,
  formatDecimal,
  formatTime,
  formatTimestamp,
  parseDate,
  parseDecimal,
  parseTime,
  parseTimestamp,
  type CivilDate,
} from './text.ts'
export {
  binary,
  bool,
  date,
  decimalType,
  duration,
  float,
  int,
  interval,
  json,
  layoutOf,
  list,
  numeric,
  parseTypeName,
  sameType,
  time,
  timestamp,
  typeName,
  utf8,
  uuid,
  type Layout,
  type Type,
  type Words,
} from './types.ts'
export { readDecimal, readInt64, readValue, writeValue, type IntervalValue, type Value } from './value.ts'
