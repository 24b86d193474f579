export { binaryTextBytes, renderBinary, scanBinary, type BinaryText } from './binary-text.ts'
export { groupByType, MOST_UNROLLED, type ColumnName } from './by-type.ts'
export { compileEncoder, type CellCode } from './encoder-code.ts'
export { fileErrors } from './errors.ts'
export type { FileSplit } from './file-datasets.ts'
export { FileReader } from './file-reader.ts'
export type { EncodeRows, Encoded, RowEncoding } from './row-encoding.ts'
export {
  leaveRow,
  RowFault,
  setNull,
  SPARE_BYTES,
  undoRow,
  type Beginning,
  type DecodeRows,
  type Head,
  type Misfit,
  type RowFormat,
  type RowRescue,
  type Sampler,
} from './row-format.ts'
export { sinkShape, type SinkSettings } from './sink-options.ts'
export { columnOption, namedColumns, sourceShape, type NamedColumn, type SourceSettings } from './source-options.ts'
export { StagedWriter } from './staged-writer.ts'
export { BLOCK_TOOLS, BLOCK_VARIABLES, payloadCode, payloadCounter, valueCode, valueKind, type ValueKind } from './value-code.ts'
export { anyByteCode } from './words.ts'
