/**
 * Writes rows that were set aside again, through the writer of their job: each run's by a run of the job `<job>/replay`, so that every row arrives
 * exactly once and a replay that was interrupted goes on. What fails again is set aside once more, by that run.
 *
 * Only runs that cannot go on any more are replayed: one that can may take rows back, and set aside others. Nor are those that were left behind,
 * unless they are named: the run that was begun instead has met the same rows, and they would be written twice.
 */
import { createHash } from 'node:crypto'
import { badRowSets, isOfRun, markReplayed, type BadRowSet } from './bad-row-sets.ts'
import { withBadRows } from './bad-row-table.ts'
import { BAD_ROWS_SOURCE } from './bad-rows-source.ts'
import { runJob, withRecorder, type RunOptions } from './run.ts'
import type { JobSpec } from './spec.ts'
import { jobFolder, StateStore } from './state-store.ts'
import type { Connectors } from './worker.ts'

export interface ReplayOptions extends Pick<RunOptions, 'drain' | 'signal' | 'onEvent'> {
  /** Only the rows of this run. */
  readonly run: string | undefined
}

export interface ReplayReport {
  /** Runs whose rows were replayed. */
  readonly sets: number
  readonly written: number
  /** Rows that still cannot be written. */
  readonly left: number
  /** Runs whose rows were not replayed, as a newer run has met them again. */
  readonly leftBehind: readonly string[]
  /** The run whose rows were not replayed, as it can still go on. */
  readonly unfinished?: string
  /** `drained`: stopped between two commits. */
  readonly outcome: 'replayed' | 'drained'
}

const replayJob = (job: string) => `${job}/replay`

/** What the runs of a job and its replays have set aside. */
export async function badRowSetsOf({ id, stateDir, badRows }: JobSpec): Promise<BadRowSet[]> {
  const base = badRows?.baseFolder ?? stateDir
  return [...(await badRowSets(jobFolder(base, id))), ...(await badRowSets(jobFolder(base, replayJob(id))))]
}

export async function replayBadRows(
  spec: JobSpec,
  connectors: Connectors,
  { run, ...options }: ReplayOptions,
): Promise<ReplayReport> {
  const state = new StateStore(spec.stateDir, spec.id)
  await using _lock = await state.lock(spec.id)
  const waiting = (await badRowSetsOf(spec)).filter(({ replayed }) => replayed === undefined)
  let [sets, written, left] = [0, 0, 0]
  if (waiting.length === 0) return { sets, written, left, leftBehind: [], outcome: 'replayed' }
  const newest = await newestRun(spec, connectors, options.signal)
  const begun = await newestRun({ ...spec, id: replayJob(spec.id) }, connectors, options.signal)
  const chosen = waiting.filter(set => (run === undefined ? set.leftBehind === undefined : set.run === run))
  const leftBehind = run === undefined ? waiting.flatMap(set => (set.leftBehind === undefined ? [] : [set.run])) : []
  const unfinished = chosen.find(set => newest?.finished === false && isOfRun(set, newest))
  // A job has one run that can go on, so what was begun comes first: another one would make the ledger forget how far it is.
  const first = waiting.filter(set => runIdOf(set) === begun?.run)
  for (const { folder } of new Set([...first, ...chosen])) {
    if (folder === unfinished?.folder) continue
    // A replay that has just gone on may have added to it.
    const set = (await badRowSetsOf(spec)).find(now => now.folder === folder)!
    const report = await runJob(replaySpec(spec, set), withBadRows(connectors), {
      ...options,
      runId: runIdOf(set),
      resume: true,
      fresh: false,
    })
    sets++
    written += report.meter.rowsWritten
    left += report.rowsBad
    if (report.outcome === 'drained') return { sets, written, left, leftBehind, outcome: 'drained' }
    await markReplayed(set)
  }
  return {
    sets,
    written,
    left,
    leftBehind,
    ...(unfinished === undefined ? {} : { unfinished: unfinished.run }),
    outcome: 'replayed',
  }
}

const newestRun = (spec: JobSpec, connectors: Connectors, signal: AbortSignal) =>
  withRecorder(spec, connectors, new StateStore(spec.stateDir, spec.id), signal, recorder => recorder.find(spec.id, false))

const runIdOf = ({ job, run, began }: BadRowSet) =>
  `replay-${createHash('sha256')
    .update(JSON.stringify([job, run, began]))
    .digest('hex')
    .slice(0, 12)}`

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
