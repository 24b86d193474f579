import { cellToJson, type Batch, type Column } from '#columnar'
import { dataErrors, type Dataset, type Json } from '#connector'
import { SluiceError } from '#errors'

/** Names a row for people: `id=17`, or `number 5 of split orders#3` where no key was read. */
export function rowKey(dataset: Dataset, batch: Batch, row: number, split: string, rowsBefore: number): string {
  const names = batch.schema.fields.map(field => field.name)
  const columns = dataset.primaryKey.map(name => names.indexOf(name))
  if (columns.length === 0 || columns.includes(-1)) return `number ${rowsBefore + row + 1} of split ${split}`
  return columns.map(column => `${names[column]}=${cellText(batch.columns[column]!, row)}`).join(', ')
}

/** Other columns may hold what is no text, and even a key may. */
function cellText(column: Column, row: number): string {
  const cell = cellToJson(column, row)
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
}

/** A refusal that knows the row's index in its batch, completed by the key of that row; other errors pass unchanged. */
export function withRowKey(error: unknown, key: (row: number) => string): unknown {
  if (!SluiceError.is(error, 'data.value-refused')) return error
  const {
    row,
    key: known,
    dataset,
    column,
    reason,
  } = error.detail as {
    row?: number
    key?: string
    dataset: string
    column: string
    reason: string
  }
  if (row === undefined || known !== undefined) return error
  return dataErrors.valueRefused({ dataset, column, reason, key: key(row) }, error)
}

/** A row that is too large to be read has no key: it is the one behind all that came before. Other errors pass unchanged. */
export function withRowPlace(error: unknown, split: string, position: Json | undefined, rowsBefore: number): unknown {
  if (!SluiceError.is(error, 'data.row-too-large')) return error
  const detail = error.detail as { dataset: string; bytes: number; limit: number; place?: string }
  if (detail.place !== undefined) return error
  const place =
    position === undefined
      ? `row ${rowsBefore + 1} of split ${split}`
      : `the row behind position ${JSON.stringify(position)} of split ${split}`
  return dataErrors.rowTooLarge({ ...detail, place }, error)
}
