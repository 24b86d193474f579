/**
 * Casts between bool, int and decimal, and from numeric to bool and int: values that are an integer times a power of ten.
 *
 * Generated: one part of the code loads a value as a safe integer `v` (NaN when it may exceed 2^53), another stores `x`, which is `v`
 * moved by the difference of the scales. What is too large for that takes the register of wide.ts.
 */
import { checked, loop, lossless, type Kernel, type Rule } from './cast-rule.ts'
import { isNaN128 } from './render-number.ts'
import { loadNumber, mantissa, number, parseNumber, putNaN, putSafe, putSafe128 } from './scan-number.ts'
import { DECIMAL128_DIGITS, DECIMAL64_DIGITS, type Type } from './types.ts'
import {
  hasDigits,
  loadInt128,
  loadInt64,
  loadSigned,
  loadUint64,
  safeOf,
  safeRegister,
  scaleUp,
  shiftRegister,
  shiftSafe,
  storeInt128,
  storeInt64,
  storeUint64,
  type WordArray,
} from './wide.ts'

/** A type of certain kinds. */
export type Of<Kind extends Type['kind']> = Extract<Type, { kind: Kind }>
export type ExactType = Of<'bool' | 'int' | 'decimal'>

export const isExact = (type: Type): type is ExactType => type.kind === 'bool' || type.kind === 'int' || type.kind === 'decimal'

export function exactRule(from: Type, to: Type): Rule | undefined {
  if (!isExact(to) || !(isExact(from) || (from.kind === 'numeric' && to.kind !== 'decimal'))) return undefined
  const compile = () => (from.kind === 'int' && to.kind === 'int' ? intLoop(from, to) : undefined) ?? exactLoop(from, to)
  return isContained(from, to) ? lossless(compile) : checked(compile)
}

/** Whether every value of one type is a value of the other. */
function isContained(from: ExactType | Of<'numeric'>, to: ExactType): boolean {
  // A decimal may be NaN, which only a decimal can hold.
  if (from.kind === 'numeric' || (from.kind === 'decimal' && to.kind !== 'decimal')) return false
  if (to.kind === 'bool') return from.kind === 'bool'
  if (from.kind === 'bool') return to.kind === 'int' || to.precision > to.scale
  if (from.kind === 'decimal' && to.kind === 'decimal')
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
  if (from.kind === 'int' && to.kind === 'decimal') return intDigits(from) <= to.precision - to.scale
  return (
    from.kind === 'int' &&
    to.kind === 'int' &&
    (from.signed === to.signed ? from.bits <= to.bits : to.signed && from.bits < to.bits)
  )
}

/** Decimal digits of the largest value. */
const intDigits = ({ bits, signed }: Of<'int'>) => String((1n << BigInt(signed ? bits - 1 : bits)) - 1n).length

/** Casts between integers whose words say at once whether they fit; the most common ones. */
function intLoop(from: Of<'int'>, to: Of<'int'>): Kernel | undefined {
  if (from.bits < 64 && to.bits === 64 && (to.signed || !from.signed)) {
    return loop(`const v = sv[row]; tv[row * 2] = v; tv[row * 2 + 1] = ${from.signed ? 'v >> 31' : '0'}`, {})
  }
  if (from.bits < 64 && to.bits < 64) return loop('const v = sv[row]; tv[row] = v; if (tv[row] !== v) return row', {})
  if (from.bits === 64 && to.bits < 64) {
    const lo = to.signed ? 'lo' : '(lo >>> 0)'
    const isSmall = to.signed && from.signed ? 'hi === lo >> 31' : to.signed ? 'hi === 0 && lo >= 0' : 'hi === 0'
    return loop(`${WORDS}; tv[row] = lo; if (tv[row] !== ${lo} || !(${isSmall})) return row`, {})
  }
  if (from.bits === 64 && to.bits === 64)
    return loop(`${WORDS}; tv[row * 2] = lo; tv[row * 2 + 1] = hi; if (hi < 0) return row`, {})
  return undefined
}

function exactLoop(from: ExactType | Of<'numeric'>, to: ExactType) {
  const shift = scaleOf(to) - scaleOf(from)
  const load = loadOf(from, to.kind === 'decimal' ? `putNaN(tv, row, ${isWide(to)}); continue` : 'return row')
  const store = storeOf(to)
  return loop(
    `${load.safe}
     const x = shiftSafe(v, ${shift})
     if (!(${store.safe})) {
       const isNegative = ${load.register}
       if (!(shiftRegister(${shift}) && ${store.register})) return row
     }`,
    exactTools,
  )
}

const scaleOf = (type: Type) => (type.kind === 'decimal' ? type.scale : 0)
const isWide = (type: Of<'decimal'>) => type.precision > DECIMAL64_DIGITS

interface Code {
  readonly safe: string
  readonly register: string
}

