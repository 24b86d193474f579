/** Rows that the server took and did not store: a BEFORE trigger that returns NULL drops them, or has put them elsewhere. */
import type { Context } from '#connector'

export class KeptOut {
  readonly #log: Context['log']
  readonly #told = new Set<string>()

  constructor({ log }: Pick<Context, 'log'>) {
    this.#log = log
  }

  /** Warns once per table. `tag`: how the server ends a COPY, with the rows that it has stored: `COPY 5`. */
  compare(table: string, sent: number, tag: string): void {
    const stored = Number(/^COPY (\d+)$/.exec(tag)?.[1] ?? sent)
    if (stored === sent || this.#told.has(table)) return
    this.#told.add(table)
    this.#log.warn(
      `${table} has stored ${stored} of ${sent} rows that were sent together: a trigger of it drops rows, or puts them elsewhere. They count as written, and this is not said again.`,
    )
  }
}
