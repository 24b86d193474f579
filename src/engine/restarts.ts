import type { RestartPolicy } from './spec.ts'

/** Decides after each failed attempt whether there is another, and after which pause. */
export class Restarts {
  readonly #policy: RestartPolicy
  readonly #now: () => number
  /** Failures that count. */
  #failedAt: number[] = []
  #progressAt: number

  constructor(policy: RestartPolicy, now = () => performance.now()) {
    this.#policy = policy
    this.#now = now
    this.#progressAt = now()
  }

  get failures(): number {
    return this.#failedAt.length
  }

  /** Takes note of a failure; the pause before the next attempt in ms, or undefined when there is none. */
  next(hasProgress: boolean): number | undefined {
    const { attempts, leastMs, withinMs = Infinity, firstDelayMs, maxDelayMs } = this.#policy
    const now = this.#now()
    if (hasProgress) this.#progressAt = now
    const isNew = hasProgress && withinMs === Infinity
    this.#failedAt = [...(isNew ? [] : this.#failedAt.filter(at => now - at < withinMs)), now]
    if (this.failures >= attempts && now - this.#progressAt >= leastMs) return undefined
    return Math.min(firstDelayMs * 2 ** (this.failures - 1), maxDelayMs)
  }
}
