/** Turns valid inputs into nearly valid ones: lengths, tags, ends, splices, single bits. */
import type { Random } from '../../bench/random.ts'

/** Longest input that is made. */
const MOST_BYTES = 4096
const EDGES = [0, 1, 2, 7, 8, 0x0a, 0x22, 0x2c, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff]
const NUMBERS = [-1, -2, 0, 1, 2, 127, 128, 255, 256, 32_767, 65_535, 0x7fff_ffff, -0x8000_0000, 0xff_ffff, 0x1000_0000]

type Mutation = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer

const cut = (bytes: Buffer, from: number, to: number, between: Uint8Array = Buffer.alloc(0)) =>
  Buffer.concat([bytes.subarray(0, from), between, bytes.subarray(to)])

function range(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.between(0, bytes.length)
  return [from, Math.min(bytes.length, from + random.between(0, 16))]
}

/** Overwrites a number of 2, 4 or 8 bytes, of either byte order. */
const putNumber: Mutation = (bytes, random) => {
  const size = random.pick([2, 4, 8])
  if (bytes.length < size) return bytes
  const at = random.between(0, bytes.length - size)
  const number = Buffer.alloc(8)
  number.writeBigInt64LE(BigInt(random.pick([...NUMBERS, bytes.length, bytes.length - at, bytes.length + 1])))
  const little = number.subarray(0, size)
  bytes.set(random.between(0, 1) === 0 ? little : little.toReversed(), at)
  return bytes
}

const mutations: readonly Mutation[] = [
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.between(0, bytes.length - 1)]! ^= 1 << random.between(0, 7)
    return bytes
  },
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.between(0, bytes.length - 1)] = random.pick(EDGES)
    return bytes
  },
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.between(0, bytes.length - 1)]! += random.pick([-1, 1])
    return bytes
  },
  putNumber,
  putNumber,
  (bytes, random) => bytes.subarray(0, random.between(0, bytes.length)),
  (bytes, random) => cut(bytes, ...range(bytes, random)),
  (bytes, random) => {
    const [from, to] = range(bytes, random)
    return cut(bytes, to, to, bytes.subarray(from, to))
  },
  (bytes, random, others) => {
    const other = random.pick(others)
    return Buffer.concat([bytes.subarray(0, random.between(0, bytes.length)), other.subarray(random.between(0, other.length))])
  },
]

/** One to five mutations of one of the inputs. */
export function mutate(inputs: readonly Uint8Array[], tokens: readonly (string | Uint8Array)[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(random.pick(inputs))
  const insert: Mutation = one => {
    const [from, to] = range(one, random)
    return cut(one, from, random.pick([from, to]), Buffer.from(random.pick(tokens)))
  }
  const all = tokens.length === 0 ? mutations : [...mutations, insert, insert, insert]
  for (let i = random.between(1, 5); i > 0; i--) bytes = Buffer.from(random.pick(all)(bytes, random, inputs))
  return bytes.subarray(0, MOST_BYTES)
}
