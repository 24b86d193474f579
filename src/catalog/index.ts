/** The one list of connectors (Invariant 9). Each is loaded when a job first names it. */
import type { Sink, Source } from '#connector'
import { catalogErrors } from './errors.ts'
import { isNotYet, parsePluginName } from './flinkx-names.ts'

export { aliasesOf, parsePluginName, type PluginName } from './flinkx-names.ts'

export type Kind = 'source' | 'sink'

interface Entry {
  readonly source?: () => Promise<Source>
  readonly sink?: () => Promise<Sink>
}

// A declaration's options and positions are its own; the engine sees them as plain JSON, which the contract guarantees.
const asSource = (source: unknown) => source as Source
const asSink = (sink: unknown) => sink as Sink

const entries: Readonly<Record<string, Entry>> = {
  csv: {
    source: async () => asSource((await import('#connectors/csv')).csvSource),
    sink: async () => asSink((await import('#connectors/csv')).csvSink),
  },
  jsonl: {
    source: async () => asSource((await import('#connectors/jsonl')).jsonlSource),
    sink: async () => asSink((await import('#connectors/jsonl')).jsonlSink),
  },
  mysql: {
    source: async () => asSource((await import('#connectors/mysql')).mysqlSource),
    sink: async () => asSink((await import('#connectors/mysql')).mysqlSink),
  },
  postgres: {
    source: async () => asSource((await import('#connectors/postgres')).postgresSource),
    sink: async () => asSink((await import('#connectors/postgres')).postgresSink),
  },
  stream: {
    source: async () => asSource((await import('#connectors/stream')).streamSource),
    sink: async () => asSink((await import('#connectors/stream')).streamSink),
  },
}

/** Names of all connectors, sorted. */
export const names = (): readonly string[] => Object.keys(entries)

export const has = (kind: Kind, name: string): boolean => Object.hasOwn(entries, name) && entries[name]?.[kind] !== undefined

/** The connector that a name in a job file means: `mysql` of `mysqlreader`, `postgres` of `PostgreSQLWriter`. Undefined when there is none. */
export function resolve(name: string): string | undefined {
  const { name: known } = parsePluginName(name)
  return Object.hasOwn(entries, known) ? known : undefined
}

export async function source(name: string): Promise<Source> {
  const load = Object.hasOwn(entries, name) ? entries[name]?.source : undefined
  if (load === undefined) throw unknown('source', name)
  return load()
}

export async function sink(name: string): Promise<Sink> {
  const load = Object.hasOwn(entries, name) ? entries[name]?.sink : undefined
  if (load === undefined) throw unknown('sink', name)
  return load()
}

function unknown(kind: Kind, name: string) {
  const meant = resolve(name)
  const isPlanned = meant === undefined && isNotYet(parsePluginName(name).stem)
  return catalogErrors.unknownConnector({ kind, name, isPlanned, ...(meant === undefined ? {} : { meant }), known: names() })
}

export const load = (kind: Kind, name: string): Promise<Source | Sink> => (kind === 'source' ? source(name) : sink(name))
