import { layoutOf, type Layout, type Type, type Words } from './types.ts'

export type Values =
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>

export const VIEWS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const satisfies Record<Words, unknown>

const NO_VALUES = new Uint8Array(0)
const NO_OFFSETS = new Int32Array(0)
const FIRST_DATA_BYTES = 4096

/**
 * One column of a batch: Arrow buffers with room for `capacity` rows. Generated decoders write to the buffers directly;
 * which of them a type uses is said by {@link layoutOf}. A list has as many items as it likes: who appends items calls
 * `item.reserveRows` first, which may replace the item's buffers.
 *
 * Invariants: `validity` bit i (byte i >> 3, bit i & 7) is 1 where row i has a value; it starts as all ones and only NULLs touch it.
 * `nulls` counts the NULLs. A NULL row has a slot in `values`; its content means nothing. `offsets[0]` is 0, and a NULL row has
 * `offsets[i + 1] === offsets[i]`.
 */
export class Column {
  readonly type: Type
  readonly layout: Layout
  /** Rows that the buffers have room for. Only the items of a list grow, by {@link reserveRows}. */
  capacity: number
  validity: Uint8Array<ArrayBuffer>
  nulls = 0
  /** `bits`: the bitmap of the values. `fixed`: the values, wide ones as several 32-bit words each, lowest first. Else empty. */
  values: Values = NO_VALUES
  /** `bytes` and `list`: where each row ends, with a leading 0. Else empty. */
  offsets: Int32Array<ArrayBuffer> = NO_OFFSETS
  /** `bytes`: the bytes of all rows. Grows by {@link reserve}, which replaces it. */
  data: Uint8Array<ArrayBuffer> = NO_VALUES
  /** `list`: the items of all rows. */
  readonly item: Column | undefined

  /** `item` only for a list whose items already lie in memory (an unpacked slab). */
  constructor(type: Type, capacity: number, item?: Column) {
    this.type = type
    this.layout = layoutOf(type)
    this.capacity = capacity
    this.validity = new Uint8Array((capacity + 7) >> 3).fill(0xff)
    this.item = item ?? (type.kind === 'list' ? new Column(type.item, capacity) : undefined)
    switch (this.layout.kind) {
      case 'bits':
        this.values = new Uint8Array((capacity + 7) >> 3)
        break
      case 'fixed':
        this.values = new VIEWS[this.layout.words](new ArrayBuffer(capacity * this.layout.bytes))
        break
      case 'bytes':
        // Batches of few rows are those of many columns.
        if (capacity > 0) this.data = new Uint8Array(Math.min(FIRST_DATA_BYTES, Math.max(64, capacity * 4)))
        this.offsets = new Int32Array(capacity + 1)
        break
      case 'list':
        this.offsets = new Int32Array(capacity + 1)
    }
  }

  /** Forgets all rows; buffers are kept. */
  reset(): void {
    if (this.nulls > 0) this.validity.fill(0xff)
    this.nulls = 0
    // Only true values set a bit, so the bitmap must start empty.
    if (this.layout.kind === 'bits') this.values.fill(0)
    this.item?.reset()
  }

  isNull(row: number): boolean {
    return this.nulls > 0 && ((this.validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0
  }

  /** Marks a row as NULL. The caller still has to set `offsets[row + 1]` where the layout has offsets. */
  setNull(row: number): void {
    this.validity[row >> 3]! &= ~(1 << (row & 7))
    this.nulls++
  }

  /** Forgets the rows from `rows` on, of which `written` is behind the last; one that was written only half included. For rows that are given up. */
  truncate(rows: number, written: number): void {
    for (let row = rows; row < written; row++) {
      const bit = 1 << (row & 7)
      if (this.isNull(row)) this.nulls--
      this.validity[row >> 3]! |= bit
      if (this.layout.kind === 'bits') this.values[row >> 3]! &= ~bit
    }
    if (this.item && rows < written) this.item.truncate(this.offsets[rows]!, this.item.capacity)
  }

  /** Makes `data` hold at least `bytes`, keeping what is there up to `used`. Returns the buffer, which may be a new one. */
  reserve(used: number, bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes > this.data.length) {
      const larger = new Uint8Array(Math.max(bytes, this.data.length * 2))
      larger.set(this.data.subarray(0, used))
      this.data = larger
    }
    return this.data
  }

  /** Makes room for at least `rows` rows, keeping what is there. Replaces `validity`, `values` and `offsets` when it has to grow. */
  reserveRows(rows: number): void {
    if (rows <= this.capacity) return
    const capacity = Math.max(rows, this.capacity * 2)
    const larger = new Column(this.type, capacity, this.item)
    larger.validity.set(this.validity)
    larger.values.set(this.values)
    larger.offsets.set(this.offsets)
    this.validity = larger.validity
    this.values = larger.values
    this.offsets = larger.offsets
    this.capacity = capacity
  }

  /** Payload of the first `rows` rows, in bytes, without the validity bitmap. */
  byteLength(rows: number): number {
    switch (this.layout.kind) {
      case 'bits':
        return (rows + 7) >> 3
      case 'fixed':
        return rows * this.layout.bytes
      case 'bytes':
        return rows * 4 + (this.offsets[rows] ?? 0)
      case 'list':
        return rows * 4 + (this.item?.byteLength(this.offsets[rows] ?? 0) ?? 0)
    }
  }
}
