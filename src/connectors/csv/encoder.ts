/**
 * Columns to rows of CSV, by code that is generated for a schema. A value is quoted where it must be: when it contains what
 * structures the file, when it is empty, or when it reads like NULL.
 */
import { Batch, maxTextBytes, renderOf, utf8, writeValue, type Field, type Render, type Schema } from '#columnar'
import {
  binaryTextBytes,
  putDate,
  putDecimal64,
  putInt32,
  putInt64,
  putTimestamp,
  putUint32,
  renderBinary,
  type BinaryText,
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
  const tools = { putInt32, putUint32, putInt64, putDecimal64, putDate, putTimestamp, ...textTools(style), renders }
  const make = new Function(...Object.keys(tools), program(schema, style)) as (...given: unknown[]) => EncodeRows
  return make(...Object.values(tools))
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

function program({ fields }: Schema, style: CsvStyle): string {
  const { needed, variable } = roomCode(fields, style)
  const cells = fields.map((field, k) => (k === 0 ? '' : `out[pos++] = ${style.delimiter}\n      `) + cellCode(field, k, style))
  const column = (k: number) =>
    `c${k} = columns[${k}], { values: v${k}, offsets: o${k}, data: d${k}, nulls: n${k}, validity: b${k} } = c${k}`
  return `'use strict'
const encoded = { pos: 0, row: 0, needed: 0 }
return function encodeCsv(batch, row, out, pos) {
  const { columns, rows } = batch
  ${fields.map((_, k) => `const ${column(k)}`).join('\n  ')}
  let needed = ${needed}, from = 0, at = 0, limit = 0, c = 0
  for (; row < rows; row++) {
    ${variable.length === 0 ? '' : `needed = ${[needed, ...variable].join(' + ')}`}
    if (pos + needed > out.length) break
      ${cells.join('\n      ')}
      ${style.lineEnding === 'crlf' ? `out[pos++] = ${CARRIAGE_RETURN}` : ''}
      out[pos++] = ${LINE_FEED}
  }
  encoded.pos = pos
  encoded.row = row
  encoded.needed = needed
  return encoded
}`
}

/** Most bytes that a row takes: a number, and what depends on the lengths of its values. */
function roomCode(fields: readonly Field[], { nullText }: CsvStyle): { needed: number; variable: string[] } {
  let needed = 2
  const variable: string[] = []
  for (const [k, { type }] of fields.entries()) {
    const most = maxTextBytes(type)
    needed += Math.max(most ?? 0, nullText.length) + 3
    if (most !== undefined) continue
    // Every character of a text can be a quote.
    variable.push(`2 * (o${k}[row + 1] - o${k}[row])`)
    if (type.kind === 'binary') needed += binaryTextBytes(0) + HEX_MARK
  }
  return { needed, variable }
}

function cellCode(field: Field, k: number, style: CsvStyle): string {
  const isNull = `n${k} > 0 && (b${k}[row >> 3] & (1 << (row & 7))) === 0`
  const nullCode = Array.from(style.nullText, byte => `out[pos++] = ${byte}`).join('; ')
  return `if (${isNull}) { ${nullCode} } else { ${notNullCode(field, k, style)} }`
}

function notNullCode(field: Field, k: number, style: CsvStyle): string {
  const { quote, quotes, nullText } = style
  const { kind } = field.type
  if (kind === 'utf8' || kind === 'json') return textCode(k, style)
  if (quotes === 'all') return `out[pos++] = ${quote}; ${valueCode(field, k)}; out[pos++] = ${quote}`
  // No bytes are an empty text in base64.
  const mayBeLikeNull = kind === 'binary' || isLikeValue(nullText)
  return mayBeLikeNull ? `from = pos; ${valueCode(field, k)}; pos = quoteNullLike(out, from, pos)` : valueCode(field, k)
}

/** Writes a value whose text contains nothing that would have to be quoted. */
function valueCode({ type }: Field, k: number): string {
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

const rendered = (k: number) => `pos = renders[${k}](out, pos, c${k}, row)`

/** Copies a text, and begins again with quotes where a byte calls for them. */
function textCode(k: number, { quotes, delimiter, quote, nullText }: CsvStyle): string {
  const quoted = `pos = putQuoted(out, pos, d${k}, o${k}[row], limit)`
  if (quotes === 'all') return `limit = o${k}[row + 1]; ${quoted}`
  const special = [delimiter, quote, LINE_FEED, CARRIAGE_RETURN]
  return `at = o${k}[row]
        limit = o${k}[row + 1]
        if (limit - at <= ${Math.max(END_OF_DATA.length, nullText.length)} && isSpecialText(d${k}, at, limit)) ${quoted}
        else {
          from = pos
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
