/**
 * Batches as an Arrow IPC stream or file, for other programs.
 *
 * Arrow has no infinite dates, no NaN among decimals, no 24:00 and no year 294247; such a value is refused with its place, as an
 * interval whose nanoseconds exceed 64 bits is.
 */
import type { Batch } from '../batch.ts'
import { isInfinite, SECONDS_PER_DAY, secondsOf, unwrappedHi } from '../civil.ts'
import type { Column } from '../column.ts'
import { columnarErrors } from '../errors.ts'
import { isNaN128 } from '../render-number.ts'
import type { Schema } from '../schema.ts'
import { DATE_INFINITY, DATE_MINUS_INFINITY, INT64_MIN_HI } from '../special.ts'
import type { Type } from '../types.ts'
import { loadInt64, multiplyAdd, storeInt64 } from '../wide.ts'
import { encodeBatchMessage, encodeFooter, encodeSchemaMessage, endOfStream, MAGIC, type Block } from './message.ts'

const NANOS_PER_MICRO = 1000

export interface IpcOptions {
  /** `file` has an index of its batches at the end, and can be read from anywhere. */
  readonly format: 'stream' | 'file'
  /** Whether batches carry the kinds of their rows, as a last column of int8. */
  readonly kinds?: boolean
}

/** Bytes to be written one after the other: `start`, any number of batches, `end`. */
export class IpcWriter {
  readonly #schema: Schema
  readonly #format: 'stream' | 'file'
  readonly #kinds: boolean
  readonly #blocks: Block[] = []
  #written = 0

  constructor(schema: Schema, { format, kinds = false }: IpcOptions) {
    this.#schema = schema
    this.#format = format
    this.#kinds = kinds
  }

