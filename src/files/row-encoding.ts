import type { Batch, Schema } from '#columnar'

/** Where an encoder stopped. */
export interface Encoded {
  /** Behind the last byte that was written. */
  readonly pos: number
  /** The first row that was not written: it needs `needed` bytes, which were not left. */
  readonly row: number
  readonly needed: number
}

/**
 * Writes rows from `row` on to `out[pos]`, as many as fit. What it returns is overwritten by the next call. Throws
 * `data.value-refused` where the format has no text for a value; what it had written behind `pos` means nothing then.
 */
export type EncodeRows = (batch: Batch, row: number, out: Uint8Array<ArrayBuffer>, pos: number) => Encoded

/** What a text format brings, so that files of it can be written. Lists are given to it as JSON. */
export interface RowEncoding {
  /** `.csv` */
  readonly extension: string
  /** What each file begins with. */
  head(schema: Schema): Uint8Array
  /** `dataset` is for messages. */
  encoder(schema: Schema, dataset: string): EncodeRows
}
