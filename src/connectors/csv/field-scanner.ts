/**
 * Reads one field at a time: what the generated decoder calls for rare types, quotes, NULLs and everything unusual.
 *
 * Behind the bytes stand sentinels (`SENTINELS`), so that no loop has to look for the end: a field that reaches `end` is cut off,
 * or, in the last row of a file, ended by it.
 */
import { scanOf, typeName, type Column, type Scan } from '#columnar'
import { RowFault, scanBinary, setNull } from '#files'
import type { CsvDialect } from './dialect.ts'

export const LINE_FEED = 0x0a
export const CARRIAGE_RETURN = 0x0d
/** No byte has this value. */
const NO_BYTE = -1

const QUOTE_HINT = 'Quote the field and double the quotes inside, or say with `quote` and `escape` how the file is written.'
const VALUE_HINT =
  'Correct the value, or name a type that fits with `columns`, e.g. `{ name: "x", type: "utf8" }`; types that are not named come from a sample.'

/** Puts what ends every loop behind the bytes: a line feed, a quote (for a loop inside quotes), a line feed. */
export function putSentinels(bytes: Uint8Array, end: number, quote: number | undefined): void {
  bytes[end] = LINE_FEED
  bytes[end + 1] = quote ?? LINE_FEED
  bytes[end + 2] = LINE_FEED
}

export class FieldScanner {
  /** The field that was found last: `text[from, to)` without its quotes. */
  text: Uint8Array = new Uint8Array(0)
  from = 0
  to = 0
  isQuoted = false
  /** Bytes that the column holds after {@link quoted}. */
  used = 0
  readonly #quote: number
  readonly #escape: number
  readonly #delimiter: number
  readonly #nullText: Uint8Array
  readonly #multiline: boolean
  readonly #names: readonly string[]
  readonly #scans: readonly Scan[]
  readonly #types: readonly string[]
  /** Quoted fields without their escapes. */
  #scratch = new Uint8Array(256)

  constructor(dialect: CsvDialect, fields: readonly { readonly name: string; readonly type: Column['type'] }[]) {
    this.#quote = dialect.quote ?? NO_BYTE
    this.#escape = dialect.escape ?? NO_BYTE
    this.#delimiter = dialect.delimiter
    this.#nullText = dialect.nullText
    this.#multiline = dialect.multiline
    this.#names = fields.map(({ name }) => name)
    this.#types = fields.map(({ type }) => typeName(type))
    this.#scans = fields.map(({ type }) => scanFor(type, dialect))
  }

