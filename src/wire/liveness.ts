/**
 * Tells a connection that is dead from a server that takes its time (docs/decisions/0031-liveness.md).
 *
 * A peer that is gone without a farewell and a query that sorts for ten minutes look the same from here: silence. So the server is asked,
 * over a connection of its own, what it does for the silent session.
 */
import type { SluiceError } from '#errors'
import { wireErrors } from './errors.ts'

/** What a server does for a session: computes, waits for our bytes, waits for us to take its bytes, knows no such session, or cannot tell. */
export type Activity = 'works' | 'reads' | 'writes' | 'gone' | 'unknown'

/** Asks a server about one session. Both use a connection of their own and reject when there is none. */
export interface Witness {
  ask(signal: AbortSignal): Promise<Activity>
  /** Ends the session at the server, so that it holds no locks against its successor. */
  end(signal: AbortSignal): Promise<void>
}

/** Of a session that cannot be told from others. */
export const BLIND: Witness = { ask: async () => 'unknown', end: async () => {} }

/** In milliseconds. Tests shorten them. */
export const livenessTimes = {
  /** Silence after which a server is asked. */
  silence: 15_000,
  /** Until the second question, when the first answer looks bad: bytes may have been under way. */
  again: 5_000,
  /** For one question. */
  ask: 10_000,
  /** Silence of a connection whose server cannot be asked either. */
  unreachable: 45_000,
  /** Silence of a connection whose server cannot tell, such as behind a pooler. */
  unknown: 3_600_000,
  /** For bytes that may still be on a slow way, in the buffers of kernels and proxies: 128 KB/s. */
  perMiB: 8_000,
}

const MIB = 1024 * 1024
/** No more than this is taken to be on its way. */
const ON_THE_WAY_MIB = 4

/** What a connection waits for. */
export interface Waiting {
  readonly place: string
  readonly isReading: boolean
  readonly isWriting: boolean
  /** What has been sent since the last byte came. */
  readonly bytesUnanswered: number
  /** Changes whenever a byte has come or gone. */
  readonly progress: number
}

/** Judges one connection; asked again and again while it is silent. */
export class Liveness {
  #progress = -1
  #since = 0
  #suspicions = 0
  #asking: AbortController | undefined

  /** Returns when to look again, in milliseconds, or why the connection is dead. `look` tells how things stand at that moment. */
  async judge(look: () => Waiting, witness: Witness | undefined): Promise<number | SluiceError> {
    const { place, progress } = look()
    const { silence, again, unreachable, unknown, perMiB } = livenessTimes
    if (progress !== this.#progress) this.#begin(progress)
    const ms = Math.round(performance.now() - this.#since)
    // Without a witness nothing has been asked of the server that could take long.
    if (witness === undefined) return wireErrors.silent({ place, ms })
    const activity = await this.#ask(signal => witness.ask(signal))
    const now = look()
    const isDead = activity === undefined || contradicts(activity, now)
    if (now.progress !== progress || !isDead) this.#suspicions = 0
    if (now.progress !== progress) return silence
    if (activity === 'unknown') return ms < unknown ? silence : wireErrors.silent({ place, ms })
    if (!isDead) return silence
    if (activity === undefined) return ms < unreachable ? again : wireErrors.silent({ place, ms })
    const travelMs = activity === 'reads' ? Math.min(now.bytesUnanswered / MIB, ON_THE_WAY_MIB) * perMiB : 0
    if (++this.#suspicions < 2 || ms < silence + travelMs) return again
    await this.#ask(signal => witness.end(signal))
    return wireErrors.dead({ place, ms, activity })
  }

  /** Nobody wants an answer any more. */
  stop(): void {
    this.#asking?.abort()
  }

  #begin(progress: number): void {
    this.#progress = progress
    this.#since = performance.now() - livenessTimes.silence
    this.#suspicions = 0
  }

  async #ask<T>(question: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.#asking = new AbortController()
    const signal = AbortSignal.any([this.#asking.signal, AbortSignal.timeout(livenessTimes.ask)])
    return question(signal).catch(() => undefined)
  }
}

/** Both ends wait for each other: what one of them has sent is lost. */
function contradicts(activity: Activity, { isReading, isWriting }: Waiting): boolean {
  if (activity === 'gone') return true
  return activity === 'reads' ? isReading || isWriting : activity === 'writes' && isReading
}
