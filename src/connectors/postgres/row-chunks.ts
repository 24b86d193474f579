/** What becomes of the rows of a binary COPY: columns, or the bytes as they came. */
import { Batch, capacityFor, Column, EncodedBatch, type DecodeRows } from '#columnar'
import { dataErrors, type Chunk, type Context, type Dataset, type RefusedRow } from '#connector'
import { CopyData } from './copy-data.ts'
import type { CopyOutOptions } from './copy-out.ts'
import type { BindDecoder, Refuse } from './decode.ts'
import { postgresErrors } from './errors.ts'
import { keyText } from './key-text.ts'
import type { SelectedColumn } from './selection.ts'
import type { PgPosition } from './splits.ts'

/** What is read of a dataset. */
export interface ReadColumns {
  /** Those of the dataset, then key columns that it has not. */
  readonly columns: readonly SelectedColumn[]
  /** Indexes of the key columns in `columns`. */
  readonly key: readonly number[]
  readonly bind: BindDecoder
}

export interface RowChunks {
  readonly into: Pick<CopyOutOptions, 'columns' | 'decode' | 'limits' | 'fail' | 'refuse'>
  /** The rows that were taken last; overwritten by the next ones. */
  chunk(rows: number): Chunk<PgPosition>
}

/** `hasPosition`: the rows come in the order of the key. */
export function decodedRows(dataset: Dataset, read: ReadColumns, hasPosition: boolean, context: Context): RowChunks {
  const { columns, key, bind } = read
  const batch = new Batch(dataset.schema, capacityFor(dataset.schema.fields, context))
  const all = [...batch.columns, ...columns.slice(batch.columns.length).map(({ type }) => new Column(type, batch.capacity))]
  const refused: RefusedRow[] = []
  return {
    into: {
      columns: all,
      decode: bind(all),
      limits: limitsOf(batch.capacity, context),
      fail: failures(dataset, columns),
      refuse: refusals(dataset, columns, context.quarantine === true ? refused : undefined),
    },
    chunk: rows => {
      batch.rows = rows
      return { batch, refused: refused.splice(0), position: hasPosition ? key.map(at => keyText(all[at]!, rows - 1)) : undefined }
    },
  }
}

/** For a target that takes the encoding of the dataset. Only the key of the last row is decoded. */
export function encodedRows(dataset: Dataset, read: ReadColumns, hasPosition: boolean, context: Context): RowChunks {
  const { columns, key, bind } = read
  const [fail, refuse] = [failures(dataset, columns), refusals(dataset, columns, undefined)]
  const decode: DecodeRows = (bytes, rows) => {
    const into = columns.map(({ type }) => new Column(type, rows))
    bind(into)({ buffer: bytes, start: 0, end: bytes.length }, { rows: 0, bytes: 0, need: 0 }, rows, Infinity, fail, refuse)
    return into
  }
  const batch = new EncodedBatch(dataset.schema, context.batchRows, decode)
  const data = new CopyData(columns.length)
  return {
    into: { columns: [], decode: data.take, limits: limitsOf(context.batchRows, context), fail, refuse },
    chunk: rows => {
      batch.hold(data.rows, rows, rows * data.overhead)
      const last = hasPosition ? decode(data.lastRow, 1) : []
      return { batch, position: hasPosition ? key.map(at => keyText(last[at]!, 0)) : undefined }
    },
  }
}

const limitsOf = (maxRows: number, { batchBytes, rowBytes }: Context) => ({ maxRows, maxBytes: batchBytes, rowBytes })

/** Errors of the decoder, which knows the column by its place only. */
function failures(dataset: Dataset, columns: readonly SelectedColumn[]) {
  return (what: string, column: number): never => {
    const name = columns[column]?.name ?? ''
    throw postgresErrors.protocol({ place: dataset.id, what: column === -1 ? what : `${what} in column "${name}"` })
  }
}

/** What the decoder cannot represent goes to `refused`, or stops the run where there is none. */
function refusals(dataset: Dataset, columns: readonly SelectedColumn[], refused: RefusedRow[] | undefined): Refuse {
  return (what, at, row) => {
    const column = columns[at]?.name ?? ''
    const shape = what.startsWith('array:') ? what.slice('array:'.length) : undefined
    const reason = shape === undefined ? what : `an array ${shape} is no list; \`arrays: text\` reads it as text`
    if (refused !== undefined) {
      if (refused.at(-1)?.row !== row) refused.push({ row, column, reason })
    } else if (shape === undefined) throw dataErrors.valueRefused({ dataset: dataset.id, column, reason })
    else throw postgresErrors.listShape({ dataset: dataset.id, column, shape })
  }
}
