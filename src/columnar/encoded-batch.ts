import { Batch } from './batch.ts'
import type { Column } from './column.ts'
import type { Schema } from './schema.ts'

/** Makes columns of rows in the form of a server. */
export type DecodeRows = (bytes: Buffer, rows: number) => readonly Column[]

/**
 * Rows as a server sent them, for a writer that takes them like this: from one system into another of its kind nothing needs to be
 * decoded and encoded. Whoever looks at the columns all the same gets them, decoded then.
 */
export class EncodedBatch extends Batch {
  /** Whole rows, one behind the other. Lent like the columns of any batch. */
  bytes: Buffer = Buffer.alloc(0)
  /** Of `bytes`, what is not values: lengths and heads. */
  #overhead = 0
  readonly #decode: DecodeRows
  #columns: readonly Column[] | undefined

  constructor(schema: Schema, capacity: number, decode: DecodeRows) {
    super(schema, capacity, [])
    this.#decode = decode
  }

  /** Replaces the rows. */
  hold(bytes: Buffer, rows: number, overhead: number): void {
    this.bytes = bytes
    this.rows = rows
    this.#overhead = overhead
    this.#columns = undefined
  }

  override get columns(): readonly Column[] {
    this.#columns ??= this.#decode(this.bytes, this.rows)
    return this.#columns
  }

  override get byteLength(): number {
    return this.bytes.length - this.#overhead
  }
}
