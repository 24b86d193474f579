/** Sink that shows rows, hands them to the program, or forgets them: FlinkX's stream writer. */
import { once } from 'node:events'
import type { Batch } from '#columnar'
import { defineSink, type Context, type Dataset, type PlainWriter, type Target } from '#connector'
import { CollectorLine } from './collect.ts'
import { jsonLines } from './json-line.ts'
import { sinkOptions, type SinkOptions } from './options.ts'

export const streamSink = defineSink({
  name: 'stream',
  title: 'Stream',
  summary: 'Prints rows, or reads them from the source and drops them.',
  stability: 'stable',
  options: sinkOptions,
  ignored: ['column', 'writeDelimiter', 'batchInterval', 'batchSize', 'flushIntervalMills'],
  capabilities: { delivery: 'plain', accepts: ['append'] },
  open: async (options, context) => new StreamWriter(options, context),
})

class StreamWriter implements PlainWriter {
  readonly delivery = 'plain'
  readonly bufferBytes = 0
  readonly #options: SinkOptions
  readonly #context: Context
  readonly #line: CollectorLine | undefined

  constructor(options: SinkOptions, context: Context) {
    this.#options = options
    this.#context = context
    this.#line = options.collect === undefined ? undefined : new CollectorLine(options.collect, context.signal)
  }

  async plan({ id, schema }: Dataset): Promise<Target> {
    const { print, collect } = this.#options
    const what = [
      ...(print ? ['print every row of'] : []),
      ...(collect === undefined ? [] : [`hand to the collector "${collect}" every row of`]),
    ]
    return {
      dataset: id,
      name: `${print ? 'standard output' : collect === undefined ? 'nowhere' : `collector ${collect}`} (${id})`,
      schema,
      statements: [`${what.length === 0 ? 'drop every row of' : what.join(' and ')} ${id}`],
      guarantee: { delivery: 'at-least-once', why: 'What was printed or handed over before a crash cannot be taken back.' },
      notes: [],
      detail: null,
    }
  }

  async prepare(): Promise<void> {
    // There is nothing to create.
  }

  async join(): Promise<void> {
    // Writers do not know of each other.
  }

  async write({ dataset }: Target, batch: Batch): Promise<void> {
    this.#context.signal.throwIfAborted()
    if (this.#options.print && !process.stdout.write(jsonLines(batch))) await once(process.stdout, 'drain', this.#context)
    await this.#line?.send(dataset, batch)
  }

  async flush(): Promise<void> {
    await this.#line?.flush()
  }

  async finish(): Promise<void> {
    // There is nothing to close in the target.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line?.[Symbol.dispose]()
  }
}
