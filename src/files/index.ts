export { binaryTextBytes, renderBinary, scanBinary, type BinaryText } from './binary-text.ts'
export { fileErrors } from './errors.ts'
export { FileReader, type FilePosition } from './file-reader.ts'
export { type FileSplit } from './file-datasets.ts'
export {
  RowFault,
  SPARE_BYTES,
  undoRow,
  type Beginning,
  type DecodeRows,
  type Head,
  type RowFormat,
  type Sampler,
} from './row-format.ts'
export { columnOption, namedColumns, sourceShape, type NamedColumn, type SourceSettings } from './source-options.ts'
export type { EncodeRows, Encoded, RowEncoding } from './row-encoding.ts'
export { sinkShape, type SinkSettings } from './sink-options.ts'
export { StagedWriter } from './staged-writer.ts'
export { putDate, putDecimal64, putInt32, putInt64, putTimestamp, putUint32 } from './fast-text.ts'
export { BLOCK_TOOLS, BLOCK_VARIABLES, payloadCode, valueCode, valueKind, type ValueKind } from './value-code.ts'
