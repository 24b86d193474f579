/** Runs a job: plan, decide whether to begin or to go on, attempts until it is done, record what happened. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { ledgerErrors, type Reader, type RunRecord, type Split, type Writer } from '#connector'
import { SluiceError } from '#errors'
import { Attempt, type CheckpointStore, type WorkerEndpoint } from './attempt.ts'
import { markLeftBehind } from './bad-row-sets.ts'
import { portEndpoint, threadEndpoint } from './endpoint.ts'
import { engineErrors } from './errors.ts'
import { NO_METER, type Meter } from './messages.ts'
import { addMeters } from './meter.ts'
import { makePlan, type Plan } from './plan.ts'
import { recorderOf, type Recorder } from './recorder.ts'
import { Restarts } from './restarts.ts'
import type { BadRowPolicy, JobSpec, Memo } from './spec.ts'
import { StateStore } from './state-store.ts'
import { contextOf, serveWorker, type Connectors } from './worker.ts'

export interface RunOptions {
  /** Id that a scheduler gives: the retry of a finished run does nothing, of an unfinished one goes on. */
  readonly runId?: string
  /** Go on with an unfinished run when there is one. */
  readonly resume: boolean
  /** Begin anew whatever there is. */
  readonly fresh: boolean
  /** Stop at the next point where everything is durable. */
  readonly drain: AbortSignal
  /** Stop at once. */
  readonly signal: AbortSignal
  readonly onEvent: (event: RunEvent) => void
  /** Where workers run; threads of this process unless a test or another coordinator says otherwise. */
  readonly startWorker?: (worker: number) => WorkerEndpoint
}

export type RunEvent =
  | { readonly kind: 'planned'; readonly plan: Plan }
  /** An unfinished earlier run that is not gone on with. */
  | {
      readonly kind: 'left-behind'
      readonly run: string
      readonly began: string
      readonly splitsDone: number
      readonly splits: number
    }
  | { readonly kind: 'begun'; readonly run: string; readonly splits: number }
  | {
      readonly kind: 'resumed'
      readonly run: string
      readonly began: string
      readonly splits: number
      readonly splitsDone: number
      /** Splits that go on in their middle, with their positions. */
      readonly positions: readonly { readonly split: string; readonly position: unknown }[]
    }
  | { readonly kind: 'already-finished'; readonly run: string }
  | { readonly kind: 'progress'; readonly meter: Meter; readonly splits: number; readonly splitsDone: number }
  | { readonly kind: 'restarting'; readonly error: SluiceError; readonly attempt: number; readonly delayMs: number }
  | { readonly kind: 'warning'; readonly message: string; readonly detail?: object }

export interface RunReport {
  readonly job: string
  readonly run: string
  readonly outcome: 'finished' | 'drained' | 'already-finished'
  readonly resumed: boolean
  readonly attempts: number
  readonly splits: number
  readonly splitsDone: number
  readonly seconds: number
  /** Rows of the run that were set aside, those of earlier attempts included. */
  readonly rowsBad: number
  readonly meter: Meter
  readonly guarantee: Plan['guarantee']
}

const PROGRESS_MS = 250

/** Opens both ends for the coordinator, plans, and hands everything to `use`; closes both ends whatever happens. */
export async function withPlan<T>(
  spec: JobSpec,
  connectors: Connectors,
  signal: AbortSignal,
  warn: (message: string, detail?: object) => void,
  use: (open: { plan: Plan; reader: Reader; writer: Writer }) => Promise<T>,
): Promise<T> {
  const [source, sink] = await Promise.all([connectors.source(spec.source.connector), connectors.sink(spec.sink.connector)])
  const shared = {
    job: spec.id,
    limits: spec.limits,
    signal,
    warn,
    quarantine: spec.badRows !== undefined,
    ...(spec.resumeColumn === undefined ? {} : { resumeColumn: spec.resumeColumn }),
  }
  await using reader = await source.open(spec.source.options, contextOf({ ...shared, parallelism: spec.readers }))
  await using writer = await sink.open(spec.sink.options, contextOf({ ...shared, parallelism: spec.writers }))
  const plan = await makePlan(spec, { source, sink }, reader, writer)
  return await use({ plan, reader, writer })
}

export async function runJob(spec: JobSpec, connectors: Connectors, options: RunOptions): Promise<RunReport> {
  const state = new StateStore(spec.stateDir, spec.id)
  await using _lock = await state.lock(spec.id)
  const warn = (message: string, detail?: object) => options.onEvent({ kind: 'warning', message, ...(detail ? { detail } : {}) })
  // Until the run has begun there is nothing to drain.
  const stop = AbortSignal.any([options.signal, options.drain])
  const job = await withPlan(spec, connectors, stop, warn, async ({ plan, reader, writer }) => {
    options.onEvent({ kind: 'planned', plan })
    const started = new JobRun(spec, connectors, options, plan, state)
    await started.begin(reader, recorderOf(writer, state))
    return started
  })
  // Both ends are closed by now: a run may last for days, and workers have connections of their own.
  const report = await job.run()
  await state.record({ ...report, ended: new Date().toISOString() })
  return report
}

