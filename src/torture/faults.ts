/** The faults: how each is done to a job, how it is known to have happened, and what must come of it. */
import { readdir, rm, stat, truncate } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultProxy, Fault as NetworkFault } from '#conformance'
import type { Field, StartOptions } from './field.ts'
import { isDatabase, type Pair } from './pairs.ts'
import type { Run } from './run.ts'

export interface Round {
  readonly field: Field
  readonly random: () => number
  readonly freezeSeconds: number
  start(options?: Omit<StartOptions, 'runId' | 'channels'>): Run
}

/** What came of a round whose job has been brought to its end. */
export interface Effect {
  readonly fired: boolean
  readonly recoverySeconds?: number
  /** Code of the error with which the job rightly refused to go on, before it was begun afresh in an empty target. */
  readonly stop?: string
}

export interface Fault {
  readonly name: string
  readonly title: string
  /** Its jobs mostly wait, so that all pairs may do so at the same time. */
  readonly isIdle?: boolean
  fits(pair: Pair): boolean
  act(round: Round): Promise<Effect>
}

const always = () => true

/** Part of the kills that are made to fall into a commit, where the target has something to hold it by. */
const HELD_SHARE = 0.25
/** So long a held job gets to arrive at its commit. */
const HELD_MS = 300
/** A run that has not ended by then hangs. */
const PATIENCE_MS = 120_000
/** Longest fault that slows a network or takes it away and brings it back. */
const NETWORK_MS = 3_000
const FLAP_MS = 300

export const FAULTS: readonly Fault[] = [
  { name: 'kill', title: 'kill -9, then the same command', fits: always, act: kill },
  { name: 'drain', title: 'SIGTERM, then the same command', fits: always, act: drain },
  { name: 'stop', title: 'SIGTERM twice, or with SIGINT, then the same command', fits: always, act: stopAtOnce },
  { name: 'freeze', title: 'SIGSTOP, then SIGCONT', isIdle: true, fits: always, act: freeze },
  ...networkFaults('source', 'to-client'),
  ...networkFaults('sink', 'to-server'),
  { name: 'two-engines', title: 'a second engine with the same state', isIdle: true, fits: always, act: secondEngine },
  {
    name: 'takeover',
    title: 'a second engine with a state of its own',
    isIdle: true,
    fits: ({ sink }) => isDatabase(sink),
    act: takeover,
  },
  { name: 'state-lost', title: 'kill -9, state directory deleted, then the same command', fits: always, act: loseState },
  { name: 'state-torn', title: 'kill -9, state file cut short, then the same command', fits: always, act: tearState },
]

function networkFaults(end: 'source' | 'sink', direction: 'to-client' | 'to-server'): Fault[] {
  type Act = (round: Round, proxy: FaultProxy) => Promise<Effect>
  const make = (name: string, title: string, act: Act, isIdle = true): Fault => ({
    name: `${end}-${name}`,
    title: `connection of the ${end}: ${title}`,
    isIdle,
    fits: pair => isDatabase(pair[end]),
    act: round => {
      const proxy = round.field.proxies[end]
      if (proxy === undefined) throw new Error(`${end} has no connection`)
      return act(round, proxy).finally(() => proxy.set())
    },
  })
  const breaking = (kind: 'cut' | 'reset') => (round: Round, proxy: FaultProxy) =>
    breakOnce(round, proxy, { kind, direction, afterBytes: Math.floor(round.random() * 0.8 * round.field.bytes[end]) })
  const slowing = (kind: 'trickle' | 'delay') => (round: Round, proxy: FaultProxy) =>
    slowDown(round, proxy, kind, () => {
      if (kind === 'trickle') proxy.set({ kind, direction, bytes: 100, everyMs: 1 })
      else proxy.set(...(['to-client', 'to-server'] as const).map(way => ({ kind, direction: way, ms: 200 })))
    })
  return [
    make('cut', 'ended', breaking('cut'), false),
    make('reset', 'reset in mid row', breaking('reset'), false),
    make('trickle', '100 bytes at a time', slowing('trickle')),
    make('latency', '400 ms round trip', slowing('delay')),
    make('flap', 'refused and accepted in turn', flap),
  ]
}

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

