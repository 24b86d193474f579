/** Arrow IPC streams and files as batches. See message.ts for the framing. */
import { Batch } from '../batch.ts'
import { columnarErrors } from '../errors.ts'
import type { Schema } from '../schema.ts'
import { decodeField, type ArrowField } from './arrow-type.ts'
import { FlatTable } from './flatbuffer.ts'
import { CONTINUATION, HEADER, MAGIC, MAGIC_BYTES } from './message.ts'
import { BodyReader } from './read-column.ts'

const bad = (reason: string) => columnarErrors.badIpc({ reason })

export interface IpcContent {
  readonly schema: Schema
  /** Each batch with columns of its own: they stay as they are when the next one is read. Large buffers are views of the input. */
  readonly batches: Generator<Batch>
}

/**
 * Reads a whole stream or file. Throws `columnar.bad-ipc` for bytes that are no such thing or hold values outside our types, and
 * `columnar.unknown-arrow` for types that have no counterpart.
 */
export function readIpc(bytes: Uint8Array): IpcContent {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isFile = buffer.subarray(0, MAGIC_BYTES).equals(MAGIC.subarray(0, MAGIC_BYTES))
  const messages = isFile ? messagesOfFile(buffer) : messagesOfStream(buffer)
  const first = messages.next().value
  if (first?.kind !== HEADER.schema) throw bad('it does not begin with a schema')
  const fields = fieldsOf(first.header)
  const schema = { fields: fields.filter(({ isRowKind }) => !isRowKind).map(({ field }) => field) }
  return { schema, batches: batchesOf(messages, fields, schema) }
}

interface Message {
  readonly kind: number
  readonly header: FlatTable
  readonly body: Buffer
}

function fieldsOf(schema: FlatTable): ArrowField[] {
  if (schema.int(0, 2, 0) !== 0) throw bad('it is big-endian')
  return schema.tables(1).map(field => decodeField(field))
}

function* batchesOf(messages: Iterable<Message>, fields: readonly ArrowField[], schema: Schema): Generator<Batch> {
  for (const { kind, header, body } of messages) {
    if (kind !== HEADER.recordBatch) throw bad('it has a message that is no record batch')
    if (header.table(3) !== undefined) throw bad('it is compressed')
    yield readBatch(header, body, fields, schema)
  }
}

function readBatch(header: FlatTable, body: Buffer, fields: readonly ArrowField[], schema: Schema): Batch {
  const rows = header.long(0)
  if (fields.length === 0 && rows > 0) throw bad('it has rows without columns')
  const reader = new BodyReader(body, header.structs(1, 2), header.structs(2, 2))
  const columns = fields.map(field => reader.column(field, rows))
  const batch = new Batch(
    schema,
    rows,
    columns.filter((_, i) => !fields[i]!.isRowKind),
  )
  batch.rows = rows
  const kinds = columns.find((_, i) => fields[i]!.isRowKind)?.values
  if (kinds) batch.kinds = Uint8Array.from(kinds)
  return batch
}

function* messagesOfStream(bytes: Buffer): Generator<Message, undefined> {
  for (let at = 0; at < bytes.length;) {
    const end = metadataEnd(bytes, at)
    if (end === at + 8) return
    const { message, bodyBytes } = messageAt(bytes, at + 8, end)
    yield message
    at = end + bodyBytes
  }
}

/** The schema of the footer, then the batches in the order of its index. */
function* messagesOfFile(bytes: Buffer): Generator<Message, undefined> {
  const tail = bytes.length - MAGIC_BYTES
  if (tail < MAGIC.length + 4 || !bytes.subarray(tail).equals(MAGIC.subarray(0, MAGIC_BYTES))) throw bad('its end is missing')
  const footerBytes = bytes.readInt32LE(tail - 4)
  if (footerBytes <= 0 || footerBytes > tail - 4 - MAGIC.length) throw bad('its footer is damaged')
  const footer = FlatTable.root(bytes.subarray(tail - 4 - footerBytes, tail - 4))
  const schema = footer.table(1)
  if (schema === undefined) throw bad('its footer has no schema')
  yield { kind: HEADER.schema, header: schema, body: Buffer.alloc(0) }
  for (const [offset = 0] of footer.structs(3, 3)) {
    const end = metadataEnd(bytes, offset)
    yield messageAt(bytes, offset + 8, end).message
  }
}

/** Where the metadata of the message at `at` ends; directly behind its two words when the stream ends there. */
function metadataEnd(bytes: Buffer, at: number): number {
  if (at + 8 > bytes.length) throw bad('it is cut off')
  if (bytes.readUInt32LE(at) !== CONTINUATION) throw bad('a message does not begin as one')
  const length = bytes.readInt32LE(at + 4)
  if (length < 0 || at + 8 + length > bytes.length) throw bad('it is cut off')
  return at + 8 + length
}

function messageAt(bytes: Buffer, start: number, end: number): { message: Message; bodyBytes: number } {
  const table = FlatTable.root(bytes.subarray(start, end))
  const header = table.table(2)
  const bodyBytes = table.long(3)
  if (header === undefined) throw bad('a message has no header')
  if (end + bodyBytes > bytes.length) throw bad('it is cut off')
  return { message: { kind: table.int(1, 1, 0), header, body: bytes.subarray(end, end + bodyBytes) }, bodyBytes }
}
