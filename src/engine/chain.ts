import { Caster } from '#columnar'
import {
  dataErrors,
  type Chunk,
  type Committable,
  type Dataset,
  type Json,
  type Progress,
  type Split,
  type Writer,
} from '#connector'
import { Lock } from './lock.ts'
import type { Assignment } from './messages.ts'
import type { ChainMeter } from './meter.ts'
import { Uncommitted } from './progress.ts'
import { rowKey, withRowKey } from './row-key.ts'
import type { Limits, Route } from './spec.ts'

/** The reading end of a chain: a reader in this thread, or one in another. */
export interface ChunkSource {
  read(dataset: Dataset, split: Split, position: Json | undefined): AsyncIterable<Chunk<Json>>
}

/** What a chain asks of its coordinator. */
export interface Supply {
  /** The next split to read; undefined when there are no more. */
  next(): Promise<Assignment | undefined>
  /** Positions that have become durable without a barrier. */
  committed(progress: readonly Progress[]): void
}

/**
 * Moves the rows of one split after the other from source to writer, through casts.
 *
 * Several lanes may pull at once; writing, committing and barriers exclude each other. A barrier keeps the lock until it is
 * told to go on, so nothing is written behind its back.
 */
export class Chain {
  readonly #source: ChunkSource
  readonly #writer: Writer
  readonly #supply: Supply
  readonly #meter: ChainMeter
  readonly #routes: ReadonlyMap<string, { route: Route; caster: Caster }>
  readonly #uncommitted = new Uncommitted()
  readonly #lock = new Lock()
  limits: Limits

  constructor(parts: {
    source: ChunkSource
    writer: Writer
    supply: Supply
    meter: ChainMeter
    routes: readonly Route[]
    limits: Limits
  }) {
    this.#source = parts.source
    this.#writer = parts.writer
    this.#supply = parts.supply
    this.#meter = parts.meter
    this.limits = parts.limits
    this.#routes = new Map(
      parts.routes.map(route => [route.dataset.id, { route, caster: new Caster(route.dataset.schema, route.target.schema) }]),
    )
  }

  /** Runs until the supply has no more splits. What a ledger can hold is committed then; other writers wait for a barrier. */
  async run(lanes: number): Promise<void> {
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()))
    await this.#lock.run(async () => {
      if (this.#writer.delivery === 'transactional') await this.#commit(this.#writer)
    })
  }

  /** Makes all rows so far durable, tells how far that is, then keeps everything still until `held` resolves. */
  async barrier(
    answer: (progress: readonly Progress[], committables: readonly Committable[]) => void,
    held: Promise<void>,
  ): Promise<void> {
    await this.#lock.run(async () => {
      // Between two positions nothing can be recorded; the barrier then stands at the last commit.
      if (!this.#uncommitted.isPoint || this.#uncommitted.isEmpty) answer([], [])
      else {
        const progress = this.#uncommitted.progress()
        answer(progress, await this.#makeDurable(progress))
      }
      await held
    })
  }

  async #makeDurable(progress: readonly Progress[]): Promise<readonly Committable[]> {
    const writer = this.#writer
    const since = performance.now()
    let committables: readonly Committable[] = []
    if (writer.delivery === 'transactional') await writer.commit(progress)
    else if (writer.delivery === 'two-phase') committables = await writer.prepareCommit(progress)
    else await writer.flush()
    this.#uncommitted.clear()
    this.#meter.commits++
    this.#meter.commitMs += performance.now() - since
    return committables
  }

  async #lane(): Promise<void> {
    for (;;) {
      const assignment = await this.#supply.next()
      if (assignment === undefined) return
      await this.#readSplit(assignment)
    }
  }

  async #readSplit({ split, position }: Assignment): Promise<void> {
    const found = this.#routes.get(split.dataset)
    if (found === undefined) throw new Error(`split ${split.id} belongs to no route`)
    let rowsBefore = 0
    let since = performance.now()
    for await (const chunk of this.#source.read(found.route.dataset, split, position)) {
      this.#meter.pullMs += performance.now() - since
      await this.#lock.run(() => this.#write(found, split, chunk, rowsBefore))
      rowsBefore += chunk.batch.rows
      since = performance.now()
    }
    this.#meter.pullMs += performance.now() - since
    await this.#lock.run(async () => {
      this.#uncommitted.finished(split.id)
      await this.#commitIfDue()
    })
  }

  async #write(
    { route, caster }: { route: Route; caster: Caster },
    split: Split,
    chunk: Chunk<Json>,
    rowsBefore: number,
  ): Promise<void> {
    const { batch, position } = chunk
    const since = performance.now()
    const key = (row: number) => rowKey(route.dataset, batch, row, split.id, rowsBefore)
    const cast = caster.cast(batch)
    if ('refused' in cast) {
      const { row, column, reason } = cast.refused
      throw dataErrors.valueRefused({ dataset: `${route.dataset.id} → ${route.target.name}`, column, reason, key: key(row) })
    }
    const bytes = batch.byteLength
    const { rows } = batch
    this.#meter.rowsRead += rows
    this.#meter.bytesRead += bytes
    const waited = this.#meter.sink.waitMs
    try {
      await this.#writer.write(route.target, cast.batch)
    } catch (error) {
      throw withRowKey(error, key)
    }
    this.#meter.waitWriteMs += this.#meter.sink.waitMs - waited
    this.#meter.writeMs += performance.now() - since
    this.#meter.wrote(route.dataset.id, rows, bytes)
    this.#uncommitted.wrote(split.id, rows, bytes, position)
    await this.#commitIfDue()
  }

  async #commitIfDue(): Promise<void> {
    if (this.#writer.delivery !== 'transactional' || !this.#uncommitted.isPoint) return
    const { rows, bytes, ageMs } = this.#uncommitted
    const { commitRows, commitBytes, commitMs } = this.limits
    if (rows >= commitRows || bytes >= commitBytes || ageMs >= commitMs) await this.#commit(this.#writer)
  }

  async #commit(writer: Writer): Promise<void> {
    if (writer.delivery !== 'transactional' || this.#uncommitted.isEmpty) return
    const progress = this.#uncommitted.progress()
    await this.#makeDurable(progress)
    this.#supply.committed(progress)
  }
}
