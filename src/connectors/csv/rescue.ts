/** Rows of CSV with something wrong in them: where they end, and what else they hold. */
import type { Batch, Schema } from '#columnar'
import { RowFault, setNull, type Misfit, type RowRescue } from '#files'
import type { CsvDialect } from './dialect.ts'
import { FieldScanner, LINE_FEED, putSentinels } from './field-scanner.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export class CsvRescue implements RowRescue {
  readonly #dialect: CsvDialect
  readonly #schema: Schema
  readonly #columns: readonly (number | undefined)[]
  readonly #scanner: FieldScanner

  /** `columns` as the decoder has them. */
  constructor(schema: Schema, columns: readonly (number | undefined)[], dialect: CsvDialect) {
    this.#dialect = dialect
    this.#schema = schema
    this.#columns = columns
    this.#scanner = new FieldScanner(dialect, schema.fields)
  }

  /** A quote that is never closed takes all that follows into its row: nobody knows which line feeds behind it end one. */
  endOf(bytes: Uint8Array, start: number, end: number, isLast: boolean): number | undefined {
    putSentinels(bytes, end, this.#dialect.quote)
    const known = (next: number) => (next <= end ? next : isLast ? end : undefined)
    for (let pos = start; ; pos++) {
      try {
        pos = this.#scanner.find(bytes, pos, end, isLast)
      } catch (error) {
        if (!(error instanceof RowFault)) throw error
        return bytes[error.at] === LINE_FEED ? error.at + 1 : end
      }
      if (pos >= end && !isLast) return undefined
      if (bytes[pos] === this.#dialect.delimiter) continue
      return known(this.#scanner.rowEnd(bytes, pos) ?? bytes.indexOf(LINE_FEED, pos) + 1)
    }
  }

  salvage(batch: Batch, bytes: Uint8Array, start: number, end: number, row: number): Misfit | undefined {
    putSentinels(bytes, end, this.#dialect.quote)
    const scanner = this.#scanner
    let misfit: Misfit | undefined
    for (let [index, pos] = [0, start]; index < this.#columns.length; index++, pos++) {
      try {
        pos = scanner.find(bytes, pos, end, true)
      } catch (error) {
        if (error instanceof RowFault) return undefined
        throw error
      }
      const k = this.#columns[index]
      if (k !== undefined && !scanner.put(batch.columns[k]!, k, row)) {
        if (misfit !== undefined) return undefined
        const text = decoder.decode(scanner.text.subarray(scanner.from, scanner.to))
        misfit = { column: this.#schema.fields[k]!.name, text }
        setNull(batch.columns[k]!, row)
      }
      if (index === this.#columns.length - 1) return scanner.rowEnd(bytes, pos) === undefined ? undefined : misfit
      if (bytes[pos] !== this.#dialect.delimiter) return undefined
    }
    return undefined
  }
}
