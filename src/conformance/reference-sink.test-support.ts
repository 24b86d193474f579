/** Sinks as they should be, one of each delivery, and with one of the planted faults if that is asked for. */
import type { Batch } from '#columnar'
import { defineSink, type Context, type Dataset, type PlainWriter, type RunRecord, type Target } from '#connector'
import { Desk, options, type Options } from './reference-desk.test-support.ts'
import type { LedgerFault, PlainFault, TwoPhaseFault } from './reference-faults.test-support.ts'
import { LedgerWriter } from './reference-ledger.test-support.ts'
import { StagingWriter } from './reference-staging.test-support.ts'

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
