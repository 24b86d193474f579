/** Columns from the body of a record batch. Foreign bytes: every length is checked, and so is every value that our types bound. */
import { compileCast } from '../cast.ts'
import { isInfinite, SECONDS_PER_DAY, secondsOf, unwrappedHi } from '../civil.ts'
import { Column, VIEWS } from '../column.ts'
import { columnarErrors } from '../errors.ts'
import { DATE_INFINITY, DATE_MINUS_INFINITY } from '../special.ts'
import { binary, DECIMAL64_DIGITS, layoutOf, utf8, type Type } from '../types.ts'
import { readValue, writeValue } from '../value.ts'
import { divide, hasDigits, loadInt128, loadInt64, multiplyAdd, storeInt64 } from '../wide.ts'
import { INTERVAL_UNIT, type ArrowField, type Encoding } from './arrow-type.ts'

const bad = (reason: string) => columnarErrors.badIpc({ reason })

type Bytes = Uint8Array<ArrayBuffer>

/** Takes the columns of one batch in the order of its schema. */
export class BodyReader {
  readonly #body: Buffer
  readonly #nodes: Iterator<number[]>
  readonly #buffers: Iterator<number[]>

  constructor(body: Buffer, nodes: readonly number[][], buffers: readonly number[][]) {
    this.#body = body
    this.#nodes = nodes.values()
    this.#buffers = buffers.values()
  }

