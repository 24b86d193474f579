/**
 * What servers answer to commands.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_response_packets.html
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html
 */
import { ByteReader } from '#wire'
import { STATUS } from './capabilities.ts'
import { NULL_MARK, readLength, readLengthEncoded, readLengthEncodedText } from './length-encoding.ts'

export const MARK = { OK: 0x00, MORE_AUTH_DATA: 0x01, LOCAL_INFILE: 0xfb, END: 0xfe, ERROR: 0xff } as const

/** Outcome of a statement without rows, or the end of rows. */
export interface Outcome {
  /** Rows matched (CLIENT_FOUND_ROWS), or changed where nothing is matched. */
  readonly affected: number
  readonly warnings: number
  readonly hasMore: boolean
}

export function decodeOk(packet: Buffer): Outcome {
  const reader = new ByteReader(packet)
  reader.take(1)
  const affected = readLength(reader)
  readLength(reader) // last insert id
  const status = reader.uint16le()
  return { affected, warnings: reader.uint16le(), hasMore: (status & STATUS.MORE_RESULTS) !== 0 }
}

/** The end of rows: an EOF packet, or with DEPRECATE_EOF an OK packet whose first byte is 0xfe. */
export function decodeEnd(packet: Buffer, isOk: boolean): Outcome {
  if (isOk) return decodeOk(packet)
  const reader = new ByteReader(packet)
  reader.take(1)
  const warnings = reader.uint16le()
  return { affected: 0, warnings, hasMore: (reader.uint16le() & STATUS.MORE_RESULTS) !== 0 }
}

export interface ServerError {
  readonly errno: number
  /** SQLSTATE; empty when the server refuses a connection before it knows the protocol. */
  readonly state: string
  readonly text: string
}

export function decodeError(packet: Buffer): ServerError {
  const reader = new ByteReader(packet)
  reader.take(1)
  const errno = reader.uint16le()
  const rest = reader.rest()
  if (rest[0] !== 0x23) return { errno, state: '', text: rest.toString('utf8') } // '#'
  return { errno, state: rest.toString('latin1', 1, 6), text: rest.toString('utf8', 6) }
}

/** A column of a result as the server describes it. */
export interface ColumnDefinition {
  /** The name in the result (an alias, if there is one). */
  readonly name: string
  /** Collation number; 63 is binary. */
  readonly charset: number
  /** Greatest length of a value in bytes, as the connection's character set has them. */
  readonly length: number
  /** `enum_field_types`. */
  readonly type: number
  readonly flags: number
  /** Digits behind the point; 31 when not fixed. */
  readonly decimals: number
}

export function decodeColumn(packet: Buffer): ColumnDefinition {
  const reader = new ByteReader(packet)
  for (let i = 0; i < 4; i++) readLengthEncoded(reader) // catalog, schema, table alias, table
  const name = readLengthEncodedText(reader)
  readLengthEncoded(reader) // name in the table
  readLength(reader) // length of what follows
  const charset = reader.uint16le()
  const length = reader.uint32le()
  const type = reader.uint8()
  const flags = reader.uint16le()
  return { name, charset, length, type, flags, decimals: reader.uint8() }
}

/** A row of the text protocol. */
export function decodeTextRow(packet: Buffer, columns: number): (string | null)[] {
  const reader = new ByteReader(packet)
  return Array.from({ length: columns }, () => {
    if (packet[reader.position] !== NULL_MARK) return readLengthEncodedText(reader)
    reader.take(1)
    return null
  })
}

/** Whether the packet ends the rows. Rows may start with 0xfe too, but only in text rows with a value of 16 MiB and more. */
export const isEnd = (packet: Buffer) => packet[0] === MARK.END && packet.length < 0xffffff

/** Whether the packet is an error. A text row never starts with 0xff; a binary row starts with 0. */
export const isError = (packet: Buffer) => packet[0] === MARK.ERROR

export interface PreparedStatement {
  readonly id: number
  readonly parameters: number
  readonly columns: number
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_prepare.html */
export function decodePrepared(packet: Buffer): PreparedStatement {
  const reader = new ByteReader(packet)
  reader.take(1)
  const id = reader.uint32le()
  const columns = reader.uint16le()
  return { id, columns, parameters: reader.uint16le() }
}
