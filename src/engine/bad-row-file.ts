/**
 * The rows of one split that were set aside, as JSON Lines: a head, then one row per line, in the order in which they were met.
 *
 * How many lines count is part of the split's progress and becomes durable with it (ledger or checkpoint). Lines are synced before that
 * and cut back to that number when the split is taken up again, so a run that was killed neither repeats nor loses one. An empty line
 * stands for a row that counts and is not here: the state directory has been lost, or is a copy that was made before.
 */
import { createHash } from 'node:crypto'
import { open, rm, truncate, type FileHandle } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { typeName, type ValueJson } from '#columnar'
import { makeFolder, type Dataset, type Json, type RunRecord } from '#connector'
import { SluiceError } from '#errors'
import { engineErrors } from './errors.ts'

export const BAD_ROWS_FORMAT = 'sluice-bad-rows/1'

/** First line of a file. */
export interface BadRowHead {
  readonly format: typeof BAD_ROWS_FORMAT
  readonly job: string
  readonly run: string
  /** When the run began: its id may have been given to another one before. */
  readonly began: string
  readonly split: string
  readonly dataset: string
  readonly primaryKey: readonly string[]
  readonly columns: readonly { readonly name: string; readonly type: string; readonly nullable: boolean }[]
}

export interface BadRow {
  /** How people find it in the source: `id=17`. */
  readonly key: string
  readonly code: string
  readonly message: string
  readonly column?: string
  /** The value of that column as the source shows it, or without a column the whole row, where `row` cannot hold it. */
  readonly text?: string
  /** Position behind the rows it was read with. */
  readonly position?: Json
  readonly time: string
  /** One per column of the head. */
  readonly row: readonly ValueJson[]
}

/** The values as an object, the bad one as the source shows it; only the `line` where they could not be told apart. */
export function namedValues(columns: readonly { readonly name: string }[], { column, text, row }: BadRow): object {
  if (column === undefined && text !== undefined) return { line: text }
  return Object.fromEntries(columns.map(({ name }, i) => [name, name === column && text !== undefined ? text : row[i]]))
}

/** Text that is kept in memory before it goes to the file. */
const BUFFER_CHARS = 256 * 1024

function badRowFile(folder: string, split: string): string {
  return join(folder, `${createHash('sha256').update(split).digest('hex').slice(0, 20)}.jsonl`)
}

export type RunOfBadRows = Pick<RunRecord, 'job' | 'run' | 'began'>

export function headOf({ job, run, began }: RunOfBadRows, split: string, dataset: Dataset): BadRowHead {
  const { id, schema, primaryKey } = dataset
  const columns = schema.fields.map(({ name, type, nullable }) => ({ name, type: typeName(type), nullable }))
  return { format: BAD_ROWS_FORMAT, job, run, began, split, dataset: id, primaryKey, columns }
}

export class BadRowFile implements AsyncDisposable {
  readonly #file: string
  readonly #head: BadRowHead
  /** Lines that are durable with the split. */
  readonly #before: number
  #handle: Promise<FileHandle> | undefined
  /** Length that the file must have, unless somebody else writes to it. */
  #bytes = 0
  #buffer = ''
  #isDirty = false
  count: number

  /** `count`: rows that the split's progress says were set aside so far. */
  constructor(folder: string, head: BadRowHead, count: number) {
    this.#file = badRowFile(folder, head.split)
    this.#head = head
    this.#before = count
    this.count = count
  }

  /** Forgets what an earlier attempt wrote and did not commit. Before the first row. Returns how many rows that count are not here. */
  async cut(): Promise<number> {
    let missing = 0
    await this.#guard(async () => {
      if (this.#before > 0) {
        const found = await leadingLines(this.#file, this.#before + 1)
        this.#bytes = found.bytes
        missing = this.#before + 1 - Math.max(1, found.lines)
      }
      if (this.#bytes === 0) await rm(this.#file, { force: true })
      else await truncate(this.#file, this.#bytes)
    })
    this.#buffer = '\n'.repeat(missing)
    await this.#write()
    return missing
  }

  async append(row: BadRow): Promise<void> {
    this.#buffer += `${JSON.stringify(row)}\n`
    this.count++
    if (this.#buffer.length > BUFFER_CHARS) await this.#write()
  }

  /** Returns when all rows are on disk. */
  async sync(): Promise<void> {
    await this.#write()
    await this.#guard(async () => {
      if (this.#isDirty) await (await this.#handle)?.sync()
      this.#isDirty = false
    })
  }

  /** What does not count yet can be looked at until the split is taken up again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#write().catch(() => {})
    const handle = await this.#handle?.catch(() => undefined)
    await handle?.close()
  }

  async #write(): Promise<void> {
    if (this.#buffer === '') return
    await this.#guard(async () => {
      this.#handle ??= this.#open()
      const handle = await this.#handle
      if ((await handle.stat()).size !== this.#bytes) throw engineErrors.badRowsShared({ file: this.#file })
      const text = this.#buffer
      this.#buffer = ''
      await handle.writeFile(text)
      this.#bytes += Buffer.byteLength(text)
      this.#isDirty = true
    })
  }

  /** Appends to what counts, behind a head. */
  async #open(): Promise<FileHandle> {
    await makeFolder(dirname(this.#file), 0o700)
    const handle = await open(this.#file, 'a', 0o600)
    const head = `${JSON.stringify(this.#head)}\n`
    if (this.#bytes === 0 && (await handle.stat()).size === 0) {
      await handle.writeFile(head)
      this.#bytes = Buffer.byteLength(head)
    }
    return handle
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (SluiceError.is(cause)) throw cause
      throw engineErrors.badRowsUnwritable(
        { file: this.#file, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) },
        cause,
      )
    }
  }
}

/** The first lines of a file, those that are complete, and their bytes. */
async function leadingLines(file: string, most: number): Promise<{ lines: number; bytes: number }> {
  let [bytes, lines, at] = [0, 0, 0]
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      for (let end = chunk.indexOf(10); end >= 0 && lines < most; end = chunk.indexOf(10, end + 1)) {
        lines++
        bytes = at + end + 1
      }
      if (lines === most) break
      at += chunk.length
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { lines, bytes }
}
