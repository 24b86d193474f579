/**
 * Columns to rows of CSV, by code that is generated for a schema. A value is quoted where it must be: when it contains what
 * structures the file, when it is empty, or when it reads like NULL.
 */
import { Batch, maxTextBytes, renderOf, utf8, writeValue, type Render, type Schema, type Type } from '#columnar'
import {
  anyByteCode,
  binaryTextBytes,
  compileEncoder,
  renderBinary,
  type BinaryText,
  type CellCode,
  type ColumnName,
  type EncodeRows,
  type RowEncoding,
} from '#files'
import { isLikeValue } from './dialect.ts'
import { CARRIAGE_RETURN, LINE_FEED } from './field-scanner.ts'

export interface CsvStyle {
  readonly header: boolean
  readonly delimiter: number
  readonly quote: number
  readonly quotes: 'minimal' | 'all'
  readonly nullText: Uint8Array
  readonly lineEnding: 'lf' | 'crlf'
  readonly binary: BinaryText
}

const BACKSLASH = 0x5c
const LOWER_X = 0x78
const SPACE = 0x20
/** `\.`: to PostgreSQL before 18, a line with nothing else ends the file. */
const END_OF_DATA = Uint8Array.of(BACKSLASH, 0x2e)
/** Bytes of `\x`. */
const HEX_MARK = 2

export function csvEncoding(style: CsvStyle): RowEncoding {
  return {
    extension: '.csv',
    head: schema => (style.header ? headerOf(schema, style) : new Uint8Array(0)),
    encoder: schema => csvEncoder(schema, style),
  }
}

/** The names of the columns, written as a row of texts. */
function headerOf({ fields }: Schema, style: CsvStyle): Uint8Array {
  const batch = new Batch({ fields: fields.map(field => ({ ...field, type: utf8 })) }, 1)
  for (const [k, { name }] of fields.entries()) writeValue(batch.columns[k]!, 0, name)
  batch.rows = 1
  const encode = csvEncoder(batch.schema, style)
  const out = new Uint8Array(encode(batch, 0, new Uint8Array(0), 0).needed)
  return out.subarray(0, encode(batch, 0, out, 0).pos)
}

export function csvEncoder(schema: Schema, style: CsvStyle): EncodeRows {
  const renders = schema.fields.map(({ type }): Render => (type.kind === 'binary' ? binaryRender(style.binary) : renderOf(type)!))
  const cells: CellCode = {
    prefix: k => (k === 0 ? new Uint8Array(0) : Uint8Array.of(style.delimiter)),
    nullText: style.nullText,
    locals: ({ kind }, k) => (kind === 'utf8' || kind === 'json' ? `, w${k} = viewOf(d${k})` : ''),
    value: (type, k) => cellCode(type, k, style),
    // The marks of bytes, and two quotes.
    fixedBytes: type => (maxTextBytes(type) ?? (type.kind === 'binary' ? binaryTextBytes(0) + HEX_MARK : 0)) + 2,
    // Every character of a text can be a quote.
    bytesPerByte: type => (maxTextBytes(type) === undefined ? 2 : 0),
    end: style.lineEnding === 'crlf' ? Uint8Array.of(CARRIAGE_RETURN, LINE_FEED) : Uint8Array.of(LINE_FEED),
  }
  return compileEncoder(schema, cells, { ...textTools(style), renders })
}

function binaryRender(form: BinaryText): Render {
  return (out, pos, { data, offsets }, row) => {
    if (form === 'hex') {
      out[pos++] = BACKSLASH
      out[pos++] = LOWER_X
    }
    return renderBinary(form, out, pos, data, offsets[row]!, offsets[row + 1]!)
  }
}

function cellCode(type: Type, k: ColumnName, style: CsvStyle): string {
  const { quote, quotes, nullText } = style
  const { kind } = type
  if (kind === 'utf8' || kind === 'json') return textCode(k, style)
  if (quotes === 'all') return `out[pos++] = ${quote}; ${valueCode(type, k)}; out[pos++] = ${quote}`
  // No bytes are an empty text in base64.
  const mayBeLikeNull = kind === 'binary' || isLikeValue(nullText)
  return mayBeLikeNull ? `from = pos; ${valueCode(type, k)}; pos = quoteNullLike(out, from, pos)` : valueCode(type, k)
}

