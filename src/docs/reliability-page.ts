/** Renders `docs/reliability.md` from the result of a torture. */
import { FAULTS, isExact, matrixRounds, PAIRS, RECOVERY_SECONDS, type Cell, type TortureReport } from '#torture'
import { table } from './option-docs.ts'

/** A row of docs/memory.json, which src/cli/memory.postgres.mysql.test.ts writes. Bytes. */
export interface PeakMemory {
  readonly job: string
  /** As the user set it. */
  readonly memory: number
  /** That, and the documented base. */
  readonly allowed: number
  readonly peak: number
}

export function reliabilityPage(report: TortureReport, peaks: readonly PeakMemory[]): string {
  const { cells, sluice, began, seconds, seed, rounds, rows, freezeSeconds, machine, servers } = report
  const all = sum(cells)
  const wrong = cells.filter(cell => !isExact(cell))
  const parts = [
    '# Reliability',
    `What \`npm run torture\` found: jobs of ${count(rows)} rows are broken at random moments and brought to their end, then keys and content of the target are compared with those of the source, by other clients than those that moved them. A fault counts as *fired* when there is proof that it happened: the signal that ended the process, the proxy's own count, the uptime of a server, what the engine itself says.`,
    `**${count(all.rounds)} rounds, ${count(all.fired)} faults fired, ${count(all.lost)} rows lost, ${count(all.repeated)} repeated, ${count(all.changed)} rounds with changed content, ${count(all.failed)} rounds that ended otherwise than promised.**`,
    '## By fault',
    table(
      ['Fault', ...FIGURES, 'What is done'],
      FAULTS.map(({ name, title }) => [
        `\`${name}\``,
        ...figures(cells.filter(({ fault }) => fault === name)),
        name === 'freeze' ? `${title} after ${freezeSeconds} s` : title,
      ]),
    ),
    `*Worst recovery* is the longest time from the end of a fault, or the start of the next command, to the end of the whole job, so what was left to do counts, too. A connection that is half-open stays so; there the time begins with the fault. Where a connection or a server was away, more than ${RECOVERY_SECONDS} s is a failure. *Stopped* counts rounds in which the job rightly refused to go on, with a code and without touching the target, because what it needs to know had been taken from it; it was then begun afresh in an empty target.`,
    '## By pair',
    table(
      ['Pair', ...FIGURES],
      PAIRS.map(({ name, source, sink }) => [`${source} → ${sink}`, ...figures(cells.filter(({ pair }) => pair === name))]),
    ),
    '## Fired of how many rounds, by fault and pair',
    table(
      ['Fault', ...PAIRS.map(({ source, sink }) => `${source} → ${sink}`)],
      FAULTS.map(({ name }) => [`\`${name}\``, ...PAIRS.map(pair => firedOn(report, name, pair.name))]),
    ),
    ...absences(report),
    ...howFar(report),
    ...(wrong.length === 0 ? [] : ['## Never fired, or not as promised', wrong.map(wrongLine).join('\n')]),
    '## Memory',
    'Memory is a number that the user sets (`--max-memory`). *Allowed* is that and what the runtime, workers and columns take (ARCHITECTURE.md §7); *peak* is the largest resident set of the process, as the kernel counted it.',
    table(
      ['Job', 'Set', 'Allowed', 'Peak'],
      peaks.map(({ job, ...bytes }) => [job, ...[bytes.memory, bytes.allowed, bytes.peak].map(mebibytes)]),
    ),
    '## Speed',
    'With ledger, checkpoints and `isRestore` on, as in all of the above: [benchmarks.md](benchmarks.md).',
    '## Again',
    `    npm run torture -- --rounds ${rounds} --seed ${seed} --freeze-seconds ${freezeSeconds} --report docs/reliability.json\n    npm run docs`,
    'The seed decides moments and bytes; what a process is doing at that moment, the machine decides. With servers of your own: `sluice torture --postgres URL --mysql URL`. It makes databases of its own on them and removes those; it kills them only with a command that you give it (`--postgres-restart`, `--mysql-restart`).',
    'Nearer to single points, and part of the tests:',
    table(
      ['Command', 'What'],
      [
        [
          '`SLUICE_KILLS=200 SLUICE_SEED=1 npm test -- kill-9`',
          'kill -9 at so many points of five pairs, 50 by default, and at an eighth as many of five more; the seed is 20261121 by default',
        ],
        ['`npm test -- faults`', 'network, servers and state directory, at chosen bytes and moments'],
        ['`npm test -- disk-full`', 'full disks of files, state, checkpoints and a tablespace'],
        ['`npm test -- worker-death`', 'threads that end, and threads without memory'],
        ['`SLUICE_UPDATE_GOLDEN=1 npm test -- memory.postgres`', 'measures memory anew'],
        ['`npm run fuzz -- --target NAME --seconds N --seed S`', 'nearly valid bytes for every decoder'],
      ],
    ),
    `Sluice ${sluice}, ${servers.join(', ')}, Node ${machine.node}, ${machine.system}, ${machine.cores} cores (${machine.processor.trim()}), ${Math.round(machine.memoryBytes / 1024 ** 3)} GiB; ${began.slice(0, 10)}, ${Math.round(seconds / 60)} minutes.`,
    '<!-- Generated by `npm run docs` from docs/reliability.json and docs/memory.json. -->',
  ]
  return `${parts.join('\n\n')}\n`
}

