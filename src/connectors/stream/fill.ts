/**
 * One function per type that writes a run of rows into a column, without an object per row.
 *
 * Numbers, texts and their lengths are those of the library that FlinkX takes its values from (JMockData): integers from 0 to
 * 9,999, fractions with two digits, texts of 1 to 10 letters and digits. Days and times lie between 2000 and 2029, where every
 * system can hold them; FlinkX has today's, which would not repeat.
 */
import { layoutOf, type Column, type Values } from '#columnar'
import { below, hash, mix, type Key } from './hash.ts'
import type { Word } from './words.ts'

/** Writes rows `[at, at + rows)` of a column, which hold the values number `first` and on. */
export type Fill = (column: Column, at: number, rows: number, first: number, key: Key) => void

/** A function that fills a column. */
export interface Filler {
  readonly fill: Fill
  /** Most bytes that one row takes. */
  readonly rowBytes: number
  /** Most characters of a text, most bytes of a binary. */
  readonly length?: number
}

const WORD = 2 ** 32
const INTEGERS = 10_000
const HUNDREDTHS = 1_000_000
const TEXT_LENGTH = 10
const BINARY_BYTES = 16
const LIST_ITEMS = 4
const DAY_SECONDS = 86_400
const DAY_2000 = 10_957
const DAYS_TO_2030 = 10_958

/** Letters and digits; two occur twice, so that six bits choose one. */
const CHARACTERS = Uint8Array.from('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01', letter =>
  letter.charCodeAt(0),
)
const CHARACTERS_PER_HASH = 5
const QUOTE = 0x22
const POINT = 0x2e
const ZERO = 0x30

export function fillerOf({ type, special, length = TEXT_LENGTH }: Word): Filler {
  const layout = layoutOf(type)
  const fixed = (fill: Fill): Filler => ({ fill, rowBytes: layout.kind === 'fixed' ? layout.bytes : 1 })
  switch (type.kind) {
    case 'bool':
      return fixed(fillBool)
    case 'int':
      if (special === 'id') return fixed(fillId)
      return fixed(type.bits === 64 ? fillInt64 : integers(type.bits === 8 ? 128 : type.bits === 16 ? 1000 : INTEGERS))
    case 'float':
      return fixed(fillFloat)
    case 'decimal':
      return fixed(decimals(type.precision, type.scale, layout.kind === 'fixed' ? layout.bytes / 4 : 0))
    case 'numeric':
      return bytes(7, writeHundredths)
    case 'utf8':
      return texts(special === 'char' ? 1 : Math.max(1, Math.min(length, TEXT_LENGTH)))
    case 'json':
      return bytes(TEXT_LENGTH + 2, writeJsonString)
    case 'binary':
      return { ...bytes(BINARY_BYTES, writeBinary), length: BINARY_BYTES }
    case 'uuid':
      return fixed(fillUuid)
    case 'date':
      return fixed(fillDate)
    case 'time':
    case 'duration':
      return fixed(moments({ seconds: DAY_SECONDS, from: 0, digits: 0 }))
    case 'timestamp':
      return fixed(
        moments({ seconds: DAYS_TO_2030 * DAY_SECONDS, from: DAY_2000 * DAY_SECONDS, digits: special === 'seconds' ? 0 : 3 }),
      )
    case 'interval':
      return fixed(fillInterval)
    case 'list':
      return lists(fillerOf({ type: type.item }))
  }
}

/** The number of the row, from 1. */
const fillId: Fill = (column, at, rows, first) => {
  const { values } = column
  for (let row = 0; row < rows; row++) setWords(values, (at + row) * 2, first + row + 1)
}

const fillBool: Fill = (column, at, rows, first, key) => {
  const { values } = column
  for (let row = 0; row < rows; row++) {
    const to = at + row
    if ((hash((first + row) | 0, key) & 1) === 0) values[to >> 3]! &= ~(1 << (to & 7))
    else values[to >> 3]! |= 1 << (to & 7)
  }
}

function integers(count: number): Fill {
  return (column, at, rows, first, key) => {
    const { values } = column
    for (let row = 0; row < rows; row++) values[at + row] = below(count, hash((first + row) | 0, key))
  }
}

const fillInt64: Fill = (column, at, rows, first, key) => {
  const { values } = column
  for (let row = 0; row < rows; row++) {
    values[(at + row) * 2] = below(INTEGERS, hash((first + row) | 0, key))
    values[(at + row) * 2 + 1] = 0
  }
}

const fillFloat: Fill = (column, at, rows, first, key) => {
  const { values } = column
  for (let row = 0; row < rows; row++) values[at + row] = below(HUNDREDTHS, hash((first + row) | 0, key)) / 100
}

/** 0.00 to 9,999.99, or as much of it as the precision has room for. */
function decimals(precision: number, scale: number, words: number): Fill {
  const digits = Math.min(precision, Math.min(scale, 2) + Math.min(precision - scale, 4))
  const count = 10 ** digits
  // Digits behind the second are zeros: the hundredths times a power of ten, in words of 32 bits.
  const unit = 10n ** BigInt(Math.max(0, scale - 2))
  const limbs = [0n, 32n, 64n, 96n].map(shift => Number((unit >> shift) & 0xffffffffn))
  return (column, at, rows, first, key) => {
    const { values } = column
    for (let row = 0; row < rows; row++) {
      const hundredths = below(count, hash((first + row) | 0, key))
      let carry = 0
      for (let word = 0; word < words; word++) {
        const product = hundredths * limbs[word]! + carry
        values[(at + row) * words + word] = product | 0
        carry = Math.floor(product / WORD)
      }
    }
  }
}

