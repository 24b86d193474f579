import { formatInterval, readValue, type Column } from '#columnar'

/** A key value as a text that the server reads back as exactly this value. Keys are never NULL. */
export function keyText(column: Column, row: number): string {
  const value = readValue(column, row)
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
    if ('months' in value) return formatInterval(value)
  }
  return String(value)
}
