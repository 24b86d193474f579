import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { choose, FAULTS, isExact, PAIRS, readReport, torture as runTorture, type RoundResult, type TortureReport } from '#torture'
import { command } from '../command.ts'
import { countOf } from '../count-flag.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { formatSeconds, formatTable } from '../format.ts'
import { stopSignals } from '../stop-signals.ts'

export interface TortureFlags {
  readonly postgres?: string
  readonly mysql?: string
  readonly postgresRestart?: string
  readonly mysqlRestart?: string
  readonly rounds?: string
  readonly seed?: string
  readonly faults?: string
  readonly pairs?: string
  readonly freezeSeconds?: string
  readonly report?: string
  readonly continue?: string
  readonly json?: boolean
}

const DEFAULT_ROUNDS = 3
const DEFAULT_FREEZE_SECONDS = 60

export const torture = command(async (flags: TortureFlags): Promise<number> => {
  const json = flags.json === true
  using stop = stopSignals(() =>
    process.stderr.write(`${styleText('yellow', 'stopping')} when the rounds that have begun are over\n`),
  )
  const earlier = flags.continue === undefined ? undefined : await readReport(flags.continue)
  const report = await runTorture({
    command: [process.execPath, fileURLToPath(import.meta.resolve('#main'))],
    version: await ownVersion(),
    servers: {
      ...(flags.postgres === undefined ? {} : { postgres: loan(flags.postgres, flags.postgresRestart) }),
      ...(flags.mysql === undefined ? {} : { mysql: loan(flags.mysql, flags.mysqlRestart) }),
    },
    rounds: countOf('rounds', flags.rounds ?? String(earlier?.rounds ?? DEFAULT_ROUNDS)),
    seed: countOf('seed', flags.seed ?? String(earlier?.seed ?? 1 + Math.floor(Math.random() * 1e9))),
    freezeSeconds: countOf('freeze-seconds', flags.freezeSeconds ?? String(earlier?.freezeSeconds ?? DEFAULT_FREEZE_SECONDS)),
    earlier,
    parallel: availableParallelism(),
    faults: choose('faults', flags.faults, FAULTS),
    pairs: choose(
      'pairs',
      flags.pairs,
      PAIRS.filter(({ source, sink }) => flags.pairs !== undefined || [source, sink].every(hasServer)),
    ),
    signal: AbortSignal.any([stop.drain, stop.abort]),
    onRound: result => tell(result, json),
  })
  const file = flags.report ?? flags.continue
  if (file !== undefined) await writeFile(file, `${JSON.stringify(report, null, 1)}\n`)
  process.stdout.write(`${json ? JSON.stringify({ event: 'scorecard', ...report }) : render(report)}\n`)
  return report.cells.every(isExact) ? EXIT_CODES.ok.code : EXIT_CODES.differs.code

  /** Without a choice of the user, all pairs whose servers were named. */
  function hasServer(system: string): boolean {
    return (system !== 'postgres' && system !== 'mysql') || flags[system] !== undefined
  }
})

const loan = (url: string, restart: string | undefined) => (restart === undefined ? { url } : { url, restart })

async function ownVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL(import.meta.resolve('#package')), 'utf8')) as { version: string }
  return version
}

function tell(result: RoundResult, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ event: 'round', ...result })}\n`)
  else {
    const { fault, pair, round, fired, lost, repeated, changed, failure } = result
    const wrong = failure ?? (lost + repeated > 0 || changed ? `${lost} lost, ${repeated} repeated` : undefined)
    const mark = wrong === undefined ? styleText('green', 'exact') : styleText('red', 'WRONG')
    const what = `${fault} on ${pair}, round ${round + 1}${fired ? '' : ', came too late'}`
    process.stderr.write(`${mark}  ${what}${wrong === undefined ? '' : `: ${wrong}`}\n`)
  }
}

const HEAD = [
  'fault',
  'pair',
  'rounds',
  'attempts',
  'fired',
  'lost',
  'repeated',
  'changed',
  'failed',
  'worst recovery',
  'stopped with',
]

function render({ cells, absent, seed, rounds, seconds, servers }: TortureReport): string {
  const rows = cells.map(cell => [
    cell.fault,
    cell.pair,
    ...[cell.rounds, cell.attempts, cell.fired, cell.lost, cell.repeated, cell.changed, cell.failures.length].map(String),
    cell.worstRecoverySeconds === null ? '' : formatSeconds(cell.worstRecoverySeconds),
    Object.entries(cell.stops)
      .map(([code, times]) => `${code} ${times}`)
      .join(', '),
  ])
  const wrong = cells.filter(cell => !isExact(cell)).length
  const verdict = wrong === 0 ? styleText('green', 'exact') : styleText('red', `${wrong} of ${cells.length} lines are wrong`)
  const reasons = Map.groupBy(absent, ({ reason }) => reason)
  return [
    ...formatTable([HEAD, ...rows], [false, false, true, true, true, true, true, true, true, true, false]),
    ...reasons
      .entries()
      .map(([reason, cells]) => `left out, ${reason}: ${[...new Set(cells.map(({ fault }) => fault))].join(', ')}`),
    `${verdict}: seed ${seed}, ${rounds} rounds of the matrix, ${formatSeconds(seconds)}, ${servers.join(' and ')}`,
  ].join('\n')
}
