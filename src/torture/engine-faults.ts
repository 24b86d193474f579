/** Parts of the engine die, or there are two of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabase } from './pairs.ts'
import { endOf, midway, recovered, secondsSince, type Effect, type Fault, type Round } from './round.ts'

const obstacle = () => undefined

export const engineFaults: readonly Fault[] = [
  { name: 'worker-death', title: 'a worker thread ends without a word', obstacle, act: killThread },
  { name: 'two-engines', title: 'a second engine with the same state', needs: 'time', obstacle, act: secondEngine },
  {
    name: 'takeover',
    title: 'a second engine with a state of its own',
    needs: 'time',
    obstacle: ({ sink }) => (isDatabase(sink) ? undefined : 'files have no ledger that two machines could share'),
    act: takeover,
  },
]

/** The process is told by a signal to end one of its threads (thread-killer.ts); the engine says that it has lost a worker. */
async function killThread(round: Round): Promise<Effect> {
  const run = round.start({ channels: 2, hasThreadKiller: true })
  await midway(round, run)
  run.signal('SIGUSR2')
  const recovery = await recovered(run)
  return { fired: run.restartCodes.includes('engine.worker-lost'), ...recovery }
}

/** With the same state directory the second one is refused, and the first one goes on. */
async function secondEngine(round: Round): Promise<Effect> {
  const first = round.start({ isSlow: true })
  await first.reach('begun')
  await sleep(round.random() * 500)
  const second = round.start({ isSlow: true })
  const refused = await endOf(second, [0, 64])
  if (refused === 64 && second.errorCode !== 'engine.locked') throw new Error(`the second engine ended with ${second.output}`)
  await endOf(first, [0])
  return { fired: refused === 64 }
}

/** With a state directory of its own, as on another machine, the second one takes over, and the first one is fenced. */
async function takeover(round: Round): Promise<Effect> {
  const first = round.start({ isSlow: true })
  await first.reach('begun')
  await sleep(round.random() * 500)
  const second = round.start({ engine: 'b' })
  const since = performance.now()
  await endOf(second, [0])
  const recoverySeconds = secondsSince(since)
  const fenced = await endOf(first, [0, 64])
  if (fenced === 64 && first.errorCode !== 'ledger.fenced') throw new Error(`the first engine ended with ${first.output}`)
  return { fired: fenced === 64, recoverySeconds }
}
