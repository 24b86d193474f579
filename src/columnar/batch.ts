import { Column } from './column.ts'
import type { Schema } from './schema.ts'
import { layoutOf, type Type } from './types.ts'
import { readValue, type Value } from './value.ts'

/** Rows of one batch unless the engine says otherwise; see docs/decisions/0005-batch-size.md. */
export const BATCH_ROWS = 16_384
/** A batch ends before its payload grows beyond this, unless a single row does. */
export const BATCH_BYTES = 2 * 1024 * 1024

/** What happened to a row of a change batch, with the numbers of the row-kind column. */
export const ROW_KINDS = ['insert', 'update-before', 'update-after', 'delete'] as const
export type RowKind = (typeof ROW_KINDS)[number]

/** Payload in bytes that a row of these columns takes whatever its values are. */
export function fixedRowBytes(columns: readonly { readonly type: Type }[]): number {
  return columns.reduce((sum, { type }) => {
    const layout = layoutOf(type)
    return sum + (layout.kind === 'fixed' ? layout.bytes : layout.kind === 'bits' ? 0.125 : 4)
  }, 0)
}

/** Rows that a batch of these columns makes room for: as many as are wanted, unless {@link fixedRowBytes} say fewer. */
export function capacityFor(
  columns: readonly { readonly type: Type }[],
  { batchRows, batchBytes }: { batchRows: number; batchBytes: number },
): number {
  return Math.max(1, Math.min(batchRows, Math.floor(batchBytes / Math.max(1, fixedRowBytes(columns)))))
}

/**
 * Rows of one dataset as columns. Whoever makes a batch owns it and overwrites it for the next rows; a consumer that
 * keeps rows longer than it was lent them packs them (`packBatch`).
 */
export class Batch {
  readonly schema: Schema
  readonly #columns: readonly Column[]
  /** Rows that `columns` have room for. */
  readonly capacity: number
  rows = 0
  /** Index into {@link ROW_KINDS} per row; undefined means that all rows are inserts. */
  kinds: Uint8Array<ArrayBuffer> | undefined

  /** `columns` only when they already lie in memory: a slab, or columns borrowed from another batch. */
  constructor(schema: Schema, capacity: number, columns?: readonly Column[]) {
    this.schema = schema
    this.capacity = capacity
    this.#columns = columns ?? schema.fields.map(field => new Column(field.type, capacity))
  }

  get columns(): readonly Column[] {
    return this.#columns
  }

  reset(): void {
    this.rows = 0
    for (const column of this.columns) column.reset()
  }

  /** Payload in bytes: what limits and metrics count. */
  get byteLength(): number {
    let bytes = 0
    for (const column of this.columns) bytes += column.byteLength(this.rows)
    return bytes
  }

  /** One row as JavaScript values. Slow: for messages, tests and rare paths. */
  row(index: number): Value[] {
    return this.columns.map(column => readValue(column, index))
  }
}
