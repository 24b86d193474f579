/**
 * Columns to lines of JSON, by code that is generated for a schema.
 *
 * Numbers are JSON numbers with all their digits; JSON has no others than finite ones. Dates, times, intervals and uuids are strings
 * with their canonical text, instants as RFC 3339 has them. A json column is written as it is, on one line.
 */
import { jsonStringBytes, maxTextBytes, renderJsonString, renderOf, type Render, type Schema, type Type } from '#columnar'
import { dataErrors } from '#connector'
import {
  binaryTextBytes,
  compileEncoder,
  renderBinary,
  type BinaryText,
  type CellCode,
  type ColumnName,
  type EncodeRows,
  type RowEncoding,
} from '#files'

export interface JsonlStyle {
  /** 64-bit integers: readers that use doubles round them beyond 2^53 when they are numbers. */
  readonly integers: 'number' | 'string'
  /** Decimals of any size, for the same reason. */
  readonly decimals: 'number' | 'string'
  /** NaN and infinities. */
  readonly nonFinite: 'refuse' | 'string'
  /** A JSON column whose value is `null`: a reader takes it for NULL. */
  readonly jsonNull: 'refuse' | 'null'
  readonly binary: BinaryText
}

const QUOTE = 0x22
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const UPPER_T = 0x54
const LOWER_N = 0x6e
/** Numbers end in a digit; what is none ends in a letter. */
const FIRST_LETTER = 0x40

const encoder = new TextEncoder()

export function jsonlEncoding(style: JsonlStyle): RowEncoding {
  return {
    extension: '.jsonl',
    head: () => new Uint8Array(0),
    encoder: (schema, dataset) => jsonlEncoder(schema, dataset, style),
  }
}

export function jsonlEncoder(schema: Schema, dataset: string, style: JsonlStyle): EncodeRows {
  const { fields } = schema
  const cells: CellCode = {
    prefix: k => encoder.encode(`${k === 0 ? '{' : ','}${JSON.stringify(fields[k]!.name)}:`),
    nullText: encoder.encode('null'),
    value: (type, k) => valueCode(type, k, style),
    // With quotes.
    fixedBytes: type => (maxTextBytes(type) ?? (type.kind === 'binary' ? binaryTextBytes(0) : 0)) + 2,
    bytesPerByte,
    end: encoder.encode(fields.length === 0 ? '{}\n' : '}\n'),
  }
  return compileEncoder(schema, cells, {
    putString: renderJsonString,
    putJson,
    isNull,
    refuseNull: nullRefusal(schema, dataset, style),
    putRendered: fields.map(({ type }): Render => (type.kind === 'binary' ? binaryRender(style.binary) : renderOf(type)!)),
    checkNumber: numberCheck(schema, dataset, style),
  })
}

const binaryRender =
  (form: BinaryText): Render =>
  (out, pos, { data, offsets }, row) =>
    renderBinary(form, out, pos, data, offsets[row]!, offsets[row + 1]!)

/** Bytes that each byte of a value takes at most. */
function bytesPerByte(type: Type): number {
  switch (type.kind) {
    case 'utf8':
      return jsonStringBytes(1) - jsonStringBytes(0)
    case 'json':
    case 'numeric':
      return 1
    case 'binary':
      return 2
    default:
      return 0
  }
}

function valueCode(type: Type, k: ColumnName, style: JsonlStyle): string {
  const words = `v${k}[row * 2], v${k}[row * 2 + 1]`
  const rendered = `pos = putRendered[${k}](out, pos, c${k}, row)`
  const numbered = (code: string) => `from = pos; ${code}; pos = checkNumber(out, from, pos, ${k}, row)`
  switch (type.kind) {
    case 'bool':
      return rendered
    case 'int':
      if (type.bits < 64) return `pos = ${type.signed ? 'putInt32' : 'putUint32'}(out, pos, v${k}[row])`
      return quotedIf(style.integers === 'string', type.signed ? `pos = putInt64(out, pos, ${words})` : rendered)
    case 'float':
      return numbered(rendered)
    case 'decimal':
      return quotedIf(
        style.decimals === 'string',
        numbered(type.precision <= 18 ? `pos = putDecimal64(out, pos, ${words}, ${type.scale}, ${10 ** type.scale})` : rendered),
      )
    case 'numeric':
      return quotedIf(style.decimals === 'string', numbered(rendered))
    case 'utf8':
      return `pos = putString(out, pos, d${k}, o${k}[row], o${k}[row + 1])`
    case 'json':
      return `from = pos; pos = putJson(out, pos, d${k}, o${k}[row], o${k}[row + 1]); if (isNull(out, from, pos)) refuseNull(${k}, row)`
    case 'date':
      return quotedIf(true, `pos = putDate(out, pos, v${k}[row])`)
    case 'timestamp':
      return quotedIf(true, `pos = putTimestamp(out, pos, ${words}, ${type.zone}, ${UPPER_T})`)
    default:
      return quotedIf(true, rendered)
  }
}

const quotedIf = (isQuoted: boolean, code: string) => (isQuoted ? `out[pos++] = ${QUOTE}; ${code}; out[pos++] = ${QUOTE}` : code)

/** JSON text on one line: between its parts a line ending is white space like any other, and inside strings it is escaped. */
function putJson(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    out[pos++] = byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte
  }
  return pos
}

/** Whether the JSON text in `bytes[from, end)` is `null`, with white space around it. No other value begins with n. */
function isNull(bytes: Uint8Array, from: number, end: number): boolean {
  while (from < end && bytes[from]! <= SPACE) from++
  return bytes[from] === LOWER_N
}

function nullRefusal({ fields }: Schema, dataset: string, { jsonNull }: JsonlStyle) {
  return (k: number, row: number): void => {
    if (jsonNull === 'null') return
    const reason = 'a reader would take the JSON value null for NULL (`jsonNull: null` writes it all the same)'
    throw dataErrors.valueRefused({ dataset, column: fields[k]!.name, row, reason })
  }
}

/** Looks at the text of a number that was written to `out[from, pos)`. */
function numberCheck({ fields }: Schema, dataset: string, { nonFinite, decimals }: JsonlStyle) {
  return (out: Uint8Array, from: number, pos: number, k: number, row: number): number => {
    if (out[pos - 1]! < FIRST_LETTER) return pos
    const { name, type } = fields[k]!
    if (nonFinite === 'refuse') {
      throw dataErrors.valueRefused({
        dataset,
        column: name,
        row,
        reason: 'JSON has no NaN and no infinity (`nonFinite: string` writes them as strings)',
      })
    }
    if (type.kind !== 'float' && decimals === 'string') return pos
    out.copyWithin(from + 1, from, pos)
    out[from] = out[pos + 1] = QUOTE
    return pos + 2
  }
}
