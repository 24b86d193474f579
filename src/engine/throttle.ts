/** Keeps a chain at a rate: rows and bytes per second, whichever is reached first. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Rates {
  readonly rowsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
}

/** So much time that was not used may be made up for; it absorbs what timers and pauses lose, and bounds a burst: 4 % of ten seconds. */
const CREDIT_MS = 400

/** A batch that waits looks so often whether the rates have changed. */
const LOOK_MS = 100

/** One rate for everything that passes: each batch moves the moment on at which the next may pass. */
export class Throttle {
  readonly #now: () => number
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  #rates: Rates
  #due = 0
  #last = { rows: 0, bytes: 0 }

  constructor(
    rates: Rates,
    now: () => number = () => performance.now(),
    wait = (ms: number, signal: AbortSignal): Promise<unknown> => sleep(ms, undefined, { signal }),
  ) {
    this.#rates = rates
    this.#now = now
    this.#sleep = wait
    this.#due = now()
  }

  /** What the batch that waits has still to wait for goes by the new rates, too: a worker that was given little would sleep on when it has more. */
  set rates(rates: Rates) {
    const [before, after] = [this.#costOf(this.#last), this.#costOf(this.#last, rates)]
    const now = this.#now()
    if (this.#due > now && before > 0) this.#due = now + (this.#due - now) * (after / before)
    this.#rates = rates
  }

  /** Returns when the batch may pass. */
  async pass(rows: number, bytes: number, signal: AbortSignal): Promise<void> {
    this.#last = { rows, bytes }
    const cost = this.#costOf(this.#last)
    if (cost === 0) return
    this.#due = Math.max(this.#due, this.#now() - CREDIT_MS) + cost
    // A batch passes when its time has come, not before: else the first ones would be a burst.
    for (let left = this.#due - this.#now(); left > 0; left = this.#due - this.#now())
      await this.#sleep(Math.min(LOOK_MS, Math.ceil(left)), signal)
  }

  /** Milliseconds in which so much may pass. */
  #costOf({ rows, bytes }: { rows: number; bytes: number }, { rowsPerSecond, bytesPerSecond } = this.#rates): number {
    const byRows = rowsPerSecond === undefined ? 0 : rows / rowsPerSecond
    const byBytes = bytesPerSecond === undefined ? 0 : bytes / bytesPerSecond
    return 1000 * Math.max(byRows, byBytes)
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
