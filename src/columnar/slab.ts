/**
 * A batch as one ArrayBuffer, to be kept or moved to another thread (`postMessage` with transfer).
 *
 * Int32 words: magic, columns, rows, 1 when there are row kinds; then per column, items of lists behind their list, the number of
 * NULLs. Then, each from a multiple of 8 bytes on: the row kinds, and per column validity, offsets, values and data, as far as the
 * type has them, only for rows that exist. All lengths follow from the schema, the rows and the offsets.
 */
import { Batch } from './batch.ts'
import { Column, VIEWS } from './column.ts'
import { columnarErrors } from './errors.ts'
import type { Schema } from './schema.ts'
import { layoutOf, type Type } from './types.ts'

/** `SLC1`, little-endian. */
const MAGIC = 0x3143_4c53
const HEADER_WORDS = 4

/** Bytes that {@link packBatch} needs. */
export function slabBytes(batch: Batch): number {
  let bytes = headerBytes(columnsOf(batch).length)
  if (batch.kinds) bytes += aligned(batch.rows)
  for (const column of batch.columns) bytes += columnBytes(column, batch.rows)
  return bytes
}

/** Copies a batch into `into` when that is given and large enough, else into a new buffer; returns the buffer. */
export function packBatch(batch: Batch, into?: ArrayBuffer): ArrayBuffer {
  const bytes = slabBytes(batch)
  const slab = into !== undefined && into.byteLength >= bytes ? into : new ArrayBuffer(bytes)
  const columns = columnsOf(batch)
  const header = new Int32Array(slab, 0, HEADER_WORDS + columns.length)
  header.set([MAGIC, columns.length, batch.rows, batch.kinds ? 1 : 0])
  for (const [i, column] of columns.entries()) header[HEADER_WORDS + i] = column.nulls
  const target = new Uint8Array(slab)
  let at = headerBytes(columns.length)
  if (batch.kinds) at = put(target, at, batch.kinds, batch.rows)
  for (const column of batch.columns) at = putColumn(target, at, column, batch.rows)
  return slab
}

/** The batch in a slab that {@link packBatch} has made for the same column types. Its columns are views: the slab must stay as it is. */
export function unpackBatch(schema: Schema, slab: ArrayBuffer): Batch {
  const cursor = { slab, at: 0, header: new Int32Array(slab, 0, slab.byteLength >> 2), column: HEADER_WORDS }
  const [magic, columns = 0, rows = 0, hasKinds] = cursor.header
  if (magic !== MAGIC || columns !== countColumns(schema) || rows < 0)
    throw columnarErrors.badSlab({ reason: `it has ${columns} columns, and ${countColumns(schema)} are due` })
  cursor.at = headerBytes(columns)
  const kinds = hasKinds ? new Uint8Array(slab, take(cursor, rows), rows) : undefined
  const batch = new Batch(
    schema,
    rows,
    schema.fields.map(({ type }) => takeColumn(cursor, type, rows)),
  )
  batch.rows = rows
  batch.kinds = kinds
  return batch
}

interface Cursor {
  readonly slab: ArrayBuffer
  readonly header: Int32Array
  /** Byte of the next buffer. */
  at: number
  /** Word of the next column's NULLs. */
  column: number
}

function takeColumn(cursor: Cursor, type: Type, rows: number): Column {
  const nulls = cursor.header[cursor.column++]!
  const layout = layoutOf(type)
  const validity = new Uint8Array(cursor.slab, take(cursor, (rows + 7) >> 3), (rows + 7) >> 3)
  const hasOffsets = layout.kind === 'bytes' || layout.kind === 'list'
  const offsets = hasOffsets ? new Int32Array(cursor.slab, take(cursor, (rows + 1) * 4), rows + 1) : undefined
  if (offsets) checkOffsets(offsets)
  const item = type.kind === 'list' ? takeColumn(cursor, type.item, offsets![rows]!) : undefined
  const column = new Column(type, 0, item)
  column.capacity = rows
  column.nulls = nulls
  column.validity = validity
  if (offsets) column.offsets = offsets
  if (layout.kind === 'bits') column.values = new Uint8Array(cursor.slab, take(cursor, (rows + 7) >> 3), (rows + 7) >> 3)
  if (layout.kind === 'fixed') {
    const View = VIEWS[layout.words]
    column.values = new View(cursor.slab, take(cursor, rows * layout.bytes), (rows * layout.bytes) / View.BYTES_PER_ELEMENT)
  }
  if (layout.kind === 'bytes') column.data = new Uint8Array(cursor.slab, take(cursor, offsets![rows]!), offsets![rows])
  return column
}

/** Where the next buffer begins. */
function take(cursor: Cursor, bytes: number): number {
  const from = cursor.at
  if (bytes < 0 || bytes > cursor.slab.byteLength - from) throw columnarErrors.badSlab({ reason: 'it is cut off' })
  cursor.at += aligned(bytes)
  return from
}

/** An offset out of place would make readers of single rows go anywhere. */
function checkOffsets(offsets: Int32Array): void {
  let last = 0
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!
    if (offset < last) throw columnarErrors.badSlab({ reason: 'its offsets decrease' })
    last = offset
  }
}

function putColumn(target: Uint8Array, start: number, column: Column, rows: number): number {
  const { layout, values, offsets } = column
  let at = put(target, start, column.validity, (rows + 7) >> 3)
  if (offsets.length > 0) at = put(target, at, offsets, (rows + 1) * 4)
  switch (layout.kind) {
    case 'bits':
      return put(target, at, values, (rows + 7) >> 3)
    case 'fixed':
      return put(target, at, values, rows * layout.bytes)
    case 'bytes':
      return put(target, at, column.data, offsets[rows]!)
    case 'list':
      return putColumn(target, at, column.item!, offsets[rows]!)
  }
}

/** Copies the first bytes of an array; returns where the next one begins. */
function put(target: Uint8Array, at: number, source: ArrayBufferView, bytes: number): number {
  target.set(new Uint8Array(source.buffer, source.byteOffset, bytes), at)
  return at + aligned(bytes)
}

function columnBytes(column: Column, rows: number): number {
  const { layout, offsets } = column
  const validity = aligned((rows + 7) >> 3)
  switch (layout.kind) {
    case 'bits':
      return validity * 2
    case 'fixed':
      return validity + aligned(rows * layout.bytes)
    case 'bytes':
      return validity + aligned((rows + 1) * 4) + aligned(offsets[rows]!)
    case 'list':
      return validity + aligned((rows + 1) * 4) + columnBytes(column.item!, offsets[rows]!)
  }
}

/** All columns, the items of a list behind it. */
function columnsOf(batch: Batch): Column[] {
  const withItem = (column: Column): Column[] => (column.item ? [column, ...withItem(column.item)] : [column])
  return batch.columns.flatMap(withItem)
}

function countColumns(schema: Schema): number {
  const count = (type: Type): number => (type.kind === 'list' ? 1 + count(type.item) : 1)
  return schema.fields.reduce((sum, { type }) => sum + count(type), 0)
}

const aligned = (bytes: number) => (bytes + 7) & ~7
const headerBytes = (columns: number) => aligned((HEADER_WORDS + columns) * 4)
