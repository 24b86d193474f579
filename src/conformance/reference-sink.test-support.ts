/**
 * Sinks as they should be, one with a ledger and one with two phases, and every way in which the suite must find them wrong.
 *
 * The planted faults are switches, so that what is tested is exactly the correct connector with one thing changed.
 */
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import type { Batch } from '#columnar'
import {
  defineSink,
  ledgerErrors,
  type Committable,
  type Context,
  type Dataset,
  type Json,
  type PlainWriter,
  type Progress,
  type RunId,
  type RunRecord,
  type RunStore,
  type Split,
  type Target,
  type TransactionalWriter,
  type TwoPhaseWriter,
} from '#connector'
import { defineErrors } from '#errors'
import type { JsonObject } from './reference-server.test-support.ts'
import { rowsOf, type Row } from './rows.ts'

export const LEDGER_FAULTS = [
  'plan-creates',
  'plan-varies',
  'weak-guarantee',
  'visible-before-commit',
  'rows-before-positions',
  'positions-before-rows',
  'claim-raises-no-epoch',
  'commit-checks-no-epoch',
  'claim-does-not-wait',
  'begin-does-not-fence',
  'finish-checks-no-epoch',
  'dispose-commits',
  'find-claims',
  'forgets-memo',
  'forgets-splits',
  'forgets-positions',
  'finish-is-not-recorded',
  'keeps-old-runs',
  'jobs-share-a-ledger',
  'makes-a-new-ledger',
  'keeps-the-batch',
  'loses-nulls',
  'loses-last-row',
  'commits-twice-when-unsure',
  'hides-lost-connection',
  'raw-error',
  'leaves-socket-open',
  'never-waits',
  'ignores-abort',
  'inserts-instead-of-updating',
] as const
export const TWO_PHASE_FAULTS = [
  'prepare-publishes',
  'commit-adds-again',
  'commit-needs-the-same-writer',
  'forgets-marks',
  'marks-when-prepared',
  'marks-of-older-run',
  'drops-what-is-kept',
  'keeps-what-is-dropped',
  'dispose-publishes',
  'publishes-all-that-is-staged',
  'date-in-committable',
  'finish-is-not-marked',
  'marks-need-rows',
] as const
export const PLAIN_FAULTS = ['flush-does-nothing', 'resuming-clears'] as const
export type LedgerFault = (typeof LEDGER_FAULTS)[number]
export type TwoPhaseFault = (typeof TWO_PHASE_FAULTS)[number]
export type PlainFault = (typeof PLAIN_FAULTS)[number]
type SinkFault = LedgerFault | TwoPhaseFault | PlainFault

const errors = defineErrors('reference-sink', {
  lost: {
    fault: 'transient',
    message: (d: { port: number }) => `The connection to port ${d.port} was lost.`,
    hint: () => 'Start the reference server.',
  },
})

const options = z.strictObject({
  host: z.string().describe('Host of the server.'),
  port: z.int().describe('Port of the server.'),
  mode: z.enum(['insert', 'update']).default('insert').describe('What happens to rows whose key is there.'),
})
type Options = z.output<typeof options>

const declared = { title: 'Reference', summary: 'Writes to the reference server.', stability: 'stable', options } as const

export function ledgerSink(fault?: LedgerFault) {
  return defineSink({
    ...declared,
    name: 'reference-ledger',
    capabilities: { delivery: 'transactional', accepts: ['append'] },
    open: async (settings, context) => new LedgerWriter(settings, context, fault),
  })
}

export function twoPhaseSink(fault?: TwoPhaseFault) {
  return defineSink({
    ...declared,
    name: 'reference-files',
    capabilities: { delivery: 'two-phase', accepts: ['append'] },
    open: async (settings, context) => new StagingWriter(settings, context, fault),
  })
}

