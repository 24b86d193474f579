/** CSV as a format of files with rows: the header, the columns of a sample, the decoder of a file. */
import { Batch, readValue, typeName, utf8, type Field, type Schema } from '#columnar'
import {
  fileErrors,
  RowFault,
  type Beginning,
  type DecodeRows,
  type Head,
  type NamedColumn,
  type RowFormat,
  type RowRescue,
  type Sampler,
} from '#files'
import { csvDecoder } from './decoder.ts'
import type { CsvDialect } from './dialect.ts'
import { FieldScanner, isReadable, putSentinels } from './field-scanner.ts'
import { CsvRescue } from './rescue.ts'
import { TypeGuess } from './type-guess.ts'

export interface CsvSettings {
  readonly dialect: CsvDialect
  readonly header: boolean
  readonly columns: readonly NamedColumn[] | undefined
  readonly sampleRows: number
  /** Bad rows are set aside: a sample goes on behind them. */
  readonly quarantine: boolean
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export class CsvFormat implements RowFormat {
  readonly cutsAtLineFeeds: boolean
  readonly #settings: CsvSettings

  constructor(settings: CsvSettings) {
    const { dialect, columns = [] } = settings
    this.#settings = settings
    this.cutsAtLineFeeds = dialect.quote === undefined || !dialect.multiline
    for (const { name, type } of columns) {
      if (type !== undefined && !isReadable(type))
        throw fileErrors.unsupported({ column: name, type: typeName(type), format: 'CSV' })
    }
  }

  head(beginning: Beginning): Head | undefined {
    if (!this.#settings.header || beginning.start === beginning.end) return { length: 0, names: undefined }
    const row = firstRow(beginning, this.#settings.dialect)
    if (row === undefined) return undefined
    const names = row.fields.map((name, index) => (name === '' ? `column${index + 1}` : name))
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) {
      throw new RowFault(
        beginning.start,
        twice,
        'the header names it twice',
        'Give each column a name of its own, or set `header: false`.',
      )
    }
    return { length: row.end - beginning.start, names }
  }

  sampler(): Sampler {
    return new CsvSampler(this.#settings)
  }

  decoder(schema: Schema, head: Head, file: string): DecodeRows {
    const wanted = schema.fields.map(({ name }) => name)
    if (head.names !== undefined) refuseOtherColumns(head.names, wanted, this.#settings.columns !== undefined, file)
    return csvDecoder(schema, placesOf(schema, head), this.#settings.dialect)
  }

  rescue(schema: Schema, head: Head): RowRescue {
    return new CsvRescue(schema, placesOf(schema, head), this.#settings.dialect)
  }
}

/** The column of the schema that each field of a row fills. */
function placesOf({ fields }: Schema, { names }: Head): (number | undefined)[] {
  if (names === undefined) return [...fields.keys()]
  const wanted = fields.map(({ name }) => name)
  return names.map(name => (wanted.includes(name) ? wanted.indexOf(name) : undefined))
}

class CsvSampler implements Sampler {
  readonly #settings: CsvSettings
  /** Names of the columns of the files, in the order of the first one. */
  #names: readonly string[] | undefined
  readonly #guesses = new Map<string, TypeGuess>()
  #rows = 0
  #bytes = 0

  constructor(settings: CsvSettings) {
    this.#settings = settings
  }

  get bytesPerRow(): number | undefined {
    return this.#rows === 0 ? undefined : this.#bytes / this.#rows
  }

  add(beginning: Beginning, head: Head, file: string): void {
    const { dialect, columns, sampleRows } = this.#settings
    const names = head.names ?? columns?.map(({ name }) => name) ?? namesByNumber(beginning, dialect)
    if (names === undefined) return
    this.#names ??= names
    if (head.names !== undefined) {
      const wanted = columns?.map(({ name }) => name) ?? this.#names
      refuseOtherColumns(names, wanted, columns !== undefined, file)
    }
    if (this.#rows >= sampleRows) return
    const schema = { fields: names.map((name): Field => ({ name, type: utf8, nullable: true })) }
    const start = beginning.start + head.length
    // A row has at least one byte for each field: no need to make room for more of them.
    const most = Math.ceil((beginning.end - start) / names.length) + 1
    const batch = new Batch(schema, Math.min(sampleRows - this.#rows, most))
    this.#bytes += this.#fill(batch, beginning, start) - start
    this.#rows += batch.rows
    const hasType = new Set(columns?.filter(({ type }) => type !== undefined).map(({ name }) => name))
    for (const [index, name] of names.entries()) if (!hasType.has(name)) this.#guess(name, batch, index)
  }

  schema(): Schema | undefined {
    const { columns } = this.#settings
    const named: readonly NamedColumn[] | undefined = columns ?? this.#names?.map(name => ({ name, type: undefined }))
    const fields = named?.map(({ name, type }): Field => ({
      name,
      type: type ?? this.#guesses.get(name)?.type ?? utf8,
      nullable: true,
    }))
    return fields === undefined ? undefined : { fields }
  }

  /** Returns where the rows that were looked at end. Bad ones are passed over where they will be set aside. */
  #fill(batch: Batch, { bytes, end, isWhole }: Beginning, start: number): number {
    const { dialect, quarantine } = this.#settings
    const columns = [...batch.columns.keys()]
    const decode = csvDecoder(batch.schema, columns, dialect)
    for (let from = start; ;) {
      try {
        const next = decode(batch, Infinity, bytes, from, end, end, isWhole)
        return next < 0 ? ~next : next
      } catch (error) {
        if (!quarantine || !(error instanceof RowFault)) throw error
        const next = new CsvRescue(batch.schema, columns, dialect).endOf(bytes, error.rowStart ?? from, end, isWhole)
        if (next === undefined) return from
        from = next
      }
    }
  }

  #guess(name: string, batch: Batch, index: number): void {
    const guess = this.#guesses.get(name) ?? new TypeGuess()
    this.#guesses.set(name, guess)
    for (let row = 0; row < batch.rows; row++) {
      const text = readValue(batch.columns[index]!, row)
      if (typeof text === 'string') guess.add(text)
    }
  }
}

/** Every column that is wanted must be there. What else is there may be passed over only where the options chose columns. */
function refuseOtherColumns(names: readonly string[], wanted: readonly string[], areChosen: boolean, file: string): void {
  const missing = wanted.find(name => !names.includes(name))
  if (missing !== undefined)
    throw fileErrors.badHeader({ file, reason: `it has no column "${missing}"; its header names ${names.join(', ')}` })
  const other = names.find(name => !wanted.includes(name))
  if (other !== undefined && !areChosen)
    throw fileErrors.badHeader({ file, reason: `its column "${other}" is in no file that was looked at before` })
}

function namesByNumber(beginning: Beginning, dialect: CsvDialect): string[] | undefined {
  if (beginning.start === beginning.end) return undefined
  return firstRow(beginning, dialect)?.fields.map((_, index) => `column${index + 1}`)
}

/** The texts of the first row, and where it ends; undefined when it is cut off. */
function firstRow({ bytes, start, end, isWhole }: Beginning, dialect: CsvDialect): { fields: string[]; end: number } | undefined {
  putSentinels(bytes, end, dialect.quote)
  const scanner = new FieldScanner(dialect, [])
  const fields: string[] = []
  for (let pos = start; ; pos++) {
    pos = scanner.find(bytes, pos, end, isWhole)
    if (pos >= end && !isWhole) return undefined
    fields.push(decoder.decode(scanner.text.subarray(scanner.from, scanner.to)))
    if (bytes[pos] === dialect.delimiter) continue
    const next = scanner.rowEnd(bytes, pos)
    if (next === undefined) return scanner.refuse(bytes, pos, fields.length, fields.length)
    if (next > end && !isWhole) return undefined
    return { fields, end: Math.min(next, end) }
  }
}
