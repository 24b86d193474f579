import type { Json, Progress } from '#connector'

/**
 * What a worker has written since its last commit, and how far each split may be recorded.
 *
 * A commit is allowed only at a point where every split with uncommitted rows can say where to resume behind them
 * (Invariant 1: a position is stored only with or after its rows, and never without some of them).
 */
export class Uncommitted {
  rows = 0
  bytes = 0
  #since = 0
  readonly #open = new Map<string, Json | undefined>()
  readonly #done = new Set<string>()
  /** Splits whose rows since the last commit end where nobody can resume. */
  readonly #unresumable = new Set<string>()

  wrote(split: string, rows: number, bytes: number, position: Json | undefined): void {
    if (this.rows === 0) this.#since = performance.now()
    this.rows += rows
    this.bytes += bytes
    this.#open.set(split, position)
    if (position === undefined) this.#unresumable.add(split)
    else this.#unresumable.delete(split)
  }

  finished(split: string): void {
    this.#done.add(split)
    this.#unresumable.delete(split)
  }

  get isPoint(): boolean {
    return this.#unresumable.size === 0
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#done.size === 0
  }

  get ageMs(): number {
    return this.rows === 0 ? 0 : performance.now() - this.#since
  }

  /** What a commit records now. */
  progress(): Progress[] {
    const ids = new Set([...this.#open.keys(), ...this.#done])
    return [...ids].map(split => {
      const position = this.#open.get(split)
      return { split, ...(position === undefined ? {} : { position }), done: this.#done.has(split) }
    })
  }

  clear(): void {
    this.rows = 0
    this.bytes = 0
    this.#open.clear()
    this.#done.clear()
  }
}
