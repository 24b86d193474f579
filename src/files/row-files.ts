/** Rows of one writer to staged files: one open file per dataset, one buffer that is being filled. */
import { join } from 'node:path'
import type { Batch } from '#columnar'
import type { RefusedRow, Target } from '#connector'
import { SluiceError } from '#errors'
import type { FilePlace } from './file-place.ts'
import type { StagedFile as Names } from './job-folder.ts'
import type { Encoded, EncodeRows, RowEncoding } from './row-encoding.ts'
import { StagedFile, WriteBuffers } from './staged-file.ts'

/** Files that are open at the same time; beyond that, the oldest is closed and a later row begins another. */
const OPEN_FILES = 64

export interface RowFilesOptions {
  readonly path: string
  readonly maxFileBytes: number
  readonly encoding: RowEncoding
  readonly nameFile: (place: FilePlace, number: number) => Names
  readonly meter: { bytes: number; waitMs: number } | undefined
}

interface Open {
  readonly names: Names
  readonly file: StagedFile
}

export class RowFiles {
  readonly #options: RowFilesOptions
  readonly #buffers: WriteBuffers
  readonly #encoders = new Map<string, EncodeRows>()
  readonly #open = new Map<string, Open>()
  /** Files that are closed and durable. */
  #closed: Names[] = []
  #files = 0
  /** What is being filled, and for whom. */
  #filling:
    | { readonly dataset: string; readonly file: StagedFile; readonly buffer: Uint8Array<ArrayBuffer>; used: number }
    | undefined

  constructor(options: RowFilesOptions) {
    this.#options = options
    this.#buffers = new WriteBuffers(options.meter)
  }

  /** With `isLenient`, rows that the format has no text for are left out and returned; else they are an error. */
  async write(target: Target, batch: Batch, isLenient: boolean): Promise<RefusedRow[]> {
    const { rows } = batch
    const refused: RefusedRow[] = []
    try {
      for (let from = 0; from < rows;) {
        const bad = await this.#writeRows(target, batch, from, isLenient)
        if (bad === undefined) break
        // What came before it in the same call was not written either.
        batch.rows = bad.row
        await this.#writeRows(target, batch, bad.from, false)
        batch.rows = rows
        refused.push(bad)
        from = bad.row + 1
      }
    } finally {
      batch.rows = rows
    }
    return refused
  }

  /** Writes from row `row` to the end of the batch, or until one is refused; `from` is then the first row that was not written. */
  async #writeRows(
    target: Target,
    batch: Batch,
    row: number,
    isLenient: boolean,
  ): Promise<(RefusedRow & { readonly from: number }) | undefined> {
    const encode = this.#encoderOf(target)
    while (row < batch.rows) {
      const filling = await this.#room(target, 0)
      let encoded: Encoded
      try {
        encoded = encode(batch, row, filling.buffer, filling.used)
      } catch (error) {
        if (!isLenient || !SluiceError.is(error, 'data.value-refused')) throw error
        return { ...(error.detail as { row: number; column: string; reason: string }), from: row }
      }
      filling.used = encoded.pos
      row = encoded.row
      if (row < batch.rows && encoded.needed > filling.buffer.length - filling.used) await this.#room(target, encoded.needed)
      if (filling.file.bytes + filling.used >= this.#options.maxFileBytes) await this.#close(target.dataset)
    }
    return undefined
  }

  /** Makes durable what has been written; returns the files since the last call. */
  async finish(): Promise<Names[]> {
    for (const dataset of [...this.#open.keys()]) await this.#close(dataset)
    const closed = this.#closed
    this.#closed = []
    return closed
  }

  async abandon(): Promise<void> {
    for (const { file } of this.#open.values()) await file.abandon()
    this.#open.clear()
  }

  #encoderOf({ dataset, schema, name }: Target): EncodeRows {
    const encode = this.#encoders.get(dataset) ?? this.#options.encoding.encoder(schema, name)
    this.#encoders.set(dataset, encode)
    return encode
  }

  /** A buffer of the target's file with at least `needed` bytes left, or one that is not full when that does not matter. */
  async #room(target: Target, needed: number) {
    const { dataset } = target
    if (this.#filling?.dataset === dataset && this.#filling.buffer.length - this.#filling.used >= Math.max(needed, 1))
      return this.#filling
    this.#flush()
    const { file } = this.#open.get(dataset) ?? (await this.#create(target))
    file.throwIfFailed()
    this.#filling = { dataset, file, buffer: await this.#buffers.acquire(needed === 0 ? undefined : needed), used: 0 }
    return this.#filling
  }

  async #create({ dataset, detail, schema }: Target): Promise<Open> {
    const [oldest] = this.#open.keys()
    if (this.#open.size >= OPEN_FILES && oldest !== undefined) await this.#close(oldest)
    const names = this.#options.nameFile(detail as FilePlace, ++this.#files)
    const file = await StagedFile.create(join(this.#options.path, names.staged))
    const open = { names, file }
    this.#open.set(dataset, open)
    void file.append(this.#options.encoding.head(schema))
    return open
  }

  /** Sends what is in the buffer. */
  #flush(): void {
    const filling = this.#filling
    this.#filling = undefined
    if (filling !== undefined) this.#buffers.send(filling.file, filling.buffer, filling.used)
  }

  async #close(dataset: string): Promise<void> {
    if (this.#filling?.dataset === dataset) this.#flush()
    const open = this.#open.get(dataset)
    if (open === undefined) return
    this.#open.delete(dataset)
    await open.file.finish()
    this.#closed.push(open.names)
  }
}
