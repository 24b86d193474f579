/**
 * Casts from and to float, and to numeric. Nothing is rounded: a value without an exact counterpart is refused.
 *
 * An integral float becomes that integer. A decimal fraction has no exact float: a float with a fraction becomes the decimal that its
 * shortest text names, and a decimal is held by a float that becomes this very decimal again.
 */
import { exactTools, isExact, loadOf, type ExactType, type Of } from './cast-exact.ts'
import { checked, loop, lossless, type Kernel, type Rule } from './cast-rule.ts'
import type { Column } from './column.ts'
import { maxTextBytes, renderOf } from './render-bytes.ts'
import { renderAscii, renderFloat64, renderInt, shortestFloat32 } from './render-number.ts'
import { number, parseNumber, putSafe, putSafe128, scanDecimal, scanFloat32, scanFloat64 } from './scan-number.ts'
import { scanNumeric } from './scan-bytes.ts'
import { DECIMAL64_DIGITS, type Type } from './types.ts'
import { POWERS_OF_TEN, type WordArray } from './wide.ts'

const FROM_FLOAT = 'as the shortest decimal that names the float'
const TO_FLOAT = 'as the nearest float, which gives the same decimal back'
/** Digits of a decimal that every float of 64 and 32 bits gives back. */
const FLOAT_DIGITS = { 64: 15, 32: 6 } as const
/** Powers of ten whose neighbourhood is in the normal range of the float, where its digits are complete. */
const MAX_POWER = { 64: 300, 32: 30 } as const

export function floatRule(from: Type, to: Type): Rule | undefined {
  if (from.kind === 'float' && to.kind === 'float') return from.bits < to.bits ? lossless(widthLoop) : checked(widthLoop)
  if (from.kind === 'float' && isExact(to))
    return checked(() => fromFloatLoop(from, to), to.kind === 'decimal' ? FROM_FLOAT : undefined)
  if (isExact(from) && to.kind === 'float') return ruleToFloat(from, to)
  if (from.kind === 'numeric' && to.kind === 'float') return checked(() => numericToFloatLoop(to), TO_FLOAT)
  if (to.kind !== 'numeric') return undefined
  if (from.kind === 'float') return lossless(() => floatToNumericLoop(from), FROM_FLOAT)
  return isExact(from) ? lossless(() => exactToNumericLoop(from)) : undefined
}

// NaN stays NaN; every other value must come back as it was.
const widthLoop = () => loop('const v = sv[row]; tv[row] = v; if (tv[row] !== v && v === v) return row', {})

function fromFloatLoop(from: Of<'float'>, to: ExactType): Kernel {
  if (to.kind === 'bool') return loop('if (!putBit(tv, row, sv[row])) return row', exactTools)
  if (to.kind === 'decimal') {
    return loop('if (!decimalOfFloat(named(sv[row]), target, row)) return row', { decimalOfFloat, named: namedBy(from.bits) })
  }
  if (to.bits < 64) return loop('const v = sv[row]; tv[row] = v; if (tv[row] !== v) return row', {})
  return loop(`if (!wordsOfFloat(tv, row * 2, sv[row], ${to.signed})) return row`, { wordsOfFloat })
}

function ruleToFloat(from: ExactType, to: Of<'float'>): Rule {
  if (from.kind === 'decimal') {
    const note = from.scale === 0 ? undefined : TO_FLOAT
    return from.precision <= FLOAT_DIGITS[to.bits]
      ? lossless(() => decimalToFloatLoop(from, to), note)
      : checked(() => decimalToFloatLoop(from, to), note)
  }
  const { safe } = loadOf(from, '')
  const isContained = from.kind === 'bool' || from.bits * 2 <= to.bits
  if (isContained) return lossless(() => loop(`${safe}; tv[row] = v`, exactTools))
  if (from.bits < 64) return checked(() => loop(`${safe}; tv[row] = v; if (tv[row] !== v) return row`, exactTools))
  return checked(() =>
    loop(
      `${safe}; tv[row] = v; if (tv[row] !== v && !floatOfWords(tv, row, lo, ${from.signed ? 'hi' : 'hi >>> 0'})) return row`,
      { ...exactTools, floatOfWords },
    ),
  )
}

function decimalToFloatLoop(from: Of<'decimal'>, to: Of<'float'>): Kernel {
  const { safe } = loadOf(from, 'tv[row] = NaN; continue')
  const render = renderOf(from)
  const scan = to.bits === 32 ? scanFloat32 : scanFloat64
  const slow = `if (!floatOfText(scan, render(scratch, 0, source, row), target, row)) return row`
  const tools = { ...exactTools, floatOfText, render, scan, scratch }
  if (from.scale > Math.min(MAX_POWER[to.bits], POWERS_OF_TEN.length - 1)) return loop(slow, tools)
  const limit = `1e${FLOAT_DIGITS[to.bits]}`
  // One division of exact operands rounds once, and so few digits always come back.
  return loop(`${safe}; if (v < ${limit} && v > -${limit}) tv[row] = v / 1e${from.scale}; else ${slow}`, tools)
}

