/**
 * Writes through a writer that has savepoints, and keeps the rows until the system has accepted them. When it refuses a piece, the rows
 * from there on are written again: those before the row that it names, or ever smaller parts, until the bad row is found. It is set
 * aside, and the others go on in their order.
 */
import { packBatch, pickRows, unpackBatch, type Batch, type Caster, type Schema } from '#columnar'
import type { Savepoints, Target, Writer } from '#connector'
import { SluiceError } from '#errors'
import type { ReadRows } from './bad-rows.ts'

/** Good rows of one pull, before the cast, which has accepted them. */
export interface PieceRows extends ReadRows {
  readonly target: Target
  readonly caster: Caster
  readonly batch: Batch
  /** Index of each row among those that were pulled; undefined: the same. */
  readonly numbers: readonly number[] | undefined
}

/** Called for a row that the system refuses; `at` is its index in the batch. */
export type SetAside = (rows: PieceRows, at: number, error: SluiceError) => Promise<void>

interface Kept {
  readonly from: Omit<PieceRows, 'batch'>
  readonly schema: Schema
  readonly rows: number
  readonly slab: ArrayBuffer
  /** A view of the slab, once it was needed. */
  batch?: Batch
  /** Rows at its front that are no longer of interest. */
  done: number
}

/** What is known of a piece that was refused. All rows before it have been accepted. */
interface Doubt {
  /** So many of the first rows have a bad one among them. */
  rows: number
  /** Index of the bad one, once those before it are accepted. */
  suspect: number | undefined
  readonly error: SluiceError
}

interface Open {
  readonly target?: Target
  readonly rows: number
  readonly bytes: number
}
const NOTHING: Open = { rows: 0, bytes: 0 }

/** A piece costs as much as a few thousand rows; a bad row, half a piece (docs/decisions/0007). */
const MOST_ROWS = 65_536
/** Bad rows come in company. */
const LEAST_ROWS = 64
const PIECE_BATCHES = 4
/** Pieces that may be under way: the system works on one while the next is encoded and sent. */
const MOST_PENDING = 1
/** Smaller ones come between bad rows that follow each other closely: what is sent behind one is nearly always sent in vain. */
const LEAST_ROWS_AHEAD = 4096
/** Full batches that it holds at most: those of all pieces, and the part of one that is written again. */
export const BATCHES_KEPT = (MOST_PENDING + 1) * PIECE_BATCHES + 1

export class PieceQueue {
  readonly #writer: Writer
  readonly #savepoints: Savepoints
  readonly #setAside: SetAside
  readonly #batchBytes: number
  /** Rows that the system has not accepted, oldest first. All counts below begin at the first of them. */
  readonly #kept: Kept[] = []
  #rows = 0
  /** Rows that the writer was given. */
  #sent = 0
  /** Rows of each piece that has ended. */
  #pieces: number[] = []
  /** The piece that has not ended. */
  #open: Open = NOTHING
  /** Where the batch of the last write begins in its piece. */
  #lastWrite = 0
  #accepted: number
  #doubt: Doubt | undefined
  /** Rows of a piece: few after a bad row that came soon, more while all goes well. */
  #pieceRows = MOST_ROWS
  /** Since the last bad one. */
  #goodRows = 0
  /** Slabs that can be used again. */
  readonly #slabs: ArrayBuffer[] = []

  constructor(writer: Writer, savepoints: Savepoints, batchBytes: number, setAside: SetAside) {
    this.#writer = writer
    this.#savepoints = savepoints
    this.#batchBytes = batchBytes
    this.#setAside = setAside
    this.#accepted = savepoints.accepted
  }

