/** The matrix: every fault on every pair, so many rounds, each judged by keys and content. */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, platform, arch, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { mysqlServer, postgresServer, type ThrowAwayServer } from './databases.ts'
import { tortureErrors } from './errors.ts'
import type { Fault } from './faults.ts'
import { openField, type Field } from './field.ts'
import { csvSide, jsonlSide } from './file-side.ts'
import { mysqlSide } from './mysql-side.ts'
import type { Pair, SystemName } from './pairs.ts'
import { postgresSide } from './postgres-side.ts'
import { random } from './random.ts'
import { cellOf, type RoundResult, type TortureReport } from './report.ts'
import { expectedFingerprint, ROWS, type Fingerprint } from './rows.ts'
import type { Role, Side } from './side.ts'

export interface TortureOptions {
  /** The program and its first arguments: everything before `run`. */
  readonly command: readonly string[]
  /** Its version. */
  readonly version: string
  readonly servers: { readonly postgres?: string; readonly mysql?: string }
  readonly rounds: number
  readonly seed: number
  readonly freezeSeconds: number
  /** Pairs that are tortured at the same time. */
  readonly parallel: number
  readonly faults: readonly Fault[]
  readonly pairs: readonly Pair[]
  readonly signal: AbortSignal
  readonly onRound: (result: RoundResult) => void
}

type Servers = Readonly<Partial<Record<SystemName, ThrowAwayServer>>>

/**
 * Throws `torture.*` for what makes a torture impossible; what goes wrong in a round is in the report. The whole matrix is gone through
 * once per round, so that the report of one that was stopped by its signal has something of everything.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const began = new Date()
  checkServers(options)
  const { postgres, mysql } = options.servers
  const folder = await mkdtemp(join(tmpdir(), 'sluice-torture-'))
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const servers: Servers = {
      ...(postgres === undefined ? {} : { postgres: await postgresServer(postgres) }),
      ...(mysql === undefined ? {} : { mysql: await mysqlServer(mysql) }),
    }
    for (const server of Object.values(servers)) closing.push(() => server.close())
    const expected = expectedFingerprint()
    const fields: Field[] = []
    for (const pair of options.pairs) {
      if (options.signal.aborted) throw tortureErrors.stopped({})
      const open = async (system: SystemName, role: Role) => {
        const side = await openSide(system, role, servers, join(folder, pair.name))
        closing.push(() => side.close())
        return side
      }
      const source = await open(pair.source, 'source')
      if ((await source.fingerprint()).hash !== expected.hash)
        throw tortureErrors.unfit({ pair: pair.name, reason: 'the source was filled with other rows.' })
      const sides = { source, sink: await open(pair.sink, 'target') }
      const field = await openField(pair, sides, join(folder, pair.name, 'job'), options.command)
      closing.push(() => field.close())
      fields.push(field)
    }
    const results: RoundResult[] = []
    for (let round = 0; round < options.rounds; round++) {
      for (const fault of options.faults) {
        const fitting = fields.filter(({ pair }) => fault.fits(pair))
        await inParallel(fault.isIdle ? fitting.length : options.parallel, fitting, async field => {
          if (options.signal.aborted) return
          const result = await oneRound(fault, field, round, expected, options)
          options.onRound(result)
          results.push(result)
        })
      }
    }
    return report(options, began, servers, results)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

function checkServers({ pairs, servers }: TortureOptions): void {
  for (const { name, source, sink } of pairs) {
    for (const kind of [source, sink]) {
      if ((kind === 'postgres' || kind === 'mysql') && servers[kind] === undefined)
        throw tortureErrors.serverNeeded({ pair: name, kind })
    }
  }
}

async function openSide(system: SystemName, role: Role, servers: Servers, folder: string): Promise<Side> {
  if (system === 'csv') return csvSide(join(folder, role), role)
  if (system === 'jsonl') return jsonlSide(join(folder, role))
  const database = await servers[system]?.create()
  if (database === undefined) throw new Error(`no server of ${system}`)
  return system === 'postgres' ? postgresSide(database, 'moved', role) : mysqlSide(database, 'moved', role)
}

async function inParallel<T>(limit: number, items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values()
  const work = async () => {
    for (const item of waiting) await task(item)
  }
  await Promise.all(Array.from({ length: limit }, work))
}

async function oneRound(
  fault: Fault,
  field: Field,
  round: number,
  expected: Fingerprint,
  { seed, freezeSeconds }: TortureOptions,
): Promise<RoundResult> {
  const place = { fault: fault.name, pair: field.pair.name, round }
  const common = { runId: `round-${round}`, channels: 1 + (round % 2) }
  const start = (more = {}) => field.start({ ...common, ...more })
  await field.clear()
  const effect = await fault
    .act({ field, random: random(numberOf(`${seed}/${fault.name}/${field.pair.name}/${round}`)), freezeSeconds, start })
    .catch((error: unknown) => ({ fired: false, failure: error instanceof Error ? error.message : String(error) }))
  const found = await field.sink.fingerprint()
  return {
    ...place,
    ...effect,
    // What a run has not moved yet when it ends otherwise than promised is not lost.
    lost: 'failure' in effect ? 0 : expected.keys - Math.min(found.keys, expected.keys),
    repeated: found.rows - found.keys,
    changed: found.rows === expected.rows && found.keys === expected.keys && found.hash !== expected.hash,
  }
}

/** FNV-1a: every round has a seed of its own, so that it is the same one when it is asked for alone. */
function numberOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}

function report(
  { version, seed, rounds, freezeSeconds, faults, pairs }: TortureOptions,
  began: Date,
  servers: Servers,
  results: readonly RoundResult[],
): TortureReport {
  return {
    format: 'sluice-torture/1',
    sluice: version,
    began: began.toISOString(),
    seconds: Math.round((Date.now() - began.getTime()) / 1000),
    ...{ seed, rounds, rows: ROWS, freezeSeconds },
    machine: {
      system: `${platform()} ${release()} ${arch()}`,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.versions.node,
    },
    servers: Object.values(servers).map(server => server.version),
    cells: faults.flatMap(fault =>
      pairs.flatMap(pair => cellOf(results.filter(result => result.fault === fault.name && result.pair === pair.name))),
    ),
  }
}
