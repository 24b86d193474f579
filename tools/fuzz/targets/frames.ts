/** Frames between coordinator and worker process. */
import { FrameParser } from '../../../src/engine/frames.ts'
import { endsOf, hex, type Target } from '../target.ts'

const frame = (sequence: number, json: string): Buffer => {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(Buffer.byteLength(json), 0)
  header[4] = 1
  header.writeBigUInt64LE(BigInt(sequence), 8)
  return Buffer.concat([header, Buffer.from(json)])
}

export const frames: Target = {
  name: 'frames',
  seeds: [
    Buffer.concat([frame(0, '{"kind":"ok"}'), frame(1, '{"id":{"$u64":"18446744073709551615"}}'), frame(2, '[]')]),
    frame(0, '{"__proto__":{"a":1},"b":[{"$u64":"1"}]}'),
  ],
  tokens: ['"$u64"', '{}', 'null', hex('ffffffff'), hex('00000004'), '"__proto__":'],
  run(input, cuts) {
    const parser = new FrameParser()
    const ends = endsOf(input, cuts)
    return ends.flatMap((end, i) => parser.push(input.buffer.subarray(ends[i - 1] ?? input.start, end)))
  },
  isStream: true,
}
