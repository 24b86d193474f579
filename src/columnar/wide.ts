/**
 * Integers of up to 128 bits without BigInt: what exceeds 2^53 on hot paths.
 *
 * There is one register per thread: a magnitude in four 32-bit limbs, lowest first. The sign stays with the caller, who loads,
 * computes and stores without anything in between.
 */
export type WordArray = { [index: number]: number }

const TWO_32 = 2 ** 32
/** Words whose high one is below are a safe integer. */
const SAFE_HI = 2 ** 21
/** Largest power of ten that is a safe integer. */
const SAFE_POWER = 15
/** Most decimal digits in one step: limb * 10^6 + 10^6 stays below 2^53. */
const STEP_DIGITS = 6
/** Powers of ten that a double holds exactly. */
export const POWERS_OF_TEN: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

const limbs = new Uint32Array(4)

/** 10^0 to 10^38 as limbs. */
const powers = Uint32Array.from({ length: 39 * 4 }, (_, i) =>
  Number(((10n ** BigInt(i >> 2)) >> BigInt((i & 3) * 32)) & 0xffff_ffffn),
)

/** Loads a non-negative safe integer. */
export function loadSafe(value: number): void {
  limbs[0] = value
  limbs[1] = value / TWO_32
  limbs[2] = 0
  limbs[3] = 0
}

/** Loads the magnitude; returns whether the value is negative. */
export function loadInt64(lo: number, hi: number): boolean {
  limbs[2] = 0
  limbs[3] = 0
  if (hi >= 0) {
    limbs[0] = lo
    limbs[1] = hi
    return false
  }
  limbs[0] = -lo
  limbs[1] = lo === 0 ? -hi : ~hi
  return true
}

export function loadUint64(lo: number, hi: number): void {
  limbs[0] = lo
  limbs[1] = hi
  limbs[2] = 0
  limbs[3] = 0
}

/** Loads the magnitude of four words; returns whether the value is negative. */
export function loadInt128(words: WordArray, at: number): boolean {
  const isNegative = words[at + 3]! < 0
  let carry = isNegative ? 1 : 0
  for (let i = 0; i < 4; i++) {
    const word = (isNegative ? ~words[at + i]! : words[at + i]!) >>> 0
    limbs[i] = word + carry
    if (word + carry < TWO_32) carry = 0
  }
  return isNegative
}

/** register * factor + addend, both at most 10^6. False: it does not fit 128 bits. */
export function multiplyAdd(factor: number, addend: number): boolean {
  let carry = addend
  for (let i = 0; i < 4; i++) {
    const product = limbs[i]! * factor + carry
    limbs[i] = product
    carry = Math.floor(product / TWO_32)
  }
  return carry === 0
}

/** Divides by at most 10^6; returns the rest. */
export function divide(divisor: number): number {
  let rest = 0
  for (let i = 3; i >= 0; i--) {
    const dividend = rest * TWO_32 + limbs[i]!
    const quotient = Math.floor(dividend / divisor)
    limbs[i] = quotient
    rest = dividend - quotient * divisor
  }
  return rest
}

/** register * 10^digits. False: it does not fit 128 bits. */
export function scaleUp(digits: number): boolean {
  for (let left = digits; left > 0; left -= STEP_DIGITS) {
    if (!multiplyAdd(POWERS_OF_TEN[Math.min(left, STEP_DIGITS)]!, 0)) return false
  }
  return true
}

/** register / 10^digits. False: there is a rest. */
function scaleDown(digits: number): boolean {
  for (let left = digits; left > 0; left -= STEP_DIGITS) {
    if (divide(POWERS_OF_TEN[Math.min(left, STEP_DIGITS)]!) !== 0) return false
  }
  return true
}

export function isZero(): boolean {
  return limbs[0] === 0 && limbs[1] === 0 && limbs[2] === 0 && limbs[3] === 0
}

/** Whether the register has at most so many decimal digits, 0 to 38. */
export function hasDigits(atMost: number): boolean {
  for (let i = 3; i >= 0; i--) {
    const limit = powers[atMost * 4 + i]!
    if (limbs[i]! !== limit) return limbs[i]! < limit
  }
  return false
}

/** Stores a signed value. False: it does not fit 64 bits. */
export function storeInt64(words: WordArray, at: number, isNegative: boolean): boolean {
  const lo = limbs[0]!
  const hi = limbs[1]!
  if (limbs[2] !== 0 || limbs[3] !== 0) return false
  if (hi >= 0x8000_0000 && !(isNegative && hi === 0x8000_0000 && lo === 0)) return false
  words[at] = (isNegative ? -lo : lo) | 0
  words[at + 1] = (isNegative ? (lo === 0 ? -hi : ~hi) : hi) | 0
  return true
}

/** Stores an unsigned value. False: it does not fit 64 bits. */
export function storeUint64(words: WordArray, at: number): boolean {
  if (limbs[2] !== 0 || limbs[3] !== 0) return false
  words[at] = limbs[0]! | 0
  words[at + 1] = limbs[1]! | 0
  return true
}

/** Stores a signed value below 2^127, which every decimal of 38 digits is. */
export function storeInt128(words: WordArray, at: number, isNegative: boolean): true {
  let carry = isNegative ? 1 : 0
  for (let i = 0; i < 4; i++) {
    const word = (isNegative ? ~limbs[i]! >>> 0 : limbs[i]!) + carry
    words[at + i] = word | 0
    if (word < TWO_32) carry = 0
  }
  return true
}

/** Loads the magnitude of a safe integer; returns whether it is negative. */
export function loadSigned(value: number): boolean {
  loadSafe(value < 0 ? -value : value)
  return value < 0
}

/** The register as a number; NaN above 2^53. */
export function safeRegister(): number {
  if (limbs[2] !== 0 || limbs[3] !== 0 || limbs[1]! >= SAFE_HI) return NaN
  return limbs[1]! * TWO_32 + limbs[0]!
}

/** Two words as a number; NaN where they might exceed 2^53. */
export function safeOf(lo: number, hi: number): number {
  return hi < SAFE_HI && hi >= -SAFE_HI ? hi * TWO_32 + (lo >>> 0) : NaN
}

/** register * 10^digits; for negative `digits` a division. False: it does not fit 128 bits, or there is a rest. */
export function shiftRegister(digits: number): boolean {
  return digits < 0 ? scaleDown(-digits) : scaleUp(digits)
}

/** value * 10^digits of a safe integer; NaN where the result is no safe integer. NaN stays NaN. */
export function shiftSafe(value: number, digits: number): number {
  if (digits === 0 || value === 0) return value
  const size = digits < 0 ? -digits : digits
  if (size > SAFE_POWER) return NaN
  const power = POWERS_OF_TEN[size]!
  if (digits > 0) {
    const product = value * power
    return product <= Number.MAX_SAFE_INTEGER && product >= -Number.MAX_SAFE_INTEGER ? product : NaN
  }
  const quotient = Math.trunc(value / power)
  return quotient * power === value ? quotient : NaN
}
