/** Rows that were set aside, as a source: what `sluice dirty replay` reads. Not in the catalog, as it is no system of its own. */
import { z } from 'zod'
import { BatchBuilder, parseTypeName, timestamp, utf8, valueFromJson, type Value } from '#columnar'
import { defineSource, type Chunk, type Context, type Dataset, type Reader, type RefusedRow, type Split } from '#connector'
import { SluiceError } from '#errors'
import { namedValues, type BadRow, type BadRowHead } from './bad-row-file.ts'
import { readBadRows } from './read-bad-rows.ts'

export const BAD_ROWS_SOURCE = 'bad-rows'

type FileSplit = Split & { readonly file: string }

export const badRowsSource = defineSource({
  name: BAD_ROWS_SOURCE,
  title: 'rows that were set aside',
  summary: 'Reads the rows that a run has set aside.',
  stability: 'beta',
  options: z.strictObject({ files: z.array(z.string()), as: z.enum(['rows', 'records']) }),
  capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
  open: async ({ files, as }, context) => new BadRowsReader(files, VIEWS[as], context),
})

/** What is made of the rows of a file. */
interface View {
  datasetOf(head: BadRowHead): Dataset
  valuesOf(head: BadRowHead, dataset: Dataset, row: BadRow): { values: Value[]; bad: Omit<RefusedRow, 'row'> | undefined }
}

/** Rows of a batch: bad ones are few, and slow. */
const BATCH_ROWS = 1024

class BadRowsReader implements Reader<FileSplit, number> {
  readonly bufferBytes = 1024 * 1024
  readonly #files: readonly string[]
  readonly #view: View
  readonly #context: Context

  constructor(files: readonly string[], view: View, context: Context) {
    this.#files = files
    this.#view = view
    this.#context = context
  }

  async discover(): Promise<Dataset[]> {
    const datasets = new Map<string, Dataset>()
    for (const file of this.#files) {
      const { head } = await readBadRows(file)
      const dataset = this.#view.datasetOf(head)
      datasets.set(dataset.id, dataset)
    }
    return [...datasets.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async explain() {
    return { statements: this.#files, resume: { by: 'position' as const, why: 'lines of a file' }, notes: [] }
  }

  async *enumerate(dataset: Dataset): AsyncIterable<FileSplit> {
    for (const file of this.#files) {
      const { head } = await readBadRows(file)
      if (this.#view.datasetOf(head).id === dataset.id) yield { id: head.split, dataset: dataset.id, file }
    }
  }

  /** The position is the number of rows that have been read. */
  async *read(dataset: Dataset, { file }: FileSplit, position = 0): AsyncIterable<Chunk<number>> {
    const { batchRows, batchBytes } = this.#context
    const { head, rows } = await readBadRows(file)
    const builder = new BatchBuilder(dataset.schema, { rows: Math.min(batchRows, BATCH_ROWS), bytes: batchBytes })
    let refused: RefusedRow[] = []
    let read = 0
    const finish = () => {
      const chunk = { batch: builder.finish(), position: read, refused }
      refused = []
      return chunk
    }
    for await (const row of rows) {
      if (read < position) {
        read++
        continue
      }
      const { values, bad } = this.#view.valuesOf(head, dataset, row)
      if (!builder.append(values)) {
        yield finish()
        builder.append(values)
      }
      if (bad) refused.push({ ...bad, row: builder.rows - 1 })
      read++
    }
    if (builder.rows > 0) yield finish()
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function datasetOf({ dataset, primaryKey, columns }: BadRowHead): Dataset {
  const fields = columns.map(({ name, type, nullable }) => {
    const parsed = parseTypeName(type)
    if (parsed === undefined) throw new Error(`column ${name} has the unknown type ${type}`)
    return { name, type: parsed, nullable }
  })
  return { id: dataset, schema: { fields }, primaryKey }
}

/** The values, NULL in place of one that no column can hold; that row is handed out as refused. */
function valuesOf(_: BadRowHead, { schema }: Dataset, row: BadRow): ReturnType<View['valuesOf']> {
  let bad: Omit<RefusedRow, 'row'> | undefined =
    row.text === undefined ? undefined : { column: row.column ?? '', reason: row.message, text: row.text }
  const values = schema.fields.map(({ type, name }, i) => {
    const json = row.row[i] ?? null
    try {
      return valueFromJson(type, json)
    } catch (error) {
      bad ??= { column: name, reason: SluiceError.from(error).message, text: JSON.stringify(json) }
      return null
    }
  })
  return { values, bad }
}

/** The columns of ChunJun's `chunjun_dirty_data`, so that its table can be used and its queries still work. */
const RECORDS: Dataset = {
  id: 'bad_rows',
  primaryKey: [],
  schema: {
    fields: [
      { name: 'job_id', type: utf8, nullable: false, length: 255, comment: 'Run' },
      { name: 'job_name', type: utf8, nullable: false, length: 255, comment: 'Job' },
      { name: 'operator_name', type: utf8, nullable: false, comment: 'Table or file that the row was read from' },
      { name: 'dirty_data', type: utf8, nullable: false, comment: 'Values of the row by column, as JSON' },
      { name: 'error_message', type: utf8, nullable: false, comment: 'Code of the error, key of the row, message' },
      { name: 'field_name', type: utf8, nullable: true, comment: 'Column, where one is to blame' },
      { name: 'create_time', type: timestamp(true), nullable: false, comment: 'When the row was set aside' },
    ],
  },
}

function recordOf({ run, job, dataset, columns }: BadRowHead, _: Dataset, row: BadRow): ReturnType<View['valuesOf']> {
  const { code, key, message, column = null, time } = row
  // A key may hold the one character that PostgreSQL has no text with; JSON escapes it.
  const reason = `${code} ${key}: ${message}`.replaceAll('\0', '\\u0000')
  const values = [run, job, dataset, JSON.stringify(namedValues(columns, row)), reason, column, time]
  return { values, bad: undefined }
}

const VIEWS: Readonly<Record<'rows' | 'records', View>> = {
  rows: { datasetOf, valuesOf },
  records: { datasetOf: () => RECORDS, valuesOf: recordOf },
}
