/** A worker: opens both ends (or one) of a chain and does what its coordinator says. Knows nothing of threads or processes. */
import { setFlagsFromString } from 'node:v8'
import type { Context, Json, Reader, Sink, Source, Writer } from '#connector'
import { SluiceError } from '#errors'
import { BadRows } from './bad-rows.ts'
import { Chain, type ChunkSource, type Supply } from './chain.ts'
import type { Endpoint } from './endpoint.ts'
import type { Assignment, FromWorker, ToWorker } from './messages.ts'
import { ChainMeter } from './meter.ts'
import { RemoteReaders, serveReads } from './remote-reader.ts'
import type { Limits } from './spec.ts'

/** Where connectors come from; the catalog, or a test. */
export interface Connectors {
  source(name: string): Promise<Source>
  sink(name: string): Promise<Sink>
}

const METRICS_MS = 250
/**
 * The middle compiler of V8 needs up to half a megabyte for each column of generated codecs; beyond so many columns they do without it. The
 * flag is of the whole process.
 */
const MOST_COLUMNS_OF_MAGLEV = 200

type Init = ToWorker & { kind: 'init' }
type Open = ToWorker & { kind: 'open' }
/** Messages that wait for each other; the others are heeded at once. */
type Queued = Extract<ToWorker, { kind: 'init' | 'commit' | 'open' | 'barrier' }>

/** Serves until the coordinator closes or goes away. Resolves when everything it opened is closed. */
export async function serveWorker(endpoint: Endpoint<FromWorker, ToWorker>, connectors: Connectors): Promise<void> {
  const session = new WorkerSession(endpoint, connectors)
  await session.ended
}

class WorkerSession {
  readonly ended: Promise<void>
  readonly #end: () => void
  readonly #endpoint: Endpoint<FromWorker, ToWorker>
  readonly #connectors: Connectors
  readonly #abort = new AbortController()
  readonly #warn = (message: string) => this.#endpoint.send({ kind: 'warning', message })
  readonly #meter = new ChainMeter()
  readonly #supply: SplitSupply
  #init: Init | undefined
  #limits: Limits | undefined
  #reader: Reader | undefined
  #writer: Promise<Writer> | undefined
  #chain: Chain | undefined
  #badRows: BadRows | undefined
  #resume: (() => void) | undefined
  #metrics: NodeJS.Timeout | undefined
  #ports: Open['ports'] = []
  /** Messages are handled one after the other: an `open` that is still connecting must not be overtaken. */
  #handling: Promise<void> = Promise.resolve()

  constructor(endpoint: Endpoint<FromWorker, ToWorker>, connectors: Connectors) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    this.#end = resolve
    this.#endpoint = endpoint
    this.#connectors = connectors
    this.#supply = new SplitSupply(endpoint, () => this.#meter.snapshot())
    endpoint.onMessage(message => this.#receive(message))
    // A coordinator that died can neither want nor use what this worker would still write.
    endpoint.onEnd(() => void this.#close())
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case 'abort':
        this.#abort.abort(new DOMException('The run was aborted.', 'AbortError'))
        return
      case 'close':
        void this.#close()
        return
      case 'resume':
        this.#resume?.()
        return
      case 'splits':
        this.#supply.add(message.splits, message.last)
        return
      case 'limits':
        this.#limits = message.limits
        if (this.#chain) this.#chain.limits = message.limits
        return
      default:
        this.#handling = this.#handling.then(() => this.#handle(message)).catch((error: unknown) => this.#failed(error))
    }
  }

  async #handle(message: Queued): Promise<void> {
    switch (message.kind) {
      case 'init':
        this.#init = message
        this.#limits = message.limits
        return
      case 'commit': {
        const writer = await this.#openWriter()
        if (writer.delivery === 'two-phase') await writer.commit(message.committables)
        this.#endpoint.send({ kind: 'committed', id: message.id })
        return
      }
      case 'open':
        return this.#open(message)
      case 'barrier':
        return this.#barrier(message.id, message.end)
    }
  }

