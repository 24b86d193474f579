/**
 * Rows of CSV to columns, by code that is generated for the columns of a file: one block per field, or one function per type where there
 * are many. No object or string per row.
 *
 * Blocks of common types read the common form of a value and leave everything else (quotes, NULL, signs, odd lengths, errors) to
 * {@link FieldScanner}.
 */
import { viewOf, type Schema, type Type } from '#columnar'
import {
  anyByteCode,
  BLOCK_TOOLS,
  BLOCK_VARIABLES,
  groupByType,
  leaveRow,
  MOST_UNROLLED,
  payloadCode,
  payloadCounter,
  undoRow,
  valueCode,
  valueKind,
  type ColumnName,
  type DecodeRows,
  type ValueKind,
} from '#files'
import { isLikeValue, type CsvDialect } from './dialect.ts'
import { CARRIAGE_RETURN, FieldScanner, LINE_FEED, putSentinels } from './field-scanner.ts'

/** Bytes of a text, whole words, that a loop copies while it looks for the end; `set` copies what is behind them. */
const LOOP_BYTES = 128

/** How a field of the file is read: into which column of the batch, and by which code. */
interface Slot {
  readonly k: number
  readonly type: Type
  readonly kind: ValueKind
}

/** `columns[i]` is the column of the batch that field i of a row fills; undefined passes it over. */
export function csvDecoder(schema: Schema, columns: readonly (number | undefined)[], dialect: CsvDialect): DecodeRows {
  const slots = columns.map((k): Slot | undefined => {
    const type = k === undefined ? undefined : schema.fields[k]?.type
    if (k === undefined || type === undefined) return undefined
    const hasForm = type.kind === 'utf8' || !isLikeValue(dialect.nullText)
    return { k, type, kind: hasForm ? valueKind(type) : 'call' }
  })
  const isWide = Math.max(slots.length, schema.fields.length) > MOST_UNROLLED
  const parts = isWide ? byType(slots, dialect) : unrolled(schema, slots, dialect)
  const tools = {
    ...BLOCK_TOOLS,
    ...{ scanner: new FieldScanner(dialect, schema.fields), undoRow, leaveRow, putSentinels, viewOf },
    ...{ places: slots.map(slot => slot?.k ?? 0), payload: payloadCounter(schema) },
  }
  const make = new Function(...Object.keys(tools), program(parts, dialect)) as (...given: unknown[]) => DecodeRows
  return make(...Object.values(tools))
}

interface Parts {
  readonly before: string
  readonly locals: string
  /** Reads the fields of a row, and what ends each of them. */
  readonly fields: string
  /** Bytes of the first `row` rows. */
  readonly payload: string
}

function program({ before, locals, fields, payload }: Parts, dialect: CsvDialect): string {
  return `'use strict'
${before}
return function decodeCsv(batch, maxBytes, bytes, start, stop, end, isLast) {
  putSentinels(bytes, end, ${dialect.quote})
  const { columns, capacity } = batch, view = viewOf(bytes)
  let row = batch.rows, pos = start, rowStart = start
  ${locals}
  try {
  while (pos < stop) {
    rowStart = pos
    row: {
${fields}
      if (pos > end) {
        if (!isLast) break row
        pos = end
      }
      row++
      if (row === capacity || ${payload} >= maxBytes) {
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

const VARIABLES = `${BLOCK_VARIABLES}, hit = 0`
const localsOf = (k: ColumnName) => `v${k} = c${k}.values, o${k} = c${k}.offsets`
const textLocals = (k: ColumnName) => `let d${k} = c${k}.data, u${k} = o${k}[row]${k === 'K' ? '' : `, w${k} = viewOf(d${k})`}`

function unrolled({ fields }: Schema, slots: readonly (Slot | undefined)[], dialect: CsvDialect): Parts {
  const texts = slots.flatMap(slot => (slot?.kind === 'text' ? [slot.k] : []))
  const last = slots.length - 1
  return {
    before: '',
    locals: [VARIABLES, ...fields.map((_, k) => `const c${k} = columns[${k}], ${localsOf(k)}`), ...texts.map(textLocals)].join(
      '\n  ',
    ),
    fields: slots
      .map((slot, at) => {
        const ends = at === last ? ROW_ENDS : [dialect.delimiter]
        const end = at === last ? rowEndCode(slots.length) : fieldEndCode(`${at + 1}`, slots.length, dialect)
        return `      // field ${at + 1}\n      ${slotCode(slot, slot?.k ?? 0, ends, dialect)}\n      ${end}`
      })
      .join('\n'),
    payload: payloadCode({ fields }, new Set(texts)),
  }
}

