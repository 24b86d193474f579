import { Caster, EncodedBatch, pickRows, type Batch, type CastResult } from '#columnar'
import {
  dataErrors,
  type Chunk,
  type Committable,
  type Dataset,
  type Json,
  type Progress,
  type RefusedRow,
  type Split,
  type Target,
  type Writer,
} from '#connector'
import type { SluiceError } from '#errors'
import type { BadRows } from './bad-rows.ts'
import { Lock } from './lock.ts'
import type { Assignment } from './messages.ts'
import type { ChainMeter } from './meter.ts'
import { PieceQueue, type PieceRows } from './piece-queue.ts'
import { Uncommitted } from './progress.ts'
import { rowKey, withRowKey, withRowPlace } from './row-key.ts'
import { rowsWithout, sift } from './sift.ts'
import type { Limits, Route } from './spec.ts'
import { Throttle } from './throttle.ts'

/** The reading end of a chain: a reader in this thread, or one in another. */
export interface ChunkSource {
  read(dataset: Dataset, split: Split, position: Json | undefined, encoded?: boolean): AsyncIterable<Chunk<Json>>
}

interface Routed {
  readonly route: Route
  readonly caster: Caster
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
  readonly #routes: ReadonlyMap<string, Routed>
  readonly #uncommitted = new Uncommitted()
  readonly #lock = new Lock()
  /** Undefined: the first bad row stops the chain. */
  readonly #badRows: BadRows | undefined
  /** Undefined: what the system refuses cannot be told from its neighbours. */
  readonly #queue: PieceQueue | undefined
  readonly #throttle: Throttle
  readonly #signal: AbortSignal
  #limits: Limits

  constructor(parts: {
    source: ChunkSource
    writer: Writer
    supply: Supply
    meter: ChainMeter
    routes: readonly Route[]
    limits: Limits
    badRows?: BadRows
    signal: AbortSignal
  }) {
    this.#source = parts.source
    this.#writer = parts.writer
    this.#supply = parts.supply
    this.#meter = parts.meter
    this.#limits = parts.limits
    this.#throttle = new Throttle(parts.limits)
    this.#signal = parts.signal
    this.#badRows = parts.badRows
    const { savepoints } = parts.writer
    this.#queue =
      parts.badRows === undefined || savepoints === undefined
        ? undefined
        : new PieceQueue(parts.writer, savepoints, parts.limits.batchBytes, (rows, at, error) => this.#setAside(rows, at, error))
    this.#routes = new Map(
      parts.routes.map(route => [route.dataset.id, { route, caster: new Caster(route.dataset.schema, route.target.schema) }]),
    )
  }

