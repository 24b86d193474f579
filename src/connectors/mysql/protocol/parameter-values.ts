/** What generated encoders leave to a function. */
import { civilFromDays } from '#columnar'

const ZERO = 0x30
const NINE = 0x39
const POINT = 0x2e
const MINUS = 0x2d

/** Most columns hold days of a few years, over and over: looking one up takes a third of the time of computing it. */
const DAY_SLOTS = 4096
const slotDays = new Int32Array(DAY_SLOTS).fill(-0x80000000)
const slotCivils = new Int32Array(DAY_SLOTS)

/** Year, month and day of a day since 1970 as `year << 9 | month << 5 | day`; years 0 to 9999. */
export function civilOf(days: number): number {
  const slot = days & (DAY_SLOTS - 1)
  if (slotDays[slot] === days) return slotCivils[slot]!
  const { year, month, day } = civilFromDays(days)
  const civil = (year << 9) | (month << 5) | day
  slotDays[slot] = days
  slotCivils[slot] = civil
  return civil
}

/** Two digits of every number below 100. */
const pairs = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10))

/**
 * A decimal of at most 15 digits with its length in front; returns the position behind. `scale` digits stand behind the point, `unit`
 * is ten to the power of it.
 */
export function encodeDecimal(out: Uint8Array, at: number, value: number, scale: number, unit: number): number {
  const size = value < 0 ? -value : value
  const whole = scale === 0 ? size : Math.floor(size / unit)
  let next = at + 1
  if (value < 0) out[next++] = MINUS
  next = whole < 1e9 ? putSmall(out, next, whole) : putPadded(out, putSmall(out, next, Math.floor(whole / 1e9)), whole % 1e9, 9)
  if (scale > 0) {
    out[next++] = POINT
    const rest = size - whole * unit
    next =
      scale <= 9
        ? putPadded(out, next, rest, scale)
        : putPadded(out, putPadded(out, next, Math.floor(rest / 1e9), scale - 9), rest % 1e9, 9)
  }
  out[at] = next - at - 1
  return next
}

/** A number below 10^9 with as many digits as it has. */
function putSmall(out: Uint8Array, at: number, value: number): number {
  const digits =
    value < 10
      ? 1
      : value < 100
        ? 2
        : value < 1000
          ? 3
          : value < 1e4
            ? 4
            : value < 1e5
              ? 5
              : value < 1e6
                ? 6
                : value < 1e7
                  ? 7
                  : value < 1e8
                    ? 8
                    : 9
  return putPadded(out, at, value, digits)
}

/** A number below 10^9 with leading zeros. */
function putPadded(out: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value | 0
  let i = at + digits
  for (; i - at >= 2; i -= 2) {
    const higher = (rest / 100) | 0
    const pair = (rest - higher * 100) << 1
    out[i - 2] = pairs[pair]!
    out[i - 1] = pairs[pair + 1]!
    rest = higher
  }
  if (i > at) out[at] = ZERO + rest
  return at + digits
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
