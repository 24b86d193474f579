/** One attempt at a run: starts workers, hands out splits, takes checkpoints, and ends with all rows written or an error. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Committable, Progress, RunRecord } from '#connector'
import { SluiceError } from '#errors'
import type { Endpoint } from './endpoint.ts'
import { checkLimit } from './bad-rows.ts'
import { engineErrors } from './errors.ts'
import { NO_METER, type Assignment, type FromWorker, type Meter, type Role, type ToWorker } from './messages.ts'
import { addMeters } from './meter.ts'
import type { BadRowPolicy, JobSpec, Limits, Route } from './spec.ts'
import { shareOut } from './throttle.ts'

export type WorkerEndpoint = Endpoint<ToWorker, FromWorker>

/** Where a checkpoint becomes durable. */
export interface CheckpointStore {
  checkpoint(progress: readonly Progress[], committables: readonly Committable[]): Promise<void>
}

export interface AttemptParts {
  readonly spec: JobSpec
  readonly routes: readonly Route[]
  readonly run: RunRecord
  /** Absent for sinks that record positions together with the rows. */
  readonly checkpoint: CheckpointStore | undefined
  readonly badRows: BadRowPolicy | undefined
  readonly startWorker: (worker: number) => WorkerEndpoint
  /** Stop at the next point where everything is durable. */
  readonly drain: AbortSignal
  /** Stop at once. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: readonly Progress[]) => void
  readonly onWarning: (message: string) => void
}

/** How long a worker may take to close before its thread is ended. */
const CLOSE_MS = 900
/** How often workers get new shares of the job's rates. */
const SHARE_MS = 500

interface WorkerState {
  readonly id: number
  readonly role: Role
  readonly endpoint: WorkerEndpoint
  meter: Meter
  isOpen: boolean
  isFinished: boolean
  readonly closed: PromiseWithResolvers<void>
}

type BarrierDone = FromWorker & { kind: 'barrier-done' }

export class Attempt {
  readonly #parts: AttemptParts
  readonly #workers: WorkerState[] = []
  readonly #queue: Assignment[]
  readonly #outcome = Promise.withResolvers<'finished' | 'drained'>()
  /** What each worker had counted when the rates were last shared out. */
  readonly #shared = new Map<number, Meter>()
  #barrierId = 0n
  #barrier: { id: bigint; waiting: Set<number>; answers: Map<number, BarrierDone>; done: () => void } | undefined
  #commits: { id: bigint; waiting: Set<number>; done: () => void } | undefined
  #checkpointing: Promise<void> = Promise.resolve()
  /** Rejects when the attempt is over: nobody answers any more. */
  readonly #over = Promise.withResolvers<never>()
  #isStopping = false

  constructor(parts: AttemptParts) {
    this.#parts = parts
    this.#queue = parts.run.splits
      .filter(({ done }) => !done)
      .map(({ split, position, bad }) => ({
        split,
        ...(position === undefined ? {} : { position }),
        ...(bad === undefined ? {} : { bad }),
      }))
  }

  get meter(): Meter {
    return this.#workers.reduce((sum, { meter }) => addMeters(sum, meter), NO_METER)
  }

  /** `drained`: everything durable is recorded, the rest is left for a later run. */
  async run(): Promise<'finished' | 'drained'> {
    const { signal, drain, spec, checkpoint } = this.#parts
    const abort = () => this.#outcome.reject(signal.reason)
    const stop = () => void this.#drain()
    signal.addEventListener('abort', abort, { once: true })
    drain.addEventListener('abort', stop, { once: true })
    const timer =
      checkpoint === undefined ? undefined : setInterval(() => void this.#checkpointNow(), spec.checkpointSeconds * 1000)
    const { rowsPerSecond, bytesPerSecond } = spec.limits
    const isShared = spec.writers > 1 && (rowsPerSecond !== undefined || bytesPerSecond !== undefined)
    const sharing = isShared ? setInterval(() => this.#shareRates(), SHARE_MS) : undefined
    try {
      if (signal.aborted) throw signal.reason
      this.#start()
      if (drain.aborted) stop()
      return await this.#outcome.promise
    } finally {
      this.#isStopping = true
      clearInterval(timer)
      clearInterval(sharing)
      this.#over.promise.catch(() => {})
      this.#over.reject(new Error('the attempt is over'))
      // A checkpoint that is being written must not land behind the back of the next attempt.
      await this.#checkpointing
      signal.removeEventListener('abort', abort)
      drain.removeEventListener('abort', stop)
      await this.#close()
    }
  }

  #start(): void {
    const { spec } = this.#parts
    const apart = spec.readers !== spec.writers
    for (let i = 0; i < spec.writers; i++) this.#addWorker(apart ? 'writer' : 'fused')
    if (apart) for (let i = 0; i < spec.readers; i++) this.#addWorker('reader')
    const ports = this.#connect()
    for (const worker of this.#workers) this.#open(worker, ports.get(worker.id) ?? [])
  }

  /** The limits of a worker; `share` makes its part of a rate of the whole job, of which the named counter shows the use. */
  #limitsWith(share: (rate: number, counter: 'rowsRead' | 'bytesRead') => number): Limits {
    const { limits } = this.#parts.spec
    const { rowsPerSecond, bytesPerSecond } = limits
    return {
      ...limits,
      ...(rowsPerSecond === undefined ? {} : { rowsPerSecond: share(rowsPerSecond, 'rowsRead') }),
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: share(bytesPerSecond, 'bytesRead') }),
    }
  }

