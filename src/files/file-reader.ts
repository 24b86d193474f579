/**
 * The reader of every text format: one dataset or several out of files, splits inside big ones, positions that are byte offsets.
 *
 * Order: within a split rows come as they stand in the file; across splits there is none.
 */
import { basename } from 'node:path'
import type { Chunk, Context, Dataset, Reader, ReadPlan } from '#connector'
import { isSeekable, openBytes } from './byte-source.ts'
import { fileErrors } from './errors.ts'
import { locate, readBeginning, type StoredFile } from './file-beginning.ts'
import { listDatasets, refuseChanged, type FileSplit } from './file-datasets.ts'
import type { InputFile } from './listing.ts'
import { RowFault, type DecodeRows, type RowFormat, type RowRescue } from './row-format.ts'
import { RowReader, type FilePosition } from './row-reader.ts'
import { RowWindow, WINDOW_BYTES } from './row-window.ts'
import { storageOf, type SourceSettings } from './source-options.ts'

const LINE_FEED = 0x0a
/** Files of a dataset whose beginning is looked at. */
const SAMPLED_FILES = 16
const SAMPLE_BYTES = 512 * 1024
/** Files that a plan lists by name. */
const LISTED_FILES = 10

/** Characters of a file's name in the id of a split. */
const NAME_CHARACTERS = 60

export class FileReader implements Reader<FileSplit, FilePosition> {
  readonly bufferBytes = WINDOW_BYTES
  readonly #settings: SourceSettings
  readonly #format: RowFormat
  readonly #context: Context
  /** Files with the same head share a decoder, so that it is compiled and warmed up once. */
  readonly #decoders = new Map<string, DecodeRows>()

  constructor(settings: SourceSettings, format: RowFormat, context: Context) {
    this.#settings = settings
    this.#format = format
    this.#context = context
  }

