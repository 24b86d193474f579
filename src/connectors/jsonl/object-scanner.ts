/**
 * Reads one line at a time, whatever its form: what the generated decoder calls when a line is not in the common one, and what finds
 * the errors. Syntax: RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259), one object per line (https://jsonlines.org).
 */
import {
  scanOf,
  scanUtf8,
  skipJson,
  typeName,
  unescapeJsonString,
  type Batch,
  type Column,
  type Field,
  type Scan,
  type Type,
} from '#columnar'
import { RowFault, scanBinary, setNull, type BinaryText } from '#files'

export const LINE_FEED = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const LOWER_N = 0x6e
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const SYNTAX_HINT = 'Each line must be one JSON object, and nothing else.'
const VALUE_HINT =
  'Correct the value, or name a type that fits with `columns`, e.g. `{ name: "x", type: "json" }`; types that are not named come from a sample.'
const KEY_HINT =
  'Name the columns to read with `columns`: other keys are passed over then. Or raise `sampleRows`, so that the sample has the key.'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Types whose values stand without quotes; with quotes they are taken as well. */
const BARE_KINDS: ReadonlySet<Type['kind']> = new Set(['bool', 'int', 'float', 'decimal', 'numeric'])

/** Behind the white space that may stand between the parts of a line. */
function skipSpace(bytes: Uint8Array, pos: number): number {
  while (bytes[pos] === 0x20 || bytes[pos] === 0x09 || bytes[pos] === 0x0d) pos++
  return pos
}

/** One member of an object: its key, and where its value stands. */
export interface Member {
  key: string
  from: number
  to: number
}

/** Where the object of a line begins: behind its `{`; -1: the line is blank. `end` is where the line ends. */
export function enterObject(bytes: Uint8Array, start: number, end: number): number {
  const pos = skipSpace(bytes, start)
  if (pos >= end) return -1
  if (bytes[pos] !== OPEN_OBJECT) throw new RowFault(pos, undefined, 'the line is not a JSON object', SYNTAX_HINT)
  return skipSpace(bytes, pos + 1)
}

/** Reads the member at `pos` into `member`; returns where the next one begins, or -1 behind the last one. */
export function readMember(bytes: Uint8Array, pos: number, end: number, member: Member): number {
  const keyEnd = bytes[pos] === QUOTE ? skipJson(bytes, pos, end) : -1
  if (keyEnd < 0 || bytes[keyEnd] !== COLON || keyEnd >= end)
    throw new RowFault(pos, undefined, 'a key and a colon should stand here', SYNTAX_HINT)
  member.key = keyText(bytes, pos, trimmed(bytes, keyEnd))
  member.from = skipSpace(bytes, keyEnd + 1)
  const next = skipJson(bytes, member.from, end)
  if (next < 0) throw new RowFault(member.from, member.key, 'the value is not JSON', SYNTAX_HINT)
  member.to = trimmed(bytes, next)
  if (next < end && bytes[next] === COMMA) return skipSpace(bytes, next + 1)
  if (next >= end || bytes[next] !== CLOSE_OBJECT)
    throw new RowFault(next, undefined, 'a comma or the end of the object should stand here', SYNTAX_HINT)
  const rest = skipSpace(bytes, next + 1)
  if (rest < end) throw new RowFault(rest, undefined, 'something follows the object', SYNTAX_HINT)
  return -1
}

/** Whether an object has no members. */
export function isEmptyObject(bytes: Uint8Array, pos: number, end: number): boolean {
  if (bytes[pos] !== CLOSE_OBJECT || pos >= end) return false
  const rest = skipSpace(bytes, pos + 1)
  if (rest < end) throw new RowFault(rest, undefined, 'something follows the object', SYNTAX_HINT)
  return true
}

function keyText(bytes: Uint8Array, start: number, end: number): string {
  if (!bytes.subarray(start, end).includes(BACKSLASH)) return decoder.decode(bytes.subarray(start + 1, end - 1))
  return JSON.parse(decoder.decode(bytes.subarray(start, end))) as string
}

function trimmed(bytes: Uint8Array, end: number): number {
  while (bytes[end - 1]! <= 0x20) end--
  return end
}

/** Is told the column of a value that does not fit, and where the value stands. */
type TellMisfit = (column: string, from: number, to: number) => void

export class ObjectScanner {
  readonly #places: ReadonlyMap<string, number>
  readonly #scans: readonly Scan[]
  readonly #types: readonly string[]
  readonly #passesOver: boolean
  readonly #seen: Uint8Array
  readonly #member: Member = { key: '', from: 0, to: 0 }

