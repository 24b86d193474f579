/**
 * One query as batches: prepared, executed, and decoded from the connection's buffer.
 */
import { isUtf8 } from 'node:buffer'
import { Batch, capacityFor, Column, type Field, layoutOf } from '#columnar'
import { dataErrors, type RefusedRow } from '#connector'
import { mysqlErrors } from './errors.ts'
import { keyOfRow } from './key.ts'
import type { Connection } from './protocol/connection.ts'
import { HEADER_BYTES } from './protocol/packet-stream.ts'
import type { ColumnDefinition } from './protocol/responses.ts'
import { type DecodeState, type RowDecoder, rowDecoder, STOP, type WireColumn } from './protocol/row-decoder.ts'
import { dateText } from './protocol/refused-value.ts'
import { isDecodable } from './types.ts'

export interface ReadQuery {
  readonly dataset: string
  readonly sql: string
  /** The columns that the query selects, in order: those of the batch that are no constants, then those of the key that are not read anyway. */
  readonly selected: readonly Field[]
  /** The columns of the batch. */
  readonly fields: readonly BatchField[]
  /** Indexes into `selected` of the key's columns; empty when positions are not wanted. */
  readonly key: readonly number[]
  readonly zeroDates: 'refuse' | 'null'
  /** Hand out rows that cannot be read as refused ones. */
  readonly quarantine: boolean
  readonly limits: { readonly batchRows: number; readonly batchBytes: number; readonly rowBytes?: number }
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
}

export type BatchField =
  | { readonly field: Field; readonly from: number }
  | { readonly field: Field; readonly constant: (column: Column, rows: number) => void }

/** Decoders by what they were made from: splits of a table share one. */
const decoders = new Map<string, RowDecoder>()
const MAX_DECODERS = 256

interface ReadRows {
  readonly batch: Batch
  readonly lastKey: string[]
  readonly refused: readonly RefusedRow[]
}

/** Yields the same batch again and again; `lastKey` is the key of its last row. */
export async function* readQuery(connection: Connection, query: ReadQuery): AsyncGenerator<ReadRows> {
  const statement = await connection.prepare(query.sql)
  const wire = wireColumns(query, statement.definitions)
  const decode = decoderOf(wire)
  const target = new Rows(query)
  await connection.execute(statement, query.timeoutSeconds)
  const lenient = query.quarantine ? decoderOf(wire.map(column => ({ ...column, zeroDates: 'null' }))) : undefined
  /** Decodes the row at hand with NULL for a date that does not exist; false when that is not what is wrong with it. */
  const takeRefused = (state: DecodeState, bytes: Buffer, end: number) => {
    const { rows, position, badColumn } = state
    lenient?.(state, bytes, end, target.columns, rows + 1, Infinity)
    if (state.rows === rows) return false
    connection.stream.start = state.position
    target.refuse(rows, badColumn, dateText(wire, bytes, position, badColumn))
    return true
  }
  const { stream } = connection
  const state: DecodeState = { rows: 0, position: 0, isWhole: false, stop: STOP.FULL, need: 0, badColumn: -1 }
  for (;;) {
    state.position = stream.start
    decode(state, stream.buffer, stream.end, target.columns, target.capacity, query.limits.batchBytes)
    stream.start = state.position
    // What comes next goes into no batch with others, and what is refused comes after all before it.
    const isLast =
      state.stop === STOP.OTHER || state.stop === STOP.HUGE || (state.stop === STOP.MORE && isTooLarge(query, state.need))
    if (state.stop === STOP.FULL || (isLast && state.rows > 0)) {
      yield target.take(state.rows)
      query.signal.throwIfAborted()
      state.rows = 0
      target.reset()
    } else if (state.stop === STOP.MORE) {
      refuseLarge(query, state.need)
      await stream.fill(state.need)
    } else if (state.stop === STOP.HUGE) {
      decodeHugeRow(await connection.packets.readLarge(bytes => refuseLarge(query, bytes)), decode, state, target)
      if ((state.stop as number) === STOP.REFUSED) throw target.refusal(state)
    } else if (state.stop === STOP.OTHER) break
    if (state.stop === STOP.REFUSED && !(query.quarantine && takeRefused(state, stream.buffer, stream.end)))
      throw target.refusal(state)
    if (state.stop === STOP.BROKEN) throw mysqlErrors.brokenPacket({ what: 'a row that does not fit its columns' })
  }
  await connection.endRows()
  await connection.close(statement)
}

const isTooLarge = ({ limits: { rowBytes = Infinity } }: ReadQuery, bytes: number) => bytes > rowBytes

function refuseLarge(query: ReadQuery, bytes: number): void {
  const { dataset, limits } = query
  if (isTooLarge(query, bytes)) throw dataErrors.rowTooLarge({ dataset, bytes, limit: limits.rowBytes ?? Infinity })
}

