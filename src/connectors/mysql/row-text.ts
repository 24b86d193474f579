/** Encoded rows as text, to name a row in a message. */
import { formatDate, formatTimestamp, type Type } from '#columnar'
import { durationText } from './key.ts'
import type { Packet } from './packet.ts'
import { maskBytes, type ParameterColumn } from './protocol/row-encoder.ts'

const DAY_MICROS = 86_400_000_000n
const EPOCH_DAY_MS = 86_400_000

/** The values of one row; NULL as `NULL`. */
export function parameterTexts(packet: Packet, row: number, columns: readonly ParameterColumn[], isBulk: boolean): string[] {
  const { bytes } = packet
  let at = packet.startOf(row)
  return columns.map(({ type: own, isText }, k) => {
    const type: Type = isText ? { kind: 'utf8' } : own
    const isNull = isBulk ? bytes[at++] === 1 : (packet.masks[row * maskBytes(columns.length) + (k >> 3)]! & (1 << (k & 7))) !== 0
    if (isNull) return 'NULL'
    const from = at
    at += sizeOf(type, bytes, at)
    return valueText(type, bytes, from, at)
  })
}

function sizeOf(type: Type, bytes: Buffer, at: number): number {
  switch (type.kind) {
    case 'bool':
      return 1
    case 'int':
    case 'float':
      return type.bits / 8
    case 'date':
    case 'time':
    case 'duration':
    case 'timestamp':
      return 1 + bytes[at]!
    default: {
      const [prefix, length] = lengthAt(bytes, at)
      return prefix + length
    }
  }
}

function lengthAt(bytes: Buffer, at: number): readonly [prefix: number, length: number] {
  const first = bytes[at]!
  if (first < 251) return [1, first]
  return first === 252 ? [3, bytes.readUInt16LE(at + 1)] : [9, bytes.readUInt32LE(at + 1)]
}

function valueText(type: Type, bytes: Buffer, from: number, to: number): string {
  switch (type.kind) {
    case 'bool':
      return bytes[from] === 1 ? 'true' : 'false'
    case 'int':
      if (type.bits === 64) return String(type.signed ? bytes.readBigInt64LE(from) : bytes.readBigUInt64LE(from))
      return String(type.signed ? bytes.readIntLE(from, to - from) : bytes.readUIntLE(from, to - from))
    case 'float':
      return String(type.bits === 32 ? bytes.readFloatLE(from) : bytes.readDoubleLE(from))
    case 'date':
      return formatDate(dayAt(bytes, from))
    case 'timestamp':
      return formatTimestamp(BigInt(dayAt(bytes, from)) * DAY_MICROS + clockAt(bytes, from + 5, to), type.zone)
    case 'time':
    case 'duration': {
      const micros = BigInt(bytes.readUInt32LE(from + 2)) * DAY_MICROS + clockAt(bytes, from + 6, to)
      return durationText(bytes[from + 1] === 1 ? -micros : micros)
    }
    default: {
      const [prefix] = lengthAt(bytes, from)
      const isText = type.kind !== 'binary' && type.kind !== 'uuid'
      return bytes.toString(isText ? 'utf8' : 'hex', from + prefix, to)
    }
  }
}

function dayAt(bytes: Buffer, at: number): number {
  const date = new Date(0)
  date.setUTCFullYear(bytes.readUInt16LE(at + 1), bytes[at + 3]! - 1, bytes[at + 4])
  return Math.floor(date.getTime() / EPOCH_DAY_MS)
}

function clockAt(bytes: Buffer, at: number, to: number): bigint {
  const seconds = bytes[at]! * 3600 + bytes[at + 1]! * 60 + bytes[at + 2]!
  const micros = to > at + 3 ? bytes.readUInt32LE(at + 3) : 0
  return BigInt(seconds) * 1_000_000n + BigInt(micros)
}
