/**
 * Packets over a byte stream, for everything but rows: Int24 length, Int8 sequence, payload. A payload of 2^24-1 bytes goes on in
 * the next packet.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
 *
 * Row decoders work on `stream.buffer` directly; both may be used in turn.
 */
import type { ByteStream } from '#wire'

export const HEADER_BYTES = 4
/** Payload of a packet that goes on in the next one. */
export const MAX_PAYLOAD_BYTES = 0xffffff
/** Room for rows that are a little larger than the largest so far. */
const LARGE_GROWTH = 1.5

export class PacketStream {
  readonly stream: ByteStream
  /** Sequence number of the next packet that is written. A command starts at 0; inside an exchange it goes on from the peer's. */
  #sequence = 0
  #large: Buffer<ArrayBuffer> = Buffer.alloc(0)

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  /** The next payload, copied. */
  async read(): Promise<Buffer> {
    const first = Buffer.from(await this.#take())
    if (first.length < MAX_PAYLOAD_BYTES) return first
    const parts = [first]
    for (let part = first; part.length === MAX_PAYLOAD_BYTES; parts.push(part)) part = Buffer.from(await this.#take())
    return Buffer.concat(parts)
  }

  /**
   * The next payload of several packets behind a header of its own, in a buffer that the next call overwrites: a large row is in memory
   * once here, however many there are. `check` is told how long it will be at least, and may throw.
   */
  async readLarge(check: (bytes: number) => void): Promise<Buffer> {
    let end = HEADER_BYTES
    for (;;) {
      const part = await this.#take(length => check(end - HEADER_BYTES + length))
      if (end + part.length > this.#large.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(end + part.length, Math.floor(this.#large.length * LARGE_GROWTH)))
        this.#large.copy(larger, 0, 0, end)
        this.#large = larger
      }
      part.copy(this.#large, end)
      end += part.length
      if (part.length < MAX_PAYLOAD_BYTES) return this.#large.subarray(0, end)
    }
  }

  /** Length of the packet that comes next and its first payload byte, without taking it: what a row decoder decides by. */
  async peek(): Promise<{ readonly length: number; readonly mark: number }> {
    const { stream } = this
    await stream.fill(HEADER_BYTES + 1)
    return { length: stream.buffer.readUIntLE(stream.start, 3), mark: stream.buffer[stream.start + HEADER_BYTES]! }
  }

  /** Starts a command: its first packet has number 0. */
  command(payload: Buffer): Promise<void> {
    this.#sequence = 0
    return this.reply(payload)
  }

  /** Goes on in an exchange. */
  reply(payload: Buffer): Promise<void> {
    return this.stream.write(this.#frame(payload))
  }

  /** The payload of the next packet, lent until the next read. */
  async #take(check?: (bytes: number) => void): Promise<Buffer> {
    const { stream } = this
    await stream.fill(HEADER_BYTES)
    const length = stream.buffer.readUIntLE(stream.start, 3)
    check?.(length)
    this.#sequence = (stream.buffer[stream.start + 3]! + 1) & 0xff
    await stream.fill(HEADER_BYTES + length)
    const from = stream.start + HEADER_BYTES
    stream.start = from + length
    return stream.buffer.subarray(from, from + length)
  }

  #frame(payload: Buffer): Buffer {
    const parts: Buffer[] = []
    let from = 0
    do {
      const part = payload.subarray(from, from + MAX_PAYLOAD_BYTES)
      parts.push(packetHeader(part.length, this.#sequence), part)
      this.#sequence = (this.#sequence + 1) & 0xff
      from += MAX_PAYLOAD_BYTES
      // A payload of exactly 2^24-1 bytes ends with an empty packet.
    } while (from <= payload.length)
    return Buffer.concat(parts)
  }
}

function packetHeader(length: number, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUIntLE(length, 0, 3)
  header.writeUInt8(sequence, 3)
  return header
}
