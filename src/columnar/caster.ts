import { Batch } from './batch.ts'
import { explainRefusal } from './cast-refusal.ts'
import type { Kernel } from './cast-rule.ts'
import { compileCast } from './cast.ts'
import { Column } from './column.ts'
import type { Schema } from './schema.ts'
import { sameType } from './types.ts'

/** The first row of a batch that has no counterpart in the target's types. */
export interface Refusal {
  /** Index in the batch. */
  readonly row: number
  /** Name of the column in the source. */
  readonly column: string
  /** A clause that does not tell the value. */
  readonly reason: string
}

export type CastResult = { readonly batch: Batch } | { readonly refused: Refusal }

/**
 * Turns batches of one schema into batches of another, column by column in order. The result is lent until the next call: columns of
 * the same type are those of the source batch, others are overwritten each time.
 */
export class Caster {
  readonly #source: Schema
  readonly #target: Schema
  /** Undefined where the types are the same. */
  readonly #kernels: readonly (Kernel | undefined)[]
  #columns: Column[] = []
  #batch: Batch | undefined

  /** Throws `columnar.no-cast` for a pair that `planCast` does not know. */
  constructor(source: Schema, target: Schema) {
    this.#source = source
    this.#target = target
    this.#kernels = source.fields.map(({ type }, i) => {
      const wanted = target.fields[i]!.type
      return sameType(type, wanted) ? undefined : compileCast(type, wanted)
    })
  }

  /** The batch in the types of the target, or the first row that cannot have them. */
  cast(source: Batch): CastResult {
    const batch = this.#prepare(source)
    let refusedRow = source.rows
    let refusedColumn = -1
    for (const [i, kernel] of this.#kernels.entries()) {
      const from = source.columns[i]!
      if (kernel === undefined) {
        this.#columns[i] = from
        continue
      }
      // Rows behind a refused one need not be looked at: the first row counts.
      const refused = kernel(from, refusedRow, this.#columns[i]!)
      if (refused === -1) continue
      refusedRow = refused
      refusedColumn = i
    }
    return refusedColumn === -1 ? { batch } : { refused: this.#explain(source, refusedRow, refusedColumn) }
  }

  #prepare(source: Batch): Batch {
    if (this.#batch === undefined || this.#batch.capacity < source.rows) {
      this.#columns = source.columns.map((column, i) =>
        this.#kernels[i] ? new Column(this.#target.fields[i]!.type, source.capacity) : column,
      )
      this.#batch = new Batch(this.#target, source.capacity, this.#columns)
    }
    this.#batch.rows = source.rows
    this.#batch.kinds = source.kinds
    return this.#batch
  }

  #explain(source: Batch, row: number, index: number): Refusal {
    const { name, type } = this.#source.fields[index]!
    return { row, column: name, reason: explainRefusal(type, this.#target.fields[index]!.type, source.columns[index]!, row) }
  }
}
