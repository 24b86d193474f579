/** A writer with a ledger. */
import { randomUUID } from 'node:crypto'
import type { Batch } from '#columnar'
import {
  ledgerErrors,
  type Context,
  type Dataset,
  type Json,
  type Progress,
  type RunId,
  type RunRecord,
  type RunStore,
  type Split,
  type Target,
  type TransactionalWriter,
} from '#connector'
import { Desk, type Line, type Options } from './reference-desk.test-support.ts'
import type { LedgerFault } from './reference-faults.test-support.ts'
import type { JsonObject } from './reference-server.test-support.ts'

export class LedgerWriter implements TransactionalWriter {
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
      const holder = randomUUID()
      const record = {
        job,
        run,
        finished: false,
        holder,
        epoch,
        began,
        memo,
        splits: kept.map(split => ({ split, done: false })),
      }
      return this.#put(old ? { ...record, splits: old.splits } : record, true)
    })
  }

  async claim({ job, run }: RunId): Promise<RunRecord> {
    const take = async () => {
      const record = await this.#get(job)
      if (record?.run !== run) throw ledgerErrors.missing({ job, run, table: 'ledger' })
      const holder = this.#has('claim-keeps-the-holder') ? record.holder : randomUUID()
      return this.#put({ ...record, holder, epoch: record.epoch + (this.#has('claim-raises-no-epoch') ? 0 : 1) })
    }
    return this.#has('claim-does-not-wait') ? take() : this.#locked(take)
  }

  async reclaim({ job, run, holder, epoch }: RunRecord): Promise<RunRecord> {
    return this.#locked(async () => {
      const record = await this.#get(job)
      if (record === undefined) throw ledgerErrors.missing({ job, run, table: 'ledger' })
      const isHeld = this.#has('reclaim-takes-over') || (record.run === run && record.holder === holder)
      const isLost = this.#has('reclaim-compares-epochs') && record.epoch !== epoch
      if (!isHeld || isLost) throw ledgerErrors.fenced({ job, run })
      return this.#put({ ...record, epoch: record.epoch + (this.#has('reclaim-raises-no-epoch') ? 0 : 1) })
    })
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
