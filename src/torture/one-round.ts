/** One fault on one pair: an empty target, the fault, and what the target holds when the job has come to its end. */
import type { Field } from './field.ts'
import { random } from './random.ts'
import type { RoundResult } from './report.ts'
import type { Effect, Fault } from './round.ts'
import { expectedFingerprint } from './rows.ts'

export interface Place {
  readonly seed: number
  /** From 0. */
  readonly round: number
  /** From 0; more when the fault came too late. */
  readonly attempt: number
  readonly freezeSeconds: number
}

/** Does not throw: a server that does not answer the judge is the failure of this round only. */
export async function oneRound(fault: Fault, field: Field, place: Place): Promise<RoundResult> {
  const name = { fault: fault.name, pair: field.pair.name, round: place.round }
  const nothing = { lost: 0, repeated: 0, changed: false }
  return { ...name, ...nothing, ...(await suffered(fault, field, place).catch(failed)) }
}

async function suffered(fault: Fault, field: Field, { seed, round, attempt, freezeSeconds }: Place) {
  const place = [seed, fault.name, field.pair.name, round, ...(attempt === 0 ? [] : [attempt])].join('/')
  const common = { runId: `round-${round}`, channels: 1 + (round % 2) }
  await using cleaning = new AsyncDisposableStack()
  await field.clear()
  const effect = await fault
    .act({
      field,
      random: random(numberOf(place)),
      freezeSeconds,
      start: (more = {}) => {
        const run = field.start({ ...common, ...more })
        // After a round that has failed it may be there yet.
        cleaning.defer(async () => void (run.signal('SIGKILL'), await run.ended))
        return run
      },
      defer: cleanUp => cleaning.defer(cleanUp),
    })
    .catch(failed)
  const [expected, found] = [expectedFingerprint(), await field.sink.fingerprint()]
  return {
    ...lateness(fault, effect),
    ...effect,
    // What a run has not moved yet when it ends otherwise than promised is not lost.
    lost: 'failure' in effect ? 0 : expected.keys - Math.min(found.keys, expected.keys),
    repeated: found.rows - found.keys,
    changed: found.rows === expected.rows && found.keys === expected.keys && found.hash !== expected.hash,
  }
}

const failed = (error: unknown) => ({ fired: false, failure: error instanceof Error ? error.message : String(error) })

/** A recovery that took longer than promised is a failure, though the job has ended well. */
function lateness({ recoversWithinSeconds = Infinity }: Fault, { fired, recoverySeconds = 0 }: Effect): { failure?: string } {
  if (!fired || recoverySeconds <= recoversWithinSeconds) return {}
  return { failure: `recovered after ${recoverySeconds.toFixed(1)} s instead of ${recoversWithinSeconds} s` }
}

/** FNV-1a: every round has a seed of its own, so that it is the same one when it is asked for alone. */
function numberOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}