/** Writes a value whose text contains nothing that would have to be quoted. */
function valueCode(type: Type, k: ColumnName): string {
  switch (type.kind) {
    case 'int':
      if (type.bits < 64) return `pos = ${type.signed ? 'putInt32' : 'putUint32'}(out, pos, v${k}[row])`
      return type.signed ? `pos = putInt64(out, pos, v${k}[row * 2], v${k}[row * 2 + 1])` : rendered(k)
    case 'decimal':
      if (type.precision > 18) return rendered(k)
      return `pos = putDecimal64(out, pos, v${k}[row * 2], v${k}[row * 2 + 1], ${type.scale}, ${10 ** type.scale})`
    case 'date':
      return `pos = putDate(out, pos, v${k}[row])`
    case 'timestamp':
      return `pos = putTimestamp(out, pos, v${k}[row * 2], v${k}[row * 2 + 1], ${type.zone}, ${SPACE})`
    default:
      return rendered(k)
  }
}

const rendered = (k: ColumnName) => `pos = renders[${k}](out, pos, c${k}, row)`

/** Copies a text, and begins again with quotes where a byte calls for them. */
function textCode(k: ColumnName, { quotes, delimiter, quote, nullText }: CsvStyle): string {
  const quoted = `pos = putQuoted(out, pos, d${k}, o${k}[row], limit)`
  if (quotes === 'all') return `limit = o${k}[row + 1]; ${quoted}`
  const special = [delimiter, quote, LINE_FEED, CARRIAGE_RETURN]
  return `at = o${k}[row]
        limit = o${k}[row + 1]
        if (limit - at <= ${Math.max(END_OF_DATA.length, nullText.length)} && isSpecialText(d${k}, at, limit)) ${quoted}
        else {
          from = pos
          ${k === 'K' ? '' : wordsCode(k, special)}
          while (at < limit) {
            c = d${k}[at++]
            if (c <= ${Math.max(...special)} && (${special.map(byte => `c === ${byte}`).join(' || ')})) {
              at = limit + 1
              break
            }
            out[pos++] = c
          }
          if (at > limit) {
            pos = from
            ${quoted}
          }
        }`
}

/** Copies words as long as no byte calls for quotes. A word may end behind the text: what follows it in `out` is written later. */
const wordsCode = (k: number, special: readonly number[]) => `if (limit + 3 <= d${k}.length) {
            while (at < limit) {
              word = w${k}.getInt32(at, true)
              if ((${anyByteCode('word', special, 'c')}) !== 0) break
              view.setInt32(pos, word, true)
              at += 4
              pos += 4
            }
            if (at > limit) {
              pos -= at - limit
              at = limit
            }
          }`

function textTools({ quote, nullText }: CsvStyle) {
  const isText = (text: Uint8Array, bytes: Uint8Array, start: number, end: number) =>
    text.length === end - start && text.every((byte, at) => bytes[start + at] === byte)
  return {
    /** Whether a text calls for quotes as a whole. */
    isSpecialText: (bytes: Uint8Array, start: number, end: number): boolean =>
      end === start || isText(nullText, bytes, start, end) || isText(END_OF_DATA, bytes, start, end),
    putQuoted(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
      out[pos++] = quote
      for (let at = start; at < end; at++) {
        const byte = bytes[at]!
        if (byte === quote) out[pos++] = quote
        out[pos++] = byte
      }
      out[pos] = quote
      return pos + 1
    },
    /** Puts quotes around the text at `out[from, pos)` if it would be read as NULL. */
    quoteNullLike(out: Uint8Array, from: number, pos: number): number {
      if (!isText(nullText, out, from, pos)) return pos
      out.copyWithin(from + 1, from, pos)
      out[from] = out[pos + 1] = quote
      return pos + 2
    },
  }
}
