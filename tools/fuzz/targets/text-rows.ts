/** What the formats of text files have in common: a beginning with a head and a sample, then rows in windows of any size. */
import { Batch, type Schema } from '#columnar'
import { RowFault, SPARE_BYTES, type DecodeRows, type RowFormat } from '#files'
import { contextOf } from '#conformance'
import { RowReader, type RowsOfSplit } from '../../../src/files/row-reader.ts'
import { RowWindow } from '../../../src/files/row-window.ts'
import { endsOf, type Placed } from '../target.ts'

const MOST_ROWS = 4
const MOST_ROW_BYTES = 64 * 1024
/** No input is longer. */
const MOST_BYTES = 4096

interface Fault {
  readonly column: string | undefined
  readonly reason: string
  readonly at: number
}

/** All rows, or those before the first fault and the fault. */
export function decodeRows(decode: DecodeRows, schema: Schema, input: Placed, cuts: readonly number[]): unknown {
  const { buffer, start, end } = input
  const batch = new Batch(schema, MOST_ROWS)
  const rows: unknown[] = []
  const take = () => {
    for (let row = 0; row < batch.rows; row++) rows.push(batch.row(row))
    batch.reset()
  }
  let from = start
  for (const stop of endsOf(input, cuts)) {
    const isLast = stop === end
    for (let isFull = true; isFull && from < stop;) {
      // The reader, too, gives a window away and takes what is left of it on to the next one.
      const window = new Uint8Array(stop - from + SPARE_BYTES).fill(buffer[end] ?? 0)
      window.set(buffer.subarray(from, stop))
      const length = stop - from
      try {
        const next = decode(batch, 1024, window, 0, length, length, isLast)
        isFull = next < 0
        from += isFull ? ~next : next
        if (isFull) take()
      } catch (error) {
        if (!(error instanceof RowFault)) throw error
        return { rows, fault: faultOf(error, from - start) }
      }
    }
  }
  take()
  return { rows, at: from - start }
}

const faultOf = ({ column, message, at }: RowFault, from: number): Fault => ({ column, reason: message, at: from + at })

/** All rows, the bad ones as a run that sets them aside is told of them. */
export async function quarantined(
  parts: Pick<RowsOfSplit, 'decode' | 'rescue'> & { readonly schema: Schema },
  input: Placed,
  cuts: readonly number[],
): Promise<unknown> {
  const { buffer, start, end } = input
  const ends = endsOf(input, cuts)
  let from = start
  const source = {
    async read(into: Uint8Array, at: number): Promise<number> {
      const to = ends.shift() ?? end
      into.set(buffer.subarray(from, to), at)
      const bytes = to - from
      from = to
      return bytes
    },
    async [Symbol.asyncDispose]() {},
  }
  await using window = new RowWindow(source, 0, { readBytes: MOST_BYTES })
  await window.fill()
  const dataset = { id: 'orders', schema: parts.schema, primaryKey: [] }
  const context = contextOf({ batchRows: MOST_ROWS, quarantine: true })
  const reader = new RowReader(
    { ...parts, dataset, file: 'orders', window, end: Infinity },
    { maxRowBytes: MOST_ROW_BYTES },
    context,
  )
  const found: unknown[] = []
  for await (const { batch, refused = [], position } of reader.chunks()) {
    const bad = new Map(refused.map(one => [one.row, one]))
    for (let row = 0; row < batch.rows; row++) found.push([batch.row(row), { ...bad.get(row), row: undefined }])
    if (position?.offset === end - start) found.push('end')
  }
  return found
}

/** The types that a file would be read with. */
export function sampleOf(format: RowFormat, { buffer, start, end }: Placed): unknown {
  const bytes = new Uint8Array(end - start + SPARE_BYTES).fill(buffer[end] ?? 0)
  bytes.set(buffer.subarray(start, end))
  const beginning = { bytes, start: 0, end: end - start, isWhole: true }
  try {
    const head = format.head(beginning)
    const sampler = format.sampler()
    if (head !== undefined) sampler.add(beginning, head, 'orders')
    return [head, sampler.schema(), sampler.bytesPerRow]
  } catch (error) {
    if (error instanceof RowFault) return faultOf(error, 0)
    throw error
  }
}
