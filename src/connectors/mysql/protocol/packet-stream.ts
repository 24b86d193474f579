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

export class PacketStream {
  readonly stream: ByteStream
  /** Sequence number of the next packet that is written. A command starts at 0; inside an exchange it goes on from the peer's. */
  #sequence = 0

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  /** The next payload, copied. `check` is told how long it is at least, before that much is taken, and may throw. */
  async read(check?: (bytes: number) => void): Promise<Buffer> {
    const first = await this.#readOne(0, check)
    if (first.length < MAX_PAYLOAD_BYTES) return first
    const parts = [first]
    let bytes = first.length
    for (let part = first; part.length === MAX_PAYLOAD_BYTES; parts.push(part)) {
      part = await this.#readOne(bytes, check)
      bytes += part.length
    }
    return Buffer.concat(parts, bytes)
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

  async #readOne(before: number, check?: (bytes: number) => void): Promise<Buffer> {
    const { stream } = this
    await stream.fill(HEADER_BYTES)
    const length = stream.buffer.readUIntLE(stream.start, 3)
    check?.(before + length)
    this.#sequence = (stream.buffer[stream.start + 3]! + 1) & 0xff
    await stream.fill(HEADER_BYTES + length)
    const from = stream.start + HEADER_BYTES
    stream.start = from + length
    return Buffer.from(stream.buffer.subarray(from, from + length))
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