  set limits(limits: Limits) {
    this.#limits = limits
    this.#throttle.rates = limits
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
        await this.#settle()
        const progress = this.#progress()
        answer(progress, await this.#makeDurable(progress))
      }
      await held
    })
  }

  /** Afterwards it is known which rows are bad, and they are on disk. */
  async #settle(): Promise<void> {
    const since = performance.now()
    await this.#queue?.settle()
    await this.#badRows?.sync()
    this.#meter.commitMs += performance.now() - since
  }

  #progress(): Progress[] {
    const badRows = this.#badRows
    const progress = this.#uncommitted.progress()
    return badRows === undefined ? progress : progress.map(item => ({ ...item, bad: badRows.countOf(item.split) }))
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

  async #readSplit(assignment: Assignment): Promise<void> {
    const { split } = assignment
    const found = this.#routes.get(split.dataset)
    if (found === undefined) throw new Error(`split ${split.id} belongs to no route`)
    await this.#badRows?.open(assignment, found.route.dataset)
    let { position } = assignment
    let rowsBefore = 0
    let since = performance.now()
    try {
      for await (const chunk of this.#source.read(found.route.dataset, split, position, this.#takesEncoded(found.route))) {
        this.#meter.pullMs += performance.now() - since
        await this.#throttle.pass(chunk.batch.rows, chunk.batch.byteLength, this.#signal)
        await this.#lock.run(() => this.#write(found, split, chunk, rowsBefore))
        position = chunk.position
        rowsBefore += chunk.batch.rows
        since = performance.now()
      }
    } catch (error) {
      throw withRowPlace(error, split.id, position, rowsBefore)
    }
    this.#meter.pullMs += performance.now() - since
    await this.#lock.run(async () => {
      this.#uncommitted.finished(split.id)
      await this.#commitIfDue()
    })
  }

  /** Where single rows or the bytes of values count, all are decoded. */
  #takesEncoded({ target }: Route): boolean {
    return target.takesEncoded === true && this.#badRows === undefined && this.#limits.bytesPerSecond === undefined
  }

  /** Writes the rows that can be written. The others are set aside, or the first of them stops the chain. */
  async #write({ route, caster }: Routed, split: Split, chunk: Chunk<Json>, rowsBefore: number): Promise<void> {
    const since = performance.now()
    const { dataset, target } = route
    const { position, refused = [] } = chunk
    const from = { dataset, split: split.id, position, rowsBefore }
    this.#meter.rowsRead += chunk.batch.rows
    this.#meter.bytesRead += chunk.batch.byteLength
    let { batch } = chunk
    const keyOf = (row: number) => rowKey(dataset, batch, row, split.id, rowsBefore)
    /** Where each row of `batch` stood in the chunk; undefined: where it stands now. */
    let numbers: readonly number[] | undefined
    const refuse = async (rows: readonly RefusedRow[]) => {
      for (const { row, column, reason, text } of rows) {
        const error = dataErrors.valueRefused({ dataset: `${dataset.id} → ${target.name}`, column, reason, row })
        if (this.#badRows === undefined) throw withRowKey(error, keyOf)
        await this.#badRows.setAside(from, { batch, at: row, number: numbers?.[row] ?? row, text }, error)
      }
    }
    const keep = (kept: readonly number[]) => {
      numbers = kept.map(row => numbers?.[row] ?? row)
      batch = pickRows(batch, kept)
    }
    if (refused.length > 0) {
      await refuse(refused)
      keep(rowsWithout(batch.rows, refused))
    }
    let cast: CastResult = batch instanceof EncodedBatch ? { batch } : caster.cast(batch)
    if ('refused' in cast) {
      const sifted = this.#badRows === undefined ? { kept: [], refused: [cast.refused] } : sift(caster, batch)
      await refuse(sifted.refused)
      keep(sifted.kept)
      cast = caster.cast(batch)
      if ('refused' in cast) throw new Error('a cast refused what it had accepted')
    }
    const { rows, byteLength } = batch
    const waited = this.#meter.sink.waitMs
    // The position behind rows that are all bad is recorded like any other.
    if (rows > 0) {
      // What turns out to be bad is taken back, perhaps before this returns.
      this.#meter.wrote(dataset.id, rows, byteLength)
      if (this.#queue) await this.#queue.write({ ...from, target, caster, batch, numbers }, cast.batch)
      else {
        const leftOut = await this.#send(target, cast.batch, keyOf)
        await refuse(leftOut)
        this.#meter.tookBack(dataset.id, leftOut.length)
      }
    }
    this.#meter.waitWriteMs += this.#meter.sink.waitMs - waited
    this.#meter.writeMs += performance.now() - since
    this.#uncommitted.wrote(split.id, chunk.batch.rows, byteLength, position)
    await this.#commitIfDue()
  }

  async #send(target: Target, batch: Batch, key: (row: number) => string): Promise<readonly RefusedRow[]> {
    try {
      return (await this.#writer.write(target, batch)) ?? []
    } catch (error) {
      throw withRowKey(error, key)
    }
  }

  /** A row that the system of the sink refused. */
  async #setAside(rows: PieceRows, at: number, error: SluiceError): Promise<void> {
    await this.#badRows?.setAside(rows, { batch: rows.batch, at, number: rows.numbers?.[at] ?? at }, error)
    this.#meter.tookBack(rows.dataset.id, 1)
  }

  async #commitIfDue(): Promise<void> {
    if (this.#writer.delivery !== 'transactional' || !this.#uncommitted.isPoint) return
    const { rows, bytes, ageMs } = this.#uncommitted
    const { commitRows, commitBytes, commitMs } = this.#limits
    if (rows >= commitRows || bytes >= commitBytes || ageMs >= commitMs) await this.#commit(this.#writer)
  }

  async #commit(writer: Writer): Promise<void> {
    if (writer.delivery !== 'transactional' || this.#uncommitted.isEmpty) return
    await this.#settle()
    const progress = this.#progress()
    await this.#makeDurable(progress)
    this.#supply.committed(progress)
  }
}
