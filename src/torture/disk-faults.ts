/** What a run keeps on disk is lost, torn, or finds no room. */
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDatabase } from './pairs.ts'
import { endOf, killed, midway, resume, secondsSince, type Effect, type Fault, type Round } from './round.ts'
import { mountSmallDisk } from './small-disk.ts'

const obstacle = () => undefined

export const diskFaults: readonly Fault[] = [
  { name: 'state-lost', title: 'kill -9, state directory deleted, then the same command', obstacle, act: loseState },
  { name: 'state-torn', title: 'kill -9, state file cut short, then the same command', obstacle, act: tearState },
  {
    name: 'state-full',
    title: 'disk of the state directory full, then room and the same command',
    needs: 'time',
    obstacle: (_, { noDisk }) => noDisk,
    act: fillState,
  },
  {
    name: 'target-full',
    title: 'disk of the target full, then room and the same command',
    obstacle: ({ sink }, { noDisk }) => (isDatabase(sink) ? 'the disk of a server is not ours to fill' : noDisk),
    act: fillTarget,
  },
]

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

const KIB = 1024
const STATE_BYTES = 1024 * KIB
/** More than the rows need as text. */
const ROOM_BYTES = 256 * 1024 * KIB
/** Less than they need. */
const LITTLE_BYTES = 8 * 1024 * KIB

/** Every second time there is no room from the start; otherwise there is none from a moment on. */
async function fillState(round: Round): Promise<Effect> {
  const { field, random, start } = round
  await mkdir(field.folder, { recursive: true })
  const disk = await mountSmallDisk(field.folder, STATE_BYTES)
  round.defer(disk.unmount)
  const filler = join(field.folder, 'filler')
  const fill = () => writeFile(filler, Buffer.alloc(2 * STATE_BYTES)).catch(() => {}) // It ends with ENOSPC.
  const isFullFromStart = random() < 0.5
  if (isFullFromStart) await fill()
  // A slow job still has something to write when the disk is full.
  const run = start({ isSlow: !isFullFromStart })
  if (!isFullFromStart) {
    await midway(round, run)
    await fill()
  }
  // What needs no more of it, as a sink with a ledger, goes on.
  const wasFullMeanwhile = !isFullFromStart && !run.isOver
  const fired = (await ranOutOfSpace(run)) || wasFullMeanwhile
  await rm(filler)
  return { fired, ...(await resume(round)) }
}

async function fillTarget(round: Round): Promise<Effect> {
  const { field, random, start } = round
  if (field.sink.folder === undefined) throw new Error('the target has no folder')
  const disk = await mountSmallDisk(field.sink.folder, Math.ceil(random() * LITTLE_BYTES))
  round.defer(disk.unmount)
  const fired = await ranOutOfSpace(start())
  // Fails on half a line. What is visible is whole.
  await field.sink.fingerprint()
  await disk.enlarge(ROOM_BYTES)
  return { fired, ...(await resume(round)) }
}

/** Whether the run has stopped for want of room, and says so. */
async function ranOutOfSpace(run: ReturnType<Round['start']>): Promise<boolean> {
  if ((await endOf(run, [0, 64, 75])) === 0) return false
  if (!run.output.includes('ENOSPC')) throw new Error(`a run without room ended otherwise: ${run.output}`)
  return true
}
