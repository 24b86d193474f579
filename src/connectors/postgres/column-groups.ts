/** Up to here one function serves all columns of a row; beyond, the compiler of the engine would give it up as too large. */
const MOST_IN_ONE = 24
const GROUP = 16

/** The columns that each generated function serves; none when one serves all. */
export function columnGroups<T>(columns: readonly T[]): T[][] {
  if (columns.length <= MOST_IN_ONE) return []
  return Array.from({ length: Math.ceil(columns.length / GROUP) }, (_, at) => columns.slice(at * GROUP, (at + 1) * GROUP))
}
