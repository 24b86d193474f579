/**
 * The dialects of a job file, how to tell them apart, and what a plugin name means in each.
 *
 * The FlinkX generation (1.5 to 1.11) and ChunJun (1.12, 1.16) share one envelope and disagree about its meaning. Nothing in a
 * file says which one it was written for, so the shape decides where it can and FlinkX 1.10 where it cannot.
 */
import { errors } from './errors.ts'
import { childOf, isObject, type Node } from './node.ts'

export type FlinkxDialect = 'flinkx-1.10' | 'chunjun-1.12' | 'chunjun-1.16'
export type Dialect = FlinkxDialect | 'native'

const DIALECTS: readonly Dialect[] = ['flinkx-1.10', 'chunjun-1.12', 'chunjun-1.16', 'native']

/** Checks what a user chose with `--compat`; `auto` is undefined. */
export function parseCompat(text: string | undefined): FlinkxDialect | undefined {
  if (text === undefined || text === 'auto') return undefined
  const known = DIALECTS.filter((dialect): dialect is FlinkxDialect => dialect !== 'native')
  const found = known.find(dialect => dialect === text.toLowerCase())
  if (found === undefined) throw errors.unknownDialect({ dialect: text.slice(0, 40), known: [...known, 'auto'] })
  return found
}

/** Options that only ChunJun knows, on either side. */
const CHUNJUN_OPTIONS = new Set([
  'splitstrategy',
  'flushintervalmills',
  'uniquekey',
  'allreplace',
  'isorderby',
  'pollingfrommax',
  'isautocommit',
  'semantic',
])

/** The dialect of a document that has a `job`. */
export function detectFlinkxDialect(root: Node): FlinkxDialect {
  const job = childOf(root, 'job')
  const setting = childOf(job, 'setting')
  if (childOf(setting, 'metricPluginConfig') !== undefined) return 'chunjun-1.16'
  if (childOf(setting, 'metricPluginConf') !== undefined) return 'chunjun-1.12'
  const content = childOf(childOf(job, 'content'), 0)
  if (['transformer', 'nameMapping', 'restoration'].some(key => childOf(content, key) !== undefined)) return 'chunjun-1.12'
  return [childOf(content, 'reader'), childOf(content, 'writer')].some(looksLikeChunjun) ? 'chunjun-1.12' : 'flinkx-1.10'
}

function looksLikeChunjun(side: Node | undefined): boolean {
  const name = childOf(side, 'name')?.value
  if (typeof name === 'string' && /(?:source|sink)$/i.test(name)) return true
  if (isObject(childOf(side, 'table')?.value) || childOf(side, 'fieldList') !== undefined) return true
  const options = childOf(side, 'parameter')?.entries?.keys() ?? []
  return [...options].some(option => CHUNJUN_OPTIONS.has(option.toLowerCase()))
}

/** Other names of a plugin that mean the same in every dialect. `postgresql` is FlinkX's name of what is `postgres` here. */
const ALIASES: Readonly<Record<string, string>> = {
  postgresql: 'postgres',
  adbpostgresql: 'postgres',
  tidb: 'mysql',
  mariadb: 'mysql',
  restapi: 'http',
  dorisbatch: 'doris',
  hbase: 'hbase14',
}

/** `es` is another system in each generation. */
const ALIASES_OF_DIALECT: Readonly<Partial<Record<Dialect, Readonly<Record<string, string>>>>> = {
  'chunjun-1.12': { es: 'elasticsearch6' },
  'chunjun-1.16': { es: 'elasticsearch7' },
}

export interface PluginName {
  /** Without suffix, in lower case: `mysql` of `MysqlReader`. */
  readonly stem: string
  /** What the stem means in the dialect; the stem itself where it has no other meaning. */
  readonly alias: string
  /** The side that the suffix names. */
  readonly side: 'source' | 'sink' | undefined
}

export function parsePluginName(name: string, dialect: Dialect): PluginName {
  const lower = name.trim().toLowerCase()
  const suffix = /(?:reader|source|writer|sink)$/.exec(lower)?.[0]
  const stem = suffix === undefined || suffix === lower ? lower : lower.slice(0, -suffix.length)
  const aliases = { ...ALIASES, ...ALIASES_OF_DIALECT[dialect] }
  const side = suffix === undefined ? undefined : suffix === 'reader' || suffix === 'source' ? 'source' : 'sink'
  return { stem, alias: Object.hasOwn(aliases, stem) ? aliases[stem]! : stem, side }
}
