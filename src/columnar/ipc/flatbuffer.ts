/**
 * FlatBuffers, as far as Arrow's metadata needs them: tables, scalars, strings, vectors of tables and of structs.
 *
 * https://flatbuffers.dev/internals/ A table begins with the distance back to its vtable; the vtable holds its own size, the size of
 * the table and for each field the place in the table, 0 for a field that is absent. Whatever has no fixed size is reached by an
 * offset forward.
 */
import { columnarErrors } from '../errors.ts'

/** Field of a table: a number of 1, 2, 4 or 8 bytes, something that an offset leads to, or nothing. */
export type Slot = { readonly bytes: 1 | 2 | 4 | 8; readonly value: number } | { readonly to: Node } | undefined
/** What an offset can lead to. Structs come encoded, `size` bytes each and aligned to 8. */
export type Node =
  | { readonly table: readonly Slot[] }
  | { readonly text: string }
  | { readonly nodes: readonly Node[] }
  | { readonly structs: Uint8Array; readonly size: number }

export const bool = (value: boolean): Slot => ({ bytes: 1, value: value ? 1 : 0 })
export const uint8 = (value: number): Slot => ({ bytes: 1, value })
export const int16 = (value: number): Slot => ({ bytes: 2, value })
export const int32 = (value: number): Slot => ({ bytes: 4, value })
/** A non-negative safe integer. */
export const int64 = (value: number): Slot => ({ bytes: 8, value })
export const text = (value: string): Slot => ({ to: { text: value } })
export const table = (...slots: Slot[]): Slot => ({ to: { table: slots } })

const SLOT_BYTES = 2
const OFFSET_BYTES = 4

/** A buffer whose root is a table. Its length is a multiple of 8. */
export function encodeFlatbuffer(root: Node): Uint8Array {
  const writer = new Writer()
  const at = writer.take(OFFSET_BYTES, 8)
  writer.link(at, root)
  writer.take(0, 8)
  return writer.bytes.slice(0, writer.length)
}

class Writer {
  bytes: Buffer<ArrayBuffer> = Buffer.alloc(1024)
  length = 0

  /** Room for so many bytes from a multiple of `alignment` on, filled with zeros. */
  take(bytes: number, alignment: number): number {
    const at = Math.ceil(this.length / alignment) * alignment
    this.length = at + bytes
    while (this.length > this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)])
    return at
  }

  /** Writes a node and, at `from`, the offset to it. */
  link(from: number, node: Node): void {
    const at = this.#put(node)
    this.bytes.writeUInt32LE(at - from, from)
  }

  #put(node: Node): number {
    if ('table' in node) return this.#putTable(node.table)
    if ('text' in node) return this.#putText(node.text)
    if ('nodes' in node) return this.#putVector(node.nodes)
    const at = this.take(8, 8) + OFFSET_BYTES
    this.bytes.writeUInt32LE(node.structs.length / node.size, at)
    const start = this.take(node.structs.length, 8)
    this.bytes.set(node.structs, start)
    return at
  }

  #putTable(slots: readonly Slot[]): number {
    const vtableBytes = (2 + slots.length) * SLOT_BYTES
    const vtable = this.take(vtableBytes, SLOT_BYTES)
    const at = this.take(OFFSET_BYTES, 8)
    const places = slots.map(slot => slot && this.take(sizeOf(slot), sizeOf(slot)))
    this.bytes.writeUInt16LE(vtableBytes, vtable)
    this.bytes.writeUInt16LE(this.length - at, vtable + SLOT_BYTES)
    this.bytes.writeInt32LE(at - vtable, at)
    for (const [i, place] of places.entries()) {
      if (place !== undefined) this.bytes.writeUInt16LE(place - at, vtable + (2 + i) * SLOT_BYTES)
    }
    // What the offsets lead to lies behind the table.
    for (const [i, slot] of slots.entries()) {
      if (slot !== undefined) this.#putSlot(places[i]!, slot)
    }
    return at
  }

  #putSlot(at: number, slot: NonNullable<Slot>): void {
    if ('to' in slot) this.link(at, slot.to)
    else if (slot.bytes < 8) this.bytes.writeIntLE(slot.value, at, slot.bytes)
    else this.bytes.writeBigInt64LE(BigInt(slot.value), at)
  }

  #putText(value: string): number {
    const bytes = Buffer.from(value)
    const at = this.take(OFFSET_BYTES + bytes.length + 1, OFFSET_BYTES)
    this.bytes.writeUInt32LE(bytes.length, at)
    this.bytes.set(bytes, at + OFFSET_BYTES)
    return at
  }

  #putVector(nodes: readonly Node[]): number {
    const at = this.take(OFFSET_BYTES * (1 + nodes.length), OFFSET_BYTES)
    this.bytes.writeUInt32LE(nodes.length, at)
    for (const [i, node] of nodes.entries()) this.link(at + OFFSET_BYTES * (1 + i), node)
    return at
  }
}

