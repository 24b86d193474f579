/** Lets one holder in at a time, in order of arrival. */
export class Lock {
  #tail: Promise<void> = Promise.resolve()

  /** Runs `task` when all earlier ones have ended, failed or not. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#tail
    this.#tail = promise
    await before
    try {
      return await task()
    } finally {
      resolve()
    }
  }
}
