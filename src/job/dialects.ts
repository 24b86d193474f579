/**
 * The dialects of a job file, and how to tell them apart.
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
