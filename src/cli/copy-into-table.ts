import { styleText } from 'node:util'
import * as catalog from '#catalog'
import { copyBadRows, type CopyReport, type JobSpec } from '#engine'
import { cliErrors } from './errors.ts'
import { formatCount } from './format.ts'
import { progressView } from './progress.ts'
import { safeLine } from './secrets.ts'
import type { StopSignals } from './stop-signals.ts'

export interface CopyFlags {
  readonly json: boolean
  readonly stop: StopSignals
  /** Only the rows of this run. */
  readonly run?: string | undefined
}

/** Copies rows that were set aside into the table of the job, as far as they are not there yet, and says how many. */
export async function copyIntoTable(spec: JobSpec, { json, stop, run }: CopyFlags): Promise<CopyReport> {
  if (spec.badRowTable === undefined) throw cliErrors.noBadRowTable({})
  const view = progressView({ json, out: process.stderr, data: process.stdout })
  const report = await copyBadRows(spec, spec.badRowTable, catalog, {
    ...(run === undefined ? {} : { run }),
    drain: stop.drain,
    signal: stop.abort,
    // What else happens is that of a job which the user has not written.
    onEvent: event => {
      if (event.kind === 'restarting' || event.kind === 'warning') view.event(event)
    },
  })
  if (json) process.stdout.write(safeLine({ event: 'copied', ...report }))
  else if (report.rows > 0 || report.unfinished !== undefined) process.stderr.write(`${sentence(report)}\n`)
  return report
}

function sentence({ rows, unfinished, outcome }: CopyReport): string {
  const rest = unfinished === undefined ? '' : `; those of run ${unfinished} follow when it has finished`
  const early = outcome === 'drained' ? `; ${styleText('yellow', 'stopped')}, the rest is still to be copied` : ''
  return `${formatCount(rows)} rows that were set aside are now in the table of the job${early}${rest}`
}
