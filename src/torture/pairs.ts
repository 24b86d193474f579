import { tortureErrors } from './errors.ts'

export type SystemName = 'postgres' | 'mysql' | 'csv' | 'jsonl'

export interface Pair {
  readonly name: string
  readonly source: SystemName
  readonly sink: SystemName
}

const pair = (source: SystemName, sink: SystemName): Pair => ({ name: `${source}-${sink}`, source, sink })

export const PAIRS: readonly Pair[] = [
  pair('postgres', 'postgres'),
  pair('mysql', 'postgres'),
  pair('postgres', 'mysql'),
  pair('mysql', 'mysql'),
  pair('csv', 'postgres'),
  pair('csv', 'mysql'),
  pair('postgres', 'csv'),
  pair('postgres', 'jsonl'),
  pair('mysql', 'csv'),
  pair('mysql', 'jsonl'),
]

/** Those with a name in a list with commas, in the order of `all`. */
export function choose<T extends { readonly name: string }>(
  flag: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all
  const names = list.split(',').map(name => name.trim())
  const known = all.map(({ name }) => name)
  for (const name of names) if (!known.includes(name)) throw tortureErrors.unknownName({ flag, name, known: known.join(', ') })
  return all.filter(({ name }) => names.includes(name))
}

export const isDatabase = (system: SystemName) => system === 'postgres' || system === 'mysql'
