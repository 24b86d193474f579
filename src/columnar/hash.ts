/**
 * Hashes of rows, equal for equal values whatever system they came from; for comparing datasets, not for security.
 * Two independent 32-bit hashes per row (murmur3's mixing, by its public description), as pairs of words.
 */
import type { Batch } from './batch.ts'
import type { Column } from './column.ts'

const NULL_WORD = 0x9e3779b9

/** Reusable: `hashes[2 * row]` and `hashes[2 * row + 1]` after {@link hash}. */
export class RowHasher {
  hashes = new Int32Array(0)

  /** Hashes the given columns of all rows of a batch, in the order of `columns`. */
  hash(batch: Batch, columns: readonly number[]): Int32Array<ArrayBuffer> {
    if (this.hashes.length < batch.rows * 2) this.hashes = new Int32Array(batch.rows * 2)
    this.hashes.fill(0, 0, batch.rows * 2)
    for (const index of columns) {
      const column = batch.columns[index]
      if (column === undefined) throw new RangeError(`no column ${index}`)
      for (let row = 0; row < batch.rows; row++) this.#value(column, row, row * 2)
    }
    for (let i = 0; i < batch.rows * 2; i++) this.hashes[i] = finish(this.hashes[i]!)
    return this.hashes
  }

  #value(column: Column, row: number, at: number): void {
    if (column.isNull(row)) return this.#mix(at, NULL_WORD)
    const { layout, values, offsets, data } = column
    switch (layout.kind) {
      case 'bits':
        return this.#mix(at, (values[row >> 3]! >> (row & 7)) & 1)
      case 'bytes':
        return this.#bytes(at, data, offsets[row]!, offsets[row + 1]!)
      case 'list': {
        const [from, to] = [offsets[row]!, offsets[row + 1]!]
        this.#mix(at, to - from)
        for (let i = from; i < to; i++) this.#value(column.item!, i, at)
        return
      }
      case 'fixed':
        return this.#fixed(at, column, row, layout.bytes)
    }
  }

  #fixed(at: number, { values, layout }: Column, row: number, bytes: number): void {
    if (layout.kind !== 'fixed') return
    if (layout.words === 'f32' || layout.words === 'f64') return this.#float(at, values[row]!)
    if (layout.words === 'u8' && bytes === 16) return this.#bytes(at, values as Uint8Array, row * 16, row * 16 + 16)
    const words = Math.max(1, bytes >> 2)
    for (let i = 0; i < words; i++) this.#mix(at, values[row * words + i]! | 0)
  }

  #float(at: number, value: number): void {
    // Both zeros are one value to every database that compares them.
    FLOAT[0] = value === 0 ? 0 : value
    this.#mix(at, FLOAT_WORDS[0]!)
    this.#mix(at, FLOAT_WORDS[1]!)
  }

  #bytes(at: number, data: Uint8Array, from: number, to: number): void {
    this.#mix(at, to - from)
    for (let i = from; i < to; i += 4) {
      this.#mix(
        at,
        data[i]! |
          ((i + 1 < to ? data[i + 1]! : 0) << 8) |
          ((i + 2 < to ? data[i + 2]! : 0) << 16) |
          ((i + 3 < to ? data[i + 3]! : 0) << 24),
      )
    }
  }

  #mix(at: number, word: number): void {
    this.hashes[at] = mixWord(this.hashes[at]!, word, 0xcc9e2d51, 0x1b873593)
    this.hashes[at + 1] = mixWord(this.hashes[at + 1]!, word, 0x85ebca6b, 0xc2b2ae35)
  }
}

const FLOAT = new Float64Array(1)
const FLOAT_WORDS = new Int32Array(FLOAT.buffer)

function mixWord(hash: number, word: number, first: number, second: number): number {
  let k = Math.imul(word, first)
  k = Math.imul((k << 15) | (k >>> 17), second)
  const mixed = hash ^ k
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