  /** `passesOver`: keys that are no columns are left out instead of refused. */
  constructor(fields: readonly Field[], binary: BinaryText, passesOver: boolean) {
    this.#places = new Map(fields.map(({ name }, k) => [name, k]))
    this.#types = fields.map(({ type }) => typeName(type))
    this.#scans = fields.map(({ type }) => scanJsonOf(type, binary))
    this.#passesOver = passesOver
    this.#seen = new Uint8Array(fields.length)
  }

  /**
   * Reads the line `bytes[start, end)` into a row, of which nothing has been written. False: it is blank. A value that does not fit is a
   * fault, unless there is somebody to tell: then NULL stands for it.
   */
  scanLine(batch: Batch, bytes: Uint8Array, start: number, end: number, row: number, tell?: TellMisfit): boolean {
    let pos = enterObject(bytes, start, end)
    if (pos < 0) return false
    this.#seen.fill(0)
    if (isEmptyObject(bytes, pos, end)) pos = -1
    while (pos >= 0) {
      const keyAt = pos
      pos = readMember(bytes, pos, end, this.#member)
      this.#put(batch, bytes, keyAt, row, tell)
    }
    for (const [k, column] of batch.columns.entries()) if (this.#seen[k] === 0) setNull(column, row)
    return true
  }

  /** Where the value at `start` ends; -1: it is no JSON, or goes beyond its line. */
  skip(bytes: Uint8Array, start: number, end: number): number {
    const next = skipJson(bytes, start, end)
    if (next < 0) return -1
    for (let at = start; at < next; at++) if (bytes[at] === LINE_FEED) return -1
    return trimmed(bytes, next)
  }

  /** Reads one value of any type, `bytes[start, end)`; false: it is no value of the column. */
  scanValue(bytes: Uint8Array, start: number, end: number, column: Column, k: number, row: number): boolean {
    if (bytes[start] === LOWER_N) setNull(column, row)
    else return this.#scans[k]!(bytes, start, end, column, row)
    return true
  }

  #put(batch: Batch, bytes: Uint8Array, keyAt: number, row: number, tell: TellMisfit | undefined): void {
    const { key, from, to } = this.#member
    const k = this.#places.get(key)
    if (k === undefined) {
      if (this.#passesOver) return
      throw new RowFault(keyAt, key, 'the key is not among the columns', KEY_HINT)
    }
    if (this.#seen[k] !== 0) throw new RowFault(keyAt, key, 'the object has the key twice', 'Correct the line.')
    this.#seen[k] = 1
    if (this.scanValue(bytes, from, to, batch.columns[k]!, k, row)) return
    if (tell === undefined) throw new RowFault(from, key, `the value is no ${this.#types[k]}`, VALUE_HINT)
    setNull(batch.columns[k]!, row)
    tell(key, from, to)
  }
}

/** Whether JSON Lines carries a type; arrays are read as `json`. */
export const isReadable = (type: Type) => type.kind === 'binary' || scanOf(type) !== undefined

/** Reads a JSON value that is not null and whose syntax has been checked. */
function scanJsonOf(type: Type, binary: BinaryText): Scan {
  if (type.kind === 'json') return scanUtf8
  if (type.kind === 'utf8') return scanString
  const scan = scanOf(type) ?? ((bytes, start, end, column, row) => scanBinary(binary, bytes, start, end, column, row))
  const isBare = BARE_KINDS.has(type.kind)
  return (bytes, start, end, column, row) => {
    const first = bytes[start]!
    if (first !== QUOTE) return isBare && first !== OPEN_ARRAY && first !== OPEN_OBJECT && scan(bytes, start, end, column, row)
    if (end - start > scratch.length) scratch = new Uint8Array((end - start) * 2)
    const stop = unescapeJsonString(scratch, 0, bytes, start, end)
    return stop >= 0 && scan(scratch, 0, stop, column, row)
  }
}

let scratch = new Uint8Array(256)

/** Half a surrogate pair is no text: UTF-8 has nothing for it. */
function scanString(bytes: Uint8Array, start: number, end: number, column: Column, row: number): boolean {
  if (bytes[start] !== QUOTE) return false
  const from = column.offsets[row]!
  const to = unescapeJsonString(column.reserve(from, from + end - start), from, bytes, start, end)
  column.offsets[row + 1] = to
  return to >= 0
}
