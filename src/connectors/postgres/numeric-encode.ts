/** Our numbers as PostgreSQL's numeric on the wire; the layout stands in numeric.ts. Each function writes length and value, and returns where they end. */
import type { Column } from '#columnar'

type Words = Column['values']

const TWO_32 = 2 ** 32
const POWERS = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)
/** With a larger scale the fraction, padded to whole digits, would not fit a double. */
const MOST_SIMPLE_SCALE = 12
const MOST_WHOLE_DIGITS = 4
const NEGATIVE = 0x4000
const NAN = 0xc000
const INFINITY = 0xd000
const MINUS_INFINITY = 0xf000

/** Most bytes of a decimal, with its length. 38 digits and the padding of the scale are at most 11 digits of 10,000. */
export const DECIMAL_BYTES = 12 + 2 * 11

/** Digits that count to 10,000, lowest first. */
const digits = new Uint16Array(16)
/** A magnitude of five words, lowest first: 38 digits and three more for the padding. */
const limbs = new Uint32Array(5)

export function encodeInt(out: DataView, w: number, value: number): number {
  return encodeSafe(out, w, Math.abs(value), value < 0, 0)
}

export function encodeInt64(out: DataView, w: number, v: Words, i: number): number {
  const negative = loadPair(v[i]!, v[i + 1]!)
  return encodeLimbs(out, w, negative, 0)
}

export function encodeUint64(out: DataView, w: number, v: Words, i: number): number {
  limbs[0] = v[i]!
  limbs[1] = v[i + 1]!
  limbs[2] = limbs[3] = limbs[4] = 0
  return encodeLimbs(out, w, false, 0)
}

export function encodeDecimal64(out: DataView, w: number, v: Words, i: number, scale: number): number {
  const lo = v[i]!
  const hi = v[i + 1]!
  const value = hi * TWO_32 + (lo >>> 0)
  if (scale <= MOST_SIMPLE_SCALE && value >= -Number.MAX_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
    return encodeSafe(out, w, Math.abs(value), value < 0, scale)
  }
  if (hi === -0x8000_0000 && lo === 0) return encodeSpecial(out, w, NAN)
  return encodeLimbs(out, w, loadPair(lo, hi), scale)
}

export function encodeDecimal128(out: DataView, w: number, v: Words, i: number, scale: number): number {
  const negative = v[i + 3]! < 0
  if (v[i + 3] === -0x8000_0000 && v[i] === 0 && v[i + 1] === 0 && v[i + 2] === 0) return encodeSpecial(out, w, NAN)
  let carry = negative ? 1 : 0
  for (let k = 0; k < 4; k++) {
    const word = ((negative ? ~v[i + k]! : v[i + k]!) >>> 0) + carry
    limbs[k] = word
    carry = word >= TWO_32 ? 1 : 0
  }
  limbs[4] = 0
  return encodeLimbs(out, w, negative, scale)
}

/** Loads the magnitude; returns whether the value is negative. */
function loadPair(lo: number, hi: number): boolean {
  const negative = hi < 0
  limbs[0] = negative ? -lo : lo
  limbs[1] = negative ? (lo === 0 ? -hi : ~hi) : hi
  limbs[2] = limbs[3] = limbs[4] = 0
  return negative
}

function encodeSafe(out: DataView, w: number, magnitude: number, negative: boolean, scale: number): number {
  const behind = (scale + 3) >> 2
  let whole = magnitude
  if (scale > 0) {
    whole = Math.floor(magnitude / POWERS[scale]!)
    let fraction = magnitude - whole * POWERS[scale]!
    // The division may have rounded up.
    if (fraction < 0) {
      whole--
      fraction += POWERS[scale]!
    }
    fraction *= POWERS[behind * 4 - scale]!
    for (let k = 0; k < behind; k++) {
      const rest = Math.floor(fraction / 10_000)
      digits[k] = fraction - rest * 10_000
      fraction = rest
    }
  }
  let count = behind
  while (whole > 0) {
    const rest = Math.floor(whole / 10_000)
    digits[count++] = whole - rest * 10_000
    whole = rest
  }
  return writeDigits(out, w, count, behind, negative, scale)
}