  /** Reads a field of any type into a row; returns the position of what ends it. */
  scan(bytes: Uint8Array, pos: number, end: number, isLast: boolean, column: Column, index: number, row: number): number {
    const next = this.find(bytes, pos, end, isLast)
    // Half a value might be no value.
    if (next >= end && !isLast) return next
    if (!this.put(column, index, row))
      throw new RowFault(pos, this.#names[index], `the value is no ${this.#types[index]}`, VALUE_HINT)
    return next
  }

  /** Writes the field that was found last; false: it is no value of the column. */
  put(column: Column, index: number, row: number): boolean {
    if (!this.isNull()) return this.#scans[index]!(this.text, this.from, this.to, column, row)
    setNull(column, row)
    return true
  }

  /** Finds a field; returns the position of what ends it, at least `end` when it is cut off. */
  find(bytes: Uint8Array, pos: number, end: number, isLast: boolean): number {
    this.isQuoted = bytes[pos] === this.#quote
    if (!this.isQuoted) {
      this.text = bytes
      this.from = pos
      this.to = this.#endOfPlain(bytes, pos)
      return this.to
    }
    this.used = 0
    const next = this.#unquote(bytes, pos, end, isLast, undefined)
    this.text = this.#scratch
    this.from = 0
    this.to = this.used
    return next
  }

  /** Appends a quoted field to a column that holds `used` bytes; returns the position of what ends it and sets {@link used}. */
  quoted(bytes: Uint8Array, pos: number, end: number, isLast: boolean, column: Column, used: number): number {
    this.used = used
    return this.#unquote(bytes, pos, end, isLast, column)
  }

  isNull(): boolean {
    if (this.isQuoted || this.to - this.from !== this.#nullText.length) return false
    for (let i = 0; i < this.#nullText.length; i++) if (this.text[this.from + i] !== this.#nullText[i]) return false
    return true
  }

  /** Where the next row starts when this one ends at `pos`; undefined: it does not. */
  rowEnd(bytes: Uint8Array, pos: number): number | undefined {
    if (bytes[pos] === LINE_FEED) return pos + 1
    return bytes[pos] === CARRIAGE_RETURN && bytes[pos + 1] === LINE_FEED ? pos + 2 : undefined
  }

  /** Says why a field is not followed by what should follow it. */
  refuse(bytes: Uint8Array, pos: number, found: number, expected: number): never {
    const byte = bytes[pos]
    if (byte === this.#quote)
      throw new RowFault(pos, undefined, 'a quote stands inside a field that does not begin with one', QUOTE_HINT)
    if (byte === CARRIAGE_RETURN && bytes[pos + 1] !== LINE_FEED) {
      throw new RowFault(
        pos,
        undefined,
        'a carriage return without line feed stands outside quotes',
        'End rows with LF or CR LF, and quote other carriage returns.',
      )
    }
    if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== this.#delimiter) {
      throw new RowFault(pos, undefined, 'text follows the closing quote of a field', QUOTE_HINT)
    }
    const isTooLong = byte === this.#delimiter
    const fields = isTooLong ? `more than ${expected}` : `${found} instead of ${expected}`
    const hint = 'Correct the row. `delimiter`, `quote` and `header` say how the file is written.'
    throw new RowFault(pos, undefined, `the row has ${fields} fields`, hint)
  }

  #endOfPlain(bytes: Uint8Array, pos: number): number {
    for (; ; pos++) {
      const byte = bytes[pos]
      if (byte === this.#delimiter || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === this.#quote) return pos
    }
  }

  /** Appends what stands between quotes to a column, or else to the scratch, piece by piece. */
  #unquote(bytes: Uint8Array, start: number, end: number, isLast: boolean, column: Column | undefined): number {
    const quote = this.#quote
    const escape = this.#escape
    let from = start + 1
    let pos = from
    for (;;) {
      let byte = bytes[pos]!
      while (byte !== quote && byte !== escape && byte !== LINE_FEED) byte = bytes[++pos]!
      if (pos >= end) return this.#cutOff(start, end, isLast)
      if (byte === LINE_FEED) {
        if (!this.#multiline)
          throw new RowFault(
            pos,
            undefined,
            'a line feed stands inside quotes',
            'Set `multiline: true`, or look for a quote that is never closed.',
          )
        pos++
      } else if (byte === escape && (bytes[pos + 1] === quote || bytes[pos + 1] === escape) && pos + 1 < end) {
        this.#append(bytes, from, pos, column)
        from = pos + 1
        pos += 2
      } else if (byte === quote) {
        this.#append(bytes, from, pos, column)
        return pos + 1
      } else {
        pos++
      }
    }
  }

  #cutOff(start: number, end: number, isLast: boolean): number {
    if (isLast) throw new RowFault(start, undefined, 'the quote that opens here is never closed', QUOTE_HINT)
    return end
  }

  #append(bytes: Uint8Array, from: number, to: number, column: Column | undefined): void {
    const used = this.used + to - from
    const out = column === undefined ? this.#reserve(used) : column.reserve(this.used, used)
    if (to - from > 64) out.set(bytes.subarray(from, to), this.used)
    else for (let at = this.used; from < to;) out[at++] = bytes[from++]!
    this.used = used
  }

  #reserve(bytes: number): Uint8Array {
    if (bytes > this.#scratch.length) {
      const larger = new Uint8Array(bytes * 2)
      larger.set(this.#scratch)
      this.#scratch = larger
    }
    return this.#scratch
  }
}

/** Whether CSV carries a type. */
export const isReadable = (type: Column['type']) => type.kind === 'binary' || scanOf(type) !== undefined

function scanFor(type: Column['type'], { binary }: CsvDialect): Scan {
  const scan = scanOf(type)
  if (scan !== undefined) return scan
  return (text, start, end, column, row) => scanBinary(binary, text, start, end, column, row)
}