  column(source: ArrowField, expectedRows: number | undefined): Column {
    const { field, encoding } = source
    const [rows = 0, nulls = 0] = this.#nodes.next().value ?? []
    if (expectedRows !== undefined && rows !== expectedRows) throw bad('its columns differ in length')
    // No layout takes less than a bit per row; more rows than that would only make us allocate.
    if (rows > this.#body.length * 8) throw bad('it has more rows than data')
    const validity = this.#take()
    const { kind } = layoutOf(field.type)
    const offsets =
      (kind === 'bytes' && encoding.kind !== 'fixed-bytes') || kind === 'list' ? this.#takeOffsets(rows, encoding) : undefined
    const data = kind === 'list' ? undefined : this.#take()
    const item = kind === 'list' ? this.column(source.item!, undefined) : undefined
    const column = new Column(kind === 'bytes' ? binary : field.type, 0, item)
    column.capacity = rows
    setValidity(column, rows, nulls > 0 ? validity : undefined)
    if (offsets) column.offsets = offsets
    if (data) setValues(column, rows, data, encoding)
    checkOffsets(column, rows)
    return checked(normal(column, rows), rows, field.type, field.name)
  }

  /** The bytes of the next buffer, from a multiple of 8 on. */
  #take(): Bytes {
    const [offset = 0, length = 0] = this.#buffers.next().value ?? []
    if (offset + length > this.#body.length) throw bad('a buffer lies outside of its message')
    const { buffer, byteOffset } = this.#body
    const at = byteOffset + offset
    return at % 8 === 0
      ? new Uint8Array(buffer as ArrayBuffer, at, length)
      : Uint8Array.from(this.#body.subarray(offset, offset + length))
  }

  #takeOffsets(rows: number, encoding: Encoding): Int32Array<ArrayBuffer> {
    const bytes = this.#take()
    // An empty column may leave out even the one offset.
    if (bytes.length === 0 && rows === 0) return new Int32Array(1)
    if (encoding.kind !== 'large') return new Int32Array(bytes.buffer, need(bytes, (rows + 1) * 4).byteOffset, rows + 1)
    const large = new BigInt64Array(bytes.buffer, need(bytes, (rows + 1) * 8).byteOffset, rows + 1)
    if (large.some(offset => BigInt.asIntN(32, offset) !== offset)) throw bad('a column has more than 2 GiB')
    return Int32Array.from(large, Number)
  }
}

function need(bytes: Bytes, length: number): Bytes {
  if (bytes.length < length) throw bad('a buffer is too short')
  return bytes
}

/** Copies the bitmap, counts the NULLs itself and sets the bits behind the last row, as {@link Column} has them. */
function setValidity(column: Column, rows: number, bitmap: Bytes | undefined): void {
  const bytes = (rows + 7) >> 3
  column.validity = new Uint8Array(bytes).fill(0xff)
  if (bitmap === undefined) return
  need(bitmap, bytes)
  for (let row = 0; row < rows; row++) {
    if ((bitmap[row >> 3]! & (1 << (row & 7))) === 0) column.setNull(row)
  }
}

function setValues(column: Column, rows: number, data: Bytes, encoding: Encoding): void {
  const { layout } = column
  if (layout.kind === 'bytes') column.data = data
  if (layout.kind === 'bits') column.values = need(data, (rows + 7) >> 3)
  if (encoding.kind === 'fixed-bytes') column.offsets = Int32Array.from({ length: rows + 1 }, (_, row) => row * encoding.bytes)
  if (layout.kind !== 'fixed') return
  const isAsIs =
    encoding.kind === 'same' ||
    ('bytes' in encoding && encoding.bytes === layout.bytes && !('factor' in encoding && encoding.factor !== 1))
  if (isAsIs) {
    const View = VIEWS[layout.words]
    column.values = new View(
      data.buffer,
      need(data, rows * layout.bytes).byteOffset,
      (rows * layout.bytes) / View.BYTES_PER_ELEMENT,
    )
    return
  }
  const words = new Int32Array((rows * layout.bytes) / 4)
  column.values = words
  const put = converterOf(encoding, column.type, data, rows)
  for (let row = 0; row < rows; row++) {
    if (!column.isNull(row) && !put(words, row))
      throw bad('a value has no exact counterpart in microseconds, days or the digits of its type')
  }
}

/** Writes one value in our form. False: it has none. */
type Convert = (words: Int32Array, row: number) => boolean

function converterOf(encoding: Encoding, type: Type, data: Bytes, rows: number): Convert {
  const wordsPerRow =
    encoding.kind === 'interval'
      ? encoding.unit === INTERVAL_UNIT.yearMonth
        ? 1
        : encoding.unit === INTERVAL_UNIT.dayTime
          ? 2
          : 4
      : 'bytes' in encoding
        ? encoding.bytes / 4
        : 2
  need(data, rows * wordsPerRow * 4)
  const source = new Int32Array(data.buffer, data.byteOffset, rows * wordsPerRow)
  if (encoding.kind === 'interval') return intervalConverter(encoding.unit, source)
  const load =
    wordsPerRow === 1
      ? (row: number) => loadInt64(source[row]!, source[row]! >> 31)
      : wordsPerRow === 2
        ? (row: number) => loadInt64(source[row * 2]!, source[row * 2 + 1]!)
        : (row: number) => loadInt128(source, row * 4)
  if (encoding.kind === 'decimal') return (words, row) => storeInt64(words, row * 2, load(row))
  const factor = encoding.kind === 'scaled' ? encoding.factor : 1
  return (words, row) => {
    const isNegative = load(row)
    if (!(factor > 0 ? multiplyAdd(factor, 0) : divideExactly(-factor))) return false
    return type.kind === 'date' ? storeDays(words, row, isNegative) : storeInt64(words, row * 2, isNegative)
  }
}

function intervalConverter(unit: number, source: Int32Array): Convert {
  if (unit === INTERVAL_UNIT.yearMonth) {
    return (words, row) => {
      words[row * 4] = source[row]!
      return true
    }
  }
  if (unit === INTERVAL_UNIT.dayTime) {
    return (words, row) => {
      words[row * 4 + 1] = source[row * 2]!
      const isNegative = loadInt64(source[row * 2 + 1]!, source[row * 2 + 1]! >> 31)
      return multiplyAdd(1000, 0) && storeInt64(words, row * 4 + 2, isNegative)
    }
  }
  return (words, row) => {
    words[row * 4] = source[row * 4]!
    words[row * 4 + 1] = source[row * 4 + 1]!
    const isNegative = loadInt64(source[row * 4 + 2]!, source[row * 4 + 3]!)
    return divideExactly(1000) && storeInt64(words, row * 4 + 2, isNegative)
  }
}

/** Divides the register by a multiple of 1000, in steps that it can take. False: there is a rest. */
const divideExactly = (divisor: number) => divide(1000) === 0 && (divisor === 1000 || divide(divisor / 1000) === 0)

function storeDays(words: Int32Array, row: number, isNegative: boolean): boolean {
  const pair = new Int32Array(2)
  if (!storeInt64(pair, 0, isNegative) || pair[1] !== pair[0]! >> 31) return false
  words[row] = pair[0]!
  return true
}

function checkOffsets({ offsets, data, layout, item }: Column, rows: number): void {
  if (offsets.length === 0) return
  for (let row = 0; row < rows; row++) {
    if (offsets[row + 1]! < offsets[row]!) throw bad('offsets decrease')
  }
  const end = layout.kind === 'list' ? item!.capacity : data.length
  if (offsets[0]! < 0 || offsets[rows]! > end) throw bad('offsets lie outside of the data')
}

/** The column with offsets as {@link Column} has them: from 0 on, and none for a NULL. Arrow allows others; they are rare. */
function normal(column: Column, rows: number): Column {
  const { offsets } = column
  let isNormal = offsets.length === 0 || offsets[0] === 0
  for (let row = 0; row < rows && isNormal && column.nulls > 0 && offsets.length > 0; row++) {
    isNormal = !column.isNull(row) || offsets[row] === offsets[row + 1]
  }
  if (isNormal) return column
  const rebuilt = new Column(column.type, rows)
  for (let row = 0; row < rows; row++) writeValue(rebuilt, row, readValue(column, row))
  return rebuilt
}

/** Refuses values outside the type, among them the ones that are sentinels here and ordinary numbers to Arrow. */
function checked(column: Column, rows: number, type: Type, name: string): Column {
  const refuse = (row: number) => bad(`column "${name}", row ${row} of a batch, has a value that ${type.kind} does not have`)
  if (column.layout.kind === 'bytes') return textOf(column, rows, type, refuse)
  const isOutside = outsideOf(type)
  for (let row = 0; isOutside && row < rows; row++) {
    if (isOutside(column.values as Int32Array, row) && !column.isNull(row)) throw refuse(row)
  }
  return column
}

/** The bytes as text of the type, which they may not be. */
function textOf(column: Column, rows: number, type: Type, refuse: (row: number) => Error): Column {
  const steps = type.kind === 'binary' ? [] : type.kind === 'utf8' ? [utf8] : [utf8, type]
  return steps.reduce((source, to) => {
    const target = new Column(to, rows)
    const refused = compileCast(source.type, to)(source, rows, target)
    if (refused !== -1) throw refuse(refused)
    return target
  }, column)
}

function outsideOf(type: Type): ((values: Int32Array, row: number) => boolean) | undefined {
  switch (type.kind) {
    case 'date':
      return (values, row) => values[row] === DATE_INFINITY || values[row] === DATE_MINUS_INFINITY
    case 'timestamp':
      return (values, row) =>
        isInfinite(values[row * 2]!, values[row * 2 + 1]!) || unwrappedHi(values[row * 2 + 1]!) !== values[row * 2 + 1]
    case 'time':
      return (values, row) => {
        const seconds = secondsOf(values[row * 2]!, values[row * 2 + 1]!)
        return seconds < 0 || seconds >= SECONDS_PER_DAY
      }
    case 'decimal':
      return (values, row) => {
        if (type.precision > DECIMAL64_DIGITS) loadInt128(values, row * 4)
        else loadInt64(values[row * 2]!, values[row * 2 + 1]!)
        return !hasDigits(type.precision)
      }
    default:
      return undefined
  }
}
