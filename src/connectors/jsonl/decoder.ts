/**
 * Lines of JSON to columns, by code that is generated for a schema: it expects the keys in the order of a line that was looked at,
 * any of them missing, and values in their common form. Any other line is read again, slowly, by {@link ObjectScanner}.
 */
import { viewOf, type Schema, type Type } from '#columnar'
import {
  BLOCK_TOOLS,
  BLOCK_VARIABLES,
  groupByType,
  leaveRow,
  MOST_UNROLLED,
  payloadCode,
  payloadCounter,
  setNull,
  undoRow,
  valueCode,
  valueKind,
  type BinaryText,
  type ColumnName,
  type DecodeRows,
} from '#files'
import { LINE_FEED, ObjectScanner } from './object-scanner.ts'

/** Bytes of a string that a loop copies while it looks for the end; `set` copies what is behind them. */
const LOOP_BYTES = 128
const COMMA = 0x2c
const CLOSE_OBJECT = 0x7d

export interface JsonlRules {
  readonly binary: BinaryText
  /** Keys that are no columns are passed over instead of refused. */
  readonly passesOver: boolean
}

/** A key of the common form; without a column, its value is passed over. */
interface Slot {
  readonly name: string
  readonly k: number | undefined
}

/** `order`: keys as they stand in a line of the file, as far as known; other columns may follow. */
export function jsonlDecoder(schema: Schema, order: readonly string[], rules: JsonlRules): DecodeRows {
  const names = schema.fields.map(({ name }) => name)
  const keys = [...new Set([...order.filter(name => rules.passesOver || names.includes(name)), ...names])]
  const slots = keys.map((name): Slot => ({ name, k: names.includes(name) ? names.indexOf(name) : undefined }))
  const parts = keys.length > MOST_UNROLLED ? byType(schema, slots) : unrolled(schema, slots)
  const tools = {
    ...BLOCK_TOOLS,
    ...{ scanner: new ObjectScanner(schema.fields, rules.binary, rules.passesOver), undoRow, leaveRow, setNull, viewOf },
    ...{ slots, keys: keys.map(keyBytes), payload: payloadCounter(schema) },
  }
  const make = new Function(...Object.keys(tools), program(parts)) as (...given: unknown[]) => DecodeRows
  return make(...Object.values(tools))
}

/** As it stands before a value: `"id":`. */
const keyBytes = (name: string) => new TextEncoder().encode(`${JSON.stringify(name)}:`)

interface Parts {
  readonly before: string
  readonly locals: string
  /** Reads the members of an object, or breaks out of `common`. */
  readonly members: string
  /** Follows a row that was read by the scanner. */
  readonly resume: string
  /** Bytes of the first `row` rows. */
  readonly payload: string
}

function program({ before, locals, members, resume, payload }: Parts): string {
  return `'use strict'
${before}
return function decodeJsonl(batch, maxBytes, bytes, start, stop, end, isLast) {
  bytes[end] = ${LINE_FEED}
  const { columns, capacity } = batch, view = viewOf(bytes)
  let row = batch.rows, pos = start, rowStart = start, comma = false
  ${BLOCK_VARIABLES}
  ${locals}
  try {
  while (pos < stop) {
    rowStart = pos
    row: {
      common: {
        if (bytes[pos] !== 123) break common
        pos++
        comma = false
        ${members}
        if (comma || bytes[pos] !== ${CLOSE_OBJECT}) break common
        pos++
        if (bytes[pos] !== ${LINE_FEED}) break common
        pos++
        break row
      }
      undoRow(batch, row)
      pos = bytes.indexOf(${LINE_FEED}, rowStart)
      if (pos >= end && !isLast) {
        batch.rows = row
        return rowStart
      }
      if (!scanner.scanLine(batch, bytes, rowStart, pos++, row)) continue
      ${resume}
    }
    if (pos > end) {
      if (!isLast) {
        undoRow(batch, row)
        batch.rows = row
        return rowStart
      }
      pos = end
    }
    row++
    if (row === capacity || ${payload} >= maxBytes) {
      batch.rows = row
      return ~pos
    }
  }
  } catch (error) { leaveRow(error, batch, row, rowStart) }
  batch.rows = row
  return pos > end ? end : pos
}`
}

const localsOf = (k: ColumnName) => `v${k} = c${k}.values, o${k} = c${k}.offsets`
const textLocals = (k: ColumnName) => `let d${k} = c${k}.data, u${k} = o${k}[row]`

function unrolled(schema: Schema, slots: readonly Slot[]): Parts {
  const texts = [...schema.fields.entries()].filter(([, { type }]) => type.kind === 'utf8').map(([k]) => k)
  return {
    before: '',
    locals: [...schema.fields.map((_, k) => `const c${k} = columns[${k}], ${localsOf(k)}`), ...texts.map(textLocals)].join(
      '\n  ',
    ),
    members: slots
      .map(({ name, k }) => memberCode(name, k, k === undefined ? undefined : schema.fields[k]?.type))
      .join('\n        '),
    resume: texts.map(k => `d${k} = c${k}.data; u${k} = o${k}[row + 1]`).join('\n      '),
    payload: payloadCode(schema, new Set(texts)),
  }
}

