/** Lets one holder in at a time, in order of arrival; behind one that failed, nobody: what it has left half done must not be completed. */
export class Lock {
  #tail: Promise<unknown> = Promise.resolve()

  /** Runs `task` when all earlier ones have ended. Rejects with the error of the first that failed. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task)
    this.#tail = result
    return result
  }
}