  start(): Uint8Array {
    const message = encodeSchemaMessage(this.#schema, this.#kinds)
    const bytes = this.#format === 'file' ? Buffer.concat([MAGIC, message]) : message
    this.#written += bytes.length
    return bytes
  }

  /** Throws `columnar.not-in-arrow` for a value that Arrow cannot hold. */
  batch(batch: Batch): Uint8Array {
    const { bytes, metadataBytes } = encodeBatch(batch, this.#kinds)
    this.#blocks.push({ offset: this.#written, metadataBytes, bodyBytes: bytes.length - metadataBytes })
    this.#written += bytes.length
    return bytes
  }

  end(): Uint8Array {
    const end = endOfStream()
    return this.#format === 'file' ? Buffer.concat([end, encodeFooter(this.#schema, this.#kinds, this.#blocks)]) : end
  }
}

/** One buffer of the body. */
interface Part {
  readonly bytes: number
  /** Writes them; `target` begins at a multiple of 8. */
  readonly put: (target: Uint8Array<ArrayBuffer>) => void
}

function encodeBatch(batch: Batch, kinds: boolean): { bytes: Uint8Array; metadataBytes: number } {
  const nodes: number[] = []
  const parts: Part[] = []
  for (const [i, column] of batch.columns.entries()) addColumn(column, batch.rows, batch.schema.fields[i]!.name, nodes, parts)
  if (kinds) {
    nodes.push(batch.rows, 0)
    parts.push(NOTHING, copied(batch.kinds ?? new Uint8Array(batch.rows), batch.rows))
  }
  const buffers: number[] = []
  let bodyBytes = 0
  for (const { bytes } of parts) {
    buffers.push(bodyBytes, bytes)
    bodyBytes += (bytes + 7) & ~7
  }
  const metadata = encodeBatchMessage(batch.rows, nodes, buffers, bodyBytes)
  const out = new Uint8Array(metadata.length + bodyBytes)
  out.set(metadata)
  for (const [i, part] of parts.entries()) part.put(out.subarray(metadata.length + buffers[i * 2]!))
  return { bytes: out, metadataBytes: metadata.length }
}

function addColumn(column: Column, rows: number, name: string, nodes: number[], parts: Part[]): void {
  const { layout, offsets, values, type } = column
  refuseWhatArrowLacks(column, rows, name)
  nodes.push(rows, column.nulls)
  parts.push(column.nulls === 0 ? NOTHING : copied(column.validity, (rows + 7) >> 3))
  if (offsets.length > 0) parts.push(copied(offsets, (rows + 1) * 4))
  switch (layout.kind) {
    case 'bits':
      parts.push(copied(values, (rows + 7) >> 3))
      break
    case 'fixed':
      if (type.kind === 'interval') parts.push({ bytes: rows * 16, put: target => putIntervals(target, column, rows, name) })
      else if (type.kind === 'decimal' && layout.bytes === 8)
        parts.push({ bytes: rows * 16, put: target => putWide(target, values, rows) })
      else parts.push(copied(values, rows * layout.bytes))
      break
    case 'bytes':
      parts.push(copied(column.data, offsets[rows]!))
      break
    case 'list':
      addColumn(column.item!, offsets[rows]!, name, nodes, parts)
  }
}

const NOTHING: Part = { bytes: 0, put: () => {} }

const copied = (source: ArrayBufferView, bytes: number): Part => ({
  bytes,
  put: target => target.set(new Uint8Array(source.buffer, source.byteOffset, bytes)),
})

/** Decimals of 64 bits as 128. */
function putWide(target: Uint8Array<ArrayBuffer>, values: Column['values'], rows: number): void {
  const words = new Int32Array(target.buffer, target.byteOffset, rows * 4)
  for (let row = 0; row < rows; row++) {
    words[row * 4] = values[row * 2]!
    words[row * 4 + 1] = values[row * 2 + 1]!
    words[row * 4 + 2] = words[row * 4 + 3] = values[row * 2 + 1]! >> 31
  }
}

/** Intervals with nanoseconds in place of microseconds. */
function putIntervals(target: Uint8Array<ArrayBuffer>, column: Column, rows: number, name: string): void {
  const { values } = column
  const words = new Int32Array(target.buffer, target.byteOffset, rows * 4)
  for (let row = 0; row < rows; row++) {
    if (column.isNull(row)) continue
    words[row * 4] = values[row * 4]!
    words[row * 4 + 1] = values[row * 4 + 1]!
    const isNegative = loadInt64(values[row * 4 + 2]!, values[row * 4 + 3]!)
    multiplyAdd(NANOS_PER_MICRO, 0)
    if (!storeInt64(words, row * 4 + 2, isNegative)) {
      throw columnarErrors.notInArrow({ column: name, row, reason: 'an interval with more nanoseconds than 64 bits hold' })
    }
  }
}

function refuseWhatArrowLacks(column: Column, rows: number, name: string): void {
  const lacks = lackOf(column.type)
  if (lacks === undefined) return
  for (let row = 0; row < rows; row++) {
    if (lacks.is(column.values as Int32Array, row) && !column.isNull(row)) {
      throw columnarErrors.notInArrow({ column: name, row, reason: lacks.reason })
    }
  }
}

function lackOf(type: Type): { readonly reason: string; readonly is: (values: Int32Array, row: number) => boolean } | undefined {
  switch (type.kind) {
    case 'date':
      return {
        reason: 'an infinite date',
        is: (values, row) => values[row] === DATE_INFINITY || values[row] === DATE_MINUS_INFINITY,
      }
    case 'timestamp':
      return {
        reason: 'a timestamp that is infinite or beyond 2^63 microseconds',
        is: (values, row) => isUnbounded(values[row * 2]!, values[row * 2 + 1]!),
      }
    case 'time':
      return {
        reason: 'the time 24:00',
        is: (values, row) => secondsOf(values[row * 2]!, values[row * 2 + 1]!) >= SECONDS_PER_DAY,
      }
    case 'decimal':
      return {
        reason: 'NaN',
        is:
          type.precision > 18
            ? (values, row) => isNaN128(values, row * 4)
            : (values, row) => values[row * 2] === 0 && values[row * 2 + 1] === INT64_MIN_HI,
      }
    default:
      return undefined
  }
}

const isUnbounded = (lo: number, hi: number) => isInfinite(lo, hi) || unwrappedHi(hi) !== hi
