/**
 * Values that generated decoders leave to a function: rare ones, and those that would make the generated code large.
 *
 * All work on bytes of the connection's buffer and write to the buffers of a column.
 */
import type { Column } from '#columnar'

const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const TWO_32 = 2 ** 32
/** A limb of 32 bits times this, plus a carry, stays below 2^53. */
const GROUP_DIGITS = 6
const POWERS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const

/** Decimal text as an integer of 128 bits; false when it has more digits behind the point than `scale`. */
export function decodeDecimal128(bytes: Uint8Array, from: number, to: number, scale: number, words: Int32Array, at: number): boolean {
  const isNegative = bytes[from] === MINUS
  let [w0, w1, w2, w3] = [0, 0, 0, 0]
  let group = 0
  let digits = 0
  let fraction = -1
  const flush = () => {
    const factor = POWERS[digits as 0]
    w0 = w0 * factor + group
    w1 = w1 * factor + Math.floor(w0 / TWO_32)
    w2 = w2 * factor + Math.floor(w1 / TWO_32)
    w3 = w3 * factor + Math.floor(w2 / TWO_32)
    w0 %= TWO_32
    w1 %= TWO_32
    w2 %= TWO_32
    group = digits = 0
  }
  const push = (digit: number) => {
    group = group * 10 + digit
    if (++digits === GROUP_DIGITS) flush()
  }
  for (let i = isNegative ? from + 1 : from; i < to; i++) {
    const byte = bytes[i]!
    if (byte === POINT) fraction = 0
    else {
      push(byte - ZERO)
      if (fraction >= 0) fraction++
    }
  }
  const missing = scale - Math.max(fraction, 0)
  if (missing < 0) return false
  for (let i = 0; i < missing; i++) push(0)
  flush()
  words[at] = w0
  words[at + 1] = w1
  words[at + 2] = w2
  words[at + 3] = w3
  if (isNegative) negate(words, at)
  return true
}

function negate(words: Int32Array, at: number): void {
  let carry = 1
  for (let i = at; i < at + 4; i++) {
    const sum = (~words[i]! >>> 0) + carry
    words[i] = sum
    carry = sum >= TWO_32 ? 1 : 0
  }
}

/** Decimal text without the zeros that ZEROFILL puts in front. Returns where the column's bytes end now. */
export function copyNumeric(column: Column, end: number, bytes: Uint8Array, from: number, to: number): number {
  const data = column.reserve(end, end + to - from)
  let at = end
  if (bytes[from] === MINUS) data[at++] = bytes[from++]!
  while (from + 1 < to && bytes[from] === ZERO && bytes[from + 1] !== POINT) from++
  while (from < to) data[at++] = bytes[from++]!
  return at
}

const EWKB_SRID_FLAG = 0x20
/**
 * A geometry: the server stores the SRID (Int32) and then WKB, always little-endian, x before y
 * (https://dev.mysql.com/doc/refman/8.4/en/gis-data-formats.html#gis-internal-format). It becomes WKB, or EWKB with an SRID other
 * than 0, so that nothing is lost. Returns where the column's bytes end now.
 */
export function copyGeometry(column: Column, end: number, bytes: Uint8Array, from: number, to: number): number {
  const data = column.reserve(end, end + to - from + 4)
  const hasSrid = to - from >= 9 && (bytes[from]! | bytes[from + 1]! | bytes[from + 2]! | bytes[from + 3]!) !== 0
  let at = end
  let next = from + 4
  if (hasSrid) {
    for (let i = 0; i < 5; i++) data[at++] = bytes[next++]!
    data[at - 1]! |= EWKB_SRID_FLAG
    for (let i = 0; i < 4; i++) data[at++] = bytes[from + i]!
  }
  while (next < to) data[at++] = bytes[next++]!
  return at
}

/** MariaDB's UUID comes as text of 36 characters; false when it is none. */
export function decodeUuid(bytes: Uint8Array, from: number, to: number, values: Uint8Array, at: number): boolean {
  let nibbles = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!
    if (byte === MINUS) continue
    const nibble = byte <= 0x39 ? byte - ZERO : (byte | 0x20) - 0x57
    if (nibble < 0 || nibble > 15 || nibbles === 32) return false
    if (nibbles % 2 === 0) values[at + (nibbles >> 1)] = nibble << 4
    else values[at + (nibbles >> 1)]! |= nibble
    nibbles++
  }
  return nibbles === 32
}
