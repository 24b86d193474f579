/**
 * How a table is divided.
 *
 * A split is a range `lower < key <= upper`, or the rows whose key has one remainder. Boundaries are real keys or numbers between
 * the least and the greatest; the first and the last range are open, so that they cover whatever is there when they are read.
 */
import { civilFromDays, type Type } from '#columnar'
import { type KeyValues, mysqlDialect, rangePredicate, whereClause } from '#sql'
import { estimatedRows } from './discovery.ts'
import { durationText, type KeyColumn, keyLiteral, keyLiterals } from './key.ts'
import type { Connection } from './protocol/connection.ts'

/** Below this, dividing costs more than it brings. */
const LEAST_SPLIT_ROWS = 50_000
const MAX_SPLITS = 4096
/** A range whose estimate is above its share by this is divided further. */
const UNEVEN = 1.5
const TOO_MANY = 2
const MAX_DIVES = 4 * MAX_SPLITS

export interface Divisible {
  /** Quoted table, or a derived table. */
  readonly from: string
  readonly where: readonly string[]
  /** Columns to divide by: the whole reading key, or one other column. */
  readonly by: readonly KeyColumn[]
  readonly parallelism: number
  /** Rows of one split, about. */
  readonly splitRows: number
}

/** Boundaries between ranges, in order; none when one range is enough. */
export async function boundaries(connection: Connection, table: Divisible): Promise<KeyValues[]> {
  const { from, where, by } = table
  const rows = await estimatedRows(connection, from, whereClause(where))
  const count = splitCount(rows, table)
  if (count < 2) return []
  const [first] = by
  const line = first && numberLine(first.type)
  const steps = first && line && (await interpolated(connection, table, first, line, count))
  return steps ?? probed(connection, table, Math.ceil(rows / count))
}

function splitCount(rows: number, { parallelism, splitRows }: Divisible): number {
  const atLeast = Math.min(parallelism, Math.floor(rows / LEAST_SPLIT_ROWS))
  return Math.min(MAX_SPLITS, Math.max(1, atLeast, Math.ceil(rows / splitRows)))
}

/** A type whose values lie evenly on a line of integers. */
interface NumberLine {
  toNumber(text: string): bigint
  toText(value: bigint): string
}

