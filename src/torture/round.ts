/** What a fault is, and what all of them do to a job: let it come to a moment, end it, and give the same command again. */
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Field, StartOptions } from './field.ts'
import type { Pair, SystemName } from './pairs.ts'
import type { Run } from './run.ts'

export interface Round {
  readonly field: Field
  readonly random: () => number
  readonly freezeSeconds: number
  start(options?: Omit<StartOptions, 'runId'>): Run
  /** Cleans up when the target has been looked at. */
  defer(cleanUp: () => Promise<void>): void
}

/** What came of a round whose job has been brought to its end. */
export interface Effect {
  readonly fired: boolean
  readonly recoverySeconds?: number
  /** Code of the error with which the job rightly refused to go on, before it was begun afresh in an empty target. */
  readonly stop?: string
}

/** What a machine and its servers allow. */
export interface Means {
  /** Those that can be killed and started again. */
  readonly restartable: ReadonlySet<SystemName>
  /** Why no small disk can be mounted; undefined where it can. */
  readonly noDisk: string | undefined
}

export interface Fault {
  readonly name: string
  readonly title: string
  /** Times in each round of the matrix; 1 when left out. */
  readonly perRound?: number
  /** A core when left out; `time` when its jobs mostly wait; `servers` to itself when it falls on every job that uses them. */
  readonly needs?: 'time' | 'servers'
  /** Seconds after its end in which a job that it has disturbed must have come to its own end by itself; no limit when left out. */
  readonly recoversWithinSeconds?: number
  /** Why it cannot happen to this pair; undefined when it can. */
  obstacle(pair: Pair, means: Means): string | undefined
  act(round: Round): Promise<Effect>
}

/** What is promised when a network or a server is back. */
export const RECOVERY_SECONDS = 60
/** A run that has not ended by then hangs. */
const PATIENCE_MS = 120_000

/** A random moment between the first row and the end. */
export async function midway({ field, random }: Round, run: Run): Promise<void> {
  const { startMs, wholeMs } = field.pace
  await run.reach('begun')
  await Promise.race([sleep(random() * 0.8 * (wholeMs - startMs)), run.ended])
}

/** Whether there was still something to kill. */
export async function killed(run: Run): Promise<boolean> {
  run.signal('SIGKILL')
  const { signal } = await run.ended
  return signal === 'SIGKILL'
}

/** The same command again, as a scheduler would give it. */
export async function resume(round: Round): Promise<{ recoverySeconds: number }> {
  return recovered(round.start())
}

/** Waits for the end of a run that has to finish by itself from now on. What it still has to do counts as recovery, too. */
export async function recovered(run: Run): Promise<{ recoverySeconds: number }> {
  const since = performance.now()
  await endOf(run, [0])
  return { recoverySeconds: secondsSince(since) }
}

export const secondsSince = (since: number) => (performance.now() - since) / 1000

/** Codes of a process that is at its end already and listens to signals no more. */
export const TERMINATED = 128 + constants.signals.SIGTERM
export const INTERRUPTED = 128 + constants.signals.SIGINT

/** The exit code, as a shell has it; it must be one of these. */
export async function endOf(run: Run, allowed: readonly number[]): Promise<number> {
  const timer = setTimeout(() => run.signal('SIGKILL'), PATIENCE_MS)
  const end = await run.ended.finally(() => clearTimeout(timer))
  const code = end.code ?? 128 + constants.signals[end.signal ?? 'SIGKILL']
  if (!allowed.includes(code)) throw new Error(`a run ended with ${end.signal ?? code}: ${run.output}`)
  return code
}
