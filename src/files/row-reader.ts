/** The rows of one split, batch by batch. Rows with a fault stop it, or are handed out as refused ones and passed over. */
import { isUtf8 } from 'node:buffer'
import { Batch, capacityFor } from '#columnar'
import { dataErrors, type Chunk, type Context, type Dataset, type RefusedRow } from '#connector'
import { refuseLongRow } from './file-beginning.ts'
import { RowFault, setNull, SPARE_BYTES, undoRow, type DecodeRows, type RowRescue } from './row-format.ts'
import type { RowWindow } from './row-window.ts'

/** Offset of the next row in the UTF-8 text of the file. */
export type FilePosition = { readonly offset: number }

export interface RowsOfSplit {
  readonly dataset: Dataset
  /** For messages. */
  readonly file: string
  readonly decode: DecodeRows
  readonly rescue: () => RowRescue
  /** Begins with a row. */
  readonly window: RowWindow
  /** Offset behind which no row of the split begins. */
  readonly end: number
}

export class RowReader {
  readonly #rows: RowsOfSplit
  readonly #context: Context
  readonly #maxRowBytes: number
  readonly #batch: Batch
  #rescue: RowRescue | undefined
  /** The first byte of the window that is no UTF-8: of the rows, those before it can be decoded. */
  #invalid: RowFault | undefined
  #refused: RefusedRow[] = []
  /** Bytes of the texts of refused rows. */
  #refusedBytes = 0

  constructor(rows: RowsOfSplit, { maxRowBytes }: { readonly maxRowBytes: number }, context: Context) {
    this.#rows = rows
    this.#context = context
    this.#maxRowBytes = maxRowBytes
    this.#batch = new Batch(rows.dataset.schema, capacityFor(rows.dataset.schema.fields, context))
  }

  async *chunks(): AsyncIterable<Chunk<FilePosition>> {
    const { window, end } = this.#rows
    this.#check()
    for (;;) {
      const isFull = await this.#step()
      const offset = window.offsetOf(window.start)
      const isOver = offset >= end || (window.isLast && window.start === window.end)
      if (this.#batch.rows > 0 && (isFull || isOver)) {
        yield { batch: this.#batch, refused: this.#refused, position: { offset } }
        this.#reset()
      }
      this.#context.signal.throwIfAborted()
      if (isOver) return
    }
  }

  /** Takes what can be taken of the window, or fills it. True: the batch is full. */
  async #step(): Promise<boolean> {
    const { window, end } = this.#rows
    const next = this.#decode()
    if (next instanceof RowFault) return this.#refuse(next, next.rowStart ?? window.start)
    window.moveTo(next < 0 ? ~next : next)
    if (next < 0) return true
    if (window.offsetOf(window.start) >= end) return false
    if (this.#invalid !== undefined) return this.#refuse(this.#invalid, window.start)
    if (!window.isLast || window.start < window.end) await this.#fill()
    this.#check()
    return false
  }

  /** What the decoder returns, or the fault of a row that can be set aside. */
  #decode(): number | RowFault {
    const { window, decode, end } = this.#rows
    const { buffer, start } = window
    const readable = window.valid
    const stop = Math.min(readable, start + end - window.offsetOf(start))
    // The decoder writes behind what it is given.
    const behind = readable < window.end ? buffer.slice(readable, readable + SPARE_BYTES) : undefined
    try {
      return decode(this.#batch, this.#context.batchBytes, buffer, start, stop, readable, window.isLast && behind === undefined)
    } catch (error) {
      if (error instanceof RowFault && this.#context.quarantine === true) return error
      throw error
    } finally {
      if (behind) buffer.set(behind, readable)
    }
  }

  /** Adds the row at `start` to the batch as a refused one and moves behind it. True: the batch is full. */
  async #refuse({ at, message }: RowFault, start: number): Promise<boolean> {
    const { window, file } = this.#rows
    const reason = `${message} (byte ${window.offsetOf(at)} of ${file})`
    window.moveTo(start)
    let end = this.#endOfRow()
    for (; end === undefined; end = this.#endOfRow()) await this.#fill()
    const bytes = new Uint8Array(end - window.start + SPARE_BYTES)
    bytes.set(window.buffer.subarray(window.start, end))
    this.#take(bytes, end - window.start, reason)
    window.moveTo(end)
    this.#check()
    const { rows, capacity, byteLength } = this.#batch
    return rows === capacity || byteLength + this.#refusedBytes >= this.#context.batchBytes
  }

  #endOfRow(): number | undefined {
    const { window } = this.#rows
    return (this.#rescue ??= this.#rows.rescue()).endOf(window.buffer, window.start, window.end, window.isLast)
  }

  /** A row with one bad value keeps the others; of any other there is only its text. */
  #take(bytes: Uint8Array, length: number, reason: string): void {
    const batch = this.#batch
    const row = batch.rows
    const whole = bytes.subarray(0, length)
    const misfit = isUtf8(whole) ? this.#rescue?.salvage(batch, bytes, 0, length, row) : undefined
    if (misfit === undefined) {
      undoRow(batch, row)
      for (const column of batch.columns) setNull(column, row)
    }
    const { column, text } = misfit ?? { column: '', text: textOf(whole) }
    batch.rows++
    this.#refused.push({ row, column, reason, text })
    this.#refusedBytes += text.length
  }

  /** Doubles what is in the window, so that long rows are not looked at too often. */
  async #fill(): Promise<void> {
    const { window, dataset, file } = this.#rows
    const { rowBytes = Infinity } = this.#context
    const bytes = window.end - window.start
    if (bytes > rowBytes) {
      const place = `the row at byte ${window.offsetOf(window.start)} of ${file}`
      throw dataErrors.rowTooLarge({ dataset: dataset.id, bytes, limit: rowBytes, place })
    }
    refuseLongRow(window, this.#maxRowBytes)
    do await window.fill()
    while (!window.isLast && window.end - window.start < 2 * bytes)
  }

  #check(): void {
    this.#invalid = this.#rows.window.check()
    if (this.#invalid !== undefined && this.#context.quarantine !== true) throw this.#invalid
  }

  #reset(): void {
    this.#batch.reset()
    this.#refused = []
    this.#refusedBytes = 0
  }
}

/** A row as text, without its line ending; bytes that are no UTF-8 as `\\xff`. */
function textOf(bytes: Uint8Array): string {
  const row = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = isUtf8(row)
    ? row.toString('utf8')
    : row.toString('latin1').replaceAll(/[\x80-\xff]/g, byte => `\\x${byte.charCodeAt(0).toString(16)}`)
  return text.replace(/\r?\n$/, '')
}