  async #open(message: Open): Promise<void> {
    this.#ports = message.ports
    if (message.routes.some(({ dataset }) => dataset.schema.fields.length > MOST_COLUMNS_OF_MAGLEV))
      setFlagsFromString('--no-maglev')
    if (message.role === 'reader') {
      const source = await this.#openReader()
      for (const port of message.ports) serveReads(port, source, this.#meter)
    } else {
      const writer = await this.#openWriter()
      await writer.join(message.run)
      const remote = () => new RemoteReaders(message.ports, this.#abort.signal, this.#meter.source)
      const source = message.role === 'fused' ? await this.#openReader() : remote()
      this.#start(message, source, writer)
    }
    this.#endpoint.send({ kind: 'opened' })
    this.#metrics = setInterval(() => this.#endpoint.send({ kind: 'metrics', meter: this.#meter.snapshot() }), METRICS_MS)
  }

  #start({ routes, lanes, run }: Open, source: ChunkSource, writer: Writer): void {
    const limits = this.#limits
    if (limits === undefined) throw new Error('a worker was opened before it was initialised')
    const { badRows } = this.#initialised()
    if (badRows) this.#badRows = new BadRows(badRows, run, this.#meter, this.#warn)
    this.#chain = new Chain({
      ...{ source, writer, supply: this.#supply, meter: this.#meter, routes, limits, signal: this.#abort.signal },
      ...(this.#badRows === undefined ? {} : { badRows: this.#badRows }),
    })
    this.#chain.run(lanes).then(
      () => this.#endpoint.send({ kind: 'finished', meter: this.#meter.snapshot() }),
      (error: unknown) => this.#failed(error),
    )
  }

  async #barrier(id: bigint, end: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resume = resolve
    const held = end ? new Promise<void>(() => {}) : promise
    const answered = Promise.withResolvers<void>()
    this.#chain
      ?.barrier((progress, committables) => {
        this.#endpoint.send({ kind: 'barrier-done', id, progress, committables, meter: this.#meter.snapshot() })
        answered.resolve()
      }, held)
      .catch(answered.reject)
    await answered.promise
  }

  async #openReader(): Promise<Reader> {
    const { source } = this.#initialised()
    const connector = await this.#connectors.source(source.connector)
    this.#reader ??= await connector.open(source.options, this.#context(this.#initialised().readers, this.#meter.source))
    return this.#reader
  }

  #openWriter(): Promise<Writer> {
    const { sink, writers } = this.#initialised()
    this.#writer ??= this.#connectors
      .sink(sink.connector)
      .then(connector => connector.open(sink.options, this.#context(writers, this.#meter.sink)))
    return this.#writer
  }

  #initialised(): Init {
    if (this.#init === undefined) throw new Error('a worker was used before it was initialised')
    return this.#init
  }

  #context(parallelism: number, meter: { bytes: number; waitMs: number }): Context {
    const { job, limits, resumeColumn, badRows } = this.#initialised()
    return contextOf({
      job,
      limits,
      parallelism,
      meter,
      signal: this.#abort.signal,
      warn: this.#warn,
      quarantine: badRows !== undefined,
      ...(resumeColumn === undefined ? {} : { resumeColumn }),
    })
  }

  #failed(error: unknown): void {
    // After an abort every wait rejects; the coordinator knows already.
    if (this.#abort.signal.aborted) return
    this.#endpoint.send({ kind: 'failed', error: SluiceError.from(error).toJSON() })
    this.#abort.abort(error)
  }

  async #close(): Promise<void> {
    clearInterval(this.#metrics)
    this.#abort.abort(new DOMException('The worker was closed.', 'AbortError'))
    await Promise.allSettled([
      this.#reader?.[Symbol.asyncDispose](),
      this.#writer?.then(writer => writer[Symbol.asyncDispose]()),
      this.#badRows?.[Symbol.asyncDispose](),
    ])
    for (const port of this.#ports) port.close()
    this.#endpoint.send({ kind: 'closed' })
    this.#end()
  }
}

/** Asks the coordinator for splits, one at a time per lane. */
class SplitSupply implements Supply {
  readonly #endpoint: Endpoint<FromWorker, ToWorker>
  readonly #meter: () => (FromWorker & { kind: 'metrics' })['meter']
  readonly #ready: Assignment[] = []
  readonly #waiting: ((assignment: Assignment | undefined) => void)[] = []
  #isOver = false

  constructor(endpoint: Endpoint<FromWorker, ToWorker>, meter: () => (FromWorker & { kind: 'metrics' })['meter']) {
    this.#endpoint = endpoint
    this.#meter = meter
  }

  next(): Promise<Assignment | undefined> {
    const ready = this.#ready.shift()
    if (ready !== undefined || this.#isOver) return Promise.resolve(ready)
    const { promise, resolve } = Promise.withResolvers<Assignment | undefined>()
    // Before asking: an answer may come while the question is still being sent.
    this.#waiting.push(resolve)
    this.#endpoint.send({ kind: 'need' })
    return promise
  }

  add(splits: readonly Assignment[], last: boolean): void {
    this.#ready.push(...splits)
    this.#isOver ||= last
    while (this.#waiting.length > 0 && (this.#ready.length > 0 || this.#isOver)) this.#waiting.shift()?.(this.#ready.shift())
  }

  committed(progress: readonly { split: string; position?: Json; done: boolean }[]): void {
    this.#endpoint.send({ kind: 'positions', progress, meter: this.#meter() })
  }
}

/** What a connector is lent, in a worker or in the coordinator. */
export function contextOf(parts: {
  job: string
  limits: Limits
  parallelism: number
  signal: AbortSignal
  resumeColumn?: string
  quarantine?: boolean
  meter?: { bytes: number; waitMs: number }
  warn?: (message: string, detail?: object) => void
}): Context {
  const { job, limits, parallelism, signal, resumeColumn, quarantine = false, meter, warn } = parts
  return {
    signal,
    batchRows: limits.batchRows,
    batchBytes: limits.batchBytes,
    ...(limits.rowBytes === undefined ? {} : { rowBytes: limits.rowBytes }),
    parallelism,
    job,
    quarantine,
    ...(resumeColumn === undefined ? {} : { resumeColumn }),
    ...(meter === undefined ? {} : { meter }),
    log: { debug() {}, warn: warn ?? (() => {}) },
  }
}
