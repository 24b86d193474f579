/** Encoded rows on their way to a server: one command's worth, kept until the server has answered. */
import type { Batch } from '#columnar'
import { type EncodeState, maskBytes, type RowEncoder } from './protocol/row-encoder.ts'

/** Rows of one bulk command. */
export const PACKET_ROWS = 4096
/** Few large commands, but memory for three of them. */
export const PACKET_BYTES = 1024 * 1024
/** One that is filled, and two that the server works on. */
export const PACKETS = 3

export class Packet {
  bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(PACKET_BYTES)
  /** Where each row ends. */
  readonly ends = new Int32Array(PACKET_ROWS)
  /** NULL bits of each row, byte-aligned; bulk rows carry theirs inside. */
  masks = new Uint8Array(0)
  rows = 0
  /** Answers that are still to come. */
  answers = 0
  /** Its number among the packets, which names its savepoint. */
  readonly index: number

  constructor(index: number) {
    this.index = index
  }

  get length(): number {
    return this.rows === 0 ? 0 : this.ends[this.rows - 1]!
  }

  startOf(row: number): number {
    return row === 0 ? 0 : this.ends[row - 1]!
  }

  clear(): void {
    this.rows = 0
    this.masks.fill(0)
    // A row larger than usual has made it grow.
    if (this.bytes.length > PACKET_BYTES) this.bytes = Buffer.allocUnsafeSlow(PACKET_BYTES)
  }

  /** Encodes rows from `state.row` on until the batch or the room ends. */
  fill(encoder: RowEncoder, state: EncodeState, batch: Batch, maxRows: number, maxBytes: number): void {
    const needed = maxRows * maskBytes(batch.columns.length)
    if (!encoder.isBulk && this.masks.length < needed) this.masks = new Uint8Array(needed)
    state.count = this.rows
    state.length = this.length
    encoder.encode(
      state,
      batch.columns,
      batch.rows,
      this.bytes,
      this.ends,
      this.masks,
      maxRows,
      Math.min(maxBytes, this.bytes.length),
    )
    this.rows = state.count
  }

  /** Makes room for one row, however large. Only when it is empty. */
  growFor(batch: Batch, row: number): void {
    let needed = batch.columns.length * LARGEST_FIXED
    for (const { offsets } of batch.columns) if (offsets.length > 0) needed += offsets[row + 1]! - offsets[row]!
    if (needed > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(needed)
  }
}

/** Bytes of a value and its prefix at most, without the content of texts and bytes. */
const LARGEST_FIXED = 44
