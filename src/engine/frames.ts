/**
 * The worker protocol over a pair of byte streams, e.g. stdin and stdout of a worker process.
 *
 * Frame: u32 length of the payload, u8 type (1 = message), u8 flags (0), u16 channel (0), u64 sequence number, payload; little-endian
 * (the header of the Flink bridge, docs/decisions/0004). The payload is JSON; a bigint is written as {"$u64": "…"}.
 * Ports cannot travel this way, so such a worker always has both ends of its chain.
 */
import type { Readable, Writable } from 'node:stream'
import type { Endpoint } from './endpoint.ts'
import { engineErrors } from './errors.ts'

const HEADER_BYTES = 16
const MESSAGE = 1
/** Largest payload that is accepted: a peer that claims more is not speaking this protocol. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024

export function streamEndpoint<Out, In>(input: Readable, output: Writable): Endpoint<Out, In> {
  let sequence = 0n
  let ended: Error | undefined
  let onEnd: ((reason: Error | undefined) => void) | undefined
  const end = (reason: Error | undefined) => {
    ended = reason
    onEnd?.(reason)
    onEnd = undefined
  }
  // A peer that went away shows as EPIPE on the next write; the end of `input` is where that is reported.
  output.on('error', () => {})
  input.on('error', end)
  input.on('end', () => end(undefined))
  return {
    send: message => void output.write(encodeFrame(message, sequence++)),
    onMessage: handler => {
      const frames = new FrameParser()
      input.on('data', (bytes: Buffer) => {
        try {
          for (const message of frames.push(bytes)) handler(message as In)
        } catch (error) {
          input.destroy(error as Error)
        }
      })
    },
    onEnd: handler => {
      onEnd = handler
      if (input.readableEnded || ended) handler(ended)
    },
    close: () => {
      output.end()
      input.destroy()
    },
  }
}

export function encodeFrame(message: unknown, sequence: bigint): Buffer {
  const payload = Buffer.from(
    JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? { $u64: String(value) } : value)),
  )
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(payload.length, 0)
  header.writeUInt8(MESSAGE, 4)
  header.writeBigUInt64LE(sequence, 8)
  return Buffer.concat([header, payload])
}

/** Cuts a byte stream into messages, however it is sliced. */
export class FrameParser {
  #pending: Buffer = Buffer.alloc(0)
  #sequence = 0n

  push(bytes: Buffer): unknown[] {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    const messages: unknown[] = []
    for (;;) {
      if (this.#pending.length < HEADER_BYTES) return messages
      const length = this.#pending.readUInt32LE(0)
      const type = this.#pending.readUInt8(4)
      const sequence = this.#pending.readBigUInt64LE(8)
      if (type !== MESSAGE || length > MAX_PAYLOAD_BYTES || sequence !== this.#sequence) {
        throw engineErrors.badFrame({ type, length, sequence: String(sequence) })
      }
      if (this.#pending.length < HEADER_BYTES + length) return messages
      this.#sequence++
      try {
        messages.push(parsePayload(this.#pending.toString('utf8', HEADER_BYTES, HEADER_BYTES + length)))
      } catch (cause) {
        throw engineErrors.badFrame({ type, length, sequence: String(sequence) }, cause)
      }
      this.#pending = this.#pending.subarray(HEADER_BYTES + length)
    }
  }
}

function parsePayload(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'object' && value !== null && '$u64' in value ? BigInt(String(value.$u64)) : value,
  )
}
