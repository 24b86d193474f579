/** Key ranges as SQL. A range is `lower < key <= upper`; a missing bound is open. */
import type { Dataset } from '#connector'
import type { Dialect } from './dialect.ts'

/** The values of a key, in the order of its columns, as text in the form of their types. */
export type KeyValues = readonly string[]

/** Turns the value of one key column into SQL, `at` being the index of the column. */
export type KeyLiteral = (value: string, at: number) => string

/**
 * The rows of a range; undefined when it is everything. `columns` are SQL expressions, already quoted.
 * A composite key compares like its index: by the first column, then the second.
 */
export function rangePredicate(
  dialect: Pick<Dialect, 'comparesRows' | 'literal'>,
  columns: readonly string[],
  range: { readonly lower?: KeyValues | undefined; readonly upper?: KeyValues | undefined },
  literal: KeyLiteral = value => dialect.literal(value),
): string | undefined {
  const { lower, upper } = range
  const compare = dialect.comparesRows && columns.length > 1 ? compareRows : expand
  const parts = [lower && compare(columns, '>', lower.map(literal)), upper && compare(columns, '<=', upper.map(literal))].filter(
    part => part !== undefined,
  )
  return parts.length === 0 ? undefined : parts.join(' AND ')
}

const compareRows = (columns: readonly string[], operator: string, values: readonly string[]) =>
  `(${columns.join(', ')}) ${operator} (${values.join(', ')})`

/** `(a > x OR (a = x AND b > y))`; only the last column may be equal in `<=`. The leading `a >= x` lets an index find the start. */
function expand(columns: readonly string[], operator: '>' | '<=', values: readonly string[]): string {
  const strict = operator === '>' ? '>' : '<'
  const [first, value] = [columns[0] ?? '', values[0] ?? '']
  if (columns.length === 1) return `${first} ${operator} ${value}`
  const alternatives = columns.map((column, depth) => {
    const equals = columns.slice(0, depth).map((equal, at) => `${equal} = ${values[at]}`)
    const last = depth === columns.length - 1 ? operator : strict
    return [...equals, `${column} ${last} ${values[depth]}`].join(' AND ')
  })
  return `${first} ${strict}= ${value} AND (${alternatives.map(part => `(${part})`).join(' OR ')})`
}

/** FlinkX's modulo split: the rows whose key has the remainder `at` of `count`; the first one also takes NULLs. */
export function remainderPredicate(column: string, at: number, count: number): string {
  // The remainder of a negative number is negative in SQL.
  const predicate = `abs(mod(${column}, ${count})) = ${at}`
  return at === 0 ? `(${predicate} OR ${column} IS NULL)` : predicate
}

/** Joins conditions with AND; users' text is wrapped so that an OR inside stays inside. Empty when there is none. */
export function whereClause(conditions: readonly (string | undefined)[]): string {
  const given = conditions.filter((condition): condition is string => condition !== undefined && condition.trim() !== '')
  return given.length === 0 ? '' : ` WHERE ${given.map(inParentheses).join(' AND ')}`
}

/** For `Dataset.restriction`: a query with its conditions, or those of a table; nothing where all of a table are read. */
export function restrictionOf(conditions: readonly (string | undefined)[], query = ''): Pick<Dataset, 'restriction'> {
  const restriction = `${query}${whereClause(conditions)}`
  return restriction === '' ? {} : { restriction }
}

/** A line break ends a comment, so that it cannot swallow the parenthesis. */
const inParentheses = (condition: string) => (/--|#|\/\*/.test(condition) ? `(${condition}\n)` : `(${condition})`)

export const orderByClause = (columns: readonly string[]): string =>
  columns.length === 0 ? '' : ` ORDER BY ${columns.join(', ')}`
