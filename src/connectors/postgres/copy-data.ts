/**
 * Rows between two PostgreSQL servers as they are: the CopyData messages of a binary COPY, one per row, without a look at the values.
 *
 * The layout stands in decode.ts. The receiving server checks every value against its column, as it does with any client.
 */
import { viewOf, type EncodedBatch } from '#columnar'
import { BATCH_FULL, NEED_BYTES, OTHER_MESSAGE, type Decode } from './decode.ts'
import type { EncodeState } from './encode.ts'
import { COPY_DATA, MESSAGE_HEAD } from './protocol/messages.ts'
import type { Wire } from './types.ts'

const TUPLE_HEAD = 2
const LENGTH = 4
const TRAILER = -1
const FIRST_BYTES = 256 * 1024

/** Undefined where equal values may have different bytes or not every value is taken: arrays carry the OID and the shape of their server. */
export function encodingOf(wires: readonly Wire[]): string | undefined {
  if (wires.some(({ kind }) => kind === 'array')) return undefined
  return `PostgreSQL binary COPY: ${wires.map(({ kind }) => kind).join(' ')}`
}

/** Collects whole messages; its `take` stands in for a decoder. */
export class CopyData {
  readonly #fields: number
  #buffer: Buffer<ArrayBuffer> = Buffer.alloc(0)
  #end = 0
  #last = 0

  constructor(fields: number) {
    this.#fields = fields
  }

  /** The rows that have been taken since a call with `state.rows` 0. Overwritten by the next such call. */
  get rows(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }

  get lastRow(): Buffer {
    return this.#buffer.subarray(this.#last, this.#end)
  }

  /** Bytes per row that are not values. */
  get overhead(): number {
    return MESSAGE_HEAD + TUPLE_HEAD + LENGTH * this.#fields
  }

  readonly take: Decode = (unread, state, maxRows, maxBytes, fail) => {
    const { buffer: b, end } = unread
    const view = viewOf(b)
    const fields = this.#fields
    if (state.rows === 0) this.#end = 0
    let from = unread.start
    let p = from
    let { rows } = state
    let status = NEED_BYTES
    for (;;) {
      if (end - p < MESSAGE_HEAD) {
        state.need = MESSAGE_HEAD
        break
      }
      if (b[p] !== COPY_DATA) {
        status = OTHER_MESSAGE
        break
      }
      const length = view.getInt32(p + 1)
      if (length < LENGTH + TUPLE_HEAD) fail('a tuple that is too short', -1)
      const next = p + 1 + length
      if (next > end) {
        state.need = length + 1
        break
      }
      const count = view.getInt16(p + MESSAGE_HEAD)
      if (count === TRAILER) {
        this.#keep(b, from, p)
        p = from = next
        continue
      }
      if (count !== fields) fail(`a tuple of ${count} fields`, -1)
      if (rows === maxRows || (rows > 0 && this.#end + next - from > maxBytes)) {
        status = BATCH_FULL
        break
      }
      let q = p + MESSAGE_HEAD + TUPLE_HEAD
      for (let field = 0; field < fields; field++) {
        if (next - q < LENGTH) fail('a tuple that is too short', field)
        const bytes = view.getInt32(q)
        if (bytes < -1) fail(`a value of ${bytes} bytes`, field)
        q += bytes > 0 ? LENGTH + bytes : LENGTH
      }
      if (q !== next) fail('a tuple with a wrong length', -1)
      this.#last = this.#end + p - from
      p = next
      rows++
    }
    this.#keep(b, from, p)
    unread.start = p
    state.rows = rows
    return status
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const end = this.#end + to - from
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * this.#buffer.length, FIRST_BYTES))
      this.#buffer.copy(larger, 0, 0, this.#end)
      this.#buffer = larger
    }
    bytes.copy(this.#buffer, this.#end, from, to)
    this.#end = end
  }
}

/** Moves whole rows from `state.at` on to `out`, without the heads of their messages, as many as there is room for; returns where they end. */
export function copyRows({ bytes }: EncodedBatch, out: Buffer, w: number, state: EncodeState): number {
  const view = viewOf(bytes)
  while (state.at < bytes.length) {
    const next = state.at + 1 + view.getInt32(state.at + 1)
    const size = next - state.at - MESSAGE_HEAD
    if (size > out.length - w) {
      state.need = size
      return w
    }
    bytes.copy(out, w, state.at + MESSAGE_HEAD, next)
    w += size
    state.at = next
    state.row++
  }
  return w
}
