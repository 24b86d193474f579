import { describe, test } from 'node:test'

/** One claim of a contract, and the code that finds out whether it holds. */
export interface Case {
  /** A sentence about behaviour, without its subject. */
  readonly name: string
  run(): Promise<void> | void
}

/** A case that waits longer than this is stuck. */
const CASE_MS = 120_000

/** Hands the cases to node:test. The suites also run without it: that is how it is proven that they find faults. */
export function registerCases(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const { name, run } of cases) test(name, { timeout: CASE_MS }, () => run())
  })
}

/** What `promise` comes to, or a failure when it takes longer. What the promise holds on to is not released. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what} took longer than ${ms} ms`)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
    promise.catch(() => {}) // It lost the race; nobody else waits for it.
  }
}
