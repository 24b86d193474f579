/**
 * Readers and writers in different threads: a writer pulls splits through ports from readers, batch by batch.
 * What travels is one slab per batch, by transfer; at most `CREDIT` slabs per stream are ahead of the writer.
 */
import type { MessagePort } from 'node:worker_threads'
import { packBatch, unpackBatch } from '#columnar'
import type { Chunk, Dataset, Json, Split } from '#connector'
import { SluiceError } from '#errors'
import type { ChunkSource } from './chain.ts'
import type { FromReader, ToReader } from './messages.ts'

/** Slabs that a reader may send before the writer has asked for more. */
const CREDIT = 2

interface Stream {
  readonly dataset: Dataset
  readonly arrived: FromReader[]
  wake: (() => void) | undefined
}

/** The writer's side: spreads its reads over the reader workers. */
export class RemoteReaders implements ChunkSource {
  readonly #ports: readonly MessagePort[]
  readonly #signal: AbortSignal
  readonly #meter: { waitMs: number }
  readonly #streams = new Map<number, Stream>()
  /** Streams that each port is serving, to give the next one to the least busy. */
  readonly #busy: number[]
  #next = 0

  constructor(ports: readonly MessagePort[], signal: AbortSignal, meter: { waitMs: number }) {
    this.#ports = ports
    this.#signal = signal
    this.#meter = meter
    this.#busy = ports.map(() => 0)
    for (const port of ports) port.on('message', (message: FromReader) => this.#receive(message))
    signal.addEventListener('abort', () => this.#streams.forEach(stream => stream.wake?.()), { once: true })
  }

  async *read(dataset: Dataset, split: Split, position: Json | undefined): AsyncIterable<Chunk<Json>> {
    const id = this.#next++
    const place = this.#busy.indexOf(Math.min(...this.#busy))
    const port = this.#ports[place]
    if (port === undefined) throw new Error('a writer without readers')
    const stream: Stream = { dataset, arrived: [], wake: undefined }
    this.#streams.set(id, stream)
    this.#busy[place]!++
    const send = (message: ToReader) => port.postMessage(message)
    send({
      kind: 'read',
      stream: id,
      dataset,
      assignment: { split, ...(position === undefined ? {} : { position }) },
      credit: CREDIT,
    })
    try {
      yield* this.#chunks(stream, () => send({ kind: 'more', stream: id }))
    } finally {
      this.#streams.delete(id)
      this.#busy[place]!--
      send({ kind: 'stop', stream: id })
    }
  }

  async *#chunks(stream: Stream, more: () => void): AsyncIterable<Chunk<Json>> {
    for (;;) {
      this.#signal.throwIfAborted()
      const message = stream.arrived.shift()
      if (message === undefined) {
        const since = performance.now()
        await new Promise<void>(resolve => (stream.wake = resolve))
        this.#meter.waitMs += performance.now() - since
      } else if (message.kind === 'end') return
      else if (message.kind === 'failed') throw SluiceError.fromJSON(message.error)
      else {
        const { slab, position, refused } = message
        yield { batch: unpackBatch(stream.dataset.schema, slab), position, ...(refused === undefined ? {} : { refused }) }
        more()
      }
    }
  }

  #receive(message: FromReader): void {
    const stream = this.#streams.get(message.stream)
    stream?.arrived.push(message)
    stream?.wake?.()
  }
}

/** The reader's side: serves the streams that one writer pulls. */
export function serveReads(port: MessagePort, source: ChunkSource, meter: { pullMs: number }): void {
  const streams = new Map<number, { credit: number; stopped: boolean; wake: (() => void) | undefined }>()
  port.on('message', (message: ToReader) => {
    const stream = streams.get(message.stream)
    if (message.kind === 'read') void serve(message)
    else if (stream !== undefined) {
      if (message.kind === 'more') stream.credit++
      else stream.stopped = true
      stream.wake?.()
    }
  })

  async function serve({ stream: id, dataset, assignment, credit }: ToReader & { kind: 'read' }): Promise<void> {
    const state = { credit, stopped: false, wake: undefined as (() => void) | undefined }
    streams.set(id, state)
    const send = (message: FromReader, slab?: ArrayBuffer) => port.postMessage(message, slab === undefined ? [] : [slab])
    let since = performance.now()
    try {
      for await (const { batch, position, refused } of source.read(dataset, assignment.split, assignment.position)) {
        meter.pullMs += performance.now() - since
        while (state.credit === 0 && !state.stopped) await new Promise<void>(resolve => (state.wake = resolve))
        if (state.stopped) break
        state.credit--
        const slab = packBatch(batch)
        const place = { ...(position === undefined ? {} : { position }), ...(refused === undefined ? {} : { refused }) }
        send({ kind: 'slab', stream: id, slab, ...place }, slab)
        since = performance.now()
      }
      send({ kind: 'end', stream: id })
    } catch (error) {
      send({ kind: 'failed', stream: id, error: SluiceError.from(error).toJSON() })
    } finally {
      streams.delete(id)
    }
  }
}
