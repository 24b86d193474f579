import { styleText } from 'node:util'
import * as catalog from '#catalog'
import { runJob, type JobSpec, type RunReport } from '#engine'
import { SluiceError } from '#errors'
import { command } from '../command.ts'
import { copyIntoTable } from '../copy-into-table.ts'
import { cliErrors } from '../errors.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { loadSpec, type JobFlags } from '../load-spec.ts'
import { printWarnings } from '../print-warnings.ts'
import { progressView } from '../progress.ts'
import { renderReport } from '../report.ts'
import { safeLine, safeText } from '../secrets.ts'
import { stopSignals, type StopSignals } from '../stop-signals.ts'

export interface RunFlags extends JobFlags {
  readonly json?: boolean
  readonly resume?: boolean
  readonly fresh?: boolean
  readonly runId?: string
}

export const run = command(async (flags: RunFlags, file: string): Promise<number> => {
  if (flags.resume && flags.fresh) throw cliErrors.conflictingFlags({ flags: '--resume and --fresh' })
  const { spec, warnings, isRestore } = await loadSpec(file, flags)
  printWarnings(warnings, flags.json === true)
  const view = progressView({ json: flags.json === true, out: process.stderr, data: process.stdout })
  using stop = stopSignals(() =>
    process.stderr.write(`${styleText('yellow', 'stopping')} after the next commit; once more to stop at once\n`),
  )
  const report = await runJob(spec, catalog, {
    resume: flags.resume ?? (isRestore && !flags.fresh),
    fresh: flags.fresh ?? false,
    ...(flags.runId === undefined ? {} : { runId: flags.runId }),
    drain: stop.drain,
    signal: stop.abort,
    onEvent: event => view.event(event),
  }).finally(() => view.end())
  print(report, flags.json === true)
  if (report.outcome !== 'drained') await copyBadRows(spec, flags.json === true, stop)
  return report.outcome === 'drained' ? EXIT_CODES.interrupted.code : EXIT_CODES.ok.code
})

/** The run has ended well, whatever becomes of this: the rows are in files. */
async function copyBadRows(spec: JobSpec, json: boolean, stop: StopSignals): Promise<void> {
  if (spec.badRowTable === undefined) return
  try {
    await copyIntoTable(spec, { json, stop })
  } catch (error) {
    const { code, message } = SluiceError.from(error)
    const text = `Rows that were set aside are not in the table of the job: ${message} They are kept; \`sluice dirty export --table\` copies them.`
    printWarnings([{ code, message: text }], json)
  }
}

function print(report: RunReport, json: boolean): void {
  if (json) process.stdout.write(safeLine({ event: 'report', ...report, peakMemoryBytes: peakMemory() }))
  else process.stderr.write(`${safeText(renderReport(report, peakMemory()))}\n`)
}

/** Largest resident set of this process so far, in bytes. */
const peakMemory = () => process.resourceUsage().maxRSS * 1024
