/**
 * What a job file says, as a tree in which every value knows its place.
 *
 * JSON and YAML both end here, so nothing behind this file asks which of them it was. Tested by json.test.ts and yaml.test.ts.
 */
import { errors } from './errors.ts'
import { renderPlace, type Place, type SourceText } from './source-text.ts'

/** A value of a job file: JSON, and integers beyond 2^53 exactly. */
export type JobValue = null | boolean | number | bigint | string | JobValue[] | JobObject
export interface JobObject {
  [key: string]: JobValue
}

export interface Node {
  value: JobValue
  /** Undefined for the root. */
  readonly parent: Node | undefined
  /** Key or index in the parent. */
  readonly name: string | number
  /** Offsets of the value in the text. */
  readonly start: number
  end: number
  /** Offset of the key, or of the value where there is none. */
  readonly keyStart: number
  /** Children of an object, in order of their first appearance. */
  readonly entries?: Map<string, Node>
  /** Children of a list. */
  readonly items?: Node[]
  /** What was taken from the environment or files and is the value or a part of it. */
  secrets?: string[]
}

/** Something the user should know that does not stop the job. `place` is missing where no part of the file is meant. */
export interface Warning {
  readonly code: string
  readonly message: string
  /** `job.json:12:17` */
  readonly place?: string
}

/** A parsed file. */
export interface Document {
  readonly root: Node
  readonly source: SourceText
  readonly warnings: Warning[]
}

export interface Limits {
  /** UTF-16 units of text. */
  readonly maxLength: number
  /** Levels of lists and objects. */
  readonly maxDepth: number
  /** Values of any kind. */
  readonly maxValues: number
}

export const LIMITS: Limits = { maxLength: 1024 * 1024, maxDepth: 128, maxValues: 200_000 }

/** Counts values against the limits while a tree is built. */
export class Budget {
  readonly #source: SourceText
  readonly #limits: Limits
  #values = 0

  constructor(source: SourceText, limits: Limits) {
    if (source.text.length > limits.maxLength) {
      throw errors.tooLarge({ place: source.file, what: 'characters', limit: limits.maxLength })
    }
    this.#source = source
    this.#limits = limits
  }

  take(offset: number, depth: number): void {
    if (++this.#values > this.#limits.maxValues) {
      throw errors.tooLarge({ place: this.#source.place(offset), what: 'values', limit: this.#limits.maxValues })
    }
    if (depth > this.#limits.maxDepth) {
      throw errors.tooLarge({ place: this.#source.place(offset), what: 'levels of nesting', limit: this.#limits.maxDepth })
    }
  }
}

/** The path as the file spells it: `job.content[0].reader.parameter`. Empty for the root. */
export function pathOf(node: Node, ...below: PropertyKey[]): string {
  const names: PropertyKey[] = below.reverse()
  for (let at: Node | undefined = node; at?.parent !== undefined; at = at.parent) names.push(at.name)
  return renderPath(names.reverse())
}

export function renderPath(names: readonly PropertyKey[]): string {
  let path = ''
  for (const name of names) {
    if (typeof name === 'number') path += `[${name}]`
    else if (/^[\w$@-]+$/.test(String(name))) path += path === '' ? String(name) : `.${String(name)}`
    else path += `[${JSON.stringify(String(name).slice(0, 80))}]`
  }
  return path
}

/** Sets a property the way JSON.parse does: `__proto__` is a key like any other. */
export function setOwn(object: JobObject, key: string, value: JobValue): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}

export function isObject(value: JobValue | undefined): value is JobObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is what a template leaves behind where nothing is meant: null, "", false, and containers of nothing else. */
export function meansNothing(value: JobValue): boolean {
  if (Array.isArray(value)) return value.every(meansNothing)
  if (isObject(value)) return Object.values(value).every(meansNothing)
  return value === null || value === '' || value === false
}

/** An object made of nodes that stand elsewhere in the file; it takes the place of `like`. */
export function objectNode(like: Node, children: readonly (readonly [key: string, node: Node])[]): Node {
  const value: JobObject = {}
  const entries = new Map<string, Node>()
  for (const [key, child] of children) {
    entries.set(key, child)
    setOwn(value, key, child.value)
  }
  return { value, parent: like.parent, name: like.name, start: like.start, end: like.end, keyStart: like.keyStart, entries }
}

/** Where the values of one part of a job file stand. Paths start at that part; what the file does not hold has its parent's place. */
export class Places {
  readonly node: Node
  readonly source: SourceText

  constructor(node: Node, source: SourceText) {
    this.node = node
    this.source = source
  }

  /** Left out of JSON: the tree has cycles, and the text may hold secrets. */
  toJSON(): undefined {
    return undefined
  }

  /** Place of the value at a path. */
  at(path: readonly PropertyKey[] = []): Place {
    return this.source.placeOf(this.find(path).start)
  }

  /** The node at a path, or the nearest one above it. */
  find(path: readonly PropertyKey[]): Node {
    let node = this.node
    for (const name of path) {
      const child = childOf(node, name)
      if (child === undefined) break
      node = child
    }
    return node
  }
}

export function childOf(node: Node | undefined, name: PropertyKey): Node | undefined {
  return typeof name === 'number' ? node?.items?.[name] : node?.entries?.get(String(name))
}

/** The facts of an error about a value, or about the key that introduces it. */
export function whereOf(source: SourceText, node: Node, at: 'key' | 'value', path: string = pathOf(node)) {
  const place = source.placeOf(at === 'key' ? node.keyStart : node.start)
  return { ...place, place: renderPlace(place), path }
}
