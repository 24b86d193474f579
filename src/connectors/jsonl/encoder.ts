/**
 * Columns to lines of JSON, by code that is generated for a schema.
 *
 * Numbers are JSON numbers with all their digits; JSON has no others than finite ones. Dates, times, intervals and uuids are strings
 * with their canonical text, instants as RFC 3339 has them. A json column is written as it is, on one line.
 */
import {
  jsonStringBytes,
  maxTextBytes,
  renderJsonString,
  renderOf,
  typeName,
  type Field,
  type Render,
  type Schema,
  type Type,
} from '#columnar'
import { dataErrors } from '#connector'
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

export function jsonlEncoding(style: JsonlStyle): RowEncoding {
  return {
    extension: '.jsonl',
    head: () => new Uint8Array(0),
    encoder: (schema, dataset) => jsonlEncoder(schema, dataset, style),
  }
}

export function jsonlEncoder(schema: Schema, dataset: string, style: JsonlStyle): EncodeRows {
  const tools = {
    ...{ putDate, putDecimal64, putInt32, putInt64, putTimestamp, putUint32, putString: renderJsonString, putJson, isNull },
    refuseNull: nullRefusal(schema, dataset, style),
    putRendered: schema.fields.map(({ type }): Render => (type.kind === 'binary' ? binaryRender(style.binary) : renderOf(type)!)),
    checkNumber: numberCheck(schema, dataset, style),
    keys: keysOf(schema.fields),
  }
  const make = new Function(...Object.keys(tools), program(schema, style)) as (...given: unknown[]) => EncodeRows
  return make(...Object.values(tools))
}

const binaryRender =
  (form: BinaryText): Render =>
  (out, pos, { data, offsets }, row) =>
    renderBinary(form, out, pos, data, offsets[row]!, offsets[row + 1]!)

/** Up to here there is code for each column; beyond, code for each type, or the compiler of the engine needs memory without end. */
const MOST_UNROLLED = 100

function program({ fields }: Schema, style: JsonlStyle): string {
  const keys = keysOf(fields)
  const needed = keys.reduce((sum, key) => sum + key.length, 4) + fields.reduce((sum, { type }) => sum + mostBytes(type), 0)
  const { before, locals, size, members } = fields.length > MOST_UNROLLED ? byType(fields, style) : unrolled(fields, keys, style)
  return `'use strict'
const encoded = { pos: 0, row: 0, needed: 0 }
${before}
return function encodeJsonl(batch, row, out, pos) {
  const { columns, rows } = batch
  ${locals}
  let needed = ${needed}, from = 0
  for (; row < rows; row++) {
    ${size(needed)}
    if (pos + needed > out.length) break
      ${members}
      ${putBytes(new TextEncoder().encode(fields.length === 0 ? '{}\n' : '}\n'))}
  }
  encoded.pos = pos
  encoded.row = row
  encoded.needed = needed
  return encoded
}`
}

/** What stands before each value: `{"id":`. */
const keysOf = (fields: readonly Field[]) =>
  fields.map(({ name }, k) => new TextEncoder().encode(`${k === 0 ? '{' : ','}${JSON.stringify(name)}:`))

interface Parts {
  readonly before: string
  readonly locals: string
  /** Statement that sets `needed`, of which so much does not depend on the values. */
  readonly size: (fixed: number) => string
  readonly members: string
}

const localsOf = (k: number | 'K') => `{ values: v${k}, offsets: o${k}, data: d${k}, nulls: n${k}, validity: b${k} } = c${k}`

function unrolled(fields: readonly Field[], keys: readonly Uint8Array[], style: JsonlStyle): Parts {
  const variable = fields.flatMap(({ type }, k) => variableBytes(type, k))
  return {
    before: '',
    locals: fields.map((_, k) => `const c${k} = columns[${k}], ${localsOf(k)}`).join('\n  '),
    size: fixed => (variable.length === 0 ? '' : `needed = ${[fixed, ...variable].join(' + ')}`),
    members: fields.map((field, k) => `${putBytes(keys[k]!)}\n      ${memberCode(field, k, style)}`).join('\n      '),
  }
}

/** A pair of functions for each type, which `K`, the number of the column, tells apart. */
function byType(fields: readonly Field[], style: JsonlStyle): Parts {
  const types = Map.groupBy(fields, ({ type }) => typeName(type))
  const names = [...types.keys()]
  const functions = [...types.values()].map(
    ([field], t) => `function bytesOf${t}(cK, row) {
  const { offsets: oK } = cK
  return ${['0', ...variableBytes(field!.type, 'K')].join(' + ')}
}
function put${t}(cK, K, row, out, pos) {
  const ${localsOf('K')}
  let from = 0
  ${memberCode(field!, 'K', style)}
  return pos
}`,
  )
  const list = (name: string) => `[${fields.map(({ type }) => `${name}${names.indexOf(typeName(type))}`).join(', ')}]`
  return {
    before: [...functions, `const sizes = ${list('bytesOf')}, puts = ${list('put')}`].join('\n'),
    locals: '',
    size: fixed => `needed = ${fixed}; for (let k = 0; k < ${fields.length}; k++) needed += sizes[k](columns[k], row)`,
    members: `for (let k = 0; k < ${fields.length}; k++) {
        out.set(keys[k], pos)
        pos = puts[k](columns[k], k, row, out, pos + keys[k].length)
      }`,
  }
}

const mostBytes = (type: Type) => Math.max(maxTextBytes(type) ?? 0, 'null'.length) + 2

/** Bytes of a value that depend on its length, as code. */
function variableBytes(type: Type, k: number | 'K'): string[] {
  const length = `(o${k}[row + 1] - o${k}[row])`
  switch (type.kind) {
    case 'utf8':
      return [`${jsonStringBytes(1) - jsonStringBytes(0)} * ${length}`]
    case 'json':
    case 'numeric':
      return [length]
    case 'binary':
      return [`2 * ${length} + ${binaryTextBytes(0)}`]
    default:
      return []
  }
}

const putBytes = (bytes: Uint8Array) =>
  `${Array.from(bytes, (byte, at) => `out[pos + ${at}] = ${byte}`).join('; ')}; pos += ${bytes.length}`

function memberCode(field: Field, k: number | 'K', style: JsonlStyle): string {
  const isNull = `n${k} > 0 && (b${k}[row >> 3] & (1 << (row & 7))) === 0`
  return `if (${isNull}) { ${putBytes(new TextEncoder().encode('null'))} } else { ${valueCode(field, k, style)} }`
}

function valueCode({ type }: Field, k: number | 'K', style: JsonlStyle): string {
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