function numericToFloatLoop(to: Of<'float'>): Kernel {
  const scan = to.bits === 32 ? scanFloat32 : scanFloat64
  const body = `if (!scan(sd, so[row], so[row + 1], target, row) || !namesFloat(sd, so[row], so[row + 1], tv[row], ${to.bits})) return row`
  return loop(body, { scan, namesFloat })
}

function floatToNumericLoop(from: Of<'float'>): Kernel {
  return loop('scanNumeric(scratch, 0, renderNamed(scratch, 0, named(sv[row])), target, row)', {
    named: namedBy(from.bits),
    renderNamed,
    scanNumeric,
    scratch,
  })
}

function exactToNumericLoop(from: ExactType): Kernel {
  const render =
    from.kind === 'bool'
      ? (out: Uint8Array, pos: number, { values }: Column, row: number) =>
          renderInt(out, pos, (values[row >> 3]! >> (row & 7)) & 1)
      : renderOf(from)
  const room = maxTextBytes(from)
  return loop(`const at = to[row]; to[row + 1] = render(target.reserve(at, at + ${room}), at, source, row)`, { render })
}

/** Room for all digits of the largest float. */
const scratch = new Uint8Array(320)

/** The double whose text names a float of 32 bits, or of 64. */
const namedBy = (bits: 32 | 64) => (bits === 64 ? same : namedByFloat32)
const same = (value: number) => value
const namedByFloat32 = (value: number) => (Number.isInteger(value) ? value : shortestFloat32(value))

/** All digits of an integer, else the shortest text. */
function renderNamed(out: Uint8Array, pos: number, value: number): number {
  if (Number.isSafeInteger(value) || !Number.isInteger(value)) return renderFloat64(out, pos, value)
  return renderAscii(out, pos, String(BigInt(value)))
}

/** Stores an integral float as 64 bits. `hi` of a float is exact, and so is what is left. */
function wordsOfFloat(words: WordArray, at: number, value: number, isSigned: boolean): boolean {
  const hi = Math.floor(value / TWO_32)
  if (Math.floor(value) !== value || hi < (isSigned ? -0x8000_0000 : 0) || hi >= (isSigned ? 0x8000_0000 : TWO_32)) return false
  words[at] = (value - hi * TWO_32) | 0
  words[at + 1] = hi | 0
  return true
}

const TWO_32 = 2 ** 32

/** Stores 64 bits as a float, when it can hold them; `hi` says by its sign whether they are signed. */
function floatOfWords(floats: WordArray, row: number, lo: number, hi: number): boolean {
  floats[row] = hi * TWO_32 + (lo >>> 0)
  const value = floats[row]
  const high = Math.floor(value / TWO_32)
  return high === hi && value - high * TWO_32 === lo >>> 0
}

/** Stores the decimal that {@link renderNamed} writes. */
function decimalOfFloat(value: number, target: Column, row: number): boolean {
  const { type, values } = target
  if (type.kind === 'decimal' && type.scale < POWERS_OF_TEN.length) {
    const power = POWERS_OF_TEN[type.scale]!
    const unscaled = Math.round(value * power)
    // With at most 15 digits there is only one decimal that names the float.
    if (
      Math.abs(unscaled) < 1e15 &&
      unscaled / power === value &&
      (type.precision >= 15 || Math.abs(unscaled) < POWERS_OF_TEN[type.precision]!)
    ) {
      return type.precision > DECIMAL64_DIGITS ? putSafe128(values, row * 4, unscaled) : putSafe(values, row * 2, unscaled)
    }
  }
  return scanDecimal(scratch, 0, renderNamed(scratch, 0, value), target, row)
}

/** Reads the text in the scratch buffer as a float, when the float names that text. */
function floatOfText(scan: typeof scanFloat64, end: number, target: Column, row: number): boolean {
  return (
    scan(scratch, 0, end, target, row) &&
    namesFloat(scratch, 0, end, target.values[row]!, target.type.kind === 'float' ? target.type.bits : 64)
  )
}

/** Whether the float that was read from a number in text becomes this number again. */
function namesFloat(bytes: Uint8Array, start: number, end: number, value: number, bits: 32 | 64): boolean {
  if (!parseNumber(bytes, start, end)) return true
  const { digits, exponent, isNegative, first } = number
  const size = digits + exponent
  if (digits <= FLOAT_DIGITS[bits] && size <= FLOAT_DIGITS[bits] && size > -MAX_POWER[bits]) return true
  const wanted = digitsAt(bytes, first, digits)
  const named = new Uint8Array(scratch.length)
  if (!parseNumber(named, 0, renderNamed(named, 0, namedBy(bits)(value)))) return false
  return (
    number.exponent === exponent && number.isNegative === isNegative && digitsAt(named, number.first, number.digits) === wanted
  )
}

/** The significant digits of a number in text, without its point. */
function digitsAt(bytes: Uint8Array, first: number, count: number): string {
  let text = ''
  for (let at = first; text.length < count; at++) {
    if (bytes[at] !== 0x2e) text += String.fromCharCode(bytes[at]!)
  }
  return text
}
