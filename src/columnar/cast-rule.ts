/** What a cast between two types is made of, and the loops that casts are built from. */
import { Column } from './column.ts'
import type { Type } from './types.ts'

/**
 * How values of one type become values of another.
 * `same`: the bytes are the same. `lossless`: every value has a counterpart. `checked`: a value without one is refused.
 */
export interface CastPlan {
  readonly kind: 'same' | 'lossless' | 'checked'
  /** What the user should know; a clause without a full stop. */
  readonly note?: string
}

/**
 * Casts the first `rows` rows into an empty column, which it resets first and makes large enough.
 * Returns -1, or the first row whose value does not fit; then the rows from there on mean nothing.
 */
export type Kernel = (source: Column, rows: number, target: Column) => number

export interface Rule extends CastPlan {
  readonly compile: () => Kernel
}

export const lossless = (compile: () => Kernel, note?: string): Rule => ({
  kind: 'lossless',
  compile,
  ...(note === undefined ? {} : { note }),
})
export const checked = (compile: () => Kernel, note?: string): Rule => ({
  kind: 'checked',
  compile,
  ...(note === undefined ? {} : { note }),
})

/**
 * A loop over all rows that are not NULL. `body` is JavaScript that casts one row or says `return row`; it sees `source`, `target`,
 * `row`, the hoisted buffers `sv`, `so`, `sd` (values, offsets and data of the source) and `tv`, `to` (of the target), and the tools by
 * name. Every cast gets a function of its own, so that V8 inlines the tools and sees one kind of typed array.
 */
export function loop(body: string, tools: Readonly<Record<string, unknown>>): Kernel {
  const code = `return function cast(source, rows, target) {
    begin(source, rows, target)
    const { values: sv, offsets: so, data: sd } = source
    const { values: tv, offsets: to } = target
    const hasNulls = source.nulls > 0
    const hasOffsets = to.length > 0
    for (let row = 0; row < rows; row++) {
      if (hasNulls && source.isNull(row)) {
        if (hasOffsets) to[row + 1] = to[row]
        continue
      }
      ${body}
    }
    return -1
  }`
  return new Function('begin', ...Object.keys(tools), code)(begin, ...Object.values(tools)) as Kernel
}

/** Empties the target, makes room and copies what is NULL. */
export function begin(source: Column, rows: number, target: Column): void {
  target.reset()
  target.reserveRows(rows)
  if (source.nulls === 0) return
  target.validity.set(source.validity.subarray(0, (rows + 7) >> 3))
  target.nulls = source.nulls
}

/** Copies a column whose layout is the same as that of the target. */
export function copyColumn(source: Column, rows: number, target: Column): number {
  begin(source, rows, target)
  const { layout, offsets } = source
  switch (layout.kind) {
    case 'bits':
      target.values.set(source.values.subarray(0, (rows + 7) >> 3))
      break
    case 'fixed':
      target.values.set(source.values.subarray(0, (rows * layout.bytes) / source.values.BYTES_PER_ELEMENT))
      break
    case 'bytes':
      target.offsets.set(offsets.subarray(0, rows + 1))
      target.reserve(0, offsets[rows]!).set(source.data.subarray(0, offsets[rows]))
      break
    case 'list':
      target.offsets.set(offsets.subarray(0, rows + 1))
      if (source.item && target.item) copyColumn(source.item, offsets[rows]!, target.item)
  }
  return -1
}

/** One cast after another, through a column of its own. */
export function chain(first: Kernel, middle: Type, second: Kernel): Kernel {
  let between: Column | undefined
  return (source, rows, target) => {
    between ??= new Column(middle, source.capacity)
    const refused = first(source, rows, between)
    const refusedLater = second(between, refused === -1 ? rows : refused, target)
    return refusedLater === -1 ? refused : refusedLater
  }
}
