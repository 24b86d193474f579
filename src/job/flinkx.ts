/**
 * The envelope of FlinkX and ChunJun: `job.content[0].reader`, `job.content[0].writer`, `job.setting`.
 *
 * The original engines ignore every key that they do not know. Here such a key is a warning, so that a misspelt one is seen.
 * Tested by job.test.ts, corpus.test.ts and mistakes.test.ts.
 */
import type { SluiceError } from '#errors'
import type { FlinkxDialect } from './dialects.ts'
import type { Draft, DraftSide } from './envelope.ts'
import { errors } from './errors.ts'
import { childOf, isObject, meansNothing, objectNode, pathOf, whereOf, type Document, type Node, type Warning } from './node.ts'
import { suggest } from './suggest.ts'

/** Keys beside `job`, `content`, `reader` and so on that have a meaning in some version. */
const LEVELS = {
  root: ['job'],
  job: ['content', 'setting'],
  content: ['reader', 'writer', 'transformer', 'nameMapping', 'restoration'],
  side: ['name', 'parameter', 'table', 'fieldList', 'fieldNameList', 'semantic'],
} as const

/** Parts of `content[0]` that change rows; a job that has one means something else without it. */
const TRANSFORMS: Readonly<Record<string, string>> = {
  transformer: 'An SQL transformation between reader and writer comes with a later version.',
  nameMapping: 'Mapping of names comes with a later version.',
  restoration: 'Restoration of change data and DDL comes with a later version.',
}

export function readFlinkx(document: Document, dialect: FlinkxDialect): Draft {
  return new FlinkxReader(document).read(dialect)
}

class FlinkxReader {
  readonly #document: Document
  readonly #problems: SluiceError[] = []
  readonly #warnings: Warning[] = []

  constructor(document: Document) {
    this.#document = document
  }

  read(dialect: FlinkxDialect): Draft {
    const { root } = this.#document
    const job = childOf(root, 'job')!
    this.#noteUnknown(root, LEVELS.root)
    const content = isObject(job.value) ? this.#content(job) : undefined
    if (!isObject(job.value))
      this.#incomplete(job, '`job` must be an object.', 'Write `"job": { "content": [ … ], "setting": { … } }`.')
    return {
      dialect,
      source: content && this.#side(content, 'reader'),
      sink: content && this.#side(content, 'writer'),
      settings: this.#settings(childOf(job, 'setting')),
      problems: this.#problems,
      warnings: this.#warnings,
    }
  }

  #content(job: Node): Node | undefined {
    this.#noteUnknown(job, LEVELS.job)
    const remedy = 'Write `"content": [ { "reader": { … }, "writer": { … } } ]`.'
    const content = childOf(job, 'content')
    const first = childOf(content, 0)
    if (content === undefined) this.#incomplete(job, 'The job has no `content`.', remedy)
    else if (!Array.isArray(content.value)) this.#incomplete(content, '`content` must be a list.', remedy)
    else if (first === undefined) this.#incomplete(content, '`content` is empty.', remedy)
    else if (!isObject(first.value)) this.#incomplete(first, 'The first element of `content` must be an object.', remedy)
    else {
      const second = childOf(content, 1)
      if (second !== undefined)
        this.#warn('job.ignored-content', second, 'Only the first element of `content` is run, as in FlinkX.')
      this.#noteUnknown(first, LEVELS.content)
      this.#refuseTransforms(first)
      return first
    }
    return undefined
  }

  #refuseTransforms(content: Node): void {
    for (const [key, reason] of Object.entries(TRANSFORMS)) {
      const node = childOf(content, key)
      if (node === undefined || meansNothing(node.value)) continue
      this.#problems.push(errors.unsupportedSetting({ ...whereOf(this.#document.source, node, 'key'), reason }))
    }
  }

  #side(content: Node, key: 'reader' | 'writer'): DraftSide | undefined {
    const remedy = `Write \`"${key}": { "name": "…${key}", "parameter": { … } }\`.`
    const node = childOf(content, key)
    if (node === undefined) return this.#incomplete(content, `\`content\` has no \`${key}\`.`, remedy)
    if (!isObject(node.value)) return this.#incomplete(node, `\`${key}\` must be an object.`, remedy)
    this.#noteUnknown(node, LEVELS.side)
    const name = childOf(node, 'name')
    if (typeof name?.value !== 'string' || name.value.trim() === '') {
      return this.#incomplete(name ?? node, `The \`${key}\` has no \`name\`.`, remedy)
    }
    const semantic = childOf(node, 'semantic')
    if (semantic !== undefined)
      this.#warn('job.noted-setting', semantic, `"${pathOf(semantic)}" is not needed: the plan names the guarantee.`)
    const parameter = childOf(node, 'parameter')
    if (parameter !== undefined && isObject(parameter.value)) return { name, options: parameter }
    if (parameter !== undefined && parameter.value !== null)
      return this.#incomplete(parameter, '`parameter` must be an object.', remedy)
    this.#warn('job.missing-parameter', node, `The \`${key}\` has no \`parameter\`; FlinkX refuses such a job.`)
    return { name, options: objectNode(node, []) }
  }

  /** The settings with the contents of `speed` moved one level up, where the native format has them. */
  #settings(setting: Node | undefined): Node | undefined {
    if (setting === undefined || setting.value === null) return undefined
    const speed = childOf(setting, 'speed')
    for (const node of [setting, speed]) {
      if (node === undefined || node.value === null || isObject(node.value)) continue
      return this.#incomplete(
        node,
        `\`${String(node.name)}\` must be an object.`,
        'Write `"setting": { "speed": { "channel": 1 } }`.',
      )
    }
    const others = [...setting.entries!].filter(([key]) => key !== 'speed')
    return objectNode(setting, [...(speed?.entries ?? []), ...others])
  }

  #noteUnknown(node: Node, known: readonly string[]): void {
    for (const [key, child] of node.entries ?? []) {
      if (known.includes(key)) continue
      const near = suggest(key, known)[0]
      const elsewhere = ['content', 'setting', 'speed', 'reader', 'writer', 'preSql', 'postSql', 'updateKey'].includes(key)
      const advice = elsewhere ? ' It stands in the wrong place.' : near === undefined ? '' : ` Did you mean "${near}"?`
      this.#warn('job.unknown-setting', child, `"${pathOf(child)}" means nothing and is ignored, as in FlinkX.${advice}`)
    }
  }

  #warn(code: string, node: Node, message: string): void {
    this.#warnings.push({ code, message, place: this.#document.source.place(node.keyStart) })
  }

  #incomplete(node: Node, problem: string, remedy: string): undefined {
    this.#problems.push(errors.incomplete({ ...whereOf(this.#document.source, node, 'value'), problem, remedy }))
  }
}