export function plainSink(fault?: PlainFault) {
  return defineSink({
    ...declared,
    name: 'reference-plain',
    capabilities: { delivery: 'plain', accepts: ['append'] },
    open: async (settings, context) => new SendingWriter(settings, context, fault),
  })
}

/** One connection that answers one request after the other. */
class Line {
  readonly #options: Options
  readonly #context: Context
  readonly #fault: SinkFault | undefined
  #socket: Socket | undefined
  #received = ''
  #look = () => {}

  constructor(settings: Options, context: Context, fault: SinkFault | undefined) {
    this.#options = settings
    this.#context = context
    this.#fault = fault
  }

  async ask(request: JsonObject): Promise<Json> {
    const { signal } = this.#context
    const isDeaf = this.#fault === 'ignores-abort'
    if (!isDeaf) signal.throwIfAborted()
    const socket = (this.#socket ??= await this.#connect())
    const abort = () => socket.destroy()
    if (!isDeaf) signal.addEventListener('abort', abort)
    try {
      socket.write(`${JSON.stringify(request, plainJson)}\n`)
      if (this.#fault === 'never-waits' && request['op'] === 'insert') return null
      const answer = await this.#answer(socket)
      if (answer !== undefined) return this.#read(JSON.parse(answer) as JsonObject, request)
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (!isDeaf) signal.throwIfAborted()
    if (this.#fault === 'hides-lost-connection') return null
    throw this.#fault === 'raw-error' ? new Error('lost') : errors.lost({ port: this.#options.port })
  }

  close(): void {
    if (this.#fault !== 'leaves-socket-open') this.#socket?.destroy()
    this.#socket = undefined
  }

  /** The next line; undefined when the connection ends before. */
  async #answer(socket: Socket): Promise<string | undefined> {
    for (;;) {
      const end = this.#received.indexOf('\n')
      if (end !== -1) {
        const line = this.#received.slice(0, end)
        this.#received = this.#received.slice(end + 1)
        return line
      }
      if (socket.destroyed) return undefined
      await new Promise<void>(resolve => (this.#look = resolve))
    }
  }

  #read(answer: JsonObject, { job, run }: JsonObject): Json {
    if (!('error' in answer)) return answer['done'] ?? null
    const id = { job: String(job), run: String(run) }
    throw answer['error'] === 'fenced' ? ledgerErrors.fenced(id) : ledgerErrors.missing({ ...id, table: 'ledger' })
  }

  async #connect(): Promise<Socket> {
    const { host, port } = this.#options
    const socket = connect({ host, port, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', cause => reject(this.#fault === 'raw-error' ? cause : errors.lost({ port }, cause)))
    })
    socket.on('error', () => {})
    socket.setEncoding('utf8').on('data', text => {
      this.#received += String(text)
      this.#look()
    })
    socket.on('close', () => this.#look())
    return socket
  }
}

/** What the three writers have in common: the plan, and rows on their way from a batch to the line. */
class Desk {
  readonly line: Line
  readonly fault: SinkFault | undefined
  /** Rows that have not been sent. */
  rows: Row[] = []
  #kept: Batch[] = []

  constructor(settings: Options, context: Context, fault: SinkFault | undefined) {
    this.line = new Line(settings, context, fault)
    this.fault = fault
  }

  async plan(dataset: Dataset): Promise<Target> {
    await this.line.ask({ op: this.fault === 'plan-creates' ? 'create' : 'ping' })
    const delivery = this.fault === 'weak-guarantee' ? 'at-least-once' : 'exactly-once'
    return {
      dataset: dataset.id,
      name: 'target',
      schema: dataset.schema,
      statements: [`insert${this.fault === 'plan-varies' ? ` ${performance.now()}` : ''}`],
      guarantee: { delivery, why: 'It is a reference.' },
      notes: [],
      detail: null,
    }
  }

  take(batch: Batch): void {
    if (this.fault === 'keeps-the-batch') this.#kept.push(batch)
    else this.rows.push(...this.#bend(rowsOf(batch)))
  }

  /** Everything that was taken since the last call. */
  give(): JsonObject[] {
    const kept = this.#kept.splice(0).flatMap(rowsOf)
    return [...this.rows.splice(0), ...kept] as unknown as JsonObject[]
  }

  #bend(rows: readonly Row[]): readonly Row[] {
    if (this.fault === 'loses-last-row' && rows.length > 1) return rows.slice(0, -1)
    if (this.fault !== 'loses-nulls') return rows
    return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? ''])))
  }
}

class LedgerWriter implements TransactionalWriter {
  readonly delivery = 'transactional'
  readonly bufferBytes = 64 * 1024
  readonly runs: LedgerRuns
  readonly #desk: Desk
  readonly #again: Desk
  readonly #mode: Options['mode']
  #run: RunRecord | undefined
  /** Rows of the open transaction, for the fault that sends them again. */
  #sent: JsonObject[] = []

