/**
 * A window that moves over the bytes of a file. While a decoder works on one buffer, the next bytes are read into another;
 * what the decoder left over is copied in front of them.
 */
import { isUtf8 } from 'node:buffer'
import type { ByteSource } from './byte-source.ts'
import { RowFault, SPARE_BYTES } from './row-format.ts'

/** Bytes of one read. */
const READ_BYTES = 512 * 1024
/** Room in front of the bytes of a read for the row that the read before it cut in two. */
const CARRY_BYTES = 64 * 1024
/** Most memory that a window needs while no row is longer than `CARRY_BYTES`. */
export const WINDOW_BYTES = 2 * (CARRY_BYTES + READ_BYTES + SPARE_BYTES)

/** Bytes that are looked at together in search of one that is no UTF-8. */
const STRIDE_BYTES = 4096

const ENCODING_HINT = 'Name the encoding of the file with `encoding`, e.g. `gb18030` or `windows-1252`.'

/** Where a window adds what it has read and how long it waited for it. */
interface WindowMeter {
  bytes: number
  waitMs: number
}

export class RowWindow implements AsyncDisposable {
  /** Bytes that are not decoded yet: `buffer[start, end)`. `fill` replaces the buffer and moves both. */
  buffer: Uint8Array<ArrayBuffer>
  start = CARRY_BYTES
  end = CARRY_BYTES
  /** The file ends at `end`. */
  isLast = false
  /** Offset in the file of the byte at `start`. */
  #offset: number
  /** `buffer[start, valid)` is known to be UTF-8. */
  #valid = CARRY_BYTES
  readonly #source: ByteSource
  readonly #meter: WindowMeter | undefined
  #spare: Uint8Array<ArrayBuffer>
  readonly #readBytes: number
  #reading: Promise<number>

  constructor(source: ByteSource, offset: number, options: { readBytes?: number; meter?: WindowMeter | undefined } = {}) {
    this.#source = source
    this.#offset = offset
    this.#meter = options.meter
    this.#readBytes = options.readBytes ?? READ_BYTES
    this.buffer = this.#makeBuffer()
    this.#spare = this.#makeBuffer()
    this.#reading = this.#read()
  }

  /** Offset in the file of a byte of the buffer. */
  offsetOf(at: number): number {
    return this.#offset + at - this.start
  }

  /** Moves the start to a byte of the buffer. */
  moveTo(at: number): void {
    this.#offset += at - this.start
    this.start = at
  }

  /** Adds bytes, or finds that there are no more. */
  async fill(): Promise<void> {
    const since = performance.now()
    const bytes = await this.#reading
    if (this.#meter) {
      this.#meter.bytes += bytes
      this.#meter.waitMs += performance.now() - since
    }
    if (bytes === 0) {
      this.isLast = true
      return
    }
    this.#take(bytes)
    this.#reading = this.#read()
  }

  /** Up to here the bytes are UTF-8, as far as they have been looked at. */
  get valid(): number {
    return this.#valid
  }

  /** Looks at the bytes that have not been looked at yet; the first that is no UTF-8 is a fault. */
  check(): RowFault | undefined {
    const from = Math.max(this.#valid, this.start)
    const to = this.isLast ? this.end : wholeCharacters(this.buffer, from, this.end)
    this.#valid = isUtf8(this.buffer.subarray(from, to)) ? to : firstInvalid(this.buffer, from, to)
    return this.#valid === to ? undefined : new RowFault(this.#valid, undefined, 'this is not UTF-8', ENCODING_HINT)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The system may still be writing to the buffer; closing the file under it would be an error of its own.
    await this.#reading.catch(() => 0)
    await this.#source[Symbol.asyncDispose]()
  }

  #makeBuffer(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(CARRY_BYTES + this.#readBytes + SPARE_BYTES)
  }

  #read(): Promise<number> {
    const reading = this.#source.read(this.#spare, CARRY_BYTES, this.#readBytes)
    reading.catch(() => {}) // Reported by the next fill, unless nobody wants it any more.
    return reading
  }

  /** Joins what is left with the bytes that have been read. */
  #take(bytes: number): void {
    const left = this.end - this.start
    const checked = this.#valid - this.start
    if (left <= CARRY_BYTES) {
      this.#spare.set(this.buffer.subarray(this.start, this.end), CARRY_BYTES - left)
      const used = this.buffer
      this.buffer = this.#spare
      this.#spare = used.length === this.buffer.length ? used : this.#makeBuffer()
      this.start = CARRY_BYTES - left
    } else {
      const needed = left + bytes + SPARE_BYTES
      const larger =
        this.start + needed <= this.buffer.length ? this.buffer : new Uint8Array(Math.max(needed, this.buffer.length * 2))
      if (larger !== this.buffer) {
        larger.set(this.buffer.subarray(this.start, this.end))
        this.start = 0
      }
      larger.set(this.#spare.subarray(CARRY_BYTES, CARRY_BYTES + bytes), this.start + left)
      this.buffer = larger
    }
    this.end = this.start + left + bytes
    this.#valid = this.start + checked
  }
}

/** Where the last whole character before `end` ends. */
function wholeCharacters(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at > end - 4; at--) {
    const byte = bytes[at]!
    if (byte < 0x80) return end
    if (byte >= 0xc0) return at + lengthOf(byte) > end ? at : end
  }
  return end
}

const lengthOf = (lead: number) => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2)

/** Takes long strides, then looks at single characters. */
function firstInvalid(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  for (let next = at + STRIDE_BYTES; next < end; next = at + STRIDE_BYTES) {
    next = wholeCharacters(bytes, at, next)
    if (!isUtf8(bytes.subarray(at, next))) break
    at = next
  }
  while (at < end) {
    const length = bytes[at]! < 0x80 ? 1 : lengthOf(bytes[at]!)
    if (!isUtf8(bytes.subarray(at, Math.min(at + length, end)))) break
    at += length
  }
  return at
}
