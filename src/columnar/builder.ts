import { Batch, BATCH_BYTES, BATCH_ROWS } from './batch.ts'
import { columnarErrors } from './errors.ts'
import type { Schema } from './schema.ts'
import { writeValue, type Value } from './value.ts'

export interface BatchLimits {
  readonly rows: number
  /** Payload, unless a single row has more. */
  readonly bytes: number
}

/**
 * Collects rows of JavaScript values into batches, for sources that are slow anyway; fast ones generate a decoder.
 *
 *     for (const values of rows) {
 *       if (builder.append(values)) continue
 *       yield builder.finish()
 *       builder.append(values)
 *     }
 *     if (builder.rows > 0) yield builder.finish()
 */
export class BatchBuilder {
  readonly #batch: Batch
  readonly #limits: BatchLimits
  #isFinished = false

  constructor(schema: Schema, limits: BatchLimits = { rows: BATCH_ROWS, bytes: BATCH_BYTES }) {
    this.#batch = new Batch(schema, limits.rows)
    this.#limits = limits
  }

  /** Rows that {@link finish} would return. */
  get rows(): number {
    return this.#isFinished ? 0 : this.#batch.rows
  }

  /**
   * Adds a row, one value per column. False: the batch is full and does not hold the row; finish it and append the row again.
   * Throws `columnar.bad-value` for a value that does not fit its column; then the row is not in the batch either.
   */
  append(values: readonly Value[]): boolean {
    const batch = this.#batch
    if (this.#isFinished) batch.reset()
    this.#isFinished = false
    const row = batch.rows
    if (row === batch.capacity) return false
    for (const [i, column] of batch.columns.entries()) {
      try {
        writeValue(column, row, values[i] ?? null)
      } catch (error) {
        this.#takeBack(row)
        throw columnarErrors.badValue({ column: batch.schema.fields[i]!.name, reason: reasonOf(error) }, error)
      }
    }
    batch.rows = row + 1
    if (row === 0 || batch.byteLength <= this.#limits.bytes) return true
    batch.rows = row
    this.#takeBack(row)
    return false
  }

  /** The rows so far, lent until the next {@link append}. */
  finish(): Batch {
    if (this.#isFinished) this.#batch.reset()
    this.#isFinished = true
    return this.#batch
  }

  #takeBack(row: number): void {
    for (const column of this.#batch.columns) column.truncate(row, row + 1)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError || error instanceof TypeError) return error.message
  throw error
}
