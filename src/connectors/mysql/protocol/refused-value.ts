/** The text of a date that does not exist, straight from the packet of its row: columns have no room for it. */
import { FIELD } from './field-types.ts'
import type { WireColumn } from './row-decoder.ts'

const FIXED: Readonly<Record<number, number>> = {
  [FIELD.TINY]: 1,
  [FIELD.SHORT]: 2,
  [FIELD.YEAR]: 2,
  [FIELD.INT24]: 4,
  [FIELD.LONG]: 4,
  [FIELD.FLOAT]: 4,
  [FIELD.LONGLONG]: 8,
  [FIELD.DOUBLE]: 8,
}
const DATES: ReadonlySet<number> = new Set([FIELD.DATE, FIELD.NEWDATE, FIELD.DATETIME, FIELD.TIMESTAMP])
const HEADER_BYTES = 4

/** `packet`: where the packet of the row begins. Undefined for a column that holds no date. The layout stands in row-decoder.ts. */
export function dateText(wire: readonly WireColumn[], bytes: Buffer, packet: number, column: number): string | undefined {
  const { field, type } = wire[column]!
  if (!DATES.has(field)) return undefined
  const nulls = packet + HEADER_BYTES + 1
  let at = nulls + ((wire.length + 9) >> 3)
  for (let k = 0; k < column; k++) {
    const bit = k + 2
    if ((bytes[nulls + (bit >> 3)]! & (1 << (bit & 7))) === 0) at += valueBytes(wire[k]!.field, bytes, at)
  }
  const length = bytes[at]!
  const pad = (value: number | undefined, digits: number) => String(value ?? 0).padStart(digits, '0')
  const year = length > 3 ? bytes.readUInt16LE(at + 1) : 0
  // Month and day stand behind the year, the clock behind them where it is not midnight.
  const [month, day, hour, minute, second] = [3, 4, 5, 6, 7].map(i => (i <= length ? bytes[at + i]! : 0))
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
  if (type.kind === 'date') return date
  const micros = length > 10 ? `.${pad(bytes.readUInt32LE(at + 8), 6)}` : ''
  return `${date} ${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${micros}`
}

function valueBytes(field: number, bytes: Buffer, at: number): number {
  const fixed = FIXED[field]
  if (fixed !== undefined) return fixed
  const first = bytes[at]!
  if (DATES.has(field) || field === FIELD.TIME || first < 251) return 1 + first
  if (first === 252) return 3 + bytes.readUInt16LE(at + 1)
  return first === 253 ? 4 + bytes.readUIntLE(at + 1, 3) : 9 + bytes.readUIntLE(at + 1, 6)
}
