/** Lines with something wrong in them: where they end, and what else they hold. */
import type { Batch } from '#columnar'
import { RowFault, type Misfit, type RowRescue } from '#files'
import { LINE_FEED, type ObjectScanner } from './object-scanner.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export class JsonlRescue implements RowRescue {
  readonly #scanner: ObjectScanner

  constructor(scanner: ObjectScanner) {
    this.#scanner = scanner
  }

  endOf(bytes: Uint8Array, start: number, end: number, isLast: boolean): number | undefined {
    const at = bytes.subarray(0, end).indexOf(LINE_FEED, start)
    return at >= 0 ? at + 1 : isLast ? end : undefined
  }

  salvage(batch: Batch, bytes: Uint8Array, start: number, end: number, row: number): Misfit | undefined {
    const misfits: Misfit[] = []
    const stop = bytes[end - 1] === LINE_FEED ? end - 1 : end
    try {
      this.#scanner.scanLine(batch, bytes, start, stop, row, (column, from, to) =>
        misfits.push({ column, text: decoder.decode(bytes.subarray(from, to)) }),
      )
    } catch (error) {
      if (error instanceof RowFault) return undefined
      throw error
    }
    return misfits.length === 1 ? misfits[0] : undefined
  }
}