function byType({ fields }: Schema, slots: readonly Slot[]): Parts {
  const { distinct, groups } = groupByType(slots.map(({ k }) => (k === undefined ? undefined : fields[k]?.type)))
  const functions = distinct.map((type, t) =>
    type === undefined
      ? `const read${t} = (bytes, view, pos, end) => scanner.skip(bytes, pos, end)`
      : `function read${t}(bytes, view, pos, end, cK, K, row) {
  const ${localsOf('K')}
  ${type.kind === 'utf8' ? textLocals('K') : ''}
  ${BLOCK_VARIABLES}
  common: {
    ${nullableCode('K', type)}
    return pos
  }
  return -1
}`,
  )
  return {
    before: `${functions.join('\n')}
const reads = [${groups.map(t => `read${t}`).join(', ')}]
function isAt(key, bytes, pos) {
  for (let at = 0; at < key.length; at++) if (bytes[pos + at] !== key[at]) return false
  return true
}`,
    locals: '',
    members: `for (let s = 0; s < ${slots.length}; s++) {
          const { k } = slots[s], column = columns[k]
          if (isAt(keys[s], bytes, pos)) {
            pos += keys[s].length
            if (bytes[pos] === 32) pos++
            pos = reads[s](bytes, view, pos, end, column, k, row)
            if (pos < 0) break common
            ${AFTER_MEMBER}
          } else if (k !== undefined) setNull(column, row)
        }`,
    resume: '',
    payload: 'payload(columns, row)',
  }
}

/** A comma, before which a key was read, or the end of the object. */
const AFTER_MEMBER = `c = bytes[pos]
          if (c === ${COMMA}) {
            pos++
            if (bytes[pos] === 32) pos++
            comma = true
          } else if (c === ${CLOSE_OBJECT}) comma = false
          else break common`

/** Reads one key and its value, or finds that the key is missing. */
function memberCode(name: string, k: number | undefined, type: Type | undefined): string {
  const key = keyBytes(name)
  const isKey = Array.from(key, (byte, at) => `bytes[pos${at === 0 ? '' : ` + ${at}`}] === ${byte}`).join(' && ')
  return `if (${isKey}) {
          pos += ${key.length}
          if (bytes[pos] === 32) pos++
          ${k === undefined || type === undefined ? `pos = scanner.skip(bytes, pos, end)` : nullableCode(k, type)}
          ${AFTER_MEMBER}
        }${k === undefined || type === undefined ? '' : ` else {\n          c${k}.setNull(row)\n          ${nullOffsetCode(k, type)}\n        }`}`
}

function nullableCode(k: ColumnName, type: Type): string {
  return `if (bytes[pos] === 110) {
            if (bytes[pos + 1] !== 117 || bytes[pos + 2] !== 108 || bytes[pos + 3] !== 108) break common
            pos += 4
            c${k}.setNull(row)
            ${nullOffsetCode(k, type)}
          } else {
            ${presentCode(k, type)}
          }`
}

function nullOffsetCode(k: ColumnName, type: Type): string {
  if (type.kind === 'utf8') return `o${k}[row + 1] = u${k}`
  return ['json', 'numeric', 'binary'].includes(type.kind) ? `o${k}[row + 1] = o${k}[row]` : ''
}

function presentCode(k: ColumnName, type: Type): string {
  const kind = valueKind(type)
  if (kind === 'text') return textCode(k)
  const isQuoted = kind === 'date' || kind === 'timestamp'
  const ends = isQuoted ? [0x22] : [COMMA, CLOSE_OBJECT]
  const otherwise = isQuoted ? 'break common' : `{ pos = from; ${anyCode(k)} }`
  const code = valueCode(kind, { k, type, ends, otherwise })
  if (code === undefined) return anyCode(k)
  if (isQuoted) return `if (bytes[pos++] !== 34) break common\n            ${code}\n            pos++`
  return `at = bytes[pos] === 45 ? pos + 1 : pos
            if (bytes[at] === 48 && (bytes[at + 1] - 48) >>> 0 < 10) break common
            ${code}`
}

/** A string without escapes. */
function textCode(k: ColumnName): string {
  const isPlain = 'c > 92 || (c > 31 && c !== 34 && c !== 92)'
  return `if (bytes[pos] !== 34) break common
            c = bytes[++pos]
            limit = pos + ${LOOP_BYTES}
            if (u${k} + ${LOOP_BYTES} > d${k}.length) d${k} = c${k}.reserve(u${k}, u${k} + ${LOOP_BYTES})
            while ((${isPlain}) && pos < limit) {
              d${k}[u${k}++] = c
              c = bytes[++pos]
            }
            if (pos === limit) {
              while (${isPlain}) c = bytes[++pos]
              n = pos - limit
              if (u${k} + n > d${k}.length) d${k} = c${k}.reserve(u${k}, u${k} + n)
              d${k}.set(bytes.subarray(limit, pos), u${k})
              u${k} += n
            }
            if (c !== 34) {
              u${k} = o${k}[row]
              break common
            }
            o${k}[row + 1] = u${k}
            pos++`
}

/** Any value, given as what the scanner says is JSON. */
function anyCode(k: ColumnName): string {
  return `from = pos
            pos = scanner.skip(bytes, from, end)
            if (pos < 0 || !scanner.scanValue(bytes, from, pos, c${k}, ${k}, row)) break common`
}
