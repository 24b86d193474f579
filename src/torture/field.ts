/** One pair, made ready: a filled source, an empty target, a proxy in front of each server, and job files that lead through them. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FaultProxy } from '#conformance'
import { measurePace, type Pace } from './pace.ts'
import type { Pair } from './pairs.ts'
import { ROWS } from './rows.ts'
import { Run } from './run.ts'
import type { Side } from './side.ts'

/** Rows after which a job commits: often enough that faults fall between many commits. */
export const COMMIT_ROWS = 10_000
/** Milliseconds between checkpoints of sinks without a ledger. */
export const CHECKPOINT_MS = 50
/** Seconds that a slowed job takes at least. */
const SLOW_SECONDS = 10

export interface Field {
  readonly pair: Pair
  readonly sink: Side
  readonly proxies: { readonly source: FaultProxy | undefined; readonly sink: FaultProxy | undefined }
  /** Kills the server of an end and starts it again; undefined where there is none, or it is not ours. */
  readonly restarts: Restarts
  readonly pace: Pace
  /** Bytes that an undisturbed run reads from its source, and sends to its sink. */
  readonly bytes: { readonly source: number; readonly sink: number }
  readonly folder: string
  start(options: StartOptions): Run
  /** The target empty and the states of all engines gone. */
  clear(): Promise<void>
  /** Ends the proxies, not the sides. */
  close(): Promise<void>
}

export interface StartOptions {
  /** The same id in all attempts of a round, as a scheduler gives it. */
  readonly runId: string
  readonly channels?: number
  /** `b`: an engine on another machine, with a state of its own. */
  readonly engine?: 'a' | 'b'
  readonly isSlow?: boolean
  readonly isFresh?: boolean
  /** Ends one of its threads when it gets SIGUSR2. */
  readonly hasThreadKiller?: boolean
}

export type Restarts = Readonly<Record<'source' | 'sink', (() => Promise<void>) | undefined>>

export async function openField(
  pair: Pair,
  { source, sink }: { readonly source: Side; readonly sink: Side },
  restarts: Restarts,
  folder: string,
  command: readonly string[],
): Promise<Field> {
  await mkdir(folder, { recursive: true })
  const proxies = { source: await proxyOf(source), sink: await proxyOf(sink) }
  const jobOf = async (channels: number, isSlow: boolean) => {
    const settings = {
      channels,
      checkpointInterval: CHECKPOINT_MS,
      restore: { maxRowNumForCheckpoint: COMMIT_ROWS },
      ...(isSlow ? { rowsPerSecond: ROWS / SLOW_SECONDS } : {}),
    }
    const job = { name: pair.name, source: optionsVia(source, proxies.source), sink: optionsVia(sink, proxies.sink), settings }
    await writeFile(jobFile(channels, isSlow), JSON.stringify(job), { mode: 0o600 })
  }
  const jobFile = (channels: number, isSlow: boolean) => join(folder, `job-${channels}${isSlow ? '-slow' : ''}.json`)
  for (const channels of [1, 2]) for (const isSlow of [false, true]) await jobOf(channels, isSlow)
  const stateOf = (engine: string) => join(folder, `state-${engine}`)
  const start = ({ runId, channels = 1, engine = 'a', isSlow = false, isFresh = false, ...more }: StartOptions) => {
    const args = [jobFile(channels, isSlow), '--run-id', runId, '--state-dir', stateOf(engine)]
    return new Run(command, [...args, ...(isFresh ? ['--fresh'] : [])], more)
  }
  const clear = async () => {
    for (const engine of ['a', 'b']) await rm(stateOf(engine), { recursive: true, force: true })
    await sink.reset()
  }
  const pace = await measurePace(pair.name, async () => {
    await clear()
    return start({ runId: 'undisturbed' })
  })
  // Two undisturbed runs have gone through them.
  const bytes = {
    source: (proxies.source?.forwarded['to-client'] ?? 0) / 2,
    sink: (proxies.sink?.forwarded['to-server'] ?? 0) / 2,
  }
  const close = async () => {
    for (const proxy of [proxies.source, proxies.sink]) await proxy?.[Symbol.asyncDispose]()
  }
  return { pair, sink, proxies, restarts, pace, bytes, folder: stateOf('a'), start, clear, close }
}

const proxyOf = async ({ endpoint }: Side) => (endpoint ? FaultProxy.start(endpoint.host, endpoint.port) : undefined)

const optionsVia = ({ options }: Side, proxy: FaultProxy | undefined) =>
  proxy ? { ...options, host: proxy.host, port: proxy.port } : options
