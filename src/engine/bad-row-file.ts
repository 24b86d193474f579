/**
 * The rows of one split that were set aside, as JSON Lines: a head, then one row per line, in the order in which they were met.
 *
 * How many lines count is part of the split's progress and becomes durable with it (ledger or checkpoint). Lines are synced before that
 * and cut back to that number when the split is taken up again, so a run that was killed neither repeats nor loses one.
 */
import { createHash } from 'node:crypto'
import { open, rm, truncate, type FileHandle } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { parseTypeName, typeName, type Schema, type ValueJson } from '#columnar'
import { makeFolder, type Json } from '#connector'
import { engineErrors } from './errors.ts'

export const BAD_ROWS_FORMAT = 'sluice-bad-rows/1'

/** First line of a file. */
export interface BadRowHead {
  readonly format: typeof BAD_ROWS_FORMAT
  readonly job: string
  readonly run: string
  readonly split: string
  readonly dataset: string
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

export function headOf(parts: { job: string; run: string; split: string; dataset: string; schema: Schema }): BadRowHead {
  const { schema, ...rest } = parts
  const columns = schema.fields.map(({ name, type, nullable }) => ({ name, type: typeName(type), nullable }))
  return { format: BAD_ROWS_FORMAT, ...rest, columns }
}

export class BadRowFile implements AsyncDisposable {
  readonly #file: string
  readonly #head: BadRowHead
  /** Lines that are durable with the split. */
  readonly #before: number
  #handle: Promise<FileHandle> | undefined
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

  /** Forgets what an earlier attempt wrote and did not commit. Before the first row. */
  async cut(): Promise<void> {
    await this.#guard(async () => {
      const bytes = this.#before === 0 ? 0 : await bytesOfLines(this.#file, this.#before + 1)
      if (bytes === 0) await rm(this.#file, { force: true })
      else await truncate(this.#file, bytes)
    })
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

  async [Symbol.asyncDispose](): Promise<void> {
    const handle = await this.#handle?.catch(() => undefined)
    await handle?.close()
  }

  async #write(): Promise<void> {
    if (this.#buffer === '') return
    await this.#guard(async () => {
      this.#handle ??= this.#open()
      const handle = await this.#handle
      const text = this.#buffer
      this.#buffer = ''
      await handle.writeFile(text)
      this.#isDirty = true
    })
  }

  /** Appends to what counts, behind a head. */
  async #open(): Promise<FileHandle> {
    await makeFolder(dirname(this.#file), 0o700)
    const handle = await open(this.#file, 'a', 0o600)
    const { size } = await handle.stat()
    if (size === 0) await handle.writeFile(`${JSON.stringify(this.#head)}\n`)
    return handle
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      throw engineErrors.badRowsUnwritable(
        { file: this.#file, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) },
        cause,
      )
    }
  }
}

/** Bytes of the first `lines` lines that are complete; fewer when the file has fewer. */
async function bytesOfLines(file: string, lines: number): Promise<number> {
  let [bytes, found, at] = [0, 0, 0]
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      for (let end = chunk.indexOf(10); end >= 0 && found < lines; end = chunk.indexOf(10, end + 1)) {
        found++
        bytes = at + end + 1
      }
      if (found === lines) break
      at += chunk.length
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return bytes
}

const headShape = z.object({
  ...{ format: z.literal(BAD_ROWS_FORMAT), job: z.string(), run: z.string(), split: z.string(), dataset: z.string() },
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string().refine(name => parseTypeName(name) !== undefined),
      nullable: z.boolean(),
    }),
  ),
})
const rowShape = z.object({
  ...{ key: z.string(), code: z.string(), message: z.string(), time: z.string(), row: z.array(z.unknown()) },
  ...{ column: z.string().optional(), text: z.string().optional() },
})

/** Head and rows of a file; `rows` is read line by line and may be read once. A last line that is torn is not a row. */
export async function readBadRows(file: string): Promise<{ head: BadRowHead; rows: AsyncIterable<BadRow> }> {
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })[Symbol.asyncIterator]()
  const first = await lines.next()
  const head = first.done === true ? undefined : parse(first.value)
  if (!headShape.safeParse(head).success) throw engineErrors.stateTorn({ file, reason: 'it does not begin with its format' })
  const rows = async function* () {
    for (let line = await lines.next(); line.done !== true;) {
      const row = parse(line.value)
      const next = await lines.next()
      if (row === undefined && next.done === true) return
      if (!rowShape.safeParse(row).success) throw engineErrors.stateTorn({ file, reason: 'one of its lines is not a row' })
      yield row as BadRow
      line = next
    }
  }
  return { head: head as BadRowHead, rows: rows() }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
