import { Caster, EncodedBatch, pickRows, type Batch } from '#columnar'
import {
  dataErrors,
  type Chunk,
  type Committable,
  type Dataset,
  type Json,
  type Progress,
  type RefusedRow,
  type Split,
  type Writer,
} from '#connector'
import type { SluiceError } from '#errors'
import type { BadRows } from './bad-rows.ts'
import { Lock } from './lock.ts'
import type { Assignment } from './messages.ts'
import type { ChainMeter } from './meter.ts'
import { PieceQueue, type PieceRows } from './piece-queue.ts'
import { Uncommitted } from './progress.ts'
import { rowKey, withRowKey } from './row-key.ts'
import { rowsWithout, sift } from './sift.ts'
import type { Limits, Route } from './spec.ts'
import { Throttle } from './throttle.ts'

/** The reading end of a chain: a reader in this thread, or one in another. */
export interface ChunkSource {
  read(dataset: Dataset, split: Split, position: Json | undefined, encoded?: boolean): AsyncIterable<Chunk<Json>>
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
    const { split, position } = assignment
    const found = this.#routes.get(split.dataset)
    if (found === undefined) throw new Error(`split ${split.id} belongs to no route`)
    await this.#badRows?.open(assignment, found.route.dataset)
    let rowsBefore = 0
    let since = performance.now()
    for await (const chunk of this.#source.read(found.route.dataset, split, position, this.#takesEncoded(found.route))) {
      this.#meter.pullMs += performance.now() - since
      await this.#throttle.pass(chunk.batch.rows, chunk.batch.byteLength, this.#signal)
      await this.#lock.run(() =>
        this.#badRows === undefined
          ? this.#write(found, split, chunk, rowsBefore)
          : this.#writeGood(this.#badRows, found, split, chunk, rowsBefore),
      )
      rowsBefore += chunk.batch.rows
      since = performance.now()
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

  async #write(
    { route, caster }: { route: Route; caster: Caster },
    split: Split,
    chunk: Chunk<Json>,
    rowsBefore: number,
  ): Promise<void> {
    const { batch, position } = chunk
    const since = performance.now()
    const key = (row: number) => rowKey(route.dataset, batch, row, split.id, rowsBefore)
    const cast = batch instanceof EncodedBatch ? { batch } : caster.cast(batch)
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

  /** Writes the rows that can be written and sets the others aside. */
  async #writeGood(
    badRows: BadRows,
    { route, caster }: { route: Route; caster: Caster },
    split: Split,
    chunk: Chunk<Json>,
    rowsBefore: number,
  ): Promise<void> {
    const { position } = chunk
    const since = performance.now()
    const { dataset, target } = route
    const from = { dataset, split: split.id, position, rowsBefore }
    const where = `${dataset.id} → ${target.name}`
    const refuse = async (batch: Batch, numbers: readonly number[] | undefined, { row, column, reason, text }: RefusedRow) => {
      const number = numbers?.[row] ?? row
      await badRows.setAside(from, { batch, at: row, number, text }, dataErrors.valueRefused({ dataset: where, column, reason }))
    }
    let { batch } = chunk
    let numbers: readonly number[] | undefined
    this.#meter.rowsRead += batch.rows
    this.#meter.bytesRead += batch.byteLength
    if (chunk.refused !== undefined && chunk.refused.length > 0) {
      for (const refused of chunk.refused) await refuse(batch, undefined, refused)
      numbers = rowsWithout(batch.rows, chunk.refused)
      batch = pickRows(batch, numbers)
    }
    let cast = caster.cast(batch)
    if ('refused' in cast) {
      const { kept, refused } = sift(caster, batch)
      for (const one of refused) await refuse(batch, numbers, one)
      numbers = kept.map(row => numbers?.[row] ?? row)
      batch = pickRows(batch, kept)
      cast = caster.cast(batch)
      if ('refused' in cast) throw new Error('a cast refused what it had accepted')
    }
    const { rows, byteLength } = batch
    const waited = this.#meter.sink.waitMs
    // The position behind rows that are all bad is recorded like any other.
    if (rows > 0) {
      let leftOut: readonly RefusedRow[] = []
      if (this.#queue) await this.#queue.write({ ...from, target, caster, batch, numbers }, cast.batch)
      else leftOut = (await this.#writer.write(target, cast.batch)) ?? []
      for (const one of leftOut) await refuse(batch, numbers, one)
      this.#meter.wrote(dataset.id, rows - leftOut.length, byteLength)
    }
    this.#meter.waitWriteMs += this.#meter.sink.waitMs - waited
    this.#meter.writeMs += performance.now() - since
    this.#uncommitted.wrote(split.id, chunk.batch.rows, byteLength, position)
    await this.#commitIfDue()
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
