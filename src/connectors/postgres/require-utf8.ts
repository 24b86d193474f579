import { isUtf8 } from 'node:buffer'
import type { Batch, Column } from '#columnar'
import { postgresErrors } from './errors.ts'

/** For databases that store bytes of any encoding as text (SQL_ASCII): throws where a text is not UTF-8. */
export function requireUtf8(dataset: string, batch: Batch): void {
  for (const [at, column] of batch.columns.entries()) {
    const row = firstInvalid(column, batch.rows)
    if (row !== undefined) throw postgresErrors.notText({ dataset, column: batch.schema.fields[at]?.name ?? '', row })
  }
}

function firstInvalid({ type, offsets, data, item }: Column, rows: number): number | undefined {
  if (type.kind === 'list' && item !== undefined) {
    const invalid = firstInvalid(item, offsets[rows] ?? 0)
    return invalid === undefined ? undefined : Math.max(offsets.findIndex(end => end > invalid) - 1, 0)
  }
  if (type.kind !== 'utf8' && type.kind !== 'json') return undefined
  for (let row = 0; row < rows; row++) {
    if (!isUtf8(data.subarray(offsets[row], offsets[row + 1]))) return row
  }
  return undefined
}