const sizeOf = (slot: NonNullable<Slot>) => ('to' in slot ? OFFSET_BYTES : slot.bytes)

/** A table in foreign bytes. Whatever points out of them makes a `columnar.bad-ipc` error. */
export class FlatTable {
  readonly #bytes: Buffer
  readonly #at: number
  readonly #vtable: number

  private constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
    this.#vtable = at - read(bytes, at, 4, () => bytes.readInt32LE(at))
  }

  static root(bytes: Uint8Array): FlatTable {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new FlatTable(buffer, target(buffer, 0))
  }

  bool(field: number): boolean {
    return this.int(field, 1, 0) !== 0
  }

  /** A signed integer of 1, 2 or 4 bytes. */
  int(field: number, bytes: 1 | 2 | 4, absent: number): number {
    const at = this.#place(field)
    return at === undefined ? absent : read(this.#bytes, at, bytes, () => this.#bytes.readIntLE(at, bytes))
  }

  /** An integer of 8 bytes, which must be safe and not negative. */
  long(field: number): number {
    const at = this.#place(field)
    return at === undefined ? 0 : readLong(this.#bytes, at)
  }

  text(field: number): string | undefined {
    const at = this.#place(field)
    if (at === undefined) return undefined
    const [start, length] = this.#vector(at, 1)
    return this.#bytes.toString('utf8', start, start + length)
  }

  table(field: number): FlatTable | undefined {
    const at = this.#place(field)
    return at === undefined ? undefined : new FlatTable(this.#bytes, target(this.#bytes, at))
  }

  tables(field: number): FlatTable[] {
    const at = this.#place(field)
    if (at === undefined) return []
    const [start, length] = this.#vector(at, OFFSET_BYTES)
    return Array.from({ length }, (_, i) => new FlatTable(this.#bytes, target(this.#bytes, start + i * OFFSET_BYTES)))
  }

  /** Structs of longs; each as its numbers, which must be safe and not negative. */
  structs(field: number, longs: number): number[][] {
    const at = this.#place(field)
    if (at === undefined) return []
    const [start, length] = this.#vector(at, longs * 8)
    return Array.from({ length }, (_, i) =>
      Array.from({ length: longs }, (_long, j) => readLong(this.#bytes, start + (i * longs + j) * 8)),
    )
  }

  #place(field: number): number | undefined {
    const bytes = this.#bytes
    const size = read(bytes, this.#vtable, 2, () => bytes.readUInt16LE(this.#vtable))
    const at = this.#vtable + (2 + field) * SLOT_BYTES
    if (at + SLOT_BYTES > this.#vtable + size) return undefined
    const place = read(bytes, at, 2, () => bytes.readUInt16LE(at))
    return place === 0 ? undefined : this.#at + place
  }

  /** Start and length of the vector that an offset leads to. */
  #vector(from: number, itemBytes: number): [start: number, length: number] {
    const at = target(this.#bytes, from)
    const length = read(this.#bytes, at, 4, () => this.#bytes.readUInt32LE(at))
    const start = at + OFFSET_BYTES
    return read(this.#bytes, start, length * itemBytes, () => [start, length])
  }
}

function target(bytes: Buffer, from: number): number {
  return from + read(bytes, from, 4, () => bytes.readUInt32LE(from))
}

function readLong(bytes: Buffer, at: number): number {
  const value = read(bytes, at, 8, () => bytes.readBigInt64LE(at))
  if (value < 0n || value > Number.MAX_SAFE_INTEGER) throw columnarErrors.badIpc({ reason: 'a length is out of range' })
  return Number(value)
}

function read<T>(bytes: Buffer, at: number, length: number, get: () => T): T {
  if (at < 0 || at + length > bytes.length) throw columnarErrors.badIpc({ reason: 'the metadata points out of itself' })
  return get()
}
