import { Batch } from './batch.ts'
import type { Column } from './column.ts'

/** Copies some rows of a batch, in the order given, into `target`, which it empties first; its columns have the types of the source's. */
export function gatherRows(source: Batch, rows: ArrayLike<number>, target: Batch): void {
  target.reset()
  for (const [i, column] of source.columns.entries()) gatherColumn(column, rows, target.columns[i]!)
  target.rows = rows.length
  target.kinds = source.kinds && Uint8Array.from(rows, row => source.kinds![row]!)
}

/** A batch of its own with some rows of another. For rare paths. */
export function pickRows(source: Batch, rows: ArrayLike<number>): Batch {
  const picked = new Batch(source.schema, Math.max(1, rows.length))
  gatherRows(source, rows, picked)
  return picked
}

function gatherColumn(source: Column, rows: ArrayLike<number>, target: Column): void {
  target.reserveRows(rows.length)
  if (source.nulls > 0) {
    for (let i = 0; i < rows.length; i++) if (source.isNull(rows[i]!)) target.setNull(i)
  }
  const { layout } = source
  switch (layout.kind) {
    case 'bits':
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        if ((source.values[row >> 3]! & (1 << (row & 7))) !== 0) target.values[i >> 3]! |= 1 << (i & 7)
      }
      return
    case 'fixed': {
      const words = layout.bytes / source.values.BYTES_PER_ELEMENT
      for (let i = 0; i < rows.length; i++) {
        for (let k = 0; k < words; k++) target.values[i * words + k] = source.values[rows[i]! * words + k]!
      }
      return
    }
    case 'bytes':
      return gatherBytes(source, rows, target)
    case 'list':
      gatherItems(source, rows, target)
  }
}

function gatherBytes({ offsets, data }: Column, rows: ArrayLike<number>, target: Column): void {
  let end = 0
  target.offsets[0] = 0
  for (let i = 0; i < rows.length; i++) {
    const [from, to] = [offsets[rows[i]!]!, offsets[rows[i]! + 1]!]
    target.reserve(end, end + to - from).set(data.subarray(from, to), end)
    end += to - from
    target.offsets[i + 1] = end
  }
}

function gatherItems({ offsets, item }: Column, rows: ArrayLike<number>, target: Column): void {
  const items: number[] = []
  target.offsets[0] = 0
  for (let i = 0; i < rows.length; i++) {
    for (let at = offsets[rows[i]!]!; at < offsets[rows[i]! + 1]!; at++) items.push(at)
    target.offsets[i + 1] = items.length
  }
  if (item && target.item) gatherColumn(item, items, target.item)
}
