/**
 * Code for rows of many columns: one function for each type that occurs, called in a loop over the columns. With code for each column,
 * the engine would not optimise the function for its size, or take gigabytes to do it.
 */
import { typeName, type Type } from '#columnar'

/** Up to here a codec has code for each column: the fastest. */
export const MOST_UNROLLED = 24

/** A column in generated code: its number, or the variable `K` of a function that serves all columns of a type. */
export type ColumnName = number | 'K'

/** The types that occur, each once, and for each column the number of its type. Undefined stands for a column that is not read. */
export function groupByType<T extends Type | undefined>(types: readonly T[]): { distinct: T[]; groups: number[] } {
  const names = types.map(type => (type === undefined ? '' : typeName(type)))
  const distinct = [...new Map(types.map((type, k) => [names[k]!, type]))]
  const numbers = new Map(distinct.map(([name], number) => [name, number]))
  return { distinct: distinct.map(([, type]) => type), groups: names.map(name => numbers.get(name)!) }
}
