import { wireErrors } from './errors.ts'

/** Reads the fields of one message; refuses to read beyond its end. For control messages, not for rows. */
export class ByteReader {
  readonly bytes: Buffer
  position = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.position
  }

  /** The next `length` bytes as a view: valid only as long as the buffer underneath. */
  take(length: number): Buffer {
    if (length < 0 || length > this.left) throw wireErrors.truncated({ wanted: length, left: this.left })
    this.position += length
    return this.bytes.subarray(this.position - length, this.position)
  }

  rest(): Buffer {
    return this.take(this.left)
  }

  uint8(): number {
    return this.take(1).readUInt8()
  }

  uint16le(): number {
    return this.take(2).readUInt16LE()
  }

  uint24le(): number {
    return this.take(3).readUIntLE(0, 3)
  }

  uint32le(): number {
    return this.take(4).readUInt32LE()
  }

  uint64le(): bigint {
    return this.take(8).readBigUInt64LE()
  }

  int16be(): number {
    return this.take(2).readInt16BE()
  }

  int32be(): number {
    return this.take(4).readInt32BE()
  }

  uint32be(): number {
    return this.take(4).readUInt32BE()
  }

  int64be(): bigint {
    return this.take(8).readBigInt64BE()
  }

  /** UTF-8 up to a NUL byte, which is skipped. */
  cstring(): string {
    const end = this.bytes.indexOf(0, this.position)
    if (end === -1) throw wireErrors.truncated({ wanted: this.left + 1, left: this.left })
    const text = this.bytes.toString('utf8', this.position, end)
    this.position = end + 1
    return text
  }
}
