import { BATCH_BYTES } from '#columnar'
import type { Context } from '#connector'

/** Small enough that a fixture of a few dozen rows makes several batches, large enough that one holds several rows. */
const BATCH_ROWS = 16

/** What the suites lend to a reader or writer. */
export function contextOf(overrides: Partial<Context> = {}): Context {
  return {
    signal: new AbortController().signal,
    batchRows: BATCH_ROWS,
    batchBytes: BATCH_BYTES,
    parallelism: 2,
    job: 'conformance',
    log: { debug() {}, warn() {} },
    ...overrides,
  }
}
