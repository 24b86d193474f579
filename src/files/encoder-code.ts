/** Encoders of texts, generated for a schema: columns become rows of bytes without an object per row. */
import { viewOf, type Schema, type Type } from '#columnar'
import { groupByType, MOST_UNROLLED, type ColumnName } from './by-type.ts'
import * as fastText from './fast-text.ts'
import type { EncodeRows } from './row-encoding.ts'

/** What a format writes for a cell. */
export interface CellCode {
  /** What stands before the cell of column k: a delimiter, a key. */
  readonly prefix: (k: number) => Uint8Array
  readonly nullText: Uint8Array
  /**
   * Code that writes a value to `out` and moves `pos` behind it. Of column k it may read `v`alues, `o`ffsets, `d`ata and the column `c`
   * itself, as in `v3[row]`. The variables `from`, `at`, `limit`, `c` and `word` are its own; `view` is a view of `out`, but not for K.
   */
  readonly value: (type: Type, k: ColumnName) => string
  /** More constants of column k, after a comma; not for K. */
  readonly locals?: (type: Type, k: number) => string
  /** Most bytes of a cell whose value has no bytes of its own, NULL left aside ... */
  readonly fixedBytes: (type: Type) => number
  /** ... and how many more each byte of its value takes. */
  readonly bytesPerByte: (type: Type) => number
  /** What ends a row. */
  readonly end: Uint8Array
}

/** `tools` are what the code of values calls by name, beside the functions of fast-text.ts. */
export function compileEncoder(schema: Schema, cells: CellCode, tools: Readonly<Record<string, unknown>>): EncodeRows {
  const types = schema.fields.map(({ type }) => type)
  const prefixes = types.map((_, k) => cells.prefix(k))
  const factors = types.map(type => cells.bytesPerByte(type))
  const variable = [...factors.keys()].filter(k => factors[k] !== 0)
  const fixed = types.reduce(
    (sum, type, k) => sum + prefixes[k]!.length + Math.max(cells.fixedBytes(type), cells.nullText.length),
    cells.end.length,
  )
  const parts = types.length > MOST_UNROLLED ? byType(types, cells) : unrolled(types, cells, prefixes, factors)
  const given = { ...fastText, ...tools, viewOf, prefixes, factors, variable }
  const make = new Function(...Object.keys(given), program(parts, fixed, cells.end)) as (...given: unknown[]) => EncodeRows
  return make(...Object.values(given))
}

interface Parts {
  readonly before: string
  readonly locals: string
  /** Statements that add the bytes which depend on the values to `needed`. */
  readonly size: string
  readonly cells: string
}

function program({ before, locals, size, cells }: Parts, fixed: number, end: Uint8Array): string {
  return `'use strict'
const encoded = { pos: 0, row: 0, needed: 0 }
${before}
return function encodeRows(batch, row, out, pos) {
  const { columns, rows } = batch, view = viewOf(out)
  ${locals}
  ${VARIABLES}
  let needed = ${fixed}
  for (; row < rows; row++) {
    ${size === '' ? '' : `needed = ${fixed}${size}`}
    if (pos + needed > out.length) break
      ${cells}
      ${putBytes(end)}
  }
  encoded.pos = pos
  encoded.row = row
  encoded.needed = needed
  return encoded
}`
}

const VARIABLES = 'let from = 0, at = 0, limit = 0, c = 0, word = 0'

const localsOf = (k: ColumnName) => `{ values: v${k}, offsets: o${k}, data: d${k}, nulls: n${k}, validity: b${k} } = c${k}`

const putBytes = (bytes: Uint8Array) =>
  bytes.length === 0
    ? ''
    : `${Array.from(bytes, (byte, at) => `out[pos${at === 0 ? '' : ` + ${at}`}] = ${byte}`).join('; ')}; pos += ${bytes.length}`

function cellCode(type: Type, k: ColumnName, { nullText, value }: CellCode): string {
  const isNull = `n${k} > 0 && (b${k}[row >> 3] & (1 << (row & 7))) === 0`
  return `if (${isNull}) { ${putBytes(nullText)} } else { ${value(type, k)} }`
}

function unrolled(types: readonly Type[], cells: CellCode, prefixes: readonly Uint8Array[], factors: readonly number[]): Parts {
  return {
    before: '',
    locals: types.map((type, k) => `const c${k} = columns[${k}], ${localsOf(k)}${cells.locals?.(type, k) ?? ''}`).join('\n  '),
    size: factors.map((factor, k) => (factor === 0 ? '' : ` + ${factor} * (o${k}[row + 1] - o${k}[row])`)).join(''),
    cells: types.map((type, k) => `${putBytes(prefixes[k]!)}\n      ${cellCode(type, k, cells)}`).join('\n      '),
  }
}

function byType(types: readonly Type[], cells: CellCode): Parts {
  const { distinct, groups } = groupByType(types)
  const functions = distinct.map(
    (type, t) => `function put${t}(cK, K, row, out, pos) {
  const ${localsOf('K')}
  ${VARIABLES}
  ${cellCode(type, 'K', cells)}
  return pos
}`,
  )
  return {
    before: `${functions.join('\n')}
const puts = [${groups.map(t => `put${t}`).join(', ')}]
function bytesOf(columns, row) {
  let bytes = 0
  for (let i = 0; i < variable.length; i++) {
    const k = variable[i], { offsets } = columns[k]
    bytes += factors[k] * (offsets[row + 1] - offsets[row])
  }
  return bytes
}`,
    locals: '',
    size: ' + bytesOf(columns, row)',
    cells: `for (let k = 0; k < ${types.length}; k++) {
        const prefix = prefixes[k]
        for (let i = 0; i < prefix.length; i++) out[pos++] = prefix[i]
        pos = puts[k](columns[k], k, row, out, pos)
      }`,
  }
}