function byType(slots: readonly (Slot | undefined)[], dialect: CsvDialect): Parts {
  const { distinct, groups } = groupByType(slots.map(slot => slot?.type))
  const last = slots.length - 1
  const read = (field: string) =>
    `pos = reads[${field}](bytes, view, pos, end, isLast, columns[places[${field}]], places[${field}], row)`
  const functions = distinct.map((_, t) => {
    const slot = slots[groups.indexOf(t)]
    return `function read${t}(bytes, view, pos, end, isLast, cK, K, row) {
  const ${localsOf('K')}
  ${slot?.kind === 'text' ? textLocals('K') : ''}
  ${VARIABLES}
  ${slotCode(slot, 'K', [dialect.delimiter, ...ROW_ENDS], dialect)}
  return pos
}`
  })
  return {
    before: `${functions.join('\n')}\nconst reads = [${groups.map(t => `read${t}`).join(', ')}]`,
    locals: '',
    fields: `      for (let field = 0; field < ${last}; field++) {
      ${read('field')}
      ${fieldEndCode('field + 1', slots.length, dialect)}
      }
      ${read(`${last}`)}
      ${rowEndCode(slots.length)}`,
    payload: 'payload(columns, row)',
  }
}

const ROW_ENDS = [LINE_FEED, CARRIAGE_RETURN]

const fieldEndCode = (found: string, count: number, { delimiter }: CsvDialect) =>
  `if (bytes[pos] !== ${delimiter}) ${refuseCode(found, count)}
      pos++`

const rowEndCode = (count: number) =>
  `if (bytes[pos] === ${LINE_FEED}) pos++
      else if (bytes[pos] === ${CARRIAGE_RETURN} && bytes[pos + 1] === ${LINE_FEED}) pos += 2
      else ${refuseCode(`${count}`, count)}`

/** Something else than what should follow it stands behind field `found`. */
function refuseCode(found: string, count: number): string {
  // A carriage return at the very end may be followed by its line feed.
  const isCut = `(pos >= end || (pos + 1 === end && bytes[pos] === ${CARRIAGE_RETURN})) && !isLast`
  return `{ if (${isCut}) break row; scanner.refuse(bytes, pos, ${found}, ${count}) }`
}

/** Reads one field, which one of `ends` follows, into column k. */
function slotCode(slot: Slot | undefined, k: ColumnName, ends: readonly number[], dialect: CsvDialect): string {
  if (slot === undefined) return 'pos = scanner.find(bytes, pos, end, isLast)'
  const { kind, type } = slot
  if (kind === 'text') return textCode(k, dialect)
  const scan = (pos: string) => `pos = scanner.scan(bytes, ${pos}, end, isLast, c${k}, ${k}, row)`
  return valueCode(kind, { k, type, ends, otherwise: scan(`from`) }) ?? scan(`pos`)
}

/** Copies a text to the column's `d`ata, of which `u` bytes are used. Of the last word, what is too much is overwritten. */
function textCode(k: ColumnName, dialect: CsvDialect): string {
  const { quote, nullText } = dialect
  const isNull = [`n === ${nullText.length}`, ...Array.from(nullText, (byte, i) => `bytes[from + ${i}] === ${byte}`)].join(' && ')
  // A view of the data is worth making for a batch, not for one value.
  const [viewed, put] =
    k === 'K'
      ? ['', `dK[uK] = word; dK[uK + 1] = word >> 8; dK[uK + 2] = word >> 16; dK[uK + 3] = word >> 24`]
      : [`; w${k} = viewOf(d${k})`, `w${k}.setInt32(u${k}, word, true)`]
  const plain = `from = pos
      limit = pos + ${LOOP_BYTES}
      if (u${k} + ${LOOP_BYTES} > d${k}.length) { d${k} = c${k}.reserve(u${k}, u${k} + ${LOOP_BYTES})${viewed} }
      while (pos < limit) {
        word = view.getInt32(pos, true)
        hit = ${anyByteCode('word', specialBytes(dialect), 'scratch')}
        ${put}
        if (hit !== 0) {
          n = (31 - Math.clz32(hit & -hit)) >> 3
          pos += n
          u${k} += n
          break
        }
        pos += 4
        u${k} += 4
      }
      if (pos === limit) {
        c = bytes[pos]
        while (${isPlain(dialect)}) c = bytes[++pos]
        n = pos - limit
        if (u${k} + n > d${k}.length) { d${k} = c${k}.reserve(u${k}, u${k} + n)${viewed} }
        d${k}.set(bytes.subarray(limit, pos), u${k})
        u${k} += n
      }
      n = pos - from
      if (${isNull}) {
        u${k} -= n
        c${k}.setNull(row)
      }`
  const quoted = `if (bytes[pos] === ${quote}) {
        pos = scanner.quoted(bytes, pos, end, isLast, c${k}, u${k})
        u${k} = scanner.used
        if (d${k} !== c${k}.data) { d${k} = c${k}.data${viewed} }
      } else {
        ${plain}
      }`
  return `${quote === undefined ? plain : quoted}
      o${k}[row + 1] = u${k}`
}

/** Bytes that are in no field without quotes. */
const specialBytes = ({ delimiter, quote }: CsvDialect) => [
  delimiter,
  LINE_FEED,
  CARRIAGE_RETURN,
  ...(quote === undefined ? [] : [quote]),
]

/** Whether byte `c` belongs to a field without quotes. Letters are told by one comparison where all others are smaller. */
function isPlain(dialect: CsvDialect): string {
  const special = specialBytes(dialect)
  return `c > ${Math.max(...special)} || (${special.map(byte => `c !== ${byte}`).join(' && ')})`
}