  async discover(): Promise<Dataset[]> {
    const datasets: Dataset[] = []
    for (const [id, files] of await listDatasets(this.#settings)) {
      const { schema, bytesPerRow } = await this.#sample(files)
      const bytes = files.reduce((sum, { size }) => sum + size, 0)
      const estimate = bytesPerRow === undefined ? {} : { estimatedRows: Math.ceil(bytes / bytesPerRow) }
      datasets.push({ id, schema, primaryKey: [], ...estimate })
    }
    return datasets
  }

  async explain(dataset: Dataset): Promise<ReadPlan> {
    const files = await this.#filesOf(dataset)
    const listed = files.slice(0, LISTED_FILES).map(({ path, size }) => `read ${path} (${size} bytes)`)
    const more = files.length > listed.length ? [`… and ${files.length - listed.length} more files`] : []
    const big = files.find(({ size, path }) => size > this.#settings.splitBytes && !this.#isDivisible(path))
    return {
      statements: [...listed, ...more],
      resume: { by: 'position', why: 'The offset of the next row in its file is recorded.' },
      notes:
        big === undefined
          ? []
          : [{ level: 'info', text: `${basename(big.path)} is read by one worker: ${this.#whyWhole(big.path)}` }],
    }
  }

  async *enumerate(dataset: Dataset): AsyncIterable<FileSplit> {
    const all = [...(await listDatasets(this.#settings)).values()].flat()
    const numbers = new Map(all.map(({ path }, at) => [path, at + 1]))
    for (const { path, size, modifiedMs } of await this.#filesOf(dataset)) {
      // Short enough for any ledger; the number tells files of one name in several folders apart.
      const name = `${numbers.get(path)}:${basename(path).slice(0, NAME_CHARACTERS)}`
      const step = this.#isDivisible(path) ? this.#settings.splitBytes : size
      for (let start = 0; start < size; start += step) {
        const end = Math.min(start + step, size)
        yield { id: `${name}@${start}-${end}`, dataset: dataset.id, file: path, start, end, size, modifiedMs }
      }
    }
  }

  async *read(dataset: Dataset, split: FileSplit, position: FilePosition | undefined): AsyncIterable<Chunk<FilePosition>> {
    const file = this.#stored(split.file)
    await refuseChanged(split)
    const { decode, rowsAt, rescue } = await this.#prepare(dataset, file)
    const from = position?.offset ?? Math.max(split.start, rowsAt)
    // Looking one byte back tells whether a row starts here: behind a line feed it does.
    const looksBack = from > rowsAt
    const opened = looksBack ? from - 1 : from
    await using window = new RowWindow(await openBytes(file.path, file.storage, opened, file.signal), opened, {
      meter: this.#context.meter,
    })
    try {
      await window.fill()
      if (looksBack && position === undefined) await skipLine(window)
      else if (looksBack) await this.#skipLineFeed(window, file.path)
      const end = isSeekable(file.storage) ? split.end : Infinity
      const rows = new RowReader({ dataset, file: file.path, decode, rescue, window, end }, this.#settings, this.#context)
      yield* rows.chunks()
    } catch (error) {
      throw error instanceof RowFault ? await locate(error, file, window.offsetOf(error.at)) : error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing outlives a call: every method opens and closes its own files.
  }

  /** A position lies behind a line feed, or at the end of the file. */
  async #skipLineFeed(window: RowWindow, file: string): Promise<void> {
    if (window.buffer[window.start] !== LINE_FEED && !window.isLast) {
      await window.fill()
      if (!window.isLast || window.end - window.start > 1) {
        throw fileErrors.changed({ file, reason: `no row starts at byte ${window.offsetOf(window.start + 1)}` })
      }
    }
    window.moveTo(Math.min(window.start + 1, window.end))
  }

  async #prepare(dataset: Dataset, file: StoredFile): Promise<{ decode: DecodeRows; rowsAt: number; rescue: () => RowRescue }> {
    const { head, rowsAt } = await readBeginning(file, this.#format, 1)
    const key = JSON.stringify([dataset.id, head.names])
    const decode = this.#decoders.get(key) ?? this.#format.decoder(dataset.schema, head, file.path)
    this.#decoders.set(key, decode)
    return { decode, rowsAt, rescue: () => this.#format.rescue(dataset.schema, head) }
  }

  async #sample(files: readonly InputFile[]) {
    const sampler = this.#format.sampler()
    const step = Math.ceil(files.length / SAMPLED_FILES)
    for (const { path } of files.filter((_, at) => at % step === 0)) {
      const file = this.#stored(path)
      const { beginning, head, offsetOf } = await readBeginning(file, this.#format, SAMPLE_BYTES)
      try {
        sampler.add(beginning, head, path)
      } catch (error) {
        throw error instanceof RowFault ? await locate(error, file, offsetOf(error.at)) : error
      }
    }
    const schema = sampler.schema()
    if (schema === undefined) throw fileErrors.noColumns({ path: this.#settings.path })
    return { schema, bytesPerRow: sampler.bytesPerRow }
  }

  async #filesOf(dataset: Dataset): Promise<InputFile[]> {
    const files = (await listDatasets(this.#settings)).get(dataset.id)
    if (files === undefined) throw fileErrors.nothingFound({ path: this.#settings.path })
    return files
  }

  #stored(path: string): StoredFile {
    const { maxRowBytes } = this.#settings
    const { signal, quarantine = false } = this.#context
    return { path, storage: storageOf(path, this.#settings), signal, maxRowBytes, quarantine }
  }

  #isDivisible(path: string): boolean {
    return this.#format.cutsAtLineFeeds && isSeekable(storageOf(path, this.#settings))
  }

  #whyWhole(path: string): string {
    return isSeekable(storageOf(path, this.#settings))
      ? 'a quoted field may contain line feeds. `multiline: false` divides it.'
      : 'it is compressed, or not in UTF-8.'
  }
}

/** Moves behind the first line feed, where the first row of a split starts. */
async function skipLine(window: RowWindow): Promise<void> {
  for (;;) {
    const at = window.buffer.subarray(0, window.end).indexOf(LINE_FEED, window.start)
    window.moveTo(at === -1 ? window.end : at + 1)
    if (at !== -1 || window.isLast) return
    await window.fill()
  }
}