function numberLine(type: Type): NumberLine | undefined {
  switch (type.kind) {
    case 'int':
      return { toNumber: BigInt, toText: String }
    case 'decimal':
      return { toNumber: text => BigInt(text.replace('.', '')), toText: value => decimalText(value, type.scale) }
    case 'date':
      return { toNumber: text => BigInt(Date.parse(`${text}T00:00:00Z`)) / DAY_MS, toText: dayText }
    case 'timestamp':
      // Whole seconds are fine enough to divide by.
      return { toNumber: text => BigInt(Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`)) / 1000n, toText: secondText }
    case 'binary':
      return {
        toNumber: text => BigInt(`0x0${text.slice(0, 32).padEnd(32, '0')}`),
        toText: value => value.toString(16).padStart(32, '0'),
      }
    default:
      return undefined
  }
}

const DAY_MS = 86_400_000n
const DAY_SECONDS = 86_400n

function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${value < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`
}

function dayText(days: bigint): string {
  const { year, month, day } = civilFromDays(Number(days))
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

function secondText(seconds: bigint): string {
  const days = seconds >= 0n ? seconds / DAY_SECONDS : (seconds - DAY_SECONDS + 1n) / DAY_SECONDS
  return `${dayText(days)} ${durationText((seconds - days * DAY_SECONDS) * 1_000_000n)}`
}

interface Range {
  readonly lower: bigint
  readonly upper: bigint
  readonly rows: number
}

/**
 * Even steps between the least and the greatest value, halved where the server's dives into the index say that rows are dense, and
 * joined again until each range has about its share.
 */
async function interpolated(
  connection: Connection,
  table: Divisible,
  key: KeyColumn,
  line: NumberLine,
  count: number,
): Promise<KeyValues[] | undefined> {
  const ends = await extremes(connection, table, key, line)
  if (ends === undefined) return undefined
  const least = ends.least - 1n
  const { greatest } = ends
  const { quote } = mysqlDialect
  let dives = 0
  const dive = async (lower: bigint, upper: bigint): Promise<Range> => {
    dives++
    const range = { lower: [line.toText(lower)], upper: [line.toText(upper)] }
    const predicate = rangePredicate(mysqlDialect, [quote(key.name)], range, value => keyLiteral(key.type, value))
    return { lower, upper, rows: await estimatedRows(connection, table.from, whereClause([predicate, ...table.where])) }
  }
  const width = greatest - least
  const steps: Range[] = []
  for (let i = 0n; i < count; i++) {
    const [from, to] = [least + (width * i) / BigInt(count), least + (width * (i + 1n)) / BigInt(count)]
    if (to > from) steps.push(await dive(from, to))
  }
  // MariaDB takes long ranges for twice as long as they are: only proportions count.
  const share = Math.max(1, steps.reduce((sum, step) => sum + step.rows, 0) / count)
  const halve = async (range: Range): Promise<Range[]> => {
    const { lower, upper } = range
    if (range.rows <= share * UNEVEN || upper - lower < 2n || dives > MAX_DIVES) return [range]
    const middle = lower + (upper - lower) / 2n
    return [...(await halve(await dive(lower, middle))), ...(await halve(await dive(middle, upper)))]
  }
  const pieces: Range[] = []
  for (const step of steps) pieces.push(...(await halve(step)))
  // One value of the first column of a key may have more rows than a split should: then the other columns must help.
  if (table.by.length > 1 && pieces.some(piece => piece.rows > share * TOO_MANY)) return undefined
  return join(pieces, share).map(value => [line.toText(value)])
}

/** Of the whole table: only then are they a look at both ends of an index. Undefined when there are no rows, or when an end is no number (0000-00-00). */
async function extremes(connection: Connection, { from }: Divisible, { name, type }: KeyColumn, line: NumberLine) {
  const column = mysqlDialect.quote(name)
  const text = (end: string) => (type.kind === 'binary' ? `HEX(${end}(${column}))` : `${end}(${column})`)
  const [row] = await connection.objects<'least' | 'greatest'>(
    `SELECT ${text('MIN')} AS least, ${text('MAX')} AS greatest FROM ${from}`,
  )
  const { least, greatest } = row ?? {}
  if (least === null || least === undefined || greatest === null || greatest === undefined) return undefined
  try {
    return { least: line.toNumber(least), greatest: line.toNumber(greatest) }
  } catch {
    return undefined
  }
}

/** Inner boundaries such that each range has about `share` rows. */
function join(pieces: readonly Range[], share: number): bigint[] {
  const inner: bigint[] = []
  let sum = 0
  for (const [i, { upper, rows }] of pieces.entries()) {
    sum += rows
    const next = pieces[i + 1]
    if (next === undefined) break
    if (sum + next.rows / 2 >= share) {
      inner.push(upper)
      sum = 0
    }
  }
  return inner
}

/** Every `step`-th key, found by the server in the order of the index: right whatever the collation is, at the cost of one pass. */
async function probed(connection: Connection, { from, where, by }: Divisible, step: number): Promise<KeyValues[]> {
  const columns = by.map(({ name }) => mysqlDialect.quote(name))
  const selected = by.map(({ type }, i) => (type.kind === 'binary' ? `HEX(${columns[i]})` : columns[i]))
  const found: KeyValues[] = []
  for (;;) {
    const after = rangePredicate(mysqlDialect, columns, { lower: found.at(-1) }, keyLiterals(by))
    const notNull = columns.map(column => `${column} IS NOT NULL`)
    const { rows } = await connection.query(
      `SELECT ${selected.join(', ')} FROM ${from}${whereClause([...where, ...notNull, after])} ORDER BY ${columns.join(', ')} LIMIT 1 OFFSET ${step - 1}`,
    )
    const [row] = rows
    if (row === undefined) return found
    const next = row.map((value, i) => (by[i]?.type.kind === 'binary' ? String(value).toLowerCase() : String(value)))
    // A column that is no key may have more equal values than one step.
    if (found.length > 0 && next.every((value, i) => value === found.at(-1)?.[i])) return found
    found.push(next)
  }
}
