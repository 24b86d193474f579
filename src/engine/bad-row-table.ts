/**
 * Copies what runs of a job have set aside into a table: each run by a job of its own, with the writer and the ledger of the table's connector,
 * so that every row arrives exactly once and a copy that was interrupted goes on. The files stay what counts.
 *
 * Only runs that cannot go on any more are copied: the file of one that can may be cut back.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { badRowSets, isOfRun, markCopied, type BadRowSet } from './bad-row-sets.ts'
import { BAD_ROWS_SOURCE, badRowsSource } from './bad-rows-source.ts'
import { runJob, withRecorder, type RunOptions } from './run.ts'
import { DEFAULT_LIMITS, type BadRowTable, type JobSpec, type RestartPolicy } from './spec.ts'
import { jobFolder, StateStore } from './state-store.ts'
import type { Connectors } from './worker.ts'

export interface CopyOptions extends Pick<RunOptions, 'drain' | 'signal' | 'onEvent'> {
  /** Only the rows of this run. */
  readonly run?: string
}

export interface CopyReport {
  /** Rows that were copied now. */
  readonly rows: number
  /** The run whose rows are not copied, as it can still go on. */
  readonly unfinished?: string
  /** `drained`: stopped between two commits. */
  readonly outcome: 'copied' | 'drained'
}

/** The rows are safe in files, so nobody waits long for the table. */
const RESTART: RestartPolicy = { attempts: 3, leastMs: 10_000, firstDelayMs: 500, maxDelayMs: 2_000 }

export async function copyBadRows(
  spec: JobSpec,
  table: BadRowTable,
  connectors: Connectors,
  { run, ...options }: CopyOptions,
): Promise<CopyReport> {
  const state = new StateStore(spec.stateDir, spec.id)
  await using _lock = await state.lock(spec.id)
  const all = await badRowSets(jobFolder(spec.badRows?.baseFolder ?? spec.stateDir, spec.id))
  const missing = all.filter(set => !set.copied.includes(table.id) && (run === undefined || set.run === run))
  if (missing.length === 0) return { rows: 0, outcome: 'copied' }
  const newest = await withRecorder(spec, connectors, state, options.signal, recorder => recorder.find(spec.id, false))
  const unfinished = missing.find(set => newest?.finished === false && isOfRun(set, newest))
  let rows = 0
  for (const set of missing) {
    if (set === unfinished) continue
    const report = await runJob(copySpec(table, set), withBadRows(connectors), {
      ...options,
      runId: set.run,
      resume: true,
      fresh: false,
    })
    rows += report.meter.rowsWritten
    if (report.outcome === 'drained') return { rows, outcome: 'drained' }
    await markCopied(set, table.id)
  }
  return { rows, outcome: 'copied', ...(unfinished === undefined ? {} : { unfinished: unfinished.run }) }
}

/** Its state lies beside the files that it copies. A row that the table refuses stops it: the table is to be changed, not the row. */
function copySpec({ id, sink }: BadRowTable, { job, run, began, folder, files }: BadRowSet): JobSpec {
  const digest = createHash('sha256').update(JSON.stringify([job, run, began, id]))
  return {
    id: `${job}/dirty-${digest.digest('hex').slice(0, 12)}`,
    source: { connector: BAD_ROWS_SOURCE, options: { files, as: 'records' } },
    sink: { connector: sink.connector, options: { ...sink.options, createTable: true } },
    readers: 1,
    writers: 1,
    limits: DEFAULT_LIMITS,
    restart: RESTART,
    checkpointSeconds: 30,
    stateDir: join(folder, 'copies'),
  }
}

/** The catalog, and the source that is no system of its own. */
export function withBadRows(connectors: Connectors): Connectors {
  return {
    source: async name => (name === BAD_ROWS_SOURCE ? badRowsSource : connectors.source(name)),
    sink: name => connectors.sink(name),
  }
}
