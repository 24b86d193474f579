import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** One claim of a contract, and the code that finds out whether it holds. */
export interface Case {
  /** A sentence about behaviour, without its subject. */
  readonly name: string
  run(): Promise<void> | void
}

/** A case that waits longer than this is stuck. */
const CASE_MS = 600_000
const STEP_MS = 20

/** Hands the cases to node:test. The suites also run without it: that is how it is proven that they find faults. */
export function registerCases(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const { name, run } of cases) test(name, { timeout: CASE_MS }, () => run())
  })
}

/** So many milliseconds in which this process could work: on a machine that has no time for it they last longer. */
export async function ownTime(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) await sleep(Math.min(left, STEP_MS), undefined, { ...(signal && { signal }) })
}

/** Waits until a count has not grown for so many milliseconds of {@link ownTime}. */
export async function standstill(ms: number, count: () => number): Promise<void> {
  for (let seen = -1; seen < count();) {
    seen = count()
    await ownTime(ms)
  }
}

/** What `promise` comes to, or a failure when it takes longer, by {@link ownTime}. What the promise holds on to is not released. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = async () => {
    await ownTime(ms, over.signal)
    throw new Error(`${what} took longer than ${ms} ms`)
  }
  try {
    return await Promise.race([promise, late()])
  } finally {
    over.abort()
    promise.catch(() => {}) // It lost the race; nobody else waits for it.
  }
}
