/**
 * Rows that a sink hands to the program around it, from whichever thread of the process the sink runs in.
 *
 * They travel over a broadcast channel of the collector's name. The collector answers for every batch, so that a writer knows
 * what has arrived, and waits when the collector is slow.
 */
import { randomUUID } from 'node:crypto'
import { BroadcastChannel } from 'node:worker_threads'
import type { Batch, Value } from '#columnar'
import { streamErrors } from './errors.ts'

/** Batches that may be under way. */
const UNANSWERED = 4
const PATIENCE_SECONDS = 10

type Message =
  | { readonly kind: 'rows'; readonly writer: string; readonly batch: number; readonly dataset: string; readonly rows: Value[][] }
  | { readonly kind: 'taken'; readonly writer: string; readonly batch: number }

const channelOf = (name: string) => new BroadcastChannel(`sluice.collect.${name}`)

/** Keeps the rows of all stream sinks of this process that have `collect: name`, from now on until it is disposed of. */
export class Collector implements Disposable {
  /** Rows by dataset, in the order in which they came; values as `readValue` gives them. */
  readonly rows = new Map<string, Value[][]>()
  readonly #channel: BroadcastChannel

  constructor(name: string) {
    this.#channel = channelOf(name)
    this.#channel.onmessage = ({ data }: { data: unknown }) => this.#receive(data as Message)
    // A program that has nothing left but a collector is at its end.
    this.#channel.unref()
  }

  [Symbol.dispose](): void {
    this.#channel.close()
  }

  #receive(message: Message): void {
    if (message.kind !== 'rows') return
    const rows = this.rows.get(message.dataset) ?? []
    for (const row of message.rows) rows.push(row)
    this.rows.set(message.dataset, rows)
    this.#channel.postMessage({ kind: 'taken', writer: message.writer, batch: message.batch } satisfies Message)
  }
}

/** The writer's side. */
export class CollectorLine implements Disposable {
  readonly #name: string
  readonly #signal: AbortSignal
  readonly #channel: BroadcastChannel
  readonly #id = randomUUID()
  #sent = 0
  #taken = 0
  #wake = () => {}

  constructor(name: string, signal: AbortSignal) {
    this.#name = name
    this.#signal = signal
    this.#channel = channelOf(name)
    this.#channel.onmessage = ({ data }: { data: unknown }) => this.#receive(data as Message)
  }

  /** Returns when the collector is not too far behind. */
  async send(dataset: string, batch: Batch): Promise<void> {
    const rows = Array.from({ length: batch.rows }, (_, row) => batch.row(row))
    this.#channel.postMessage({ kind: 'rows', writer: this.#id, batch: ++this.#sent, dataset, rows } satisfies Message)
    await this.#untilTaken(this.#sent - UNANSWERED)
  }

  /** Returns when the collector has everything. */
  async flush(): Promise<void> {
    await this.#untilTaken(this.#sent)
  }

  [Symbol.dispose](): void {
    this.#channel.close()
  }

  #receive(message: Message): void {
    if (message.kind !== 'taken' || message.writer !== this.#id) return
    this.#taken = message.batch
    this.#wake()
  }

  async #untilTaken(batch: number): Promise<void> {
    while (this.#taken < batch) {
      this.#signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      this.#wake = resolve
      const late = () => reject(streamErrors.noCollector({ name: this.#name, seconds: PATIENCE_SECONDS }))
      const timer = setTimeout(late, PATIENCE_SECONDS * 1000)
      const abort = () => reject(this.#signal.reason)
      this.#signal.addEventListener('abort', abort, { once: true })
      try {
        await promise
      } finally {
        clearTimeout(timer)
        this.#signal.removeEventListener('abort', abort)
      }
    }
  }
}
