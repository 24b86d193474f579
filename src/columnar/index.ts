export { Batch, BATCH_BYTES, BATCH_ROWS, capacityFor, fixedRowBytes, ROW_KINDS, type RowKind } from './batch.ts'
export { BatchBuilder, type BatchLimits } from './builder.ts'
export { EncodedBatch, type DecodeRows } from './encoded-batch.ts'
export { explainRefusal } from './cast-refusal.ts'
export type { CastPlan, Kernel } from './cast-rule.ts'
export { castMatrix, compileCast, planCast, type CastCell } from './cast.ts'
export { Caster, type CastResult, type Refusal } from './caster.ts'
export { Column, VIEWS, type Values } from './column.ts'
export { gatherRows, pickRows } from './gather.ts'
export { RowHasher } from './hash.ts'
export { jsonStringBytes, renderJsonString, skipJson, unescapeJsonString } from './json-text.ts'
export { readIpc, type IpcContent } from './ipc/read.ts'
export { IpcWriter, type IpcOptions } from './ipc/write.ts'
export { maxTextBytes, renderBool, renderBytes, renderHex, renderOf, renderUuid, type Render } from './render-bytes.ts'
export {
  renderAscii,
  renderDecimal128,
  renderDecimal64,
  renderFloat32,
  renderFloat64,
  renderInt,
  renderInt64,
  renderUint64,
} from './render-number.ts'
export { renderDate, renderDuration, renderTime, renderTimestamp } from './render-time.ts'
export { scanBool, scanNumeric, scanOf, scanUtf8, scanUuid, type Scan } from './scan-bytes.ts'
export { scanDecimal, scanFloat32, scanFloat64, scanInt, scanInt64, scanUint64 } from './scan-number.ts'
export { scanDate, scanDuration, scanTime, scanTimestamp } from './scan-time.ts'
export type { Field, Schema } from './schema.ts'
export { packBatch, slabBytes, unpackBatch } from './slab.ts'
export * as special from './special.ts'
export {
  civilFromDays,
  daysFromCivil,
  formatDate,
  formatDecimal,
  formatInterval,
  formatTime,
  formatTimestamp,
  parseDate,
  parseDecimal,
  parseInterval,
  parseTime,
  parseTimestamp,
  type CivilDate,
} from './text.ts'
export {
  binary,
  bool,
  date,
  DECIMAL128_DIGITS,
  DECIMAL64_DIGITS,
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
export { cellToJson, valueFromJson, type ValueJson } from './value-json.ts'
export { readDecimal, readInt64, readValue, writeValue, type IntervalValue, type Value } from './value.ts'
export { viewOf } from './view.ts'
