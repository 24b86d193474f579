import assert from 'node:assert/strict'
import { readValue, writeValue, type Batch, type Value } from '#columnar'

/** A row by column name, with the values of `readValue`; an integer may be a number or a bigint. */
export type Row = Readonly<Record<string, Value>>

/** Copies the rows of a batch, which is only lent. */
export function rowsOf(batch: Batch): Row[] {
  const { fields } = batch.schema
  return Array.from({ length: batch.rows }, (_, row) =>
    Object.fromEntries(fields.map(({ name }, column) => [name, readValue(batch.columns[column]!, row)])),
  )
}

/** Puts rows into a batch that has room for them. */
export function fillBatch(batch: Batch, rows: readonly Row[]): void {
  batch.reset()
  for (const [at, row] of rows.entries()) {
    for (const [column, { name }] of batch.schema.fields.entries()) {
      const value = row[name]
      assert(value !== undefined, `row ${at} of the fixture has no value for ${name}; NULL is written null`)
      writeValue(batch.columns[column]!, at, value)
    }
  }
  batch.rows = rows.length
}

/** What a writer that keeps a batch it was lent would write: zeros, and strings of `#`. */
export function spoilBatch(batch: Batch): void {
  for (const { values, data } of batch.columns) {
    values.fill(0)
    data.fill(0x23)
  }
}

/** Fails unless both hold the same rows, each as often. Order between splits is not promised, so it does not count. */
export function assertSameRows(actual: readonly Row[], expected: readonly Row[], place: string): void {
  const left = new Map<string, number>()
  for (const row of expected) count(left, renderRow(row), 1)
  for (const row of actual) count(left, renderRow(row), -1)
  const differing = [...left].filter(([, times]) => times !== 0)
  if (differing.length === 0) return
  const shown = differing
    .slice(0, 6)
    .map(([row, times]) => `${times > 0 ? `missing ${times} ×` : `unexpected ${-times} ×`} ${row}`)
  assert.fail(`${place}: ${expected.length} rows expected, ${actual.length} found\n  ${shown.join('\n  ')}`)
}

function count(rows: Map<string, number>, row: string, by: number): void {
  rows.set(row, (rows.get(row) ?? 0) + by)
}

function renderRow(row: Row): string {
  const names = Object.keys(row).sort()
  return `{ ${names.map(name => `${name}: ${renderValue(row[name])}`).join(', ')} }`
}

/** Text that differs where values differ: strings in quotes, bytes in hex, integers alike as number and bigint. */
function renderValue(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (value instanceof Uint8Array) return `0x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`
  if (Array.isArray(value)) return `[${value.map(renderValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) return renderRow(value as Row)
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
