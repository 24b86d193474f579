/** What a text format brings, so that files of it can be read: where rows begin, what columns they have, how they become columns. */
import type { Batch, Column, Schema } from '#columnar'

/** Bytes that a decoder may overwrite behind the bytes it is given. */
export const SPARE_BYTES = 8

/** The beginning of a file: `bytes[start, end)`, a byte order mark left out. `isWhole`: there is nothing behind it. */
export interface Beginning {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly start: number
  readonly end: number
  readonly isWhole: boolean
}

/** What precedes the rows of a file. */
export interface Head {
  /** Bytes of it, counted from the start of the beginning. */
  readonly length: number
  /** Names of the columns of the file, when it gives any. */
  readonly names: readonly string[] | undefined
}

/**
 * Appends the rows that start in `bytes[start, stop)` to the batch, as long as it has room and they end before `end`.
 *
 * Returns the position `p` of the next row; of a row that is cut off nothing is kept, unless `isLast` says that the file ends at
 * `end`. Returns `~p` when the batch is full: it has as many rows as it has room for, or a payload of `maxBytes`. May write to the
 * {@link SPARE_BYTES} behind `end`. Throws {@link RowFault}; the batch holds the rows before the one with the fault then.
 */
export type DecodeRows = (
  batch: Batch,
  maxBytes: number,
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  stop: number,
  end: number,
  isLast: boolean,
) => number

/** A value that does not fit its column: the column, and how the file writes the value. */
export interface Misfit {
  readonly column: string
  readonly text: string
}

/** Reads rows in which a decoder has met a {@link RowFault}. Slow. */
export interface RowRescue {
  /**
   * Where the row behind the one at `start` begins; undefined: not before `end`. What structures the file tells as long as it can be
   * followed, else the next line feed.
   */
  endOf(bytes: Uint8Array, start: number, end: number, isLast: boolean): number | undefined
  /**
   * Reads the row `bytes[start, end)` into a row of the batch, NULL in place of the one value that does not fit. Undefined: more is wrong
   * than one value; what has been written means nothing then. May write to the {@link SPARE_BYTES} behind `end`, as `endOf` may.
   */
  salvage(batch: Batch, bytes: Uint8Array, start: number, end: number, row: number): Misfit | undefined
}

/** Gathers what the first rows of files tell about their columns. */
export interface Sampler {
  /** Looks at the beginning of a file. Throws {@link RowFault}, `file.bad-header`. */
  add(beginning: Beginning, head: Head, file: string): void
  /** Undefined: nothing told any columns. */
  schema(): Schema | undefined
  /** How many bytes a row of the samples had; undefined without rows. */
  readonly bytesPerRow: number | undefined
}

export interface RowFormat {
  /** Whether every line feed ends a row, so that a file can be cut anywhere. */
  readonly cutsAtLineFeeds: boolean
  /** Undefined: the head is longer than the beginning. Throws {@link RowFault}. */
  head(beginning: Beginning): Head | undefined
  sampler(): Sampler
  /** A decoder keeps nothing between two calls, so that one serves several files at a time. Throws `file.bad-header`. */
  decoder(schema: Schema, head: Head, file: string): DecodeRows
  rescue(schema: Schema, head: Head): RowRescue
}

/** A row that is not what it should be, at `bytes[at]` of the bytes being decoded; the reader turns it into a place in the file. */
export class RowFault extends Error {
  override readonly name = 'RowFault'
  readonly at: number
  readonly column: string | undefined
  readonly hint: string
  /** Where the row begins, as far as a decoder knows. */
  rowStart: number | undefined

  constructor(at: number, column: string | undefined, reason: string, hint: string) {
    super(reason)
    this.at = at
    this.column = column
    this.hint = hint
  }
}

/** What a decoder does with an error: leaves the batch as it was before the row, and says where that begins. */
export function leaveRow(error: unknown, batch: Batch, row: number, rowStart: number): never {
  undoRow(batch, row)
  batch.rows = row
  if (error instanceof RowFault) error.rowStart = rowStart
  throw error
}

/** Writes NULL to a row of any layout but list. */
export function setNull(column: Column, row: number): void {
  column.setNull(row)
  if (column.layout.kind === 'bytes') column.offsets[row + 1] = column.offsets[row]!
}

/** Forgets what has been written of a row of which only the beginning is known. */
export function undoRow({ columns }: Batch, row: number): void {
  const bit = 1 << (row & 7)
  for (const column of columns) {
    if ((column.validity[row >> 3]! & bit) === 0) {
      column.validity[row >> 3]! |= bit
      column.nulls--
    }
    if (column.layout.kind === 'bits') column.values[row >> 3]! &= ~bit
  }
}
