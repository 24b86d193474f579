/** One comparison: the runs, interleaved, and what follows from them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Comparison, pathOf, titleOf } from './comparison.ts'
import { ends } from './ends.ts'
import { errors } from './errors.ts'
import { type Command, type Cost, measure } from './measure.ts'
import type { Session } from './session.ts'
import { median } from './statistics.ts'

/** Runs of Sluice and of the first rival in a round, in turns. */
const RUNS = 2

export interface RivalResult {
  readonly title: string
  readonly goal: number
  readonly costs: readonly Cost[]
  /** Speed of Sluice as a multiple of the rival's: best run against best run, and the median of the rounds. */
  readonly best: number
  readonly median: number
}

export interface Contest {
  readonly path: string
  readonly title: string
  readonly dataset: string
  readonly rows: number
  readonly sluice: readonly Cost[]
  readonly rivals: readonly RivalResult[]
  /** Speed of the first rival as a multiple of its own, one figure per round: how far from 1 chance alone leads. */
  readonly noise: readonly number[]
}

/** Each round runs the first rival, Sluice, both once more, and then the other rivals. */
export async function compete(
  session: Session,
  comparison: Comparison,
  rows: number,
  rounds: number,
  say: (text: string) => void,
): Promise<Contest> {
  const { dataset, rivals } = comparison
  const target = ends[comparison.target]
  const wanted = await session.load(dataset, rows)
  const path = pathOf(comparison)
  const count = Number.parseInt(wanted, 10)
  const run = async (name: string, command: Command) => {
    await target.reset(session, dataset)
    const cost = await measure(command, session.servers)
    const found = await target.fingerprint(session, dataset)
    if (found !== wanted) throw errors.wrongRows({ run: `${path}, ${dataset.name}, ${name}`, wanted, found })
    const rate = (count / cost.wall / 1000).toFixed(0)
    say(
      `${path} ${dataset.name} ${name}: ${cost.wall.toFixed(2)} s, ${rate} k rows/s, others used ${cost.foreignCores.toFixed(1)} cores`,
    )
    return cost
  }
  const job = await sluiceCommand(session, comparison)
  await run('sluice, warming up', job)
  const sluice: Cost[] = []
  const costs: Cost[][] = rivals.map(() => [])
  const runRival = async (index: number) => {
    const rival = rivals[index]
    if (rival !== undefined) costs[index]?.push(await run(rival.title, rival.command(session, dataset)))
  }
  for (let round = 0; round < rounds; round++) {
    for (let time = 0; time < RUNS; time++) {
      await runRival(0)
      sluice.push(await run('sluice', job))
    }
    for (const [index, { isSlow }] of rivals.entries()) if (index > 0 && (round === 0 || isSlow !== true)) await runRival(index)
  }
  return {
    ...{ path, title: titleOf(comparison), dataset: dataset.name, rows: count, sluice },
    rivals: rivals.map(({ title, goal }, index) => ({
      title,
      goal,
      costs: costs[index] ?? [],
      ...ratios(sluice, costs[index] ?? [], index === 0 ? RUNS : 1),
    })),
    noise: noiseOf(costs[0] ?? []),
  }
}

/** In a round the mean of Sluice's runs counts, and of the rival's when it ran more than once. */
function ratios(sluice: readonly Cost[], rival: readonly Cost[], runsPerRound: number): { best: number; median: number } {
  const own = byRound(sluice, RUNS)
  const rounds = byRound(rival, runsPerRound).map((walls, round) => mean(walls) / mean(own[round] ?? []))
  return { best: least(rival) / least(sluice), median: median(rounds) }
}

function noiseOf(costs: readonly Cost[]): number[] {
  return byRound(costs, RUNS).map(([first = 0, second = 0]) => first / second)
}

/** Seconds of the runs of each round. */
function byRound(costs: readonly Cost[], runs: number): number[][] {
  return Array.from({ length: costs.length / runs }, (_, round) =>
    costs.slice(round * runs, (round + 1) * runs).map(({ wall }) => wall),
  )
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function least(costs: readonly Cost[]): number {
  return Math.min(...costs.map(({ wall }) => wall))
}

/** The command people type, on a job file of FlinkX's where FlinkX knows both ends. */
export async function sluiceCommand(session: Session, comparison: Comparison, where?: string): Promise<Command> {
  const { dataset } = comparison
  const [source, target] = [ends[comparison.source], ends[comparison.target]]
  const reader = source.flinkx?.(session, dataset, 'reader', where)
  const writer = target.flinkx?.(session, dataset, 'writer')
  const restore = { isRestore: true }
  const job =
    reader && writer
      ? { job: { content: [{ reader, writer }], setting: { speed: { channel: 1 }, errorLimit: { record: 0 }, restore } } }
      : {
          source: source.native(session, dataset, 'reader'),
          sink: target.native(session, dataset, 'writer'),
          settings: { restore },
        }
  const file = join(session.folder, `${pathOf(comparison)}-${dataset.name}${where === undefined ? '' : '-part'}.json`)
  await writeFile(file, JSON.stringify(job, undefined, 2))
  return { argv: [...session.sluice, 'run', file, '--json', '--state-dir', join(session.folder, 'state')] }
}
