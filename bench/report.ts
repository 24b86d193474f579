/** The results as Markdown, which is also what a terminal shows. */
import type { BadRowsCost } from './bad-rows.ts'
import type { Contest, RivalResult } from './contest.ts'
import type { Growth, Startup } from './extras.ts'
import type { Cost } from './measure.ts'
import { median } from './statistics.ts'

export interface Results {
  readonly date: string
  readonly machine: string
  readonly cores: number
  /** Load average of the last minute, at the end. */
  readonly load: number
  readonly rows: number
  readonly rounds: number
  readonly seconds: number
  readonly contests: readonly Contest[]
  readonly badRows: BadRowsCost | undefined
  readonly growth: Growth | undefined
  readonly startup: Startup | undefined
  /** Milliseconds. */
  readonly firstRowMs: number | undefined
}

/** Rows of narrow below which figures are about something else. */
const SMALL = 1_000_000

export function renderReport(results: Results): string {
  const { contests, rows } = results
  const caution = rows < SMALL ? '\n\nOn tables this small the start of the process is most of the time that Sluice takes.' : ''
  const parts = [
    contests.length > 0 ? summaryTable(results) : '',
    extrasTable(results),
    contests.length > 0 ? costTable(results) : '',
  ]
  return [...parts.filter(part => part !== ''), `${results.machine}; ${results.seconds.toFixed(0)} s${caution}`].join('\n\n')
}

/** One line per path and rival: how much quicker, at what cost. */
export function summaryTable({ contests }: Results): string {
  const rows = contests.flatMap(contest =>
    contest.rivals.map((rival, index) => [
      ...[`${contest.title}, ${contest.dataset}`, rival.title],
      `${times(rival.best)} (${times(rival.median)})`,
      times(rival.goal),
      index === 0 ? noiseText(contest.noise) : '',
      times(median(rival.costs.map(allCpu)) / median(contest.sluice.map(allCpu))),
      perMillion(contest, contest.sluice, cost => cost.client),
      `${(100 * clientShare(contest.sluice)).toFixed(0)} %`,
      mebibytes(peakOf(contest.sluice)),
    ]),
  )
  const head = [
    'copy',
    'against',
    'speed of Sluice, best (median)',
    'goal',
    'noise',
    'CPU of the rival',
    'CPU-s per million rows',
    'of all CPU',
    'peak memory',
  ]
  return table(head, rows)
}

/** Every run of everybody, and whose CPU it took. */
export function costTable({ contests }: Results): string {
  const rows = contests.flatMap(contest => [
    costRow(contest, 'Sluice', contest.sluice),
    ...contest.rivals.map((rival: RivalResult) => costRow(contest, rival.title, rival.costs)),
  ])
  return table(
    [
      'copy',
      'by',
      'k rows/s, best',
      'median',
      'CPU-s/M rows: client',
      'MariaDB',
      'PostgreSQL',
      'seconds of each run (cores used by others)',
    ],
    rows,
  )
}

function costRow(contest: Contest, by: string, costs: readonly Cost[]): string[] {
  const walls = costs.map(({ wall }) => wall)
  const rate = (seconds: number) => (contest.rows / seconds / 1000).toFixed(0)
  return [
    ...[`${contest.title}, ${contest.dataset}`, by, rate(Math.min(...walls)), rate(median(walls))],
    perMillion(contest, costs, cost => cost.client),
    perMillion(contest, costs, cost => cost.servers.mysql),
    perMillion(contest, costs, cost => cost.servers.postgres),
    costs.map(({ wall, foreignCores }) => `${wall.toFixed(2)} (${foreignCores.toFixed(1)})`).join(' '),
  ]
}

/** Empty when none of them was measured. */
export function extrasTable({ badRows, growth, startup, firstRowMs }: Results): string {
  const rows: string[][] = []
  if (badRows !== undefined) {
    const { strict, oneInAMillion, oneInAHundred } = badRows
    const multiple = (costs: readonly Cost[], figure: (cost: Cost) => number) => {
      const [these, those] = [costs.map(figure), strict.map(figure)]
      return `${times(Math.min(...these) / Math.min(...those))} (${times(median(these) / median(those))})`
    }
    const wall = (cost: Cost) => cost.wall
    rows.push(
      [
        'time with one bad row in a million, as a multiple of a job without tolerance, best (median)',
        multiple(oneInAMillion, wall),
        '< 1.05 ×',
      ],
      ['the same in CPU time of Sluice and the servers', multiple(oneInAMillion, allCpu), ''],
      ['time with one bad row in a hundred', multiple(oneInAHundred, wall), 'it ends'],
    )
  }
  if (growth !== undefined) {
    const { rows: few, peaks, timeFactor } = growth
    rows.push(
      [
        `peak memory, ${millions(few)} and ${millions(few * 10)} rows of narrow, MariaDB → PostgreSQL`,
        `${mebibytes(peaks[0])} and ${mebibytes(peaks[1])}`,
        '≤ 100 MiB, the same',
      ],
      ['time for 10 × the rows', times(timeFactor), '8.5 × to 11.5 ×'],
    )
  }
  if (startup !== undefined) {
    const { sluice, node, runs } = startup
    const figures = `${sluice.toFixed(0)} ms, ${node.toFixed(0)} ms: ${times(sluice / node)}`
    rows.push([`\`sluice --version\` and bare \`node -e 0\`, median of ${runs}`, figures, '≤ 2.5 ×'])
  }
  if (firstRowMs !== undefined)
    rows.push(['start of the process to the first row in the target', `${firstRowMs.toFixed(0)} ms`, '< 500 ms'])
  return rows.length === 0 ? '' : table(['what', 'figure', 'goal'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function perMillion({ rows }: Contest, costs: readonly Cost[], figure: (cost: Cost) => number): string {
  return (median(costs.map(figure)) / (rows / 1e6)).toFixed(2)
}

/** CPU seconds of client and servers. */
function allCpu({ client, servers }: Cost): number {
  return client + servers.mysql + servers.postgres
}

/** Share of the client in all the CPU that a copy took. */
function clientShare(costs: readonly Cost[]): number {
  return median(costs.map(cost => cost.client / allCpu(cost)))
}

function peakOf(costs: readonly Cost[]): number {
  return Math.max(...costs.map(({ peakBytes }) => peakBytes))
}

function noiseText(ratios: readonly number[]): string {
  return `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
}

const times = (ratio: number) => `${ratio.toFixed(2)} ×`
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
const millions = (rows: number) => `${(rows / 1e6).toFixed(rows < 1e6 ? 2 : 0)} M`