function wireColumns(query: ReadQuery, definitions: readonly ColumnDefinition[]): WireColumn[] {
  const { selected, dataset, zeroDates } = query
  return selected.map((field, at) => {
    const definition = definitions[at]
    if (definition === undefined || !isDecodable(field.type, definition)) {
      throw mysqlErrors.columnChanged({ dataset, column: field.name })
    }
    return { type: field.type, field: definition.type, maxBytes: definition.length, zeroDates }
  })
}

function decoderOf(wire: readonly WireColumn[]): RowDecoder {
  const id = JSON.stringify(wire)
  const known = decoders.get(id)
  if (known) return known
  if (decoders.size === MAX_DECODERS) decoders.clear()
  const made = rowDecoder(wire)
  decoders.set(id, made)
  return made
}

/** A row of 16 MiB or more: collected first, then decoded as one. */
function decodeHugeRow(whole: Buffer, decode: RowDecoder, state: DecodeState, target: Rows): void {
  whole.fill(0xff, 0, HEADER_BYTES)
  state.isWhole = true
  state.position = 0
  decode(state, whole, whole.length, target.columns, 1, Infinity)
  state.isWhole = false
}

/** The columns that a decoder fills, and the batch that shows some of them. */
class Rows {
  readonly columns: readonly Column[]
  readonly capacity: number
  readonly #batch: Batch
  readonly #query: ReadQuery
  #refused: RefusedRow[] = []

  constructor(query: ReadQuery) {
    this.#query = query
    this.capacity = capacityFor(query.selected, query.limits)
    this.columns = query.selected.map(field => new Column(field.type, this.capacity))
    const columns = query.fields.map(field =>
      'from' in field ? this.columns[field.from]! : new Column(field.field.type, this.capacity),
    )
    this.#batch = new Batch({ fields: query.fields.map(({ field }) => field) }, this.capacity, columns)
    this.#fillConstants()
  }

  take(rows: number): ReadRows {
    this.#batch.rows = rows
    this.#checkText(rows)
    const refused = this.#refused.toSorted((a, b) => a.row - b.row)
    return { batch: this.#batch, lastKey: this.#keyOf(rows - 1), refused }
  }

  refuse(row: number, column: number, text: string | undefined): void {
    const reason = this.#reason(column)
    this.#refused.push({ row, column: this.#query.selected[column]?.name ?? '', reason, ...(text === undefined ? {} : { text }) })
  }

  reset(): void {
    for (const column of this.columns) column.reset()
    this.#refused = []
    this.#batch.rows = 0
    // A reset clears bitmaps of values; other values stay where they are.
    if (this.#query.fields.some(field => 'constant' in field && layoutOf(field.field.type).kind === 'bits')) {
      this.#batch.reset()
      this.#fillConstants()
    }
  }

  refusal({ rows, badColumn }: DecodeState) {
    const { dataset, selected } = this.#query
    const key = this.#keyOf(rows)
    return dataErrors.valueRefused({
      dataset,
      column: selected[badColumn]?.name ?? '',
      reason: this.#reason(badColumn),
      ...(key.length === 0 ? {} : { key: key.join(', ') }),
    })
  }

  #reason(column: number): string {
    const kind = this.#query.selected[column]?.type.kind
    return kind === 'date' || kind === 'timestamp'
      ? 'the date does not exist in the calendar (such as 0000-00-00); `zeroDates` can make it NULL or text'
      : 'the server sent a value that does not fit the type of the column'
  }

  #keyOf(row: number): string[] {
    return keyOfRow(
      this.#query.key.map(at => this.columns[at]!),
      row,
    )
  }

  /** MySQL lets lone surrogates into utf8mb3 columns; they are no UTF-8. */
  #checkText(rows: number): void {
    for (const [at, column] of this.columns.entries()) {
      const { type, data, offsets } = column
      if ((type.kind !== 'utf8' && type.kind !== 'json') || isUtf8(data.subarray(0, offsets[rows]))) continue
      const { dataset, selected } = this.#query
      const broken = Array.from({ length: rows }, (_, row) => row).filter(
        row => !isUtf8(data.subarray(offsets[row], offsets[row + 1])),
      )
      const reason = 'the text is not UTF-8'
      if (this.#query.quarantine) {
        const known = new Set(this.#refused.map(({ row }) => row))
        const column = selected[at]?.name ?? ''
        this.#refused.push(...broken.filter(row => !known.has(row)).map(row => ({ row, column, reason })))
        continue
      }
      throw dataErrors.valueRefused({
        dataset,
        column: selected[at]?.name ?? '',
        reason,
        key: this.#keyOf(broken[0] ?? 0).join(', '),
      })
    }
  }

  #fillConstants(): void {
    for (const [at, field] of this.#query.fields.entries()) {
      if ('constant' in field) field.constant(this.#batch.columns[at]!, this.capacity)
    }
  }
}
