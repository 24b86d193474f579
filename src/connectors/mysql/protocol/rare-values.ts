/** What generated decoders leave to a function: bytes of the connection's buffer go to the end of a column's data. */
import type { Column } from '#columnar'

const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30

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