/** Whether there was still something to kill. */
async function killed(run: Run): Promise<boolean> {
  run.signal('SIGKILL')
  const { signal } = await run.ended
  return signal === 'SIGKILL'
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
  const run = round.start()
  // A job that cannot commit cannot end in good order before the second signal.
  const release = await hold(round.field, run)
  if (release) await Promise.race([sleep(HELD_MS), run.ended])
  else await midway(round, run)
  run.signal('SIGTERM')
  // Two of a kind at the same moment would be one; a job that is not held would have stopped before the second.
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

async function breakOnce(round: Round, proxy: FaultProxy, fault: NetworkFault): Promise<Effect> {
  const before = proxy.fired[fault.kind]
  const run = round.start()
  await run.reach('begun')
  proxy.set(fault)
  await run.until(() => proxy.fired[fault.kind] > before)
  return { fired: proxy.fired[fault.kind] > before, ...(await recovered(run)) }
}

async function slowDown(round: Round, proxy: FaultProxy, kind: 'trickle' | 'delay', begin: () => void): Promise<Effect> {
  const before = proxy.fired[kind]
  const run = round.start()
  await midway(round, run)
  begin()
  await Promise.race([sleep(NETWORK_MS), run.ended])
  proxy.set()
  return { fired: proxy.fired[kind] > before, ...(await recovered(run)) }
}

async function flap(round: Round, proxy: FaultProxy): Promise<Effect> {
  const run = round.start()
  await midway(round, run)
  const fired = !run.isOver
  for (const until = Date.now() + NETWORK_MS; Date.now() < until && !run.isOver;) {
    await proxy.refuse()
    await sleep(round.random() * FLAP_MS)
    await proxy.accept()
    await sleep(round.random() * FLAP_MS)
  }
  return { fired, ...(await recovered(run)) }
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
  const second = round.start({ isSlow: true, engine: 'b' })
  const since = performance.now()
  await endOf(second, [0])
  const fenced = await endOf(first, [0, 64])
  if (fenced === 64 && first.errorCode !== 'ledger.fenced') throw new Error(`the first engine ended with ${first.output}`)
  return { fired: fenced === 64, recoverySeconds: secondsSince(since) }
}

async function loseState(round: Round): Promise<Effect> {
  const wasKilled = await killedMidway(round)
  const wasThere = (await stateFile(round)) !== undefined
  await rm(round.field.folder, { recursive: true, force: true })
  return { fired: wasKilled && wasThere, ...(await exactOrStopped(round, 'engine.state-missing')) }
}

async function tearState(round: Round): Promise<Effect> {
  const wasKilled = await killedMidway(round)
  const file = await stateFile(round)
  if (file !== undefined) await truncate(file, Math.floor(round.random() * (await stat(file)).size))
  return { fired: wasKilled && file !== undefined, ...(await exactOrStopped(round, 'engine.state-torn')) }
}

async function killedMidway(round: Round): Promise<boolean> {
  const run = round.start()
  await midway(round, run)
  return killed(run)
}

async function stateFile({ field }: Round): Promise<string | undefined> {
  const names = await readdir(field.folder, { recursive: true }).catch(() => [])
  const name = names.find(name => name.endsWith('run.json'))
  return name === undefined ? undefined : join(field.folder, name)
}

/** Goes on, or refuses with a code, changing nothing; then somebody empties the target and begins afresh, as the hint says. */
async function exactOrStopped(round: Round, stop: string): Promise<Partial<Effect>> {
  const before = await round.field.sink.fingerprint()
  const since = performance.now()
  const run = round.start()
  if ((await endOf(run, [0, 64])) === 0) return { recoverySeconds: secondsSince(since) }
  if (run.errorCode !== stop) throw new Error(`refused otherwise than with ${stop}: ${run.output}`)
  if ((await round.field.sink.fingerprint()).hash !== before.hash) throw new Error('the refused run has changed the target')
  await round.field.clear()
  await endOf(round.start({ isFresh: true }), [0])
  return { stop }
}

/** A random moment between the first row and the end. */
async function midway({ field, random }: Round, run: Run): Promise<void> {
  const { startMs, wholeMs } = field.pace
  await run.reach('begun')
  await Promise.race([sleep(random() * 0.8 * (wholeMs - startMs)), run.ended])
}

/** The same command again, as a scheduler would give it. */
async function resume(round: Round): Promise<{ recoverySeconds: number }> {
  return recovered(round.start())
}

/** Waits for the end of a run that has to finish by itself from now on. */
async function recovered(run: Run): Promise<{ recoverySeconds: number }> {
  const since = performance.now()
  await endOf(run, [0])
  return { recoverySeconds: secondsSince(since) }
}

const secondsSince = (since: number) => (performance.now() - since) / 1000

/** Codes of a process that is at its end already and listens to signals no more. */
const TERMINATED = 128 + constants.signals.SIGTERM
const INTERRUPTED = 128 + constants.signals.SIGINT

/** The exit code, as a shell has it; it must be one of these. */
async function endOf(run: Run, allowed: readonly number[]): Promise<number> {
  const timer = setTimeout(() => run.signal('SIGKILL'), PATIENCE_MS)
  const end = await run.ended.finally(() => clearTimeout(timer))
  const code = end.code ?? 128 + constants.signals[end.signal ?? 'SIGKILL']
  if (!allowed.includes(code)) throw new Error(`a run ended with ${end.signal ?? code}: ${run.output}`)
  return code
}
