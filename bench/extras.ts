/** Figures without a rival: memory and time over size, start of the process, time to the first row. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Comparison } from './comparison.ts'
import { sluiceCommand } from './contest.ts'
import type { Dataset } from './dataset.ts'
import { ends } from './ends.ts'
import { errors } from './errors.ts'
import { type Cost, measure } from './measure.ts'
import { narrow } from './narrow.ts'
import { type Session, TARGET } from './session.ts'
import { median } from './statistics.ts'

/** The same job on a table and on one ten times as long. */
export interface Growth {
  readonly rows: number
  readonly small: readonly Cost[]
  readonly large: readonly Cost[]
  /** Largest resident set of each, in bytes. */
  readonly peaks: readonly [small: number, large: number]
  /** Time of the long one as a multiple of the short one's, best against best. */
  readonly timeFactor: number
}

const FACTOR = 10
const large: Dataset = { ...narrow, name: 'narrow_large' }
const growing: Comparison = { source: 'mariadb', target: 'postgres', dataset: large, rivals: [] }

export async function measureGrowth(
  session: Session,
  rows: number,
  rounds: number,
  say: (text: string) => void,
): Promise<Growth> {
  await session.load(large, rows * FACTOR, ['mysql'])
  const run = async (where: string, wanted: number) => {
    await ends.postgres.reset(session, large)
    const cost = await measure(await sluiceCommand(session, growing, where), session.servers)
    await expectRows(session, large.name, wanted)
    say(`growth, ${wanted} rows: ${cost.wall.toFixed(2)} s, ${(cost.peakBytes / 2 ** 20).toFixed(0)} MiB`)
    return cost
  }
  const [few, many]: [Cost[], Cost[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    few.push(await run(`id <= ${rows}`, rows))
    many.push(await run(`id <= ${rows * FACTOR}`, rows * FACTOR))
  }
  const peak = (costs: readonly Cost[]) => Math.max(...costs.map(({ peakBytes }) => peakBytes))
  const best = (costs: readonly Cost[]) => Math.min(...costs.map(({ wall }) => wall))
  return { rows, small: few, large: many, peaks: [peak(few), peak(many)], timeFactor: best(many) / best(few) }
}

async function expectRows(session: Session, table: string, wanted: number): Promise<void> {
  const [row] = await session.postgresQuery<{ count: string }>(TARGET, `SELECT count(*) FROM ${table}`)
  if (Number(row?.count) !== wanted) throw errors.wrongRows({ run: table, wanted: `${wanted} rows`, found: `${row?.count} rows` })
}

/** Milliseconds, medians. */
export interface Startup {
  readonly sluice: number
  readonly node: number
  readonly runs: number
}

/** `sluice --version` against the least that Node can do. */
export function measureStartup({ sluice: [program = '', ...args] }: Session, runs: number): Startup {
  const time = (...own: string[]) => {
    const started = performance.now()
    spawnSync(program, own, { stdio: 'ignore' })
    return performance.now() - started
  }
  const [sluice, node]: [number[], number[]] = [[], []]
  for (let run = 0; run < runs; run++) {
    sluice.push(time(...args, '--version'))
    node.push(time('-e', '0'))
  }
  return { sluice: median(sluice), node: median(node), runs }
}

/** Milliseconds from the start of the process until the first row of a job of 1000 can be seen in the target; median. */
export async function measureFirstRow(session: Session, rows: number, runs: number): Promise<number> {
  const comparison: Comparison = { source: 'mariadb', target: 'postgres', dataset: narrow, rivals: [] }
  await session.load(narrow, rows)
  const { argv } = await sluiceCommand(session, comparison, 'id <= 1000')
  const [program = '', ...args] = argv
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    await ends.postgres.reset(session, narrow)
    const started = performance.now()
    const child = spawn(program, args, { stdio: 'ignore' })
    const ended = once(child, 'close')
    await firstRow(session)
    times.push(performance.now() - started)
    await ended
  }
  return median(times)
}

const FIRST_ROW_SECONDS = 30
const POLL_MS = 2

async function firstRow(session: Session): Promise<void> {
  for (const end = Date.now() + FIRST_ROW_SECONDS * 1000; Date.now() < end; await sleep(POLL_MS)) {
    const rows = await session.postgresQuery(TARGET, `SELECT 1 FROM ${narrow.name} LIMIT 1`)
    if (rows.length > 0) return
  }
  throw errors.noRow({ seconds: FIRST_ROW_SECONDS })
}