  constructor(settings: Options, context: Context, fault: LedgerFault | undefined) {
    this.#desk = new Desk(settings, context, fault)
    this.#again = new Desk(settings, context, fault)
    this.#mode = settings.mode
    this.runs = new LedgerRuns(this.#desk.line, fault)
  }

  plan(dataset: Dataset): Promise<Target> {
    return this.#desk.plan(dataset)
  }

  async join(run: RunRecord): Promise<void> {
    this.#run = run
  }

  async write(_target: Target, batch: Batch): Promise<void> {
    this.#desk.take(batch)
    if (this.#has('keeps-the-batch') || this.#has('positions-before-rows')) return
    await this.#send(this.#desk.line)
  }

  async commit(progress: readonly Progress[]): Promise<void> {
    const { line } = this.#desk
    if (this.#has('rows-before-positions')) await line.ask({ op: 'commit', job: null })
    if (!this.#has('positions-before-rows')) await this.#send(line)
    try {
      await this.#commitOn(line, progress)
    } catch (error) {
      if (!this.#has('commits-twice-when-unsure') || (error as { code?: string }).code !== 'reference-sink.lost') throw error
      await this.#again.line.ask({ op: 'insert', rows: this.#sent })
      await this.#commitOn(this.#again.line, progress)
    }
    this.#sent = []
    if (!this.#has('positions-before-rows')) return
    await this.#send(line)
    await line.ask({ op: 'commit', job: null })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#has('dispose-commits')) await this.#desk.line.ask({ op: 'commit', job: null }).catch(() => {})
    this.#desk.line.close()
    this.#again.line.close()
  }

  #has(fault: LedgerFault): boolean {
    return this.#desk.fault === fault
  }

  async #send(line: Line): Promise<void> {
    const rows = this.#desk.give()
    if (rows.length === 0) return
    this.#sent.push(...rows)
    const isUpdate = this.#mode === 'update' && !this.#has('inserts-instead-of-updating')
    const op = this.#has('visible-before-commit') ? 'insert-now' : isUpdate ? 'update' : 'insert'
    await line.ask({ op, rows, key: 'id' })
  }

  async #commitOn(line: Line, progress: readonly Progress[]): Promise<void> {
    if (this.#run === undefined) throw new Error('not joined')
    const { job, run, epoch } = await this.runs.holder(this.#run)
    const recorded = this.#has('forgets-positions') ? progress.map(({ split, done }) => ({ split, done })) : progress
    await line.ask({ op: 'lock' })
    await line.ask({ op: 'progress', job, run, epoch, progress: recorded as unknown as Json })
    await line.ask({ op: 'commit', job })
  }
}

class LedgerRuns implements RunStore {
  readonly #line: Line
  readonly #fault: LedgerFault | undefined

  constructor(line: Line, fault: LedgerFault | undefined) {
    this.#line = line
    this.#fault = fault
  }

  async find(job: string): Promise<RunRecord | undefined> {
    const record = await this.#get(job)
    if (record && this.#has('find-claims')) await this.#put({ ...record, epoch: record.epoch + 1 })
    if (record === undefined || !this.#has('forgets-memo')) return record
    return { ...record, memo: null }
  }

  async begin({ job, run }: RunId, _targets: readonly Target[], splits: readonly Split[], memo: Json): Promise<RunRecord> {
    return this.#locked(async () => {
      const epoch = ((await this.#get(job))?.epoch ?? 0) + 1
      const old = this.#has('keeps-old-runs') ? await this.#get(job) : undefined
      const began = new Date().toISOString()
      const kept = this.#has('forgets-splits') ? splits.map(({ id, dataset }) => ({ id, dataset })) : splits
      const record = { job, run, finished: false, epoch, began, memo, splits: kept.map(split => ({ split, done: false })) }
      return this.#put(old ? { ...record, splits: old.splits } : record, true)
    })
  }

  async claim({ job, run }: RunId): Promise<RunRecord> {
    const take = async () => {
      const record = await this.#get(job)
      if (record?.run !== run) throw ledgerErrors.missing({ job, run, table: 'ledger' })
      return this.#put({ ...record, epoch: record.epoch + (this.#has('claim-raises-no-epoch') ? 0 : 1) })
    }
    return this.#has('claim-does-not-wait') ? take() : this.#locked(take)
  }

  async finish({ job, run, epoch }: RunRecord): Promise<void> {
    await this.#locked(async () => {
      const record = await this.#get(job)
      if (!this.#has('finish-checks-no-epoch') && record?.epoch !== epoch) throw ledgerErrors.fenced({ job, run })
      if (record && !this.#has('finish-is-not-recorded')) await this.#put({ ...record, finished: true })
    })
  }

  /** The identity under which a commit is made: that of the run as it was joined, unless a fault takes the present one. */
  async holder(run: RunRecord): Promise<RunRecord> {
    const job = this.#keyOf(run.job)
    if (this.#has('makes-a-new-ledger') && (await this.#get(run.job)) === undefined) await this.#put(run, true)
    if (!this.#has('commit-checks-no-epoch') && !this.#has('begin-does-not-fence')) return { ...run, job }
    const now = (await this.#get(run.job)) ?? run
    return this.#has('begin-does-not-fence') && now.run === run.run ? { ...run, job } : { ...now, job }
  }

  #has(fault: LedgerFault): boolean {
    return this.#fault === fault
  }

  #keyOf(job: string): string {
    return this.#has('jobs-share-a-ledger') ? 'job' : job
  }

  async #get(job: string): Promise<RunRecord | undefined> {
    return ((await this.#line.ask({ op: 'get', job: this.#keyOf(job) })) ?? undefined) as RunRecord | undefined
  }

  async #put(record: RunRecord, create = false): Promise<RunRecord> {
    await this.#line.ask({ op: 'put', job: this.#keyOf(record.job), record: record as unknown as Json, create })
    return record
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    await this.#line.ask({ op: 'lock' })
    try {
      return await work()
    } finally {
      await this.#line.ask({ op: 'unlock' })
    }
  }
}

type Staged = { readonly name: string; readonly job: string; readonly run: string; readonly marks: readonly Progress[] }

class StagingWriter implements TwoPhaseWriter {
  readonly delivery = 'two-phase'
  readonly bufferBytes = 64 * 1024
  readonly #desk: Desk
  readonly #own = new Set<string>()
  #run: RunRecord | undefined

  constructor(settings: Options, context: Context, fault: TwoPhaseFault | undefined) {
    this.#desk = new Desk(settings, context, fault)
  }

  plan(dataset: Dataset): Promise<Target> {
    return this.#desk.plan(dataset)
  }

  async marks(job: string) {
    const found = (await this.#desk.line.ask({ op: 'marks', job })) as JsonObject | null
    if (found === null) return undefined
    const marks = Object.values(found['marks'] as JsonObject) as unknown as Progress[]
    return { run: String(found['run']), finished: found['finished'] === true, marks }
  }

  async prepare(_run: RunRecord, _targets: readonly Target[], fresh: boolean, keep: readonly Committable[]): Promise<void> {
    if (!fresh && this.#has('keeps-what-is-dropped')) return
    const names = this.#has('drops-what-is-kept') ? [] : keep.map(({ name }) => name as string)
    await this.#desk.line.ask({ op: 'unstage', keep: names })
  }

  async join(run: RunRecord): Promise<void> {
    this.#run = run
  }

  async write(_target: Target, batch: Batch): Promise<void> {
    this.#desk.take(batch)
  }

  async prepareCommit(progress: readonly Progress[]): Promise<readonly Committable[]> {
    if (this.#run === undefined) throw new Error('not joined')
    const { job, run } = this.#run
    const rows = this.#desk.give()
    if (rows.length === 0 && this.#has('marks-need-rows')) return []
    const staged: Staged = { name: `${performance.now()}${Math.random()}`, job, run, marks: progress }
    this.#own.add(staged.name)
    await this.#desk.line.ask({ op: 'stage', name: staged.name, rows })
    if (this.#has('prepare-publishes')) await this.commit([staged])
    if (this.#has('marks-when-prepared')) await this.#publish({ ...staged, name: 'nothing' })
    return [this.#has('date-in-committable') ? { ...staged, made: new Date() as unknown as Json } : staged]
  }

  async commit(committables: readonly Committable[]): Promise<void> {
    for (const committable of committables as unknown as readonly Staged[]) {
      if (this.#has('commit-needs-the-same-writer') && !this.#own.has(committable.name)) continue
      await this.#publish(committable)
    }
  }

  async finish({ job, run }: RunRecord): Promise<void> {
    if (!this.#has('finish-is-not-marked')) await this.#desk.line.ask({ op: 'close-run', job, run })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#has('dispose-publishes') && this.#run && this.#desk.rows.length > 0) await this.commit(await this.prepareCommit([]))
    this.#desk.line.close()
  }

  #has(fault: TwoPhaseFault): boolean {
    return this.#desk.fault === fault
  }

  async #publish({ name, job, run, marks }: Staged): Promise<void> {
    await this.#desk.line.ask({
      op: 'publish',
      job,
      run: this.#has('marks-of-older-run') ? 'run-1' : run,
      names: [name],
      marks: this.#has('forgets-marks') ? [] : (marks as unknown as Json),
      again: this.#has('commit-adds-again'),
      all: this.#has('publishes-all-that-is-staged'),
    })
  }
}

class SendingWriter implements PlainWriter {
  readonly delivery = 'plain'
  readonly bufferBytes = 64 * 1024
  readonly #desk: Desk

  constructor(settings: Options, context: Context, fault: PlainFault | undefined) {
    this.#desk = new Desk(settings, context, fault)
  }

  plan(dataset: Dataset): Promise<Target> {
    return this.#desk.plan(dataset)
  }

  async prepare(_run: RunRecord, _targets: readonly Target[], fresh: boolean): Promise<void> {
    if (!fresh && this.#desk.fault === 'resuming-clears') await this.#desk.line.ask({ op: 'clear' })
  }

  async join(): Promise<void> {
    // Writers do not know of each other.
  }

  async write(_target: Target, batch: Batch): Promise<void> {
    this.#desk.take(batch)
  }

  async flush(): Promise<void> {
    if (this.#desk.fault !== 'flush-does-nothing') await this.#send()
  }

  async finish(): Promise<void> {
    // Nothing is left to do.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#desk.fault === 'flush-does-nothing') await this.#send()
    this.#desk.line.close()
  }

  async #send(): Promise<void> {
    await this.#desk.line.ask({ op: 'insert-now', rows: this.#desk.give() })
  }
}

const plainJson = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
