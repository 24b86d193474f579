/** The source and the sink of one system, opened and put together without the engine, for what is tested beside the suites. */
import type { z } from 'zod'
import type { Value } from '#columnar'
import type { Context, Dataset, Json, RunRecord, Sink, Source, Split, Target, TransactionalWriter, Writer } from '#connector'
import { contextOf } from './context.ts'

export interface Copied {
  readonly target: Target
  readonly run: RunRecord
}

/** One worker with batches of a usual size. */
export const contextOfEnds = (rest: Partial<Context> = {}): Context =>
  contextOf({ batchRows: 1000, batchBytes: 1024 * 1024, parallelism: 1, job: 'test-job', ...rest })

/** Options are those of a job file, still unchecked. */
export function endsOf<From extends z.ZodObject, S extends Split, P extends Json, To extends z.ZodObject>(
  source: Source<From, S, P>,
  sink: Sink<To>,
) {
  const openSource = (options: object, context = contextOfEnds()) => source.open(source.options.parse(options), context)

  const openSink = (options: object, context = contextOfEnds()): Promise<Writer> =>
    sink.open(sink.options.parse(options), context)

  async function openLedgerSink(options: object, context = contextOfEnds()): Promise<TransactionalWriter> {
    const writer = await openSink(options, context)
    if (writer.delivery !== 'transactional') throw new Error('a writer with a ledger was expected')
    return writer
  }

  /** All rows of a source, by dataset. */
  async function readAll(options: object, context = contextOfEnds()): Promise<{ datasets: Dataset[]; rows: Value[][] }> {
    await using reader = await openSource(options, context)
    const datasets = await reader.discover()
    const rows: Value[][] = []
    for (const dataset of datasets) {
      for await (const split of reader.enumerate(dataset)) {
        for await (const { batch } of reader.read(dataset, split, undefined)) {
          for (let row = 0; row < batch.rows; row++) rows.push(batch.row(row))
        }
      }
    }
    return { datasets, rows }
  }

  /** A whole run without the engine's casts: works where source and target types are the same. Rows are passed on undecoded if `encoded` and possible. */
  async function copy(from: object, to: object, encoded = false): Promise<Copied> {
    const context = contextOfEnds()
    await using reader = await openSource(from, context)
    await using writer = await openLedgerSink(to, context)
    const [dataset] = await reader.discover()
    if (dataset === undefined) throw new Error('nothing to read')
    const target = await writer.plan(dataset)
    const splits = await Array.fromAsync(reader.enumerate(dataset))
    const run = await writer.runs.begin({ job: context.job, run: 'run-1' }, [target], splits, null)
    await writer.join(run)
    for (const split of splits) {
      for await (const { batch, position } of reader.read(dataset, split, undefined, encoded && target.takesEncoded)) {
        await writer.write(target, batch)
        await writer.commit([{ split: split.id, ...(position === undefined ? {} : { position }), done: false }])
      }
      await writer.commit([{ split: split.id, done: true }])
    }
    await writer.runs.finish(run, [target])
    return { target, run }
  }

  return { openSource, openSink, openLedgerSink, readAll, copy }
}
