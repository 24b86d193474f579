/** Keeps a chain at a rate: rows and bytes per second, whichever is reached first. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Rates {
  readonly rowsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
}

/** So much time that was not used may be made up for; it absorbs what timers and pauses lose, and bounds a burst. */
const CREDIT_MS = 250

/** One rate for everything that passes: each batch moves the moment on at which the next may pass. */
export class Throttle {
  readonly #now: () => number
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  rates: Rates
  #due = 0

  constructor(
    rates: Rates,
    now: () => number = () => performance.now(),
    wait = (ms: number, signal: AbortSignal): Promise<unknown> => sleep(ms, undefined, { signal }),
  ) {
    this.rates = rates
    this.#now = now
    this.#sleep = wait
    this.#due = now()
  }

  /** Returns when the batch may pass. */
  async pass(rows: number, bytes: number, signal: AbortSignal): Promise<void> {
    const { rowsPerSecond, bytesPerSecond } = this.rates
    const cost =
      1000 *
      Math.max(rowsPerSecond === undefined ? 0 : rows / rowsPerSecond, bytesPerSecond === undefined ? 0 : bytes / bytesPerSecond)
    if (cost === 0) return
    this.#due = Math.max(this.#due, this.#now() - CREDIT_MS) + cost
    // A batch passes when its time has come, not before: else the first ones would be a burst.
    for (let left = this.#due - this.#now(); left > 0; left = this.#due - this.#now()) await this.#sleep(Math.ceil(left), signal)
  }
}

/** How much of a job's rate each worker gets: who needs less than an equal share leaves the rest to the others. `used`: per second, lately. */
export function shareOut(total: number, used: readonly number[]): number[] {
  const shares = used.map(() => 0)
  let open = used.map((_, i) => i)
  let left = total
  for (;;) {
    const equal = left / Math.max(1, open.length)
    // Room to grow: a worker that was slow may become fast again.
    const modest = open.filter(i => used[i]! * GROWTH < equal)
    if (modest.length === 0 || modest.length === open.length) {
      for (const i of open) shares[i] = equal
      return shares
    }
    for (const i of modest) {
      shares[i] = Math.max(used[i]! * GROWTH, equal * LEAST_SHARE)
      left -= shares[i]
    }
    open = open.filter(i => !modest.includes(i))
  }
}

const GROWTH = 1.25
const LEAST_SHARE = 0.1
