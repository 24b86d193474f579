/**
 * Casts of lists: item by item, and to and from a JSON array.
 *
 * In JSON a bool is a bool, a number a number (`NaN` and infinities, which JSON lacks, strings), a json item itself, a list an array,
 * anything else a string with its canonical text. Back, a number or bool may be a string with its text as well.
 */
import { begin, loop, type CastPlan, type Kernel, type Rule } from './cast-rule.ts'
import type { Column } from './column.ts'
import { jsonStringBytes, renderJsonString, skipJson, unescapeJsonString } from './json-text.ts'
import { maxTextBytes, renderOf } from './render-bytes.ts'
import { renderAscii } from './render-number.ts'
import { scanOf, scanUtf8, type Scan } from './scan-bytes.ts'
import type { Type } from './types.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const LOWER_N = 0x6e

/** `ruleOf` is the rule of the items. */
export function listRule(from: Type, to: Type, ruleOf: (from: Type, to: Type) => Rule | undefined): Rule | undefined {
  if (from.kind === 'list' && to.kind === 'list') {
    const rule = ruleOf(from.item, to.item)
    return rule && { ...withoutSame(rule), compile: () => itemsKernel(rule.compile()) }
  }
  if (from.kind === 'list' && (to.kind === 'utf8' || to.kind === 'json')) {
    const append = appendOf(from)
    return (
      append && {
        kind: 'lossless',
        note: 'as a JSON array',
        compile: () => loop('to[row + 1] = append(target, to[row], source, row)', { append }),
      }
    )
  }
  if (to.kind !== 'list' || (from.kind !== 'utf8' && from.kind !== 'json')) return undefined
  const scan = scanItemOf(to)
  return (
    scan && {
      kind: 'checked',
      note: 'from a JSON array',
      compile: () => loop('if (!scan(sd, so[row], so[row + 1], target, row)) return row', { scan }),
    }
  )
}

function withoutSame({ kind, note }: Rule): CastPlan {
  return { kind: kind === 'same' ? 'lossless' : kind, ...(note === undefined ? {} : { note }) }
}

/** Casts the items of all rows in one go. */
function itemsKernel(castItems: Kernel): Kernel {
  return (source, rows, target) => {
    begin(source, rows, target)
    target.offsets.set(source.offsets.subarray(0, rows + 1))
    const refused = castItems(source.item!, source.offsets[rows]!, target.item!)
    return refused === -1 ? -1 : rowOfItem(source.offsets, rows, refused)
  }
}

function rowOfItem(offsets: Int32Array, rows: number, item: number): number {
  let row = 0
  while (row < rows && offsets[row + 1]! <= item) row++
  return row
}

/** Writes one value, which may be NULL, as JSON at `target.data[pos]`, making room; returns the position behind. */
type Append = (target: Column, pos: number, source: Column, row: number) => number

/** Undefined for binary, which has no text. */
function appendOf(type: Type): Append | undefined {
  const append = appendValueOf(type)
  return (
    append &&
    ((target, pos, source, row) =>
      source.isNull(row) ? renderAscii(target.reserve(pos, pos + 4), pos, 'null') : append(target, pos, source, row))
  )
}

function appendValueOf(type: Type): Append | undefined {
  if (type.kind === 'list') {
    const item = appendOf(type.item)
    return item && ((target, pos, source, row) => appendArray(target, pos, source, row, item))
  }
  if (type.kind === 'utf8') {
    return (target, pos, { data, offsets }, row) => {
      const [start, end] = [offsets[row]!, offsets[row + 1]!]
      return renderJsonString(target.reserve(pos, pos + jsonStringBytes(end - start)), pos, data, start, end)
    }
  }
  const render = renderOf(type)
  if (render === undefined) return undefined
  const room = maxTextBytes(type)
  const isBare = type.kind === 'bool' || type.kind === 'json'
  const isNumber = type.kind === 'int' || type.kind === 'float' || type.kind === 'decimal' || type.kind === 'numeric'
  return (target, pos, source, row) => {
    const out = target.reserve(pos, pos + (room ?? source.offsets[row + 1]! - source.offsets[row]!) + 2)
    const end = render(out, pos, source, row)
    // A number that is none ends in a letter.
    if (isBare || (isNumber && out[end - 1]! < 0x40)) return end
    out.copyWithin(pos + 1, pos, end)
    out[pos] = out[end + 1] = QUOTE
    return end + 2
  }
}

function appendArray(target: Column, pos: number, source: Column, row: number, item: Append): number {
  const [from, to] = [source.offsets[row]!, source.offsets[row + 1]!]
  target.reserve(pos, pos + 2)[pos++] = OPEN_ARRAY
  for (let i = from; i < to; i++) {
    if (i > from) target.reserve(pos, pos + 1)[pos++] = COMMA
    pos = item(target, pos, source.item!, i)
  }
  target.reserve(pos, pos + 1)[pos] = CLOSE_ARRAY
  return pos + 1
}

/** Reads one JSON value, given with the white space around it, into a row. */
function scanItemOf(type: Type): Scan | undefined {
  if (type.kind === 'list') {
    const item = scanItemOf(type.item)
    return item && ((bytes, start, end, column, row) => scanArray(bytes, start, end, column, row, item))
  }
  // The token has been recognised as JSON already.
  if (type.kind === 'json') return scanUtf8
  const scan = scanOf(type)
  if (scan === undefined) return undefined
  const needsString = !BARE_KINDS.has(type.kind)
  return (bytes, start, end, column, row) => {
    const first = bytes[start]!
    if (first !== QUOTE)
      return !needsString && first !== OPEN_ARRAY && first !== OPEN_OBJECT && scan(bytes, start, end, column, row)
    if (end - start > unescaped.length) unescaped = new Uint8Array((end - start) * 2)
    const stop = unescapeJsonString(unescaped, 0, bytes, start, end)
    return stop >= 0 && scan(unescaped, 0, stop, column, row)
  }
}

const BARE_KINDS: ReadonlySet<string> = new Set<Type['kind']>(['bool', 'int', 'float', 'decimal', 'numeric'])
let unescaped = new Uint8Array(256)

function scanArray(bytes: Uint8Array, start: number, end: number, column: Column, row: number, scan: Scan): boolean {
  const item = column.item!
  let count = column.offsets[row]!
  let at = skipSpace(bytes, start, end)
  if (bytes[at] !== OPEN_ARRAY || skipJson(bytes, start, end) !== end) return false
  at = skipSpace(bytes, at + 1, end)
  while (bytes[at] !== CLOSE_ARRAY) {
    const next = skipJson(bytes, at, end)
    item.reserveRows(count + 1)
    if (!scanItem(bytes, at, trimmedEnd(bytes, next), item, count, scan)) return false
    count++
    at = bytes[next] === COMMA ? skipSpace(bytes, next + 1, end) : next
  }
  column.offsets[row + 1] = count
  return true
}

function scanItem(bytes: Uint8Array, start: number, end: number, item: Column, row: number, scan: Scan): boolean {
  if (bytes[start] !== LOWER_N) return scan(bytes, start, end, item, row)
  item.setNull(row)
  if (item.offsets.length > 0) item.offsets[row + 1] = item.offsets[row]!
  return true
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at]! <= 0x20) at++
  return at
}

function trimmedEnd(bytes: Uint8Array, end: number): number {
  let at = end
  while (bytes[at - 1]! <= 0x20) at--
  return at
}