const FIGURES = ['Rounds', 'Fired', 'Lost', 'Repeated', 'Changed', 'Failed', 'Stopped', 'Worst recovery']

function figures(cells: readonly Cell[]): string[] {
  const { rounds, fired, lost, repeated, changed, failed, stopped, worst } = sum(cells)
  return [...[rounds, fired, lost, repeated, changed, failed, stopped].map(count), worst === 0 ? '' : `${worst.toFixed(1)} s`]
}

function sum(cells: readonly Cell[]) {
  const total = { rounds: 0, fired: 0, lost: 0, repeated: 0, changed: 0, failed: 0, stopped: 0, worst: 0 }
  for (const cell of cells) {
    for (const figure of ['rounds', 'fired', 'lost', 'repeated', 'changed'] as const) total[figure] += cell[figure]
    total.failed += cell.failures.length
    total.stopped += Object.values(cell.stops).reduce((all, times) => all + times, 0)
    total.worst = Math.max(total.worst, cell.worstRecoverySeconds ?? 0)
  }
  return total
}

function firedOn({ cells, absent }: TortureReport, fault: string, pair: string): string {
  const isHere = (other: { readonly fault: string; readonly pair: string }) => other.fault === fault && other.pair === pair
  const cell = cells.find(isHere)
  return cell === undefined ? (absent.some(isHere) ? '–' : '') : `${cell.fired} of ${cell.rounds}`
}

/** How much of a matrix that was stopped there is. */
function howFar({ cells, absent, rounds }: TortureReport): string[] {
  const isAll = cells.length + absent.length === FAULTS.length * PAIRS.length
  const whole = isAll ? Math.min(...cells.map(cell => Math.floor(matrixRounds(cell)))) : 0
  return whole >= rounds
    ? []
    : [`It was stopped in round ${whole + 1} of ${rounds}, so that some had that round and others had not.`]
}

/** Why cells have a dash: one line per reason and faults. */
function absences({ absent }: TortureReport): string[] {
  if (absent.length === 0) return []
  const reasons = Map.groupBy(absent, ({ reason }) => reason)
  const lines = reasons.entries().map(([reason, cells]) => {
    const faults = [...new Set(cells.map(({ fault }) => `\`${fault}\``))]
    return `* ${faults.join(', ')}: ${reason}.`
  })
  return [
    'A fault that came too late was tried again in the same round, and what came of it judged as well. A dash where it cannot happen:',
    [...lines].join('\n'),
  ]
}

const mebibytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`

function wrongLine({ fault, pair, rounds, fired, lost, repeated, changed, failures }: Cell): string {
  const first = failures[0]?.split('\n')[0]
  return `* \`${fault}\` on ${pair}: fired ${fired} of ${rounds}, ${lost} lost, ${repeated} repeated, ${changed} changed, ${failures.length} failed${first === undefined ? '' : ` (${first})`}`
}

const count = (number: number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',')
