/** What generated encoders leave to a function. */

const ZERO = 0x30
const NINE = 0x39
const POINT = 0x2e

/** Year, month and day of a day since 1970 as `year << 9 | month << 5 | day`; years 0 to 9999. See civilFromDays of #columnar. */
export function civilOf(days: number): number {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0
  const dayOfYear = dayOfEra - (365 * yearOfEra + (yearOfEra >> 2) - ((yearOfEra / 100) | 0))
  const month = ((5 * dayOfYear + 2) / 153) | 0
  const day = dayOfYear - (((153 * month + 2) / 5) | 0) + 1
  const year = yearOfEra + era * 400
  return month < 10 ? (year << 9) | ((month + 3) << 5) | day : ((year + 1) << 9) | ((month - 9) << 5) | day
}

/** Characters of UTF-8. */
export function charsOf(bytes: Uint8Array, from: number, length: number): number {
  let chars = 0
  for (let i = from; i < from + length; i++) if ((bytes[i]! & 0xc0) !== 0x80) chars++
  return chars
}

/** Whether a decimal as text is a number: not NaN, not infinite. */
export function isPlainNumeric(bytes: Uint8Array, from: number, length: number): boolean {
  return length > 0 && bytes[from + length - 1]! <= NINE
}

/** Whether a decimal as text has no more than `scale` digits behind the point, zeros aside. */
export function isRoundAsText(bytes: Uint8Array, from: number, length: number, scale: number): boolean {
  const end = from + length
  let point = from
  while (point < end && bytes[point] !== POINT) point++
  for (let i = point + scale + 1; i < end; i++) if (bytes[i] !== ZERO) return false
  return true
}

/** Whether a text that is no member would be taken for the number of one. */
export function isNumberText(bytes: Uint8Array, from: number, length: number, members: ReadonlySet<string>): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('utf8')
  return /^\s*[+-]?\d+\s*$/.test(text) && !members.has(text)
}

const EWKB_SRID = 0x20
const WKB_HEAD_BYTES = 5
/** Geometry types 1 to 7; dimensions beyond two are flags or thousands. */
const LAST_GEOMETRY = 7

/**
 * WKB or EWKB as MySQL stores geometries (see copyGeometry of rare-values.ts), with its length in front. Returns where it ends, or -1 for what MySQL
 * has no room for.
 */
export function encodeGeometry(out: Uint8Array, at: number, bytes: Uint8Array, from: number, length: number): number {
  if (length < WKB_HEAD_BYTES || bytes[from] !== 1 || bytes[from + 1] === 0 || bytes[from + 1]! > LAST_GEOMETRY) return -1
  const flags = bytes[from + 4]!
  const hasSrid = flags === EWKB_SRID
  if (bytes[from + 2] !== 0 || bytes[from + 3] !== 0 || (flags !== 0 && !hasSrid)) return -1
  const total = hasSrid ? length : length + 4
  out[at] = 254
  for (let i = 0; i < 4; i++) out[at + 1 + i] = total >>> (8 * i)
  for (let i = 4; i < 8; i++) out[at + 1 + i] = 0
  const start = at + 9
  for (let i = 0; i < 4; i++) out[start + i] = hasSrid ? bytes[from + WKB_HEAD_BYTES + i]! : 0
  out.set(bytes.subarray(from, from + WKB_HEAD_BYTES), start + 4)
  out[start + 8] = 0
  out.set(bytes.subarray(from + WKB_HEAD_BYTES + (hasSrid ? 4 : 0), from + length), start + 4 + WKB_HEAD_BYTES)
  return start + total
}
