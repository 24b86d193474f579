/** Rows that runs have set aside: count them, look at them, write them again. */
import { styleText } from 'node:util'
import * as catalog from '#catalog'
import { badRowSetsOf, namedValues, replayBadRows, rowsOfSet, type BadRowSet, type JobSpec, type ReplayReport } from '#engine'
import { command } from '../command.ts'
import { copyIntoTable } from '../copy-into-table.ts'
import { countOf } from '../count-flag.ts'
import { cliErrors } from '../errors.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { formatCount, formatTable } from '../format.ts'
import { loadSpec, type JobFlags } from '../load-spec.ts'
import { progressView } from '../progress.ts'
import { safeLine, safeText } from '../secrets.ts'
import { stopSignals } from '../stop-signals.ts'

export interface DirtyFlags extends JobFlags {
  readonly json?: boolean
  readonly run?: string
}

export interface ShowFlags extends DirtyFlags {
  readonly rows?: string
}

export interface ExportFlags extends DirtyFlags {
  readonly table?: boolean
}

const DEFAULT_ROWS = '20'

export const list = command(async (flags: DirtyFlags, file: string): Promise<number> => {
  const { spec } = await loadSpec(file, flags)
  const lines: string[][] = []
  for (const set of await setsOf(spec, flags.run)) {
    const codes = new Map<string, number>()
    for await (const { row } of rowsOfSet(set)) codes.set(row.code, (codes.get(row.code) ?? 0) + 1)
    const rows = [...codes.values()].reduce((sum, count) => sum + count, 0)
    const { job, run, replayed, leftBehind, folder } = set
    if (flags.json)
      process.stdout.write(
        safeLine({
          job,
          run,
          rows,
          codes: Object.fromEntries(codes),
          replayed: replayed ?? null,
          leftBehind: leftBehind ?? null,
          folder,
        }),
      )
    else
      lines.push([
        run,
        formatCount(rows),
        [...codes].map(([code, count]) => `${formatCount(count)} ${code}`).join(', '),
        replayed ? `replayed ${replayed}` : leftBehind ? `left behind ${leftBehind}` : '',
      ])
  }
  if (!flags.json)
    process.stdout.write(
      lines.length === 0 ? 'No rows are set aside.\n' : `${formatTable([['run', 'rows', 'reasons', ''], ...lines]).join('\n')}\n`,
    )
  return EXIT_CODES.ok.code
})

export const show = command(async (flags: ShowFlags, file: string): Promise<number> => {
  const { spec } = await loadSpec(file, flags)
  let left = countOf('rows', flags.rows ?? DEFAULT_ROWS)
  for (const set of await setsOf(spec, flags.run)) {
    for await (const { head, row } of rowsOfSet(set)) {
      if (left-- <= 0) return EXIT_CODES.ok.code
      if (flags.json) print({ run: head.run, dataset: head.dataset, split: head.split, ...row, message: safeText(row.message) })
      else {
        const { key, code, message, text, column, time } = row
        const values = isWhole(row)
          ? [`    ${text}`]
          : head.columns.map(
              ({ name }, i) => `    ${name} = ${name === column && text !== undefined ? text : JSON.stringify(row.row[i])}`,
            )
        process.stdout.write(
          `${styleText('bold', `${head.dataset} ${key}`)}  ${code}  ${time}\n  ${safeText(message)}\n${values.join('\n')}\n`,
        )
      }
    }
  }
  return EXIT_CODES.ok.code
})

/** The values of all rows as JSON Lines: for a spreadsheet, or to be corrected by hand and read by `jsonl`; or into the table of the job. */
export const exportRows = command(async (flags: ExportFlags, file: string): Promise<number> => {
  const { spec } = await loadSpec(file, flags)
  const sets = await setsOf(spec, flags.run)
  if (flags.table) {
    using stop = stopSignals(() => process.stderr.write(`${styleText('yellow', 'stopping')} after the next commit\n`))
    const { rows, outcome, unfinished } = await copyIntoTable(spec, { json: flags.json === true, stop, run: flags.run })
    if (!flags.json && rows === 0 && unfinished === undefined) process.stderr.write('The table has all rows.\n')
    return outcome === 'drained' ? EXIT_CODES.interrupted.code : EXIT_CODES.ok.code
  }
  for (const set of sets) {
    for await (const { head, row } of rowsOfSet(set)) print(namedValues(head.columns, row))
  }
  return EXIT_CODES.ok.code
})

/** A row of which there is only the text: the source could not divide it into columns. */
const isWhole = ({ column, text }: { readonly column?: string; readonly text?: string }) =>
  column === undefined && text !== undefined

/** Writes all rows again that no replay has written yet. What fails again is set aside once more, by the replay. */
export const replay = command(async (flags: DirtyFlags, file: string): Promise<number> => {
  const { spec } = await loadSpec(file, flags)
  await setsOf(spec, flags.run)
  const view = progressView({ json: flags.json === true, out: process.stderr, data: process.stdout })
  using stop = stopSignals(() => process.stderr.write(`${styleText('yellow', 'stopping')} after the next commit\n`))
  let report: ReplayReport
  try {
    report = await replayBadRows(spec, catalog, {
      run: flags.run,
      drain: stop.drain,
      signal: stop.abort,
      onEvent: event => view.event(event),
    })
  } finally {
    view.end()
  }
  const { outcome, ...counts } = report
  if (outcome === 'drained') return EXIT_CODES.interrupted.code
  if (flags.json) print({ event: 'replayed', ...counts })
  else process.stdout.write(sentenceOf(report))
  return report.left === 0 && report.unfinished === undefined ? EXIT_CODES.ok.code : EXIT_CODES.differs.code
})

function sentenceOf({ sets, written, left, leftBehind, unfinished }: ReplayReport): string {
  const done = `${formatCount(written)} rows written, ${formatCount(left)} still cannot be written\n`
  const rest = unfinished === undefined ? '' : `The rows of run ${unfinished} wait until it has finished: go on with it first.\n`
  const old = leftBehind.map(
    run => `Not replayed: run ${run} was left behind, and a newer one met its rows again. \`--run\` writes them.\n`,
  )
  return `${sets > 0 ? done : rest === '' ? 'Nothing is waiting to be replayed.\n' : ''}${rest}${old.join('')}`
}

async function setsOf(spec: JobSpec, run: string | undefined): Promise<BadRowSet[]> {
  const sets = await badRowSetsOf(spec)
  if (run === undefined) return sets
  const chosen = sets.filter(set => set.run === run)
  if (chosen.length === 0) throw cliErrors.noBadRows({ run, runs: sets.map(set => set.run).join(', ') || 'none' })
  return chosen
}

/** Rows are what they are, even where a value of theirs is the password. */
const print = (object: object) => void process.stdout.write(`${JSON.stringify(object)}\n`)