const fillDate: Fill = (column, at, rows, first, key) => {
  const { values } = column
  for (let row = 0; row < rows; row++) values[at + row] = DAY_2000 + below(DAYS_TO_2030, hash((first + row) | 0, key))
}

/** Whole seconds with up to three digits behind, as microseconds. */
function moments({ seconds, from, digits }: { seconds: number; from: number; digits: 0 | 3 }): Fill {
  return (column, at, rows, first, key) => {
    const { values } = column
    for (let row = 0; row < rows; row++) {
      const bits = hash((first + row) | 0, key)
      const millis = digits === 0 ? 0 : below(1000, mix(bits, key.b))
      setWords(values, (at + row) * 2, (from + below(seconds, bits)) * 1_000_000 + millis * 1000)
    }
  }
}

const fillInterval: Fill = (column, at, rows, first, key) => {
  const { values } = column
  for (let row = 0; row < rows; row++) {
    const bits = hash((first + row) | 0, key)
    const to = (at + row) * 4
    values[to] = below(24, bits)
    values[to + 1] = below(28, mix(bits, 1))
    setWords(values, to + 2, below(DAY_SECONDS, mix(bits, 2)) * 1_000_000)
  }
}

/** Version 4, variant 1 (RFC 9562). */
const fillUuid: Fill = (column, at, rows, first, key) => {
  const { values } = column
  for (let row = 0; row < rows; row++) {
    const to = (at + row) * 16
    writeBinary(values, to, hash((first + row) | 0, key))
    values[to + 6] = 0x40 | (values[to + 6]! & 0x0f)
    values[to + 8] = 0x80 | (values[to + 8]! & 0x3f)
  }
}

/** A number of at most 2^53 as two words. */
function setWords(values: Values, at: number, value: number): void {
  values[at] = value | 0
  values[at + 1] = Math.floor(value / WORD)
}

/** Writes one value at a position and returns the one behind it. */
type WriteBytes = (out: { [index: number]: number }, at: number, bits: number) => number

function bytes(most: number, write: WriteBytes): Filler {
  const fill: Fill = (column, at, rows, first, key) => {
    const { offsets } = column
    let end = offsets[at]!
    const out = column.reserve(end, end + rows * most)
    for (let row = 0; row < rows; row++) {
      end = write(out, end, hash((first + row) | 0, key))
      offsets[at + row + 1] = end
    }
  }
  return { fill, rowBytes: 4 + most }
}

function texts(most: number): Filler {
  return { ...bytes(most, (out, at, bits) => writeText(out, at, bits, 1 + below(most, bits))), length: most }
}

function writeText(out: { [index: number]: number }, at: number, bits: number, length: number): number {
  let pool = 0
  for (let i = 0; i < length; i++) {
    pool = i % CHARACTERS_PER_HASH === 0 ? mix(bits, i + 1) : pool >>> 6
    out[at + i] = CHARACTERS[pool & 63]!
  }
  return at + length
}

const writeJsonString: WriteBytes = (out, at, bits) => {
  out[at] = QUOTE
  const end = writeText(out, at + 1, bits, 1 + below(TEXT_LENGTH, bits))
  out[end] = QUOTE
  return end + 1
}

const writeBinary: WriteBytes = (out, at, bits) => {
  for (let i = 0; i < BINARY_BYTES; i += 4) {
    const word = mix(bits, i + 1)
    out[at + i] = word & 0xff
    out[at + i + 1] = (word >>> 8) & 0xff
    out[at + i + 2] = (word >>> 16) & 0xff
    out[at + i + 3] = word >>> 24
  }
  return at + BINARY_BYTES
}

/** Four digits, a point, two digits, without leading zeros. */
const writeHundredths: WriteBytes = (out, at, bits) => {
  const hundredths = below(HUNDREDTHS, bits)
  let end = at
  for (let unit = 100_000; unit > 0; unit = Math.floor(unit / 10)) {
    const isLeading = end === at && hundredths < unit && unit > 100
    if (!isLeading) out[end++] = ZERO + (Math.floor(hundredths / unit) % 10)
    if (unit === 100) out[end++] = POINT
  }
  return end
}

function lists(item: Filler): Filler {
  const fill: Fill = (column, at, rows, first, key) => {
    const { offsets } = column
    for (let row = 0; row < rows; row++) {
      const bits = hash((first + row) | 0, key)
      const start = offsets[at + row]!
      const count = below(LIST_ITEMS + 1, bits)
      column.item!.reserveRows(start + count)
      if (count > 0) item.fill(column.item!, start, count, 0, { a: bits, b: key.b })
      offsets[at + row + 1] = start + count
    }
  }
  return { fill, rowBytes: 4 + LIST_ITEMS * item.rowBytes }
}
