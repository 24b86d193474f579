/** How the sink cases write: as the engine would, with plans and positions that went through JSON and batches that are taken away. */
import assert from 'node:assert/strict'
import type { z } from 'zod'
import { Batch, Caster } from '#columnar'
import type { Context, Json, Progress, RunId, RunRecord, Split, Target, Writer } from '#connector'
import { contextOf } from './context.ts'
import { assertSameRows, fillBatch, spoilBatch, type Row } from './rows.ts'
import type { SinkFixture } from './sink-suite.ts'
import { throughJson } from './source-probe.ts'

export type Fixture = SinkFixture<z.ZodObject>
type Options = z.input<z.ZodObject>

/** Rows per batch: a fixture makes several. */
const BATCH_ROWS = 5

export function openWriter(
  { sink, options }: Fixture,
  overrides: { options?: Options; context?: Partial<Context> } = {},
): Promise<Writer> {
  return sink.open(sink.options.parse(overrides.options ?? options), contextOf(overrides.context))
}

/** A writer that must be of one delivery, which the sink declares. */
export async function openAs<D extends Writer['delivery']>(
  fixture: Fixture,
  delivery: D,
  context: Partial<Context> = {},
): Promise<Writer & { delivery: D }> {
  const writer = await openWriter(fixture, { context })
  assert.equal(writer.delivery, delivery, 'the writer is of another delivery than the sink declares')
  return writer as Writer & { delivery: D }
}

/** Splits that are hard to store. */
export function splitsOf({ dataset }: Fixture): readonly [Split, Split] {
  const split = (id: string, detail: Json): Split => ({ id, dataset: dataset.id, detail })
  return [
    split(`${dataset.id}@"1" № ${'x'.repeat(60)}`, { from: null, to: ['9007199254740993', "o'clock"] }),
    split(`${dataset.id}@2`, 2),
  ]
}

/** Batches of the target's types, each lent for one call. */
export async function writeRows({ dataset }: Fixture, writer: Writer, target: Target, rows: readonly Row[]): Promise<void> {
  for (let from = 0; from < rows.length; from += BATCH_ROWS) {
    await lendBatch(castRows({ dataset }, target, rows.slice(from, from + BATCH_ROWS)), batch => writer.write(target, batch))
  }
}

/** The rows as the engine hands them to a writer. */
export function castRows({ dataset }: Pick<Fixture, 'dataset'>, target: Target, rows: readonly Row[]): Batch {
  const batch = new Batch(dataset.schema, rows.length)
  fillBatch(batch, rows)
  const cast = new Caster(dataset.schema, target.schema).cast(batch)
  if ('refused' in cast)
    assert.fail(`row ${cast.refused.row}, column ${cast.refused.column} of the fixture does not fit: ${cast.refused.reason}`)
  return cast.batch
}

async function lendBatch(batch: Batch, use: (batch: Batch) => Promise<unknown>): Promise<void> {
  await use(batch)
  spoilBatch(batch)
}

export async function assertTarget({ read, seen = row => row }: Fixture, rows: readonly Row[], place: string): Promise<void> {
  assertSameRows(await read(), rows.map(seen), place)
}

/** A run of any delivery: one coordinator, and workers as they are asked for. */
export class RunProbe implements AsyncDisposable {
  readonly fixture: Fixture
  readonly coordinator: Writer
  readonly target: Target
  readonly splits: readonly Split[]
  record: RunRecord
  readonly #options: Options

  private constructor(parts: { fixture: Fixture; coordinator: Writer; target: Target; record: RunRecord; options: Options }) {
    this.fixture = parts.fixture
    this.coordinator = parts.coordinator
    this.target = parts.target
    this.record = parts.record
    this.splits = parts.record.splits.map(({ split }) => split)
    this.#options = parts.options
  }

  /** Plans and begins. `run` tells the runs of a case apart. */
  static async begin(
    fixture: Fixture,
    run = 'run-1',
    { job = 'conformance', options = fixture.options } = {},
  ): Promise<RunProbe> {
    const coordinator = await openWriter(fixture, { options, context: { job } })
    const target = throughJson(await coordinator.plan(fixture.dataset))
    const record = await begin(coordinator, { job, run }, target, splitsOf(fixture))
    return new RunProbe({ fixture, coordinator, target, record, options })
  }

  async worker(options = this.#options): Promise<WorkerProbe> {
    const writer = await openWriter(this.fixture, { options, context: { job: this.record.job } })
    await writer.join(this.record)
    return new WorkerProbe(this, writer)
  }

  async finish(): Promise<void> {
    const { coordinator, record, target } = this
    await (coordinator.delivery === 'transactional'
      ? coordinator.runs.finish(record, [target])
      : coordinator.finish(record, [target]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.coordinator[Symbol.asyncDispose]()
  }
}

async function begin(coordinator: Writer, { job, run }: RunId, target: Target, splits: readonly Split[]): Promise<RunRecord> {
  if (coordinator.delivery === 'transactional')
    return coordinator.runs.begin({ job, run }, [target], splits, { digest: 'memo "1"' })
  const record: RunRecord = {
    job,
    run,
    finished: false,
    holder: 'engine-1',
    epoch: 1,
    began: new Date().toISOString(),
    memo: null,
    splits: splits.map(split => ({ split, done: false })),
  }
  await (coordinator.delivery === 'two-phase'
    ? coordinator.prepare(record, [target], true, [])
    : coordinator.prepare(record, [target], true))
  return record
}

/** A worker's writer, joined to a run. */
export class WorkerProbe implements AsyncDisposable {
  readonly #run: RunProbe
  readonly writer: Writer

  constructor(run: RunProbe, writer: Writer) {
    this.#run = run
    this.writer = writer
  }

  write(rows: readonly Row[]): Promise<void> {
    return writeRows(this.#run.fixture, this.writer, this.#run.target, rows)
  }

  /** Makes what was written visible, as far as that is in the writer's power. */
  async commit(progress: readonly Progress[]): Promise<void> {
    const { writer } = this
    if (writer.delivery === 'transactional') await writer.commit(progress)
    else if (writer.delivery === 'two-phase') await writer.commit(throughJson(await writer.prepareCommit(progress)))
    else await writer.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]()
  }
}

/** Everything into the first split, in one commit. */
export async function writeAll(run: RunProbe, rows: readonly Row[]): Promise<void> {
  await using worker = await run.worker()
  await worker.write(rows)
  await worker.commit(run.splits.map(split => ({ split: split.id, done: true })))
}
