/**
 * Arrow's encapsulated messages and the file around them.
 *
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 *
 *   message  int32 0xFFFFFFFF  int32 length of the metadata  metadata (FlatBuffer Message), padded to 8  body
 *   stream   message Schema, then messages RecordBatch, then int32 0xFFFFFFFF  int32 0
 *   file     "ARROW1" 0 0  stream  footer (FlatBuffer Footer)  int32 length of the footer  "ARROW1"
 */
import type { Schema } from '../schema.ts'
import { encodeField, ROLE_KEY, ROW_KIND_ROLE } from './arrow-type.ts'
import { encodeFlatbuffer, int16, int64, uint8, type Node, type Slot } from './flatbuffer.ts'
import { int } from '../types.ts'

export const MAGIC = Buffer.from('ARROW1\0\0')
export const MAGIC_BYTES = 6
export const CONTINUATION = 0xffff_ffff
const METADATA_V5 = 4
/** Members of the union MessageHeader. */
export const HEADER = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const

/** Where a record batch lies in a file. */
export interface Block {
  readonly offset: number
  readonly metadataBytes: number
  readonly bodyBytes: number
}

export const endOfStream = (): Uint8Array => framed(Buffer.alloc(0))

/** The first message of a stream. `kinds` appends the column of the row kinds. */
export function encodeSchemaMessage(schema: Schema, kinds: boolean): Uint8Array {
  return framed(encodeFlatbuffer(message(HEADER.schema, schemaTable(schema, kinds), 0)))
}

/** The metadata of a record batch. `nodes` are pairs of rows and NULLs per column, `buffers` pairs of offset and length in the body. */
export function encodeBatchMessage(
  rows: number,
  nodes: readonly number[],
  buffers: readonly number[],
  bodyBytes: number,
): Uint8Array {
  const header: Node = {
    table: [int64(rows), { to: { structs: longs(nodes), size: 16 } }, { to: { structs: longs(buffers), size: 16 } }],
  }
  return framed(encodeFlatbuffer(message(HEADER.recordBatch, header, bodyBytes)))
}

/** What follows the stream in a file. */
export function encodeFooter(schema: Schema, kinds: boolean, blocks: readonly Block[]): Uint8Array {
  const structs = longs(blocks.flatMap(({ offset, metadataBytes, bodyBytes }) => [offset, metadataBytes, bodyBytes]))
  const empty: Slot = { to: { structs: new Uint8Array(0), size: 24 } }
  const footer = encodeFlatbuffer({
    table: [int16(METADATA_V5), { to: schemaTable(schema, kinds) }, empty, { to: { structs, size: 24 } }],
  })
  const tail = Buffer.alloc(4 + MAGIC_BYTES)
  tail.writeInt32LE(footer.length)
  MAGIC.copy(tail, 4, 0, MAGIC_BYTES)
  return Buffer.concat([footer, tail])
}

function schemaTable({ fields }: Schema, kinds: boolean): Node {
  const nodes = fields.map(field => encodeField(field))
  if (kinds) nodes.push(encodeField({ name: '$kind', type: int(8), nullable: false }, { [ROLE_KEY]: ROW_KIND_ROLE }))
  return { table: [int16(0), { to: { nodes } }] }
}

const message = (kind: number, header: Node, bodyBytes: number): Node => ({
  table: [int16(METADATA_V5), uint8(kind), { to: header }, int64(bodyBytes)],
})

/** The metadata behind its two words. It is a multiple of 8 long already. */
function framed(metadata: Uint8Array): Uint8Array {
  const out = Buffer.alloc(8 + metadata.length)
  out.writeUInt32LE(CONTINUATION)
  out.writeInt32LE(metadata.length, 4)
  out.set(metadata, 8)
  return out
}

/** Structs of longs, one after the other. */
const longs = (values: readonly number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
