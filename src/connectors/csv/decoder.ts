/**
 * Rows of CSV to columns, by code that is generated for the columns of a file: one block per field, no object or string per row.
 *
 * Blocks of common types read the common form of a value and leave everything else (quotes, NULL, signs, odd lengths, errors) to
 * {@link FieldScanner}.
 */
import type { Schema, Type } from '#columnar'
import {
  BLOCK_TOOLS,
  BLOCK_VARIABLES,
  leaveRow,
  payloadCode,
  undoRow,
  valueCode,
  valueKind,
  type DecodeRows,
  type ValueKind,
} from '#files'
import { isLikeValue, type CsvDialect } from './dialect.ts'
import { CARRIAGE_RETURN, FieldScanner, LINE_FEED, putSentinels } from './field-scanner.ts'

/** Fields beyond this are read by one call each: the engine does not optimise functions of any size. */
const INLINE_FIELDS = 64
/** Bytes of a text that a loop copies while it looks for the end; `set` copies what is behind them. */
const LOOP_BYTES = 128

/** How a field of the file is read: into which column of the batch, and by which code. */
interface Slot {
  readonly k: number
  readonly type: Type
  readonly kind: ValueKind
}

/** `columns[i]` is the column of the batch that field i of a row fills; undefined passes it over. */
export function csvDecoder(schema: Schema, columns: readonly (number | undefined)[], dialect: CsvDialect): DecodeRows {
  const slots = columns.map((k, index): Slot | undefined => {
    const type = k === undefined ? undefined : schema.fields[k]?.type
    if (k === undefined || type === undefined) return undefined
    const isInline = index < INLINE_FIELDS && (type.kind === 'utf8' || !isLikeValue(dialect.nullText))
    return { k, type, kind: isInline ? valueKind(type) : 'call' }
  })
  const tools = { ...BLOCK_TOOLS, scanner: new FieldScanner(dialect, schema.fields), undoRow, leaveRow, putSentinels }
  const make = new Function(...Object.keys(tools), program(schema, slots, dialect)) as (...given: unknown[]) => DecodeRows
  return make(...Object.values(tools))
}

function program(schema: Schema, slots: readonly (Slot | undefined)[], dialect: CsvDialect): string {
  const texts = slots.flatMap(slot => (slot?.kind === 'text' ? [slot.k] : []))
  const fields = slots.map((slot, index) => fieldCode(slot, index, slots.length, dialect))
  return `'use strict'
return function decodeCsv(batch, maxBytes, bytes, start, stop, end, isLast) {
  putSentinels(bytes, end, ${dialect.quote})
  const { columns, capacity } = batch
  let row = batch.rows, pos = start, rowStart = start
  ${BLOCK_VARIABLES}
  ${schema.fields.map((_, k) => `const c${k} = columns[${k}], v${k} = c${k}.values, o${k} = c${k}.offsets`).join('\n  ')}
  ${texts.map(k => `let d${k} = c${k}.data, u${k} = o${k}[row]`).join('\n  ')}
  try {
  while (pos < stop) {
    rowStart = pos
    row: {
${fields.join('\n')}
      if (pos > end) {
        if (!isLast) break row
        pos = end
      }
      row++
      if (row === capacity || ${payloadCode(schema, new Set(texts))} >= maxBytes) {
        batch.rows = row
        return ~pos
      }
      continue
    }
    undoRow(batch, row)
    batch.rows = row
    return rowStart
  }
  } catch (error) { leaveRow(error, batch, row, rowStart) }
  batch.rows = row
  return pos
}`
}

/** Reads one field, and what ends it. */
function fieldCode(slot: Slot | undefined, index: number, count: number, dialect: CsvDialect): string {
  const isLastField = index === count - 1
  const ends = isLastField ? [LINE_FEED, CARRIAGE_RETURN] : [dialect.delimiter]
  // A carriage return at the very end may be followed by its line feed.
  const isCut = `(pos >= end || (pos + 1 === end && bytes[pos] === ${CARRIAGE_RETURN})) && !isLast`
  const refuse = `{ if (${isCut}) break row; scanner.refuse(bytes, pos, ${index + 1}, ${count}) }`
  const separator = isLastField
    ? `if (bytes[pos] === ${LINE_FEED}) pos++
      else if (bytes[pos] === ${CARRIAGE_RETURN} && bytes[pos + 1] === ${LINE_FEED}) pos += 2
      else ${refuse}`
    : `if (bytes[pos] !== ${dialect.delimiter}) ${refuse}
      pos++`
  return `      // field ${index + 1}
      ${slot === undefined ? 'pos = scanner.find(bytes, pos, end, isLast)' : slotCode(slot, ends, dialect)}
      ${separator}`
}

function slotCode({ k, type, kind }: Slot, ends: readonly number[], dialect: CsvDialect): string {
  if (kind === 'text') return textCode(k, dialect)
  const scan = (pos: string) => `pos = scanner.scan(bytes, ${pos}, end, isLast, c${k}, ${k}, row)`
  return valueCode(kind, { k, type, ends, otherwise: scan(`from`) }) ?? scan(`pos`)
}

/** Copies a text to the column's `d`ata, of which `u` bytes are used. */
function textCode(k: number, dialect: CsvDialect): string {
  const { quote, nullText } = dialect
  const isNull = [`n === ${nullText.length}`, ...Array.from(nullText, (byte, i) => `bytes[from + ${i}] === ${byte}`)].join(' && ')
  const plain = `from = pos
      limit = pos + ${LOOP_BYTES}
      if (u${k} + ${LOOP_BYTES} > d${k}.length) d${k} = c${k}.reserve(u${k}, u${k} + ${LOOP_BYTES})
      while ((${isPlain(dialect)}) && pos < limit) {
        d${k}[u${k}++] = c
        c = bytes[++pos]
      }
      if (pos === limit) {
        while (${isPlain(dialect)}) c = bytes[++pos]
        n = pos - limit
        if (u${k} + n > d${k}.length) d${k} = c${k}.reserve(u${k}, u${k} + n)
        d${k}.set(bytes.subarray(limit, pos), u${k})
        u${k} += n
      }
      n = pos - from
      if (${isNull}) {
        u${k} -= n
        c${k}.setNull(row)
      }`
  const quoted = `if (c === ${quote}) {
        pos = scanner.quoted(bytes, pos, end, isLast, c${k}, u${k})
        u${k} = scanner.used
        d${k} = c${k}.data
      } else {
        ${plain}
      }`
  return `c = bytes[pos]
      ${quote === undefined ? plain : quoted}
      o${k}[row + 1] = u${k}`
}

/** Whether byte `c` belongs to a field without quotes. Letters are told by one comparison where all others are smaller. */
function isPlain({ delimiter, quote }: CsvDialect): string {
  const others = [delimiter, LINE_FEED, CARRIAGE_RETURN, ...(quote === undefined ? [] : [quote])]
  return `c > ${Math.max(...others)} || (${others.map(byte => `c !== ${byte}`).join(' && ')})`
}
