/**
 * Source that makes its rows up: FlinkX's stream reader.
 *
 * A row depends on the seed, its number and its columns alone, so every way to split and resume gives the same rows.
 * Memory: one batch per split that is being read.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Batch, Column, writeValue, type Field, type Type, type Value } from '#columnar'
import { defineSource, type Chunk, type Context, type Dataset, type Note, type Reader, type ReadPlan } from '#connector'
import { constantValue, fillConstant } from './constant.ts'
import { fillerOf, type Fill } from './fill.ts'
import { KEY_ROWS, keyOf } from './hash.ts'
import { sourceOptions, type ColumnOption, type SourceOptions } from './options.ts'
import { parseWord } from './words.ts'

const DATASET = 'stream'
/** Without a turn of the event loop from time to time nobody could stop a chain that never waits. */
const TURN_MS = 10
/** A limited split gives at least so many batches per second. */
const LIMITED_BATCHES_PER_SECOND = 10

/** Rows `from` to `to` - 1, numbered from 0. */
type RowSplit = { id: string; dataset: string; from: number; to: number }

/** Number of the first row not yet made. */
type RowNumber = number

export const streamSource = defineSource({
  name: 'stream',
  title: 'Stream',
  summary: 'Makes up rows of given columns, the same ones every time.',
  stability: 'stable',
  options: sourceOptions,
  refused: {
    'column.format': 'Write the `value` of a date or timestamp in ISO form, such as 2024-01-31 or 2024-01-31 12:00:00.',
    'columns.format': 'Write the `value` of a date or timestamp in ISO form, such as 2024-01-31 or 2024-01-31 12:00:00.',
  },
  capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
  open: async (options, context) => new StreamReader(options, context),
})

/** A column as it will be made. */
interface MadeColumn {
  readonly field: Field
  /** Counts the rows, so it identifies them. */
  readonly isNumber: boolean
  /** Undefined for a constant. */
  readonly fill: Fill | undefined
  readonly constant: Value
  readonly rowBytes: number
}

class StreamReader implements Reader<RowSplit, RowNumber> {
  readonly bufferBytes = 0
  readonly #options: SourceOptions
  readonly #context: Context
  readonly #columns: readonly MadeColumn[]

  constructor(options: SourceOptions, context: Context) {
    this.#options = options
    this.#context = context
    this.#columns = options.columns.map(madeColumn)
  }

  async discover(): Promise<Dataset[]> {
    const key = this.#columns.find(({ isNumber }) => isNumber)
    return [
      {
        id: DATASET,
        schema: { fields: this.#columns.map(({ field }) => field) },
        primaryKey: key === undefined ? [] : [key.field.name],
        estimatedRows: this.#parts().reduce((sum, rows) => sum + rows, 0),
      },
    ]
  }

  async explain({ estimatedRows = 0 }: Dataset): Promise<ReadPlan> {
    const { rows, seed } = this.#options
    const names = this.#columns.map(({ field }) => field.name).join(', ')
    return {
      statements: [`make up ${estimatedRows} rows of ${names} from seed ${seed}`],
      resume: { by: 'position', why: 'Every row follows from its number.' },
      notes: Array.isArray(rows) ? channelNotes(rows.length, this.#context.parallelism) : [],
    }
  }

  async *enumerate(): AsyncIterable<RowSplit> {
    let from = 0
    for (const rows of this.#parts()) {
      yield { id: `${DATASET}@${from}`, dataset: DATASET, from, to: from + rows }
      from += rows
    }
  }

  async *read({ schema }: Dataset, split: RowSplit, position: RowNumber | undefined): AsyncIterable<Chunk<RowNumber>> {
    const { signal } = this.#context
    const limit = this.#batchRows()
    const batch = new Batch(schema, limit)
    for (const [at, { fill, constant }] of this.#columns.entries()) {
      if (fill === undefined) fillConstant(batch.columns[at]!, constant)
    }
    const start = performance.now()
    const first = position ?? split.from
    let lastTurn = start
    for (let row = first; row < split.to; row += batch.rows) {
      batch.rows = Math.min(limit, split.to - row, KEY_ROWS - (row % KEY_ROWS))
      this.#fill(batch, row)
      await this.#pace(start, row + batch.rows - first)
      if (performance.now() - lastTurn > TURN_MS) {
        await turn()
        lastTurn = performance.now()
      }
      signal.throwIfAborted()
      yield { batch, position: row + batch.rows }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing outlives a call.
  }

  /** Rows of each split. */
  #parts(): readonly number[] {
    const { rows, splitRows } = this.#options
    if (typeof rows !== 'number') return rows
    return Array.from({ length: Math.ceil(rows / splitRows) }, (_, at) => Math.min(splitRows, rows - at * splitRows))
  }

  #batchRows(): number {
    const { batchRows, batchBytes } = this.#context
    const { rowsPerSecond } = this.#options
    const rowBytes = this.#columns.reduce((sum, column) => sum + column.rowBytes, 0)
    const paced = rowsPerSecond === 0 ? batchRows : Math.ceil(rowsPerSecond / LIMITED_BATCHES_PER_SECOND)
    return Math.max(1, Math.min(batchRows, Math.floor(batchBytes / rowBytes), paced))
  }

  #fill(batch: Batch, row: number): void {
    const { seed } = this.#options
    for (const [at, { fill, constant }] of this.#columns.entries()) {
      const column = batch.columns[at]!
      if (fill !== undefined) fill(column, 0, batch.rows, row, keyOf(seed, at, row))
      else if (constant === null) column.nulls = batch.rows
    }
  }

  /** Waits until `rows` rows are due, counted from `start`. */
  async #pace(start: number, rows: number): Promise<void> {
    const { rowsPerSecond } = this.#options
    if (rowsPerSecond === 0) return
    const dueMs = (rows / rowsPerSecond) * 1000
    const wait = dueMs - (performance.now() - start)
    if (wait > 0) await sleep(wait, undefined, { signal: this.#context.signal })
  }
}

function madeColumn({ name, type: text, value }: ColumnOption, at: number): MadeColumn {
  const word = parseWord(text)
  const constant = value === undefined || word === undefined ? undefined : constantValue(word.type, String(value))
  if (word === undefined || (constant && 'refused' in constant)) throw new Error('the options were not checked')
  const { type, special } = word
  const field = {
    name: name ?? `column${at + 1}`,
    type,
    nullable: constant?.value === null,
    native: { system: 'stream', type: text },
  }
  if (constant !== undefined) {
    return { field, isNumber: false, fill: undefined, constant: constant.value, rowBytes: bytesOf(type, constant.value) }
  }
  const { fill, rowBytes, length } = fillerOf(word)
  const fraction = type.kind === 'timestamp' ? { fraction: special === 'seconds' ? 0 : 3 } : {}
  const bounds = { ...fraction, ...(length === undefined ? {} : { length }) }
  return { field: { ...field, ...bounds }, isNumber: special === 'id', fill, constant: null, rowBytes }
}

function bytesOf(type: Type, value: Value): number {
  const column = new Column(type, 1)
  writeValue(column, 0, value)
  return column.byteLength(1)
}

function channelNotes(entries: number, channels: number): Note[] {
  if (entries === channels) return []
  const flinkx =
    entries > channels ? `FlinkX would make those of the first ${channels} only` : 'FlinkX would never end on the others'
  return [
    {
      level: 'warning',
      text: `\`rows\` counts for ${entries} channels and there are ${channels}: all of them are made; ${flinkx}.`,
    },
  ]
}
