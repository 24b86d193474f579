/** What the formats of text files have in common: a beginning with a head and a sample, then rows in windows of any size. */
import { Batch, type Schema } from '#columnar'
import { RowFault, SPARE_BYTES, type DecodeRows, type RowFormat } from '#files'
import type { Placed } from '../target.ts'

const MOST_ROWS = 4

interface Fault {
  readonly column: string | undefined
  readonly reason: string
  readonly at: number
}

/** All rows, or those before the first fault and the fault. */
export function decodeRows(decode: DecodeRows, schema: Schema, { buffer, start, end }: Placed, cuts: readonly number[]): unknown {
  const batch = new Batch(schema, MOST_ROWS)
  const rows: unknown[] = []
  const take = () => {
    for (let row = 0; row < batch.rows; row++) rows.push(batch.row(row))
    batch.reset()
  }
  let from = start
  for (const cut of [...cuts.filter(at => at > 0 && at < end - start), end - start]) {
    const stop = start + cut
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