  /** Gives each worker the part of the rates that it can use. */
  #shareRates(): void {
    const writers = this.#writers().filter(({ isFinished }) => !isFinished)
    const used = (counter: 'rowsRead' | 'bytesRead') =>
      writers.map(({ id, meter }) => ((meter[counter] - (this.#shared.get(id) ?? NO_METER)[counter]) * 1000) / SHARE_MS)
    const limits = writers.map((_, i) => this.#limitsWith((rate, counter) => shareOut(rate, used(counter))[i]!))
    for (const [i, { id, meter, endpoint }] of writers.entries()) {
      endpoint.send({ kind: 'limits', limits: limits[i]! })
      this.#shared.set(id, meter)
    }
  }

  #addWorker(role: Role): void {
    const id = this.#workers.length
    const endpoint = this.#parts.startWorker(id)
    const state = { id, role, endpoint, meter: NO_METER, isOpen: false, isFinished: false, closed: Promise.withResolvers<void>() }
    this.#workers.push(state)
    endpoint.onMessage(message => this.#receive(state, message))
    endpoint.onEnd(reason => {
      state.closed.resolve()
      if (!this.#isStopping)
        this.#fail(engineErrors.workerLost({ worker: id, reason: reason?.message ?? 'no reason given' }, reason))
    })
  }

  /** One port between every writer and every reader of a chain that is cut. */
  #connect(): ReadonlyMap<number, MessagePort[]> {
    const ports = new Map<number, MessagePort[]>(this.#workers.map(({ id }) => [id, []]))
    for (const writer of this.#workers.filter(({ role }) => role === 'writer')) {
      for (const reader of this.#workers.filter(({ role }) => role === 'reader')) {
        const { port1, port2 } = new MessageChannel()
        ports.get(writer.id)?.push(port1)
        ports.get(reader.id)?.push(port2)
      }
    }
    return ports
  }

  #open({ id, role, endpoint }: WorkerState, ports: readonly MessagePort[]): void {
    const { spec, run, routes } = this.#parts
    const { source, sink, readers, writers, resumeColumn } = spec
    // Workers without a split use nothing of it.
    const busy = Math.max(1, Math.min(writers, this.#queue.length))
    const limits = this.#limitsWith(rate => rate / busy)
    const { badRows } = this.#parts
    const optional = { ...(resumeColumn === undefined ? {} : { resumeColumn }), ...(badRows === undefined ? {} : { badRows }) }
    endpoint.send({ kind: 'init', worker: id, job: spec.id, source, sink, readers, writers, limits, ...optional })
    // The record without its splits: a worker is told of a split when it is given one.
    const lanes = role === 'writer' ? Math.ceil(readers / writers) : 1
    endpoint.send({ kind: 'open', role, run: { ...run, splits: [] }, routes, lanes, ports }, ports)
  }

  #receive(worker: WorkerState, message: FromWorker): void {
    if ('meter' in message) {
      worker.meter = message.meter
      this.#checkBadRows()
    }
    switch (message.kind) {
      case 'opened':
        worker.isOpen = true
        return
      case 'need':
        return this.#supply(worker)
      case 'positions':
        return this.#parts.onProgress(message.progress)
      case 'barrier-done':
        return this.#barrierDone(worker, message)
      case 'committed':
        if (this.#commits?.id === message.id && this.#commits.waiting.delete(worker.id) && this.#commits.waiting.size === 0)
          this.#commits.done()
        return
      case 'finished':
        worker.isFinished = true
        if (this.#writers().every(({ isFinished }) => isFinished)) void this.#end()
        return
      case 'failed':
        return this.#fail(SluiceError.fromJSON(message.error))
      case 'warning':
        return this.#parts.onWarning(message.message)
      case 'closed':
        worker.closed.resolve()
        return
      case 'metrics':
    }
  }

  #supply({ endpoint }: WorkerState): void {
    const next = this.#queue.shift()
    endpoint.send({ kind: 'splits', splits: next === undefined ? [] : [next], last: next === undefined })
  }

  #writers(): WorkerState[] {
    return this.#workers.filter(({ role }) => role !== 'reader')
  }

  async #end(): Promise<void> {
    try {
      if (this.#parts.checkpoint !== undefined) await this.#checkpoint(true)
      this.#outcome.resolve('finished')
    } catch (error) {
      this.#fail(error)
    }
  }

  async #drain(): Promise<void> {
    try {
      await this.#checkpoint(true)
      this.#outcome.resolve('drained')
    } catch (error) {
      this.#fail(error)
    }
  }

  async #checkpointNow(): Promise<void> {
    if (this.#barrier || this.#isStopping || !this.#writers().every(({ isOpen }) => isOpen)) return
    await this.#checkpoint(false).catch((error: unknown) => this.#fail(error))
  }

  /** Barrier → positions and committables → durable → commit → go on. One at a time. */
  #checkpoint(end: boolean): Promise<void> {
    const next = this.#checkpointing.then(async () => {
      const answers = await Promise.race([this.#collect(end), this.#over.promise])
      const all = [...answers.values()]
      const progress = all.flatMap(answer => answer.progress)
      if (progress.length > 0) {
        await this.#parts.checkpoint?.checkpoint(
          progress,
          all.flatMap(answer => answer.committables),
        )
        await Promise.race([this.#commit(answers), this.#over.promise])
        this.#parts.onProgress(progress)
      }
      if (!end) for (const { endpoint } of this.#writers()) endpoint.send({ kind: 'resume', id: this.#barrierId })
    })
    this.#checkpointing = next.catch(() => {})
    return next
  }

  #collect(end: boolean): Promise<ReadonlyMap<number, BarrierDone>> {
    const id = ++this.#barrierId
    const answers = new Map<number, BarrierDone>()
    return new Promise(resolve => {
      const done = () => {
        this.#barrier = undefined
        resolve(answers)
      }
      this.#barrier = { id, waiting: new Set(this.#writers().map(worker => worker.id)), answers, done }
      for (const { endpoint } of this.#writers()) endpoint.send({ kind: 'barrier', id, end })
    })
  }

  #barrierDone(worker: WorkerState, message: BarrierDone): void {
    const barrier = this.#barrier
    if (barrier?.id !== message.id) return
    barrier.answers.set(worker.id, message)
    barrier.waiting.delete(worker.id)
    if (barrier.waiting.size === 0) barrier.done()
  }

  async #commit(answers: ReadonlyMap<number, BarrierDone>): Promise<void> {
    const id = this.#barrierId
    const waiting = new Set([...answers].filter(([, { committables }]) => committables.length > 0).map(([worker]) => worker))
    if (waiting.size === 0) return
    await new Promise<void>(done => {
      this.#commits = { id, waiting: new Set(waiting), done }
      for (const worker of waiting) {
        this.#workers[worker]?.endpoint.send({ kind: 'commit', id, committables: answers.get(worker)?.committables ?? [] })
      }
    })
  }

  /** Each worker checks its own; together they may have too many. The share is judged where all of a worker's rows are in. */
  #checkBadRows(): void {
    const { badRows } = this.#parts
    const { rowsBad, rowsRead } = this.meter
    if (badRows === undefined || rowsBad === 0 || this.#isStopping) return
    try {
      const { before, met } = badRows
      checkLimit(badRows, before + rowsBad, { met: { bad: met.bad + rowsBad, read: met.read + rowsRead } })
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#outcome.reject(error)
  }

  /** Lets every worker close what it has open; one that does not answer in time is ended. */
  async #close(): Promise<void> {
    for (const { endpoint } of this.#workers) endpoint.send({ kind: 'close' })
    const all = Promise.all(this.#workers.map(({ closed }) => closed.promise))
    const late = new Promise<void>(resolve => setTimeout(resolve, CLOSE_MS).unref())
    await Promise.race([all, late])
    for (const { endpoint } of this.#workers) endpoint.close()
  }
}