  /** `cast` holds the rows in the types of the target. */
  async write(rows: PieceRows, cast: Batch): Promise<void> {
    const { batch, ...from } = rows
    const slab = packBatch(batch, this.#slabs.pop())
    this.#kept.push({ from, schema: batch.schema, rows: batch.rows, slab, done: 0 })
    this.#rows += batch.rows
    await this.#step(() => this.#send(cast))
    while (this.#sent < this.#rows) await this.#step(() => this.#send())
  }

  /** Returns when the system has accepted all rows. */
  async settle(): Promise<void> {
    while (this.#rows > 0) {
      await this.#step(async () => {
        if (this.#sent < this.#rows) await this.#send()
        else await this.#end(0)
      })
    }
  }

  async #step(work: () => Promise<void>): Promise<void> {
    let refusal: SluiceError | undefined
    try {
      await work()
    } catch (error) {
      if (!SluiceError.is(error) || error.fault !== 'data') throw error
      refusal = error
    }
    this.#takeAccepted()
    if (refusal !== undefined) this.#takeRefusal(refusal)
    if (this.#doubt?.suspect === 0) await this.#setFirstAside(this.#doubt.error)
  }

  /** Gives the writer as many of the next rows as belong to one batch and one piece; `whole` is what becomes of all rows of that batch. */
  async #send(whole?: Batch): Promise<void> {
    const { kept, at } = this.#next()
    const { target } = kept.from
    const left = kept.rows - at
    // A batch is not divided without need.
    const isNext = this.#doubt === undefined && left <= this.#pieceRows && left > this.#room()
    if (this.#open.rows > 0 && (isNext || this.#open.target !== target)) await this.#end(this.#mostPending)
    const count = Math.min(left, this.#room())
    const batch = count === kept.rows ? (whole ?? castAgain(kept)) : castAgain(kept, range(at, count))
    const { rows: before, bytes } = this.#open
    this.#lastWrite = before
    this.#open = { target, rows: before + count, bytes: bytes + (kept.slab.byteLength * count) / kept.rows }
    this.#sent += count
    await this.#writer.write(target, batch)
    const isFull = this.#room() === 0 || this.#open.bytes > (PIECE_BATCHES - 1) * this.#batchBytes
    if (isFull) await this.#end(this.#mostPending)
  }

  /** The first rows that the writer was not given. */
  #next(): { kept: Kept; at: number } {
    let before = this.#sent
    for (const kept of this.#kept) {
      const left = kept.rows - kept.done
      if (before < left) return { kept, at: kept.done + before }
      before -= left
    }
    throw new Error('nothing is left to send')
  }

  /** Rows that the open piece may still take. */
  #room(): number {
    const doubt = this.#doubt
    const rows = doubt === undefined ? this.#pieceRows : (doubt.suspect ?? Math.max(1, doubt.rows >> 1))
    return rows - this.#open.rows
  }

  get #mostPending(): number {
    return this.#doubt === undefined && this.#pieceRows >= LEAST_ROWS_AHEAD ? MOST_PENDING : 0
  }

  /** Ends the open piece and returns when at most so many are not accepted. */
  async #end(pending: number): Promise<void> {
    if (this.#open.rows > 0) {
      await this.#savepoints.end()
      this.#pieces.push(this.#open.rows)
      this.#open = NOTHING
    }
    await this.#savepoints.settle(pending)
  }

  #takeAccepted(): void {
    for (; this.#accepted < this.#savepoints.accepted; this.#accepted++) {
      const rows = this.#pieces.shift() ?? 0
      this.#sent -= rows
      this.#goodRows += rows
      this.#drop(rows)
      const doubt = this.#doubt
      if (doubt === undefined) this.#pieceRows = Math.min(MOST_ROWS, this.#pieceRows * 2)
      else {
        doubt.rows -= rows
        if (doubt.suspect !== undefined) doubt.suspect -= rows
        // Nobody was bad after all: what stood in the way is gone.
        if (doubt.rows === 0) this.#doubt = undefined
      }
    }
  }

  /** The writer stands at the start of the oldest piece that was not accepted, which is the one that was refused. */
  #takeRefusal(error: SluiceError): void {
    const rows = this.#pieces[0] ?? this.#open.rows
    const named = suspectOf(error, this.#lastWrite)
    const suspect = rows === 1 ? 0 : named !== undefined && named < rows ? named : undefined
    this.#doubt = { rows, suspect, error }
    this.#pieces = []
    this.#open = NOTHING
    this.#sent = 0
  }

  async #setFirstAside(error: SluiceError): Promise<void> {
    const kept = this.#kept[0]!
    this.#doubt = undefined
    this.#pieceRows = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, 2 * this.#goodRows))
    this.#goodRows = 0
    await this.#setAside({ ...kept.from, batch: batchOf(kept) }, kept.done, error)
    this.#drop(1)
  }

  #drop(count: number): void {
    this.#rows -= count
    let rest = count
    for (let first = this.#kept[0]; first !== undefined && rest > 0; first = this.#kept[0]) {
      const rows = Math.min(rest, first.rows - first.done)
      first.done += rows
      rest -= rows
      if (first.done < first.rows) return
      this.#kept.shift()
      if (this.#slabs.length < BATCHES_KEPT) this.#slabs.push(first.slab)
    }
  }
}

const batchOf = (kept: Kept): Batch => (kept.batch ??= unpackBatch(kept.schema, kept.slab))

/** All its rows, or some, in the types of the target. */
function castAgain(kept: Kept, rows?: readonly number[]): Batch {
  const batch = batchOf(kept)
  const cast = kept.from.caster.cast(rows === undefined ? batch : pickRows(batch, rows))
  if ('refused' in cast) throw new Error('a cast refused what it had accepted')
  return cast.batch
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

/** Index, in the oldest piece, of the row that the error is about, as far as it says (`Savepoints` of #connector). */
function suspectOf({ detail }: SluiceError, lastWrite: number): number | undefined {
  const { row, line } = detail
  if (typeof row === 'number') return lastWrite + row
  return typeof line === 'number' && line > 0 ? line - 1 : undefined
}
