/**
 * Columns to rows of CSV, by code that is generated for a schema. A value is quoted where it must be: when it contains what
 * structures the file, when it is empty, or when it reads like NULL.
 */
import { maxTextBytes, renderOf, type Column, type Field, type Render, type Schema } from '#columnar'
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
const POINT = 0x2e
const LOWER_X = 0x78

export function csvEncoding(style: CsvStyle): RowEncoding {
  return {
    extension: '.csv',
    head: schema => (style.header ? headerOf(schema, style) : new Uint8Array(0)),
    encoder: schema => csvEncoder(schema, style),
  }
}

function headerOf({ fields }: Schema, style: CsvStyle): Uint8Array {
  const texts = fields.map(({ name }) => new TextEncoder().encode(name))
  const out = new Uint8Array(texts.reduce((sum, text) => sum + 2 * text.length + 4, 2))
  const put = putText(style)
  let pos = 0
  for (const [index, text] of texts.entries()) {
    if (index > 0) out[pos++] = style.delimiter
    pos = put(out, pos, text, 0, text.length)
  }
  return out.subarray(0, putLineEnding(out, pos, style))
}

function putLineEnding(out: Uint8Array, pos: number, { lineEnding }: CsvStyle): number {
  if (lineEnding === 'crlf') out[pos++] = CARRIAGE_RETURN
  out[pos] = LINE_FEED
  return pos + 1
}

export function csvEncoder(schema: Schema, style: CsvStyle): EncodeRows {
  const renders = schema.fields.map(({ type }): Render => (type.kind === 'binary' ? binaryRender(style.binary) : renderOf(type)!))
  const [text, notNull] = [putText(style), quoteNullLike(style)]
  const tools = { putInt32, putUint32, putInt64, putDecimal64, putDate, putTimestamp, putText: text, notNull, renders }
  const make = new Function('tools', program(schema, style)) as (given: typeof tools) => EncodeRows
  return make(tools)
}

function binaryRender(form: BinaryText): Render {
  return (out, pos, { data, offsets }: Column, row) => {
    if (form === 'hex') {
      out[pos++] = BACKSLASH
      out[pos++] = LOWER_X
    }
    return renderBinary(form, out, pos, data, offsets[row]!, offsets[row + 1]!)
  }
}

function program({ fields }: Schema, style: CsvStyle): string {
  const { needed, variable } = roomCode(fields, style)
  const cells = fields.map(
    (field, k) => `${k === 0 ? '' : `out[pos++] = ${style.delimiter}\n      `}${cellCode(field, k, style)}`,
  )
  return `'use strict'
const { putInt32, putUint32, putInt64, putDecimal64, putDate, putTimestamp, putText, notNull, renders } = tools
const encoded = { pos: 0, row: 0, needed: 0 }
return function encodeCsv(batch, row, out, pos) {
  const { columns, rows } = batch
  ${fields.map((_, k) => `const c${k} = columns[${k}], { values: v${k}, offsets: o${k}, data: d${k}, nulls: n${k}, validity: b${k} } = c${k}`).join('\n  ')}
  let needed = ${needed}, from = 0
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
    if (type.kind === 'binary') needed += binaryTextBytes(0) + 2
  }
  return { needed, variable }
}

function cellCode(field: Field, k: number, style: CsvStyle): string {
  const isNull = `n${k} > 0 && (b${k}[row >> 3] & (1 << (row & 7))) === 0`
  const nullCode = Array.from(style.nullText, byte => `out[pos++] = ${byte}`).join('; ')
  return `if (${isNull}) { ${nullCode} } else { ${notNullCode(field, k, style)} }`
}

function notNullCode(field: Field, k: number, { quote, quotes, nullText }: CsvStyle): string {
  const { kind } = field.type
  if (kind === 'utf8' || kind === 'json') return `pos = putText(out, pos, d${k}, o${k}[row], o${k}[row + 1])`
  if (quotes === 'all') return `out[pos++] = ${quote}; ${valueCode(field, k)}; out[pos++] = ${quote}`
  // No bytes are an empty text in base64.
  const mayBeLikeNull = kind === 'binary' || isLikeValue(nullText)
  return mayBeLikeNull ? `from = pos; ${valueCode(field, k)}; pos = notNull(out, from, pos)` : valueCode(field, k)
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
      return `pos = putTimestamp(out, pos, v${k}[row * 2], v${k}[row * 2 + 1], ${type.zone}, 32)`
    default:
      return rendered(k)
  }
}

const rendered = (k: number) => `pos = renders[${k}](out, pos, c${k}, row)`

/** Puts quotes around the text at `out[from, pos)` if it would be read as NULL. */
function quoteNullLike({ quote, nullText }: CsvStyle) {
  return (out: Uint8Array, from: number, pos: number): number => {
    if (pos - from !== nullText.length || !nullText.every((byte, at) => out[from + at] === byte)) return pos
    out.copyWithin(from + 1, from, pos)
    out[from] = out[pos + 1] = quote
    return pos + 2
  }
}

/** Writes a text, in quotes when it has to be. */
function putText({ delimiter, quote, quotes, nullText }: CsvStyle) {
  const always = quotes === 'all'
  const special = new Uint8Array(256)
  for (const byte of [delimiter, quote, LINE_FEED, CARRIAGE_RETURN]) special[byte] = 1
  const isLikeNull = (bytes: Uint8Array, start: number, end: number) =>
    end - start === nullText.length && nullText.every((byte, at) => bytes[start + at] === byte)
  // To PostgreSQL before 18, a line with nothing but `\.` is the end of the file.
  const isLikeEnd = (bytes: Uint8Array, start: number, end: number) =>
    end - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === POINT
  const putQuoted = (out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number => {
    out[pos++] = quote
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte === quote) out[pos++] = quote
      out[pos++] = byte
    }
    out[pos] = quote
    return pos + 1
  }
  return (out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number => {
    if (always || isLikeNull(bytes, start, end) || end === start || isLikeEnd(bytes, start, end))
      return putQuoted(out, pos, bytes, start, end)
    let to = pos
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (special[byte] !== 0) return putQuoted(out, pos, bytes, start, end)
      out[to++] = byte
    }
    return to
  }
}