/** Asks where runs are recorded; for what happens between runs and attempts. */
export async function withRecorder<T>(
  { id, sink, limits, writers }: JobSpec,
  connectors: Connectors,
  state: StateStore,
  signal: AbortSignal,
  use: (recorder: Recorder) => Promise<T>,
): Promise<T> {
  const connector = await connectors.sink(sink.connector)
  await using writer = await connector.open(sink.options, contextOf({ job: id, limits, parallelism: writers, signal }))
  return await use(recorderOf(writer, state))
}

class JobRun {
  readonly #spec: JobSpec
  readonly #connectors: Connectors
  readonly #options: RunOptions
  readonly #plan: Plan
  readonly #state: StateStore
  readonly #started = performance.now()
  #record: RunRecord | undefined
  /** Sum over ended attempts. */
  #meter = NO_METER
  #attempts = 0
  #isResumed = false
  /** Rows that were set aside before the last attempt. */
  #badBefore = 0
  #badOfAttempt = 0
  readonly #doneSplits = new Set<string>()

  constructor(spec: JobSpec, connectors: Connectors, options: RunOptions, plan: Plan, state: StateStore) {
    this.#spec = { ...spec, limits: plan.limits }
    this.#connectors = connectors
    this.#options = options
    this.#plan = plan
    this.#state = state
  }

  async begin(reader: Reader, recorder: Recorder): Promise<void> {
    const found = await recorder.find(this.#spec.id, this.#options.resume || this.#options.runId !== undefined)
    const isRetry = found?.finished && found.run === this.#options.runId
    this.#record = isRetry ? found : await this.#beginOrResume(found, reader, recorder)
  }

  async run(): Promise<RunReport> {
    if (this.#record === undefined) throw new Error('a run that was not begun')
    let record = this.#record
    if (record.finished) {
      this.#options.onEvent({ kind: 'already-finished', run: record.run })
      return this.#report(record, 'already-finished')
    }
    const restarts = new Restarts(this.#spec.restart)
    for (;;) {
      const { commits } = this.#meter
      try {
        if (restarts.failures > 0) record = await this.#withRecorder(recorder => recorder.reclaim(record, this.#targets))
        return await this.#attempt(record)
      } catch (error) {
        await this.#waitBeforeRetry(await this.#reasonOf(error, record), restarts, this.#meter.commits > commits)
      }
    }
  }

  get #targets() {
    return this.#plan.datasets.map(({ target }) => target)
  }

  #withRecorder<T>(use: (recorder: Recorder) => Promise<T>): Promise<T> {
    return withRecorder(this.#spec, this.#connectors, this.#state, this.#options.signal, use)
  }

  async #beginOrResume(found: RunRecord | undefined, reader: Reader, recorder: Recorder): Promise<RunRecord> {
    const { runId, resume, fresh } = this.#options
    const unfinished = found && !found.finished ? found : undefined
    const wanted = runId === undefined ? resume : unfinished?.run === runId
    if (unfinished && wanted && !fresh) return this.#resume(unfinished, recorder)
    if (unfinished) this.#options.onEvent({ kind: 'left-behind', ...summary(unfinished) })
    const splits = await this.#enumerate(reader)
    const record = await recorder.begin({ job: this.#spec.id, run: runId ?? newRunId() }, this.#targets, splits, this.#plan.memo)
    if (unfinished) await markLeftBehind(this.#state.badRowsFolder(unfinished, this.#spec.badRows?.baseFolder))
    this.#options.onEvent({ kind: 'begun', run: record.run, splits: splits.length })
    return record
  }

  async #resume(unfinished: RunRecord, recorder: Recorder): Promise<RunRecord> {
    const { job, run, began } = unfinished
    // Checked before the claim: a job that cannot go on must not fence one that can.
    if ((unfinished.memo as Partial<Memo>).digest !== this.#plan.memo.digest) throw engineErrors.jobChanged({ job, run, began })
    const record = await recorder.claim(unfinished, this.#targets)
    this.#isResumed = true
    const positions = record.splits.flatMap(({ split, position, done }) =>
      done || position === undefined ? [] : [{ split: split.id, position }],
    )
    this.#options.onEvent({ kind: 'resumed', ...summary(record), positions })
    return record
  }

  async #enumerate(reader: Reader): Promise<Split[]> {
    const splits: Split[] = []
    for (const { dataset } of this.#plan.datasets) {
      for await (const split of reader.enumerate(dataset)) splits.push(split)
    }
    return splits
  }

  async #attempt(record: RunRecord): Promise<RunReport> {
    this.#attempts++
    for (const { split, done } of record.splits) if (done) this.#doneSplits.add(split.id)
    const attempt = new Attempt({
      spec: this.#spec,
      routes: this.#plan.datasets.map(({ dataset, target }) => ({ dataset, target })),
      run: record,
      checkpoint: this.#checkpointing(),
      badRows: this.#badRows(record),
      startWorker: this.#options.startWorker ?? this.#workerStarter(),
      drain: this.#options.drain,
      signal: this.#options.signal,
      onProgress: progress => {
        for (const { split, done } of progress) if (done) this.#doneSplits.add(split)
      },
      onWarning: message => this.#options.onEvent({ kind: 'warning', message }),
    })
    const tell = () => this.#tellProgress(addMeters(this.#meter, attempt.meter), record.splits.length)
    const timer = setInterval(tell, PROGRESS_MS)
    try {
      const outcome = await attempt.run()
      if (outcome === 'finished') await this.#withRecorder(recorder => recorder.finish(record, this.#targets))
      tell()
      this.#badOfAttempt = attempt.meter.rowsBad
      return this.#report(record, outcome, addMeters(this.#meter, attempt.meter))
    } finally {
      clearInterval(timer)
      this.#meter = addMeters(this.#meter, attempt.meter)
    }
  }

  /** One chain runs beside the coordinator, which is idle: a thread of its own would cost 35 MiB and gain nothing. */
  #workerStarter(): (worker: number) => WorkerEndpoint {
    return this.#spec.readers === 1 && this.#spec.writers === 1 ? () => startHere(this.#connectors) : startThread
  }

  /** How checkpoints become durable; undefined for sinks that record positions with the rows. */
  #checkpointing(): CheckpointStore | undefined {
    return this.#plan.delivery === 'transactional' ? undefined : this.#state
  }

  #badRows(record: RunRecord): BadRowPolicy | undefined {
    const { badRows } = this.#spec
    if (badRows === undefined) return undefined
    const before = record.splits.reduce((sum, { bad = 0 }) => sum + bad, 0)
    this.#badBefore = before
    const { rowsBad: bad, rowsRead: read } = this.#meter
    return { ...badRows, folder: this.#state.badRowsFolder(record, badRows.baseFolder), before, met: { bad, read } }
  }

  #tellProgress(meter: Meter, splits: number): void {
    this.#options.onEvent({ kind: 'progress', meter, splits, splitsDone: this.#doneSplits.size })
  }

