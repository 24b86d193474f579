/**
 * Writes through a writer that has savepoints, and keeps the rows until the system has accepted them. When it refuses one, the rows since
 * the savepoint are written again in ever smaller parts until it is found, set aside, and the others go on in their order.
 */
import { packBatch, pickRows, unpackBatch, type Batch, type Caster } from '#columnar'
import { dataErrors, type Savepoints, type Target, type Writer } from '#connector'
import { SluiceError } from '#errors'
import type { ReadRows } from './bad-rows.ts'

/** Good rows of one pull, before the cast. */
export interface PieceRows extends ReadRows {
  readonly target: Target
  readonly caster: Caster
  readonly batch: Batch
  /** Index of each row among those that were pulled; undefined: the same. */
  readonly numbers: readonly number[] | undefined
}

/** Called for a row that the system refuses on its own; `at` is its index in the batch. */
export type SetAside = (rows: PieceRows, at: number, error: SluiceError) => Promise<void>

interface Kept extends Omit<PieceRows, 'batch'> {
  readonly schema: Batch['schema']
  readonly slab: ArrayBuffer
  /** Piece that it belongs to, counted like `accepted`. */
  readonly piece: number
}

/** Pieces that may be under way: the server works on one while the next is encoded and sent. */
const MOST_PENDING = 2
/** Rows of a part behind a bad row; it doubles while all goes well. Bad rows come in company. */
const PART_AFTER_BAD = 64

export class PieceQueue {
  readonly #writer: Writer
  readonly #savepoints: Savepoints
  readonly #setAside: SetAside
  #kept: Kept[] = []
  /** Slabs that can be used again. */
  readonly #slabs: ArrayBuffer[] = []
  #piece = 0
  #writes = 0

  constructor(writer: Writer, savepoints: Savepoints, setAside: SetAside) {
    this.#writer = writer
    this.#savepoints = savepoints
    this.#setAside = setAside
    this.#piece = savepoints.accepted
  }

  /** `cast` holds the rows in the types of the target. */
  async write(rows: PieceRows, cast: Batch): Promise<void> {
    const { batch, ...rest } = rows
    this.#kept.push({ ...rest, schema: batch.schema, slab: packBatch(batch, this.#slabs.pop()), piece: this.#piece })
    await this.#recoverably(async () => {
      await this.#writer.write(rows.target, cast)
      this.#writes++
      if (this.#writes >= this.#savepoints.writesPerPiece) await this.#end()
      await this.#savepoints.settle(MOST_PENDING)
    })
    this.#forgetAccepted()
  }

  /** Returns when the system has accepted all rows. */
  async settle(): Promise<void> {
    await this.#recoverably(async () => {
      if (this.#writes > 0) await this.#end()
      await this.#savepoints.settle(0)
    })
    this.#forgetAccepted()
  }

  async #end(): Promise<void> {
    await this.#savepoints.end()
    this.#piece++
    this.#writes = 0
  }

  #forgetAccepted(): void {
    const { accepted } = this.#savepoints
    const isAccepted = ({ piece }: Kept) => piece < accepted
    // More than are ever under way need not be kept for later.
    const room = (MOST_PENDING + 1) * this.#savepoints.writesPerPiece - this.#slabs.length
    this.#slabs.push(
      ...this.#kept
        .filter(isAccepted)
        .slice(0, Math.max(0, room))
        .map(({ slab }) => slab),
    )
    this.#kept = this.#kept.filter(kept => !isAccepted(kept))
  }

  async #recoverably(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!SluiceError.is(error) || error.fault !== 'data') throw error
      await this.#recover(error)
    }
  }

  /** The writer stands at the start of the oldest piece that was not accepted. */
  async #recover(error: SluiceError): Promise<void> {
    this.#forgetAccepted()
    const kept = this.#kept
    this.#kept = []
    this.#piece = this.#savepoints.accepted
    this.#writes = 0
    let suspect = suspectOf(error)
    for (const one of kept) {
      await this.#writeParts({ ...one, batch: unpackBatch(one.schema, one.slab) }, suspect)
      suspect = undefined
    }
  }

  async #writeParts(rows: PieceRows, first: number | undefined): Promise<void> {
    const { batch } = rows
    let at = 0
    let suspect = first !== undefined && first < batch.rows ? first : undefined
    let size = suspect === undefined ? batch.rows : PART_AFTER_BAD
    while (at < batch.rows) {
      const count = suspect === undefined ? Math.min(size, batch.rows - at) : suspect > at ? suspect - at : 1
      const isSuspect = suspect === at
      const error = await this.#tryPart(rows, at, count)
      if (error === undefined) {
        at += count
        // Whoever was suspected wrongly tells nothing about its neighbours.
        size = isSuspect ? PART_AFTER_BAD : size * 2
        if (isSuspect) suspect = undefined
      } else if (count === 1) {
        await this.#setAside(rows, at, error)
        at++
        suspect = undefined
        size = PART_AFTER_BAD
      } else {
        const named = suspectOf(error)
        suspect = named !== undefined && named < count ? at + named : undefined
        size = Math.max(1, count >> 1)
      }
    }
  }

  /** Writes some rows and waits; the error when they are refused. */
  async #tryPart(rows: PieceRows, at: number, count: number): Promise<SluiceError | undefined> {
    const { batch } = rows
    const part = count === batch.rows ? batch : pickRows(batch, range(at, count))
    const cast = rows.caster.cast(part)
    if ('refused' in cast) return dataErrors.valueRefused({ dataset: rows.dataset.id, ...cast.refused })
    try {
      await this.#writer.write(rows.target, cast.batch)
      await this.#end()
      await this.#savepoints.settle(0)
      return undefined
    } catch (error) {
      if (!SluiceError.is(error) || error.fault !== 'data') throw error
      this.#piece = this.#savepoints.accepted
      this.#writes = 0
      return error
    }
  }
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

/** Index of the row that the error is about, as far as it says: a hint, which is tried before it is believed. */
function suspectOf({ detail }: SluiceError): number | undefined {
  const { row, line } = detail
  if (typeof row === 'number') return row
  return typeof line === 'number' && line > 0 ? line - 1 : undefined
}
