/** When each fault falls on each pair. Pairs have nothing in common but the machine and its servers, so each goes its own way through a round. */
import type { Fault } from './round.ts'

export interface Plan<T> {
  /** Times that the whole matrix is gone through. */
  readonly rounds: number
  readonly faults: readonly Fault[]
  readonly pairs: readonly T[]
  readonly fits: (fault: Fault, pair: T) => boolean
  /** The servers of a pair. */
  readonly servers: (pair: T) => readonly string[]
  /** How often a fault has fallen on a pair before. */
  readonly had: (fault: Fault, pair: T) => number
  /** Cores. */
  readonly parallel: number
  /** Nothing begins after it. */
  readonly signal: AbortSignal
}

/** What mostly waits works as well, when it starts and when it is judged. */
const WAITING_PER_CORE = 3

/**
 * Calls `act` once per fault, pair and round, a fault's rounds counted from 0; twice at the same time for different pairs only. A round of
 * the matrix ends before the next one begins, and while a fault falls on servers nothing else happens that uses one of them.
 */
export async function schedule<T>(plan: Plan<T>, act: (fault: Fault, pair: T, round: number) => Promise<void>): Promise<void> {
  const { rounds, pairs, fits, servers, had, parallel, signal } = plan
  const faults = plan.faults.flatMap(fault => Array.from({ length: fault.perRound ?? 1 }, (_, time) => ({ fault, time })))
  const rooms = { core: new Room(parallel), time: new Room(parallel * WAITING_PER_CORE) }
  for (let round = 0; round < rounds; round++) {
    const each = async (pair: T, of: typeof faults) => {
      for (const { fault, time } of of) {
        const number = round * (fault.perRound ?? 1) + time
        if (number < had(fault, pair)) continue
        await rooms[fault.needs === 'time' ? 'time' : 'core'].enter(async () => {
          if (!signal.aborted) await act(fault, pair, number)
        })
      }
    }
    const fitting = (pair: T, isAlone: boolean) =>
      faults.filter(({ fault }) => (fault.needs === 'servers') === isAlone && fits(fault, pair))
    // They begin at different faults: some wait while others work.
    await Promise.all(pairs.map((pair, at) => each(pair, turned(fitting(pair, false), at / pairs.length))))
    const lastOn = new Map<string, Promise<void>>()
    for (const pair of pairs) {
      const names = servers(pair)
      const through = Promise.all(names.flatMap(name => lastOn.get(name) ?? [])).then(() => each(pair, fitting(pair, true)))
      for (const name of names) lastOn.set(name, through)
    }
    await Promise.all(lastOn.values())
  }
}

/** The same in a circle, from this part of it on. */
function turned<T>(items: readonly T[], part: number): T[] {
  const start = Math.floor(items.length * part)
  return [...items.slice(start), ...items.slice(0, start)]
}

/** So many at the same time; the others wait in the order in which they came. */
class Room {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(size: number) {
    this.#free = size
  }

  async enter(task: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>(resolve => this.#waiting.push(resolve))
    else this.#free--
    try {
      await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
