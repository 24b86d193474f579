/** Signals to the process: killed, drained, stopped, frozen. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Field } from './field.ts'
import {
  endOf,
  INTERRUPTED,
  killed,
  midway,
  recovered,
  resume,
  TERMINATED,
  type Effect,
  type Fault,
  type Round,
} from './round.ts'
import type { Run } from './run.ts'

/** Part of the kills that are made to fall into a commit, where the target has something to hold it by. */
const HELD_SHARE = 0.25
/** So long a held job gets to arrive at its commit. */
const HELD_MS = 300

const obstacle = () => undefined

export const signalFaults: readonly Fault[] = [
  { name: 'kill', title: 'kill -9, then the same command', perRound: 10, obstacle, act: kill },
  { name: 'drain', title: 'SIGTERM, then the same command', obstacle, act: drain },
  { name: 'stop', title: 'SIGTERM twice, or with SIGINT, then the same command', obstacle, act: stopAtOnce },
  { name: 'freeze', title: 'SIGSTOP, then SIGCONT', needs: 'time', obstacle, act: freeze },
]

/** At any moment, that before the job has begun included. */
async function kill(round: Round): Promise<Effect> {
  const { field, random, start } = round
  const earliest = field.pace.startMs / 2
  const run = start()
  const release = random() < HELD_SHARE ? await hold(field, run) : undefined
  await Promise.race([sleep(release ? HELD_MS : earliest + random() * (field.pace.wholeMs - earliest)), run.ended])
  const fired = await killed(run)
  await release?.()
  return { fired, ...(await resume(round)) }
}

/** Lets the job begin and then makes its commits wait; undefined where the target has nothing to hold them by. */
async function hold({ sink }: Field, run: Run): Promise<(() => Promise<void>) | undefined> {
  await run.reach('begun')
  return sink.holdCommits?.()
}

async function drain(round: Round): Promise<Effect> {
  const run = round.start()
  await midway(round, run)
  run.signal('SIGTERM')
  const code = await endOf(run, [0, 130, TERMINATED])
  return { fired: code === 130, ...(await resume(round)) }
}

async function stopAtOnce(round: Round): Promise<Effect> {
  // A job that cannot commit cannot end in good order before the second signal. One whose commits cannot be held gets both at once.
  const isHeld = round.field.sink.holdCommits !== undefined
  const run = round.start({ isSlow: !isHeld })
  const release = await hold(round.field, run)
  if (release) await Promise.race([sleep(HELD_MS), run.ended])
  else await midway(round, run)
  run.signal('SIGTERM')
  // Two of a kind at the same moment would be one.
  if (release) await run.until(() => run.errorText.includes('stopping'))
  run.signal(release ? 'SIGTERM' : 'SIGINT')
  const code = await endOf(run, [0, 75, 130, TERMINATED, INTERRUPTED]).finally(() => release?.())
  return { fired: code === 75, ...(await resume(round)) }
}

async function freeze(round: Round): Promise<Effect> {
  const run = round.start()
  await midway(round, run)
  run.signal('SIGSTOP')
  await sleep(round.freezeSeconds * 1000)
  const fired = !run.isOver
  run.signal('SIGCONT')
  return { fired, ...(await recovered(run)) }
}
