/**
 * `npm run fuzz`: feeds nearly valid bytes to everything that takes foreign ones.
 *
 *   npm run fuzz -- [--target NAME] [--seconds 60] [--seed 1]
 *
 * Without a target all of them take turns, each for that many seconds. What is found is kept under corpus/ and tried in every test
 * run from then on. The work is done in a thread, so that an input that never ends is found too.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { corpusFile, fuzz } from './fuzz.ts'
import { targets } from './targets.ts'
import type { Target } from './target.ts'

/** Longest time without a new input. */
const HANG_MS = 20_000
/** Longest input that can be told when its run never ends. */
const SHARED_BYTES = 64 * 1024

interface Task {
  readonly name: string
  readonly seed: number
  readonly seconds: number
  readonly shared: SharedArrayBuffer
}

interface Result {
  readonly inputs: number
  readonly input?: Uint8Array
  readonly error?: string
}

if (isMainThread) await main()
else await work(workerData as Task)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { target: { type: 'string' }, seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
  })
  const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target)
  if (chosen.length === 0) {
    console.error(`no target ${values.target}; there are ${targets.map(({ name }) => name).join(', ')}`)
    process.exitCode = 2
  }
  for (const target of chosen) await feed(target, Number(values.seed), Number(values.seconds))
}

async function feed(target: Target, seed: number, seconds: number): Promise<void> {
  const shared = new SharedArrayBuffer(SHARED_BYTES + 4)
  const worker = new Worker(new URL(import.meta.url), { workerData: { name: target.name, seed, seconds, shared } })
  const { input, error, inputs } = await resultOf(worker, shared)
  if (input === undefined) {
    console.log(`${target.name}: ${inputs} inputs, nothing found (seed ${seed})`)
    return
  }
  process.exitCode = 1
  const file = corpusFile(target, input)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, input)
  console.log(`${target.name}: found ${file} after ${inputs} inputs (seed ${seed})\n${error}`)
}

/** What the thread says, or its last input when it says nothing any more. */
async function resultOf(worker: Worker, shared: SharedArrayBuffer): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>()
  const last = () => new Uint8Array(shared, 4).slice(0, new DataView(shared).getUint32(0))
  let [seen, at] = [last(), performance.now()]
  const timer = setInterval(() => {
    const now = last()
    if (Buffer.compare(now, seen) !== 0) [seen, at] = [now, performance.now()]
    else if (performance.now() - at > HANG_MS) resolve({ inputs: 0, input: now, error: 'it never ends' })
  }, 1000)
  worker.once('message', resolve)
  worker.once('error', error => resolve({ inputs: 0, input: last(), error: String(error) }))
  const result = await promise
  clearInterval(timer)
  await worker.terminate()
  return result
}

async function work({ name, seed, seconds, shared }: Task): Promise<void> {
  const target = targets.find(one => one.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  const end = performance.now() + seconds * 1000
  const { inputs, finding } = await fuzz(
    target,
    seed,
    () => performance.now() > end,
    input => {
      new DataView(shared).setUint32(0, Math.min(input.length, SHARED_BYTES))
      new Uint8Array(shared, 4).set(input.subarray(0, SHARED_BYTES))
    },
  )
  const error = finding?.error
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  parentPort?.postMessage({ inputs, ...(finding === undefined ? {} : { input: finding.input, error: text }) } satisfies Result)
}
