/**
 * The envelope of Sluice's own job files:
 *
 *   name: orders
 *   source: { connector: mysql, …options }
 *   sink: { connector: postgres, …options }
 *   settings: { channels: 3 }
 *
 * Tested by job.test.ts and mistakes.test.ts.
 */
import type { SluiceError } from '#errors'
import { connectorSide, type Draft, type DraftSide } from './envelope.ts'
import { errors } from './errors.ts'
import { childOf, isObject, whereOf, type Document, type Node } from './node.ts'
import { suggest } from './suggest.ts'

const KEYS = ['name', 'source', 'sink', 'settings']

export function readNative({ root, source }: Document): Draft {
  const problems: SluiceError[] = []
  for (const [key, node] of root.entries ?? []) {
    if (KEYS.includes(key)) continue
    problems.push(errors.unknownSetting({ ...whereOf(source, node, 'key'), near: suggest(key, KEYS), known: KEYS }))
  }
  const settings = childOf(root, 'settings')
  const isEmpty = settings === undefined || settings.value === null
  if (!isEmpty && !isObject(settings.value)) {
    problems.push(incomplete(settings, '`settings` must be an object.', 'Write `settings: { channels: 3 }`.'))
  }
  return {
    dialect: 'native',
    name: childOf(root, 'name'),
    source: side('source'),
    sink: side('sink'),
    settings: isEmpty || !isObject(settings.value) ? undefined : settings,
    problems,
    warnings: [],
  }

  function side(kind: 'source' | 'sink'): DraftSide | undefined {
    const remedy = `Write \`${kind}: { connector: NAME, … }\`.`
    const node = childOf(root, kind)
    if (node === undefined) problems.push(incomplete(root, `The job has no \`${kind}\`.`, remedy))
    else if (!isObject(node.value)) problems.push(incomplete(node, `\`${kind}\` must be an object.`, remedy))
    else return sideOf(node, kind, remedy)
    return undefined
  }

  function sideOf(node: Node, kind: string, remedy: string): DraftSide | undefined {
    const name = childOf(node, 'connector')
    if (typeof name?.value !== 'string' || name.value.trim() === '') {
      problems.push(incomplete(name ?? node, `\`${kind}\` names no connector.`, remedy))
      return undefined
    }
    return connectorSide(name)
  }

  function incomplete(node: Node, problem: string, remedy: string): SluiceError {
    return errors.incomplete({ ...whereOf(source, node, 'value'), problem, remedy })
  }
}
