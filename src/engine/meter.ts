import type { Meter } from './messages.ts'

/** Counts what one chain does. Wait times come from the connectors, the rest of a pull or write is their own work. */
export class ChainMeter {
  readonly source = { bytes: 0, waitMs: 0 }
  readonly sink = { bytes: 0, waitMs: 0 }
  rowsRead = 0
  bytesRead = 0
  rowsWritten = 0
  bytesWritten = 0
  rowsBad = 0
  commits = 0
  pullMs = 0
  writeMs = 0
  /** Part of `writeMs` in which the writer waited for its system. */
  waitWriteMs = 0
  commitMs = 0
  readonly #rowsByDataset: Record<string, number> = {}

  wrote(dataset: string, rows: number, bytes: number): void {
    this.rowsWritten += rows
    this.bytesWritten += bytes
    this.#rowsByDataset[dataset] = (this.#rowsByDataset[dataset] ?? 0) + rows
  }

  /** Rows that were counted as written and were set aside after all. */
  tookBack(dataset: string, rows: number): void {
    this.rowsWritten -= rows
    this.#rowsByDataset[dataset] = (this.#rowsByDataset[dataset] ?? 0) - rows
  }

  snapshot(): Meter {
    return {
      rowsRead: this.rowsRead,
      bytesRead: this.bytesRead,
      rowsWritten: this.rowsWritten,
      bytesWritten: this.bytesWritten,
      rowsBad: this.rowsBad,
      commits: this.commits,
      rowsByDataset: { ...this.#rowsByDataset },
      waitSourceMs: this.source.waitMs,
      decodeMs: Math.max(0, this.pullMs - this.source.waitMs),
      encodeMs: Math.max(0, this.writeMs - this.waitWriteMs),
      waitSinkMs: this.waitWriteMs,
      commitMs: this.commitMs,
    }
  }
}

/** Sum of several meters, e.g. of all workers. */
export function addMeters(a: Meter, b: Meter): Meter {
  const rowsByDataset: Record<string, number> = { ...a.rowsByDataset }
  for (const [dataset, rows] of Object.entries(b.rowsByDataset)) rowsByDataset[dataset] = (rowsByDataset[dataset] ?? 0) + rows
  return {
    rowsRead: a.rowsRead + b.rowsRead,
    bytesRead: a.bytesRead + b.bytesRead,
    rowsWritten: a.rowsWritten + b.rowsWritten,
    bytesWritten: a.bytesWritten + b.bytesWritten,
    rowsBad: a.rowsBad + b.rowsBad,
    commits: a.commits + b.commits,
    rowsByDataset,
    waitSourceMs: a.waitSourceMs + b.waitSourceMs,
    decodeMs: a.decodeMs + b.decodeMs,
    encodeMs: a.encodeMs + b.encodeMs,
    waitSinkMs: a.waitSinkMs + b.waitSinkMs,
    commitMs: a.commitMs + b.commitMs,
  }
}
