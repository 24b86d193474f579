/**
 * Values that look random and are not: a hash of (seed, column, row number), so that a row is the same in whatever split,
 * run or batch it is made. 32-bit integer arithmetic only; the constants are Weyl's and two of those found by the
 * hash-prospector search (https://github.com/skeeto/hash-prospector).
 */
const GOLDEN = 0x9e3779b9
const MULTIPLY_1 = 0x21f0aaad
const MULTIPLY_2 = 0x735a2d97

/** What a column's hashes are seeded with: depends on the seed, the column and the upper half of the row number. */
export interface Key {
  readonly a: number
  readonly b: number
}

/** Rows of one key: a chunk never goes over a multiple of this. */
export const KEY_ROWS = 2 ** 32

export function keyOf(seed: number, column: number, row: number): Key {
  const start = mix(mix(seed | 0, GOLDEN), Math.floor(seed / KEY_ROWS))
  const a = mix(start ^ column, Math.floor(row / KEY_ROWS))
  return { a, b: mix(a, GOLDEN) }
}

/** 32 bits, signed, that depend on all bits of `row` (its lower half) and of the key. */
export function hash(row: number, { a, b }: Key): number {
  return mix(row ^ a, b)
}

/** 32 bits more out of 32; also good for one value after the other out of a first hash. */
export function mix(value: number, salt: number): number {
  const once = Math.imul(value ^ (value >>> 16) ^ salt, MULTIPLY_1)
  const twice = Math.imul((once ^ (once >>> 15)) + salt, MULTIPLY_2)
  return twice ^ (twice >>> 15)
}

/** 0 to `count` - 1, evenly. */
export function below(count: number, bits: number): number {
  return Math.floor(((bits >>> 0) * count) / KEY_ROWS)
}
