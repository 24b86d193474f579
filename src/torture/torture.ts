/** The matrix: every fault on every pair, so many rounds, each judged by keys and content. */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, platform, arch, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { addReports, checkContinues, roundsHad } from './continued.ts'
import { mysqlServer, postgresServer, type ServerLoan, type ThrowAwayServer } from './databases.ts'
import { tortureErrors } from './errors.ts'
import { openField, type Field } from './field.ts'
import { csvSide, jsonlSide } from './file-side.ts'
import { mysqlSide } from './mysql-side.ts'
import { oneRound } from './one-round.ts'
import { isDatabase, type Pair, type SystemName } from './pairs.ts'
import { postgresSide } from './postgres-side.ts'
import { cellOf, isWrong, TORTURE_FORMAT, type Absence, type RoundResult, type TortureReport } from './report.ts'
import type { Fault, Means } from './round.ts'
import { expectedFingerprint, ROWS } from './rows.ts'
import { schedule } from './schedule.ts'
import type { Role, Side } from './side.ts'
import { whyNoSmallDisk } from './small-disk.ts'

export interface TortureOptions {
  /** The program and its first arguments: everything before `run`. */
  readonly command: readonly string[]
  /** Its version. */
  readonly version: string
  readonly servers: { readonly postgres?: ServerLoan; readonly mysql?: ServerLoan }
  /** Of the whole matrix; faults of which there are many in each have more. */
  readonly rounds: number
  readonly seed: number
  readonly freezeSeconds: number
  /** Cores, as far as the torture may use them. */
  readonly parallel: number
  readonly faults: readonly Fault[]
  readonly pairs: readonly Pair[]
  /** What was found before, to be added to. */
  readonly earlier?: TortureReport | undefined
  readonly signal: AbortSignal
  readonly onRound: (result: RoundResult) => void
}

type Servers = Readonly<Partial<Record<SystemName, ThrowAwayServer>>>

const SERVERS = ['postgres', 'mysql'] as const

/** A fault that came too late is tried again: what a round is for is the fault. */
const ATTEMPTS = 4

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
    const { earlier } = options
    if (earlier) checkContinues(earlier, report(options, began, servers, [], []))
    const fields: Field[] = []
    for (const pair of options.pairs) {
      if (options.signal.aborted) throw tortureErrors.stopped({})
      const field = await makeReady(pair, servers, join(folder, pair.name), options.command)
      closing.push(() => field.close())
      fields.push(field)
    }
    const means: Means = {
      restartable: new Set(SERVERS.filter(system => servers[system]?.restart !== undefined)),
      noDisk: await whyNoSmallDisk(),
    }
    const absent = options.faults.flatMap(fault => absences(fault, options.pairs, means))
    if (absent.length === options.faults.length * options.pairs.length)
      throw tortureErrors.nothingFits({ reasons: [...new Set(absent.map(({ reason }) => reason))].join('; ') })
    const results = await allRounds(fields, means, options)
    const found = report(options, began, servers, results, absent)
    return earlier ? addReports(earlier, found) : found
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

function checkServers({ pairs, servers }: TortureOptions): void {
  if (pairs.length === 0) throw tortureErrors.noServer({})
  for (const { name, source, sink } of pairs) {
    for (const kind of [source, sink]) {
      if ((kind === 'postgres' || kind === 'mysql') && servers[kind] === undefined)
        throw tortureErrors.serverNeeded({ pair: name, kind })
    }
  }
}

async function makeReady(pair: Pair, servers: Servers, folder: string, command: readonly string[]): Promise<Field> {
  const source = await openSide(pair.source, 'source', servers, folder)
  if ((await source.fingerprint()).hash !== expectedFingerprint().hash)
    throw tortureErrors.unfit({ pair: pair.name, reason: 'the source was filled with other rows.' })
  const sides = { source, sink: await openSide(pair.sink, 'target', servers, folder) }
  const restarts = { source: servers[pair.source]?.restart, sink: servers[pair.sink]?.restart }
  return await openField(pair, sides, restarts, join(folder, 'job'), command)
}

async function openSide(system: SystemName, role: Role, servers: Servers, folder: string): Promise<Side> {
  if (system === 'csv') return csvSide(join(folder, role), role)
  if (system === 'jsonl') return jsonlSide(join(folder, role))
  const database = await servers[system]?.create()
  if (database === undefined) throw new Error(`no server of ${system}`)
  return system === 'postgres' ? postgresSide(database, 'moved', role) : mysqlSide(database, 'moved', role)
}

async function allRounds(fields: readonly Field[], means: Means, options: TortureOptions): Promise<RoundResult[]> {
  const results: RoundResult[] = []
  const fits = (fault: Fault, { pair }: Field) => fault.obstacle(pair, means) === undefined
  const { earlier } = options
  const had = ({ name }: Fault, { pair }: Field) => (earlier ? roundsHad(earlier, name, pair.name) : 0)
  const servers = ({ pair }: Field) => [pair.source, pair.sink].filter(isDatabase)
  await schedule({ ...options, servers, had, pairs: fields, fits }, async (fault, field, round) => {
    for (let attempt = 0; attempt < ATTEMPTS && !options.signal.aborted; attempt++) {
      const result = await oneRound(fault, field, { ...options, round, attempt })
      options.onRound(result)
      results.push(result)
      if (result.fired || isWrong(result)) break
    }
  })
  return results
}

const absences = (fault: Fault, pairs: readonly Pair[], means: Means): Absence[] =>
  pairs.flatMap(pair => {
    const reason = fault.obstacle(pair, means)
    return reason === undefined ? [] : [{ fault: fault.name, pair: pair.name, reason }]
  })

function report(
  { version, seed, rounds, freezeSeconds, faults, pairs }: TortureOptions,
  began: Date,
  servers: Servers,
  results: readonly RoundResult[],
  absent: readonly Absence[],
): TortureReport {
  return {
    format: TORTURE_FORMAT,
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
    absent,
  }
}
