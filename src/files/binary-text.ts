/** Bytes as text: hexadecimal digits, or base64 (RFC 4648). */
import type { Column } from '#columnar'

export type BinaryText = 'hex' | 'base64'

const BACKSLASH = 0x5c
const LOWER_X = 0x78
const HEX_PAIRS = /^([\da-f]{2})*$/i
const BASE64 = /^([A-Za-z\d+/]{4})*([A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/

/** Bytes that the text of `length` bytes needs. */
export const binaryTextBytes = (length: number) => 2 * length + 2

/** Writes `data[start, end)` as text to `out[pos]`; returns the position behind. */
export function renderBinary(
  form: BinaryText,
  out: Uint8Array,
  pos: number,
  data: Uint8Array,
  start: number,
  end: number,
): number {
  const bytes = Buffer.from(data.buffer, data.byteOffset + start, end - start)
  const target = Buffer.from(out.buffer, out.byteOffset, out.byteLength)
  return pos + target.write(bytes.toString(form), pos, 'latin1')
}

/** Reads `text[start, end)` to row `row`; false: it is no such text. Digits may begin with PostgreSQL's `\x`. */
export function scanBinary(form: BinaryText, text: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  const isMarked = form === 'hex' && text[start] === BACKSLASH && text[start + 1] === LOWER_X
  const digits = Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1', isMarked ? start + 2 : start, end)
  if (!(form === 'hex' ? HEX_PAIRS : BASE64).test(digits)) return false
  const bytes = Buffer.from(digits, form)
  const from = column.offsets[row]!
  column.reserve(from, from + bytes.length).set(bytes, from)
  column.offsets[row + 1] = from + bytes.length
  return true
}
