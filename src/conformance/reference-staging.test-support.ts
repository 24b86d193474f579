/** A writer with two phases. */
import type { Batch } from '#columnar'
import type { Committable, Context, Dataset, Json, Progress, RunRecord, Target, TwoPhaseWriter } from '#connector'
import { Desk, type Options } from './reference-desk.test-support.ts'
import type { TwoPhaseFault } from './reference-faults.test-support.ts'
import type { JsonObject } from './reference-server.test-support.ts'

type Staged = { readonly name: string; readonly job: string; readonly run: string; readonly marks: readonly Progress[] }

export class StagingWriter implements TwoPhaseWriter {
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
