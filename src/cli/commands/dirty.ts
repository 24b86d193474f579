/** Rows that runs have set aside: count them, look at them, write them again. */
import { styleText } from 'node:util'
import * as catalog from '#catalog'
import {
  badRowSets,
  BAD_ROWS_SOURCE,
  jobFolder,
  markReplayed,
  namedValues,
  rowsOfSet,
  runJob,
  withBadRows,
  type BadRowSet,
  type JobSpec,
} from '#engine'
import { createHash } from 'node:crypto'
import { command } from '../command.ts'
import { copyIntoTable } from '../copy-into-table.ts'
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

const DEFAULT_ROWS = 20

export const list = command(async (flags: DirtyFlags, file: string): Promise<number> => {
  const { spec } = await loadSpec(file, flags)
  const lines: string[][] = []
  for (const set of await setsOf(spec, flags.run)) {
    const codes = new Map<string, number>()
    for await (const { row } of rowsOfSet(set)) codes.set(row.code, (codes.get(row.code) ?? 0) + 1)
    const rows = [...codes.values()].reduce((sum, count) => sum + count, 0)
    const { job, run, replayed, folder } = set
    if (flags.json)
      process.stdout.write(safeLine({ job, run, rows, codes: Object.fromEntries(codes), replayed: replayed ?? null, folder }))
    else
      lines.push([
        run,
        formatCount(rows),
        [...codes].map(([code, count]) => `${formatCount(count)} ${code}`).join(', '),
        replayed ? `replayed ${replayed}` : '',
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
  let left = Number(flags.rows ?? DEFAULT_ROWS)
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
  const waiting = (await setsOf(spec, flags.run)).filter(({ replayed }) => replayed === undefined)
  const view = progressView({ json: flags.json === true, out: process.stderr, data: process.stdout })
  using stop = stopSignals(() => process.stderr.write(`${styleText('yellow', 'stopping')} after the next commit\n`))
  let [written, left] = [0, 0]
  try {
    for (const set of waiting) {
      const report = await runJob(replaySpec(spec, set), withBadRows(catalog), {
        runId: `replay-${createHash('sha256').update(`${set.job} ${set.run}`).digest('hex').slice(0, 12)}`,
        resume: true,
        fresh: false,
        drain: stop.drain,
        signal: stop.abort,
        onEvent: event => view.event(event),
      })
      if (report.outcome === 'drained') return EXIT_CODES.interrupted.code
      await markReplayed(set)
      written += report.meter.rowsWritten
      left += report.rowsBad
    }
  } finally {
    view.end()
  }
  if (flags.json) print({ event: 'replayed', sets: waiting.length, written, left })
  else
    process.stdout.write(
      waiting.length === 0
        ? 'Nothing is waiting to be replayed.\n'
        : `${formatCount(written)} rows written, ${formatCount(left)} still cannot be written\n`,
    )
  return left === 0 ? EXIT_CODES.ok.code : EXIT_CODES.differs.code
})

const replayJob = (job: string) => `${job}/replay`

/** Sets of the job and of its replays. */
async function setsOf(spec: JobSpec, run: string | undefined): Promise<BadRowSet[]> {
  const base = spec.badRows?.baseFolder ?? spec.stateDir
  const sets = [...(await badRowSets(jobFolder(base, spec.id))), ...(await badRowSets(jobFolder(base, replayJob(spec.id))))]
  if (run === undefined) return sets
  const chosen = sets.filter(set => set.run === run)
  if (chosen.length === 0) throw cliErrors.noBadRows({ run, runs: sets.map(set => set.run).join(', ') || 'none' })
  return chosen
}

/** The same target without what belongs to the beginning and the end of the job: a replay must not empty what the job has written. */
function replaySpec(spec: JobSpec, { files }: BadRowSet): JobSpec {
  const { preSql: _pre, postSql: _post, ...options } = spec.sink.options
  const isFile = options['writeMode'] === 'overwrite' || options['writeMode'] === 'nonconflict'
  return {
    ...spec,
    id: replayJob(spec.id),
    source: { connector: BAD_ROWS_SOURCE, options: { files, as: 'rows' } },
    sink: { connector: spec.sink.connector, options: { ...options, ...(isFile ? { writeMode: 'append' } : {}) } },
    readers: 1,
    writers: 1,
    badRows: {
      limit: { record: null, percentage: null },
      kinds: { conversion: 'quarantine', duplicate: 'quarantine', constraint: 'quarantine' },
      ...(spec.badRows?.baseFolder === undefined ? {} : { baseFolder: spec.badRows.baseFolder }),
    },
  }
}

/** Rows are what they are, even where a value of theirs is the password. */
const print = (object: object) => void process.stdout.write(`${JSON.stringify(object)}\n`)