function encodeLimbs(out: DataView, w: number, negative: boolean, scale: number): number {
  const behind = (scale + 3) >> 2
  const padding = POWERS[behind * 4 - scale]!
  let carry = 0
  for (let k = 0; k < 5; k++) {
    const product = limbs[k]! * padding + carry
    limbs[k] = product
    carry = Math.floor(product / TWO_32)
  }
  let count = 0
  let top = 4
  for (;;) {
    while (top >= 0 && limbs[top] === 0) top--
    if (top < 0) break
    let rest = 0
    for (let k = top; k >= 0; k--) {
      const part = rest * TWO_32 + limbs[k]!
      const quotient = Math.floor(part / 10_000)
      limbs[k] = quotient
      rest = part - quotient * 10_000
    }
    digits[count++] = rest
  }
  while (count < behind) digits[count++] = 0
  return writeDigits(out, w, count, behind, negative, scale)
}

/** Writes `digits[0, count)`, of which `behind` stand behind the point, without the zeros at both ends. */
function writeDigits(out: DataView, w: number, count: number, behind: number, negative: boolean, scale: number): number {
  let first = count - 1
  while (first >= 0 && digits[first] === 0) first--
  let last = 0
  while (last <= first && digits[last] === 0) last++
  const written = first - last + 1
  w = writeHead(out, w, written, written === 0 ? 0 : first - behind, negative && written > 0 ? NEGATIVE : 0, scale)
  for (let k = first; k >= last; k--, w += 2) out.setInt16(w, digits[k]!)
  return w
}

function encodeSpecial(out: DataView, w: number, sign: number): number {
  return writeHead(out, w, 0, 0, sign, 0)
}

function writeHead(out: DataView, w: number, count: number, weight: number, sign: number, scale: number): number {
  out.setInt32(w, 8 + 2 * count)
  out.setInt16(w + 4, count)
  out.setInt16(w + 6, weight)
  out.setInt16(w + 8, sign)
  out.setInt16(w + 10, scale)
  return w + 12
}

/** Most bytes of a text of `length` bytes as numeric, with its length. */
export const numericBytes = (length: number): number => 12 + (length >> 1) + 2 * MOST_WHOLE_DIGITS

const POINT = 0x2e
const MINUS = 0x2d
const ZERO = 0x30
const I = 0x49
const N = 0x4e

/**
 * Canonical text (`-12.50`, `NaN`, `Infinity`) as numeric. Returns -1 when digits other than zero stand behind `mostScale`, which the
 * server would round off.
 */
export function encodeNumericText(out: DataView, w: number, d: Uint8Array, from: number, to: number, mostScale: number): number {
  let at = from
  const negative = d[at] === MINUS
  if (negative) at++
  if (d[at] === I) return encodeSpecial(out, w, negative ? MINUS_INFINITY : INFINITY)
  if (d[at] === N) return encodeSpecial(out, w, NAN)
  let point = at
  while (point < to && d[point] !== POINT) point++
  const scale = Math.max(to - point - 1, 0)
  for (let k = point + 1 + mostScale; k < to; k++) if (d[k] !== ZERO) return -1
  // The first digit of 10,000 has the decimal digits that do not fill one.
  const whole = point - at
  let weight = Math.ceil(whole / 4) - 1
  const head = w
  w += 12
  const start = w
  let cursor = at - (weight + 1) * 4 + whole
  for (; cursor < to; cursor += 4) {
    if (cursor === point) cursor++
    if (cursor >= to) break
    const limit = cursor < point ? point : to
    let digit = 0
    for (let k = cursor; k < cursor + 4; k++) digit = digit * 10 + (k >= at && k < limit ? d[k]! - ZERO : 0)
    if (w === start && digit === 0) weight--
    else {
      out.setInt16(w, digit)
      w += 2
    }
  }
  while (w > start && out.getInt16(w - 2) === 0) w -= 2
  const count = (w - start) / 2
  writeHead(out, head, count, count === 0 ? 0 : weight, negative && count > 0 ? NEGATIVE : 0, scale)
  return w
}
