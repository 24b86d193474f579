/** Column lists as users write them, and how the columns of a source find those of a target. */
import { parseTypeName, bool, date, float, int, numeric, time, timestamp, utf8, binary, type Type } from '#columnar'
import { sqlErrors } from './errors.ts'

/** One entry of a column list. */
export type ColumnSpec =
  | { readonly kind: 'column'; readonly name: string }
  /** The same value in every row, as text in the form of `type`. */
  | { readonly kind: 'constant'; readonly name: string; readonly type: Type; readonly value: string }

/** Undefined: all columns, in the order of the table. */
export type ColumnList = readonly ColumnSpec[] | undefined

type Entry = string | { readonly [key: string]: unknown }

/** Reads FlinkX's shapes: names, `{name, type, value, format, index}`, `*`, an empty list. */
export function parseColumns(list: string | readonly Entry[] | undefined): ColumnList {
  const entries = typeof list === 'string' ? list.split(',').map(name => name.trim()) : (list ?? [])
  if (entries.length === 0 || (entries.length === 1 && (entries[0] === '' || nameOf(entries[0]) === '*'))) return undefined
  return entries.map(parseEntry)
}

const nameOf = (entry: Entry | undefined) => (typeof entry === 'object' ? entry['name'] : entry)

function parseEntry(entry: Entry, index: number): ColumnSpec {
  const at = index + 1
  if (typeof entry === 'string') return columnNamed(entry, at)
  const { name, value, type, format } = entry
  if (typeof format === 'string' && format !== '') {
    throw sqlErrors.badColumn({ at, reason: '`format` is not supported; dates are carried as dates and need none' })
  }
  if (value !== undefined && value !== null) return constant(entry, value, at)
  if (typeof name === 'string') return columnNamed(name, at)
  throw sqlErrors.badColumn({ at, reason: `it has no \`name\`${type === undefined ? '' : ' and no `value`'}` })
}

function columnNamed(name: string, at: number): ColumnSpec {
  if (name.trim() === '') throw sqlErrors.badColumn({ at, reason: 'the name is empty' })
  if (name === '*') throw sqlErrors.badColumn({ at, reason: '`*` stands for all columns and must be the only entry' })
  return { kind: 'column', name }
}

function constant(entry: { readonly [key: string]: unknown }, value: unknown, at: number): ColumnSpec {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw sqlErrors.badColumn({ at, reason: '`value` must be a text, a number or a boolean' })
  }
  const name = typeof entry['name'] === 'string' && entry['name'] !== '' ? entry['name'] : `val_${value}`
  const word = typeof entry['type'] === 'string' ? entry['type'] : typeof value === 'boolean' ? 'boolean' : 'string'
  return { kind: 'constant', name, type: declaredType(word), value: String(value) }
}

/** Type words of FlinkX files, without their parameters. */
const DECLARED: readonly (readonly [words: string, type: Type])[] = [
  ['tinyint short smallint int2 int int32 mediumint integer int4', int(32)],
  ['bigint long int64 int8 number', int(64)],
  ['float double float8 real', float(64)],
  ['decimal numeric bigdecimal', numeric],
  ['boolean bool bit', bool],
  ['date', date],
  ['time', time],
  ['timestamp datetime', timestamp(false)],
  ['timestamptz', timestamp(true)],
  ['bytes blob bytea', binary],
]

/** The type that a word in a job file means: ours (`int64`, `decimal(12,2)`) or FlinkX's (`BIGINT`, `varchar(20)`). Anything else is text. */
export function declaredType(word: string): Type {
  const lower = word.trim().toLowerCase()
  const bare = lower.replace(/\(.*$|\s.*$/, '')
  if (lower.startsWith('decimal(') || lower.startsWith('list<')) return parseTypeName(lower) ?? numeric
  return DECLARED.find(([words]) => words.split(' ').includes(bare))?.[1] ?? parseTypeName(lower) ?? utf8
}

export interface Mapping {
  readonly dataset: string
  /** For messages. */
  readonly table: string
  /** Names of the source columns, in order. */
  readonly source: readonly string[]
  /** What the writer names; undefined means by name. */
  readonly columns: ColumnList
  /** Columns that the target has; undefined when it does not exist yet. */
  readonly target: readonly string[] | undefined
}

/** The target column of each source column: by position when the writer names columns, else by name (exact first, then whatever the case). */
export function mapColumns({ dataset, table, source, columns, target }: Mapping): string[] {
  if (columns !== undefined && columns.length !== source.length) {
    throw sqlErrors.columnCount({ dataset, table, source: source.length, target: columns.length })
  }
  const constantAt = columns?.findIndex(column => column.kind === 'constant') ?? -1
  if (constantAt !== -1)
    throw sqlErrors.badColumn({ at: constantAt + 1, reason: 'a writer has no constants; add it to the reader' })
  const wanted = columns?.map(column => column.name) ?? source
  const found = target === undefined ? [...wanted] : wanted.map(name => findName(target, name))
  const missing = wanted.filter((_, at) => found[at] === undefined)
  if (missing.length > 0) throw sqlErrors.columnMissing({ dataset, table, columns: missing, known: target ?? [] })
  const names = found.filter(name => name !== undefined)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw sqlErrors.columnTwice({ table, column: twice })
  return names
}

/** Throws when what the job names for resuming is neither a column nor in the list of columns, which may give other names. */
export function checkResumeColumn(
  table: string,
  resumeColumn: string | undefined,
  known: readonly string[],
  columns: ColumnList,
): void {
  const names = [...new Set([...known, ...(columns ?? []).map(({ name }) => name)])]
  if (resumeColumn !== undefined && !names.some(name => name.toLowerCase() === resumeColumn.toLowerCase()))
    throw sqlErrors.resumeColumnMissing({ table, column: resumeColumn, known })
}

/** The name itself, or the only one that differs just in case. */
export function findName(names: readonly string[], wanted: string): string | undefined {
  if (names.includes(wanted)) return wanted
  const alike = names.filter(name => name.toLowerCase() === wanted.toLowerCase())
  return alike.length === 1 ? alike[0] : undefined
}
