/** Random numbers that are the same in every run (mulberry32), so that figures of different days speak about the same rows. */
export interface Random {
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number
  pick<T>(values: readonly T[]): T
}

export function randomOf(seed: number): Random {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    // The index is below the length, which the type of an array cannot say.
    pick: values => values[Math.floor(next() * values.length)] as (typeof values)[number],
  }
}