  /** Rows may be refused because an engine that has taken the run over has written them: no reason to empty the target. */
  async #reasonOf(cause: unknown, { job, run, holder }: RunRecord): Promise<unknown> {
    if (!SluiceError.is(cause) || cause.fault !== 'data') return cause
    const found = await this.#withRecorder(recorder => recorder.find(job, false)).catch(() => undefined)
    return found === undefined || (found.run === run && found.holder === holder) ? cause : ledgerErrors.fenced({ job, run })
  }

  async #waitBeforeRetry(cause: unknown, restarts: Restarts, hasProgress: boolean): Promise<void> {
    if (this.#options.signal.aborted) throw this.#options.signal.reason
    const error = SluiceError.from(cause)
    if (error.fault !== 'transient' || this.#options.drain.aborted) throw error
    const delayMs = restarts.next(hasProgress)
    if (delayMs === undefined) throw engineErrors.gaveUp({ attempts: restarts.failures, reason: error.message }, error)
    this.#options.onEvent({ kind: 'restarting', error, attempt: this.#attempts + 1, delayMs })
    await sleep(delayMs, undefined, { signal: this.#options.signal })
  }

  #report(record: RunRecord, outcome: RunReport['outcome'], meter: Meter = this.#meter): RunReport {
    return {
      job: this.#spec.id,
      run: record.run,
      outcome,
      resumed: this.#isResumed,
      attempts: this.#attempts,
      splits: record.splits.length,
      splitsDone: this.#doneSplits.size,
      seconds: (performance.now() - this.#started) / 1000,
      rowsBad: this.#badBefore + this.#badOfAttempt,
      meter,
      guarantee: this.#plan.guarantee,
    }
  }
}

const summary = ({ run, began, splits }: RunRecord) => ({
  run,
  began,
  splits: splits.length,
  splitsDone: splits.filter(({ done }) => done).length,
})

/** Sorts by time and is unique: `20261121T104500-1f3a9c`. */
function newRunId(): string {
  return `${new Date().toISOString().replace(/[-:]|\..*$/g, '')}-${randomUUID().slice(0, 6)}`
}

function startHere(connectors: Connectors): WorkerEndpoint {
  const { port1, port2 } = new MessageChannel()
  void serveWorker(portEndpoint(port2), connectors)
  return portEndpoint(port1)
}

/** Young generation of a worker's heap in MiB: rows never become objects, so little is ever allocated. */
const YOUNG_MIB = 8

function startThread(): WorkerEndpoint {
  return threadEndpoint(
    new Worker(new URL(import.meta.resolve('#worker-thread')), { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } }),
  )
}
