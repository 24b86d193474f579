/** Frames between coordinator and worker process. */
import { FrameParser } from '../../../src/engine/frames.ts'
import { hex, type Target } from '../target.ts'

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
  run({ buffer, start, end }, cuts) {
    const parser = new FrameParser()
    const places = [...cuts.filter(at => at > 0 && at < end - start), end - start]
    return places.flatMap((at, i) => parser.push(buffer.subarray(start + (places[i - 1] ?? 0), start + at)))
  },
  isStream: true,
}
