/** Finds all rows of a batch that a cast refuses, in one go. Only batches that have one come here. */
import { pickRows, type Batch, type Caster } from '#columnar'
import type { RefusedRow } from '#connector'

export interface Sifted {
  /** Rows that can be cast, ascending. */
  readonly kept: readonly number[]
  readonly refused: readonly RefusedRow[]
}

/** A cast stops at its first refusal, so the rows are cast in small groups, each as often as it has bad rows. */
const GROUP_ROWS = 256

export function sift(caster: Caster, batch: Batch): Sifted {
  const kept: number[] = []
  const refused: RefusedRow[] = []
  for (let from = 0; from < batch.rows; from += GROUP_ROWS) {
    let rows = Array.from({ length: Math.min(GROUP_ROWS, batch.rows - from) }, (_, i) => from + i)
    for (;;) {
      if (rows.length === 0) break
      const result = caster.cast(pickRows(batch, rows))
      if (!('refused' in result)) break
      const { row, column, reason } = result.refused
      refused.push({ row: rows[row]!, column, reason })
      // The rows before it are good for this column only; another one may refuse them.
      rows = rows.toSpliced(row, 1)
    }
    kept.push(...rows)
  }
  return { kept, refused: refused.toSorted((a, b) => a.row - b.row) }
}

/** The rows of a batch that are not among `refused`, which is ascending. */
export function rowsWithout(rows: number, refused: readonly RefusedRow[]): number[] {
  const bad = new Set(refused.map(({ row }) => row))
  return Array.from({ length: rows }, (_, row) => row).filter(row => !bad.has(row))
}
