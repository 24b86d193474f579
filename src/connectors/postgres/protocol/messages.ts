/**
 * Messages of the frontend/backend protocol 3.0.
 *
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 *
 *   Message        Byte1 tag  Int32 length (itself included)  body
 *   StartupMessage Int32 length  Int32 196608  { String name  String value }*  Byte1 0
 */
import type { ByteReader } from '#wire'

/** Tag and length. */
export const MESSAGE_HEAD = 5
export const COPY_DATA = 0x64 // d

const PROTOCOL_VERSION = 196_608
const SSL_REQUEST = 80_877_103
const CANCEL_REQUEST = 80_877_102

const cstring = (text: string) => Buffer.from(`${text}\0`)
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function message(tag: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(tag), int32(body.length + 4), body])
}

function untagged(...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([int32(body.length + 4), body])
}

export const startup = (parameters: Readonly<Record<string, string>>): Buffer =>
  untagged(
    int32(PROTOCOL_VERSION),
    ...Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)]),
    Buffer.alloc(1),
  )

export const sslRequest = (): Buffer => untagged(int32(SSL_REQUEST))
export const cancelRequest = (processId: number, secret: Buffer): Buffer =>
  untagged(int32(CANCEL_REQUEST), int32(processId), secret)
export const password = (text: string): Buffer => message('p', cstring(text))
export const query = (sql: string): Buffer => message('Q', cstring(sql))
export const copyDone = (): Buffer => message('c')
export const copyFail = (reason: string): Buffer => message('f', cstring(reason))
export const terminate = (): Buffer => message('X')

/** SASLInitialResponse: `p  String mechanism  Int32 length  Byten data`. */
export const saslInitial = (mechanism: string, data: string): Buffer =>
  message('p', cstring(mechanism), int32(Buffer.byteLength(data)), Buffer.from(data))
export const saslResponse = (data: string): Buffer => message('p', Buffer.from(data))

/** Parse, Bind, Describe, Execute and Sync of an unnamed statement. Parameters and results are text; the server finds the types. */
export function execute(sql: string, parameters: readonly (string | null)[]): Buffer {
  const values = parameters.map(value => {
    if (value === null) return int32(-1)
    const bytes = Buffer.from(value)
    return Buffer.concat([int32(bytes.length), bytes])
  })
  return Buffer.concat([
    message('P', cstring(''), cstring(sql), int16(0)),
    message('B', cstring(''), cstring(''), int16(0), int16(parameters.length), ...values, int16(0)),
    message('D', Buffer.from('P'), cstring('')),
    message('E', cstring(''), int32(0)),
    message('S'),
  ])
}

/** Parse and Describe: the columns of a statement without executing it. */
export const describe = (sql: string): Buffer =>
  Buffer.concat([message('P', cstring(''), cstring(sql), int16(0)), message('D', Buffer.from('S'), cstring('')), message('S')])

export interface ResultColumn {
  readonly name: string
  /** OID of the table and number of the column it comes from; 0 when it is an expression. */
  readonly table: number
  readonly attribute: number
  readonly type: number
  readonly modifier: number
}

/** RowDescription: `Int16 count  { String name  Int32 table  Int16 attribute  Int32 type  Int16 size  Int32 modifier  Int16 format }*`. */
export function decodeRowDescription(reader: ByteReader): ResultColumn[] {
  return Array.from({ length: reader.int16be() }, () => {
    const name = reader.cstring()
    const [table, attribute, type] = [reader.uint32be(), reader.int16be(), reader.uint32be()]
    reader.int16be()
    const modifier = reader.int32be()
    reader.int16be()
    return { name, table, attribute, type, modifier }
  })
}

/** DataRow: `Int16 count  { Int32 length (-1: NULL)  Byten value }*`. */
export function decodeDataRow(reader: ByteReader): (string | null)[] {
  return Array.from({ length: reader.int16be() }, () => {
    const length = reader.int32be()
    return length === -1 ? null : reader.take(length).toString('utf8')
  })
}

/** ErrorResponse and NoticeResponse: `{ Byte1 field  String value }* Byte1 0`. */
export function decodeNotice(reader: ByteReader): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (let field = reader.uint8(); field !== 0; field = reader.uint8()) fields.set(String.fromCharCode(field), reader.cstring())
  return fields
}
