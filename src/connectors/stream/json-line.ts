import type { Batch, Value } from '#columnar'

/**
 * Rows as JSON Lines, for people: integers and decimals with all their digits, binary in Base64, NaN and infinities as text.
 * Slow; the connector for files has a fast one.
 */
export function jsonLines(batch: Batch): string {
  const names = batch.schema.fields.map(({ name }) => JSON.stringify(name))
  const isNumber = batch.schema.fields.map(({ type }) => type.kind === 'decimal' || type.kind === 'numeric')
  let text = ''
  for (let row = 0; row < batch.rows; row++) {
    const values = batch.row(row).map((value, at) => (isNumber[at] ? jsonNumber(value) : json(value)))
    text += `{${values.map((value, at) => `${names[at]}:${value}`).join(',')}}\n`
  }
  return text
}

function json(value: Value): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return jsonNumber(value)
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(json).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}:${json(part as Value)}`)
    .join(',')}}`
}

function jsonNumber(value: Value): string {
  const text = String(value)
  return /^-?\d/.test(text) || value === null ? text : JSON.stringify(text)
}
