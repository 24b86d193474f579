/**
 * Length-encoded integers and strings.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_dt_integers.html#sect_protocol_basic_dt_int_le
 *
 *   00..fa  the value itself   fb  NULL (rows only)   fc Int16   fd Int24   fe Int64
 */
import type { ByteReader } from '#wire'
import { mysqlErrors } from '../errors.ts'

export const NULL_MARK = 0xfb
const INT16_MARK = 0xfc
const INT24_MARK = 0xfd
const INT64_MARK = 0xfe

/** A length or count. Counts beyond 2^53 do not occur; a larger one is a broken packet. */
export function readLength(reader: ByteReader): number {
  const first = reader.uint8()
  if (first < NULL_MARK) return first
  if (first === INT16_MARK) return reader.uint16le()
  if (first === INT24_MARK) return reader.uint24le()
  if (first !== INT64_MARK) throw mysqlErrors.brokenPacket({ what: `length mark ${first}` })
  return Number(reader.uint64le())
}

/** A view: valid only as long as the buffer underneath. */
export const readLengthEncoded = (reader: ByteReader): Buffer => reader.take(readLength(reader))

export const readLengthEncodedText = (reader: ByteReader): string => readLengthEncoded(reader).toString('utf8')

export function lengthEncoded(bytes: Buffer): Buffer {
  const { length } = bytes
  if (length < NULL_MARK) return Buffer.concat([Buffer.of(length), bytes])
  if (length < 0x10000) return Buffer.concat([Buffer.of(INT16_MARK, length & 0xff, length >> 8), bytes])
  return Buffer.concat([Buffer.of(INT24_MARK, length & 0xff, (length >> 8) & 0xff, length >> 16), bytes])
}
