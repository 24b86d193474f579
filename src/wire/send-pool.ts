/**
 * Buffers for outgoing bytes: filled by an encoder, owned by the socket until the kernel has taken them, then used again.
 * A server wants few large writes (docs/decisions/0005), and memory wants a bound: at most `count` buffers are in flight.
 */
import type { ByteStream } from './byte-stream.ts'

export const SEND_BYTES = 256 * 1024
export const SEND_BUFFERS = 4

export class SendPool {
  readonly #stream: ByteStream
  readonly #bytes: number
  #free: Buffer<ArrayBuffer>[] = []
  #made = 0
  readonly #count: number
  readonly #inFlight = new Set<Promise<void>>()

  constructor(stream: ByteStream, bytes = SEND_BYTES, count = SEND_BUFFERS) {
    this.#stream = stream
    this.#bytes = bytes
    this.#count = count
  }

  /**
   * A buffer of at least `bytes`, at once when one is free; else when the socket has given one back. Larger than usual ones are not kept,
   * and wait until nothing else is in flight.
   */
  async acquire(bytes = this.#bytes): Promise<Buffer<ArrayBuffer>> {
    if (bytes > this.#bytes) {
      await this.#until(() => this.#inFlight.size === 0)
      return Buffer.allocUnsafeSlow(bytes)
    }
    if (this.#made === this.#count) await this.#until(() => this.#free.length > 0)
    const free = this.#free.pop()
    if (free) return free
    this.#made++
    return Buffer.allocUnsafeSlow(this.#bytes)
  }

  /** Sends the first `length` bytes of an acquired buffer and takes it back afterwards. */
  send(buffer: Buffer<ArrayBuffer>, length: number): void {
    if (length === 0) return this.#release(buffer)
    const sent = this.#stream.write(buffer.subarray(0, length)).finally(() => {
      this.#inFlight.delete(sent)
      this.#release(buffer)
    })
    sent.catch(() => {}) // Reported by whoever waits for it, or by the next read.
    this.#inFlight.add(sent)
  }

  /** Returns when everything sent has been taken by the kernel. */
  async drained(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return
    const since = performance.now()
    while (!condition()) await Promise.race(this.#inFlight)
    this.#stream.waited(performance.now() - since)
  }

  #release(buffer: Buffer<ArrayBuffer>): void {
    if (buffer.length === this.#bytes) this.#free.push(buffer)
  }
}