/** `safe`: statements that declare `v`; `onNaN` is run for the NaN of a decimal. `register`: loads the magnitude and tells the sign. */
export function loadOf(type: ExactType | Of<'numeric'>, onNaN: string): Code {
  switch (type.kind) {
    case 'bool':
      return { safe: 'const v = (sv[row >> 3] >> (row & 7)) & 1', register: 'loadSigned(v)' }
    case 'int':
      if (type.bits < 64) return { safe: 'const v = sv[row]', register: 'loadSigned(v)' }
      return type.signed
        ? { safe: `${WORDS}; const v = safeOf(lo, hi)`, register: 'loadInt64(lo, hi)' }
        : { safe: `${WORDS}; const v = hi < 0 ? NaN : safeOf(lo, hi)`, register: '(loadUint64(lo, hi), false)' }
    case 'decimal':
      if (!isWide(type)) {
        return {
          safe: `${WORDS}; if (lo === 0 && hi === ${-0x8000_0000}) { ${onNaN} } const v = safeOf(lo, hi)`,
          register: 'loadInt64(lo, hi)',
        }
      }
      return {
        safe: `const at = row * 4; if (isNaN128(sv, at)) { ${onNaN} }
               const sign = sv[at + 1] >> 31; const v = sv[at + 2] === sign && sv[at + 3] === sign ? safeOf(sv[at], sv[at + 1]) : NaN`,
        register: 'loadInt128(sv, at)',
      }
    case 'numeric':
      return {
        safe: 'if (!parseInteger(sd, so[row], so[row + 1])) return row; const v = safeNumber()',
        register: 'loadWhole(sd)',
      }
  }
}

const WORDS = 'const lo = sv[row * 2], hi = sv[row * 2 + 1]'

/** Expressions that are true when the value has been stored: `safe` from `x`, which may be NaN, `register` from the register and `isNegative`. */
function storeOf(type: ExactType): Code {
  switch (type.kind) {
    case 'bool':
      return { safe: 'putBit(tv, row, x)', register: '!isNegative && putBit(tv, row, safeRegister())' }
    case 'int':
      if (type.bits < 64) return { safe: '(tv[row] = x, tv[row] === x)', register: 'putSmall(tv, row, isNegative)' }
      return type.signed
        ? { safe: 'x === x && putSafe(tv, row * 2, x)', register: 'storeInt64(tv, row * 2, isNegative)' }
        : { safe: 'x >= 0 && putSafe(tv, row * 2, x)', register: '!isNegative && storeUint64(tv, row * 2)' }
    case 'decimal': {
      const limit = `1e${Math.min(type.precision, 16)}`
      const fits = `x < ${limit} && x > -${limit}`
      const hasDigits = `hasDigits(${type.precision})`
      return isWide(type)
        ? { safe: `${fits} && putSafe128(tv, row * 4, x)`, register: `${hasDigits} && storeInt128(tv, row * 4, isNegative)` }
        : { safe: `${fits} && putSafe(tv, row * 2, x)`, register: `${hasDigits} && storeInt64(tv, row * 2, isNegative)` }
    }
  }
}

/** What the generated code calls. */
export const exactTools = {
  hasDigits,
  isNaN128,
  loadInt128,
  loadInt64,
  loadSigned,
  loadUint64,
  loadWhole,
  parseInteger,
  putBit,
  putNaN,
  putSafe,
  putSafe128,
  putSmall,
  safeNumber,
  safeOf,
  safeRegister,
  shiftRegister,
  shiftSafe,
  storeInt128,
  storeInt64,
  storeUint64,
}

/** Sets the bit of a true value. False: the value is neither 0 nor 1. */
function putBit(values: WordArray, row: number, value: number): boolean {
  if (value === 1) values[row >> 3]! |= 1 << (row & 7)
  return value === 1 || value === 0
}

/** Stores the register in a small integer. */
function putSmall(values: WordArray, row: number, isNegative: boolean): boolean {
  const value = isNegative ? -safeRegister() : safeRegister()
  values[row] = value
  return values[row] === value
}

/** Parses decimal text. False: it has a fraction, or is no finite number of at most 38 digits. */
function parseInteger(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    parseNumber(bytes, start, end) &&
    (number.digits === 0 || (number.exponent >= 0 && number.digits + number.exponent <= DECIMAL128_DIGITS))
  )
}

/** What {@link parseInteger} found, as a safe integer or NaN. */
function safeNumber(): number {
  if (number.digits === 0) return 0
  if (number.digits + number.exponent > 15) return NaN
  return shiftSafe(number.isNegative ? -mantissa[0]! : mantissa[0]!, number.exponent)
}

/** What {@link parseInteger} found, in the register; returns whether it is negative. */
function loadWhole(bytes: Uint8Array): boolean {
  loadNumber(bytes)
  scaleUp(number.exponent)
  return number.isNegative
}
