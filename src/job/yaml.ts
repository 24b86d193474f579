/**
 * Parses YAML 1.2 (core schema) through the `yaml` package into the same tree as JSON.
 *
 * Aliases are expanded, and what they expand to counts against the limits. Tags, several documents and keys that are no
 * scalars are refused. The words of the package's messages are not used: they may quote the file, secrets included.
 */
import { Composer, isAlias, isMap, isScalar, isSeq, Parser, type Document as YamlDocument, type YAMLError } from 'yaml'
import {
  Budget,
  LIMITS,
  setOwn,
  type Document,
  type JobObject,
  type JobValue,
  type Limits,
  type Node,
  type Warning,
} from './node.ts'
import { isSecretName } from './secrets.ts'
import { SourceText } from './source-text.ts'

/** The package takes seconds over a hostile file of 1 MiB. */
const YAML_SHARE = 1 / 4

/** Parses the text of a file. Throws `job.syntax` and `job.too-large`. */
export function parseYaml(text: string, file: string, limits: Limits = LIMITS): Document {
  return parseYamlSource(new SourceText(file, text), limits)
}

export function parseYamlSource(source: SourceText, limits: Limits = LIMITS): Document {
  const budget = new Budget(source, { ...limits, maxLength: limits.maxLength * YAML_SHARE })
  refuseDeepNesting(source, limits)
  const contents = compose(source)?.contents ?? null
  if (contents === null) throw syntaxError(source, 0, ['The file is empty.', 'Expected a job with `source` and `sink`.'])
  return new TreeBuilder(source, budget).build(contents)
}

/** The only document of the file. Stops at the first error: the package would go on for seconds in a hostile file. */
function compose(source: SourceText) {
  // The package compares every key with every other; the tree builder below finds repetitions in linear time.
  const composer = new Composer({ version: '1.2', schema: 'core', intAsBigInt: true, stringKeys: true, uniqueKeys: false })
  let only: YamlDocument.Parsed | undefined
  for (const document of composer.compose(new Parser().parse(source.text), true, source.text.length)) {
    if (only !== undefined) throw syntaxError(source, document.range[0], SENTENCES.MULTIPLE_DOCS!)
    const problem = document.errors[0] ?? document.warnings[0]
    if (problem !== undefined) throw yamlError(source, problem)
    only = document
  }
  return only
}

const SENTENCES: Partial<Record<YAMLError['code'], readonly [problem: string, expected: string]>> = {
  ALIAS_PROPS: ['An alias (*name) cannot have a tag or an anchor.', 'Quote the value if it is text that begins with "*".'],
  BAD_ALIAS: ['This alias (*name) refers to nothing.', 'Quote the value if it is text that begins with "*".'],
  BAD_DQ_ESCAPE: [
    'YAML has no such escape in a "…" string.',
    "Write two backslashes, or use a '…' string, which knows no escapes.",
  ],
  BAD_INDENT: ['The indentation is wrong here.', 'Lines of one mapping or list begin in the same column.'],
  BAD_SCALAR_START: ['A value cannot begin with this character.', 'Put the value into quotes.'],
  BLOCK_AS_IMPLICIT_KEY: ['A second mapping begins on this line.', 'Put the value into quotes if it contains ": ".'],
  MISSING_CHAR: ['A quote, bracket or separator is missing here.', 'Close what was opened before this place.'],
  MULTILINE_IMPLICIT_KEY: ['A key goes over more than one line.', 'Look for a missing ":" on this line or the one before.'],
  MULTIPLE_DOCS: ['The file holds more than one document.', 'Write one job per file and remove the "---" between them.'],
  NON_STRING_KEY: ['A key must be a plain name.', 'Put the key into quotes.'],
  TAB_AS_INDENT: ['A tab is used as indentation.', 'Indent with spaces.'],
  TAG_RESOLVE_FAILED: [
    'Tags (!name) have no meaning in a job file.',
    'Remove the tag, or put the value into quotes if it begins with "!".',
  ],
}
const OTHERWISE = ['The file is not valid YAML here.', 'Check indentation, quotes and ":" around this place.'] as const

/** The words of the package's own messages are left out, see above. */
function yamlError(source: SourceText, { code, pos }: YAMLError): Error {
  return syntaxError(source, Math.min(pos[0], source.text.length), SENTENCES[code] ?? OTHERWISE)
}

function syntaxError(source: SourceText, offset: number, [problem, expected]: readonly [string, string]): Error {
  return source.syntaxError(offset, problem, expected, [secretAround(source.text, offset)])
}

const KEY = /([\w.-]+)["']?[ \t]*:(?=[\s"'*&!|>@{[])/g

/**
 * The part of an erroneous line that may belong to a secret: all behind a secret key of that line, or all of the line when the
 * nearest key above is one. Too much rather than too little: where the value ends is what the error leaves open.
 */
function secretAround(text: string, offset: number): [start: number, end: number] {
  const lineStart = lineStartAt(text, offset)
  const lineEnd = text.indexOf('\n', offset)
  const end = lineEnd === -1 ? text.length : lineEnd
  for (let start = lineStart, stop = end; ; stop = start - 1, start = lineStartAt(text, stop)) {
    const keys = [...text.slice(start, stop + 1).matchAll(KEY)]
    const secret = keys.find(key => isSecretName(key[1]!))
    if (secret !== undefined) return start === lineStart ? [start + secret.index + secret[0].length, end] : [lineStart, end]
    if (keys.length > 0 || start === 0) return [end, end]
  }
}

function lineStartAt(text: string, offset: number): number {
  // A negative second argument of lastIndexOf counts as 0.
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1
}

/** The package recurses; a file of brackets or dashes must not exhaust the stack. Counts too much rather than too little. */
function refuseDeepNesting(source: SourceText, limits: Limits): void {
  let brackets = 0
  let deepest = 0
  for (let at = 0; at < source.text.length; at++) {
    const code = source.text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++brackets)
    else if (code === 0x5d || code === 0x7d) brackets = Math.max(0, brackets - 1)
  }
  // A line can open a level per "- " or "? ", and as many levels as it is indented.
  const dashes = /^(?:[ \t]*[-?:](?:[ \t]|$)){200}/m.exec(source.text)
  if (deepest <= limits.maxDepth * 4 && dashes === null) return
  const offset = dashes?.index ?? 0
  throw syntaxError(source, offset, ['The file is nested too deeply.', `Expected at most ${limits.maxDepth} levels.`])
}

/** A node of the package's tree: ranges are offsets into the text. */
type Foreign = {
  range?: readonly [number, number, number] | null | undefined
  anchor?: string | undefined
  tag?: string | undefined
}

class TreeBuilder {
  readonly #source: SourceText
  readonly #budget: Budget
  readonly #warnings: Warning[] = []
  readonly #anchors = new Map<string, unknown>()

  constructor(source: SourceText, budget: Budget) {
    this.#source = source
    this.#budget = budget
  }

  build(contents: unknown): Document {
    const root = this.#node(contents, undefined, '', undefined, 1)
    return { root, source: this.#source, warnings: this.#warnings }
  }

  #node(yaml: unknown, parent: Node | undefined, name: string | number, keyStart: number | undefined, depth: number): Node {
    const range = (yaml as Foreign | null)?.range
    const start = range?.[0] ?? keyStart ?? parent?.start ?? 0
    this.#budget.take(start, depth)
    const base = { parent, name, start, end: range?.[1] ?? start, keyStart: keyStart ?? start }
    if (isAlias(yaml)) {
      if (!this.#anchors.has(yaml.source)) throw syntaxError(this.#source, start, SENTENCES.BAD_ALIAS!)
      const target = this.#node(this.#anchors.get(yaml.source), parent, name, keyStart ?? start, depth + 1)
      return { ...target, start, end: base.end }
    }
    const { anchor, tag } = (yaml ?? {}) as Foreign
    // Those that the package knows are no errors to it.
    if (tag !== undefined) throw syntaxError(this.#source, start, SENTENCES.TAG_RESOLVE_FAILED!)
    if (anchor !== undefined) this.#anchors.set(anchor, yaml)
    if (isMap(yaml)) {
      const node = { ...base, value: {}, entries: new Map<string, Node>() }
      for (const { key, value } of yaml.items) this.#entry(node, key, value, depth + 1)
      return node
    }
    if (isSeq(yaml)) {
      const values: JobValue[] = []
      const node: Node & { items: Node[] } = { ...base, value: values, items: [] }
      for (const [index, item] of yaml.items.entries()) {
        const child = this.#node(item, node, index, undefined, depth + 1)
        node.items.push(child)
        values.push(child.value)
      }
      return node
    }
    return { ...base, value: isScalar(yaml) ? scalarValue(yaml) : null }
  }

  #entry(node: Node & { entries: Map<string, Node> }, key: unknown, value: unknown, depth: number): void {
    const name = isScalar(key) ? String(key.value) : ''
    const keyStart = (key as Foreign | null)?.range?.[0] ?? node.start
    const child = this.#node(value, node, name, keyStart, depth)
    if (node.entries.has(name) && this.#warnings.length < 100) {
      const message = `"${name.slice(0, 40)}" is given twice here; the last one counts.`
      this.#warnings.push({ code: 'job.duplicate-key', message, place: this.#source.place(keyStart) })
    }
    node.entries.set(name, child)
    setOwn(node.value as JobObject, name, child.value)
  }
}

function scalarValue({ value, source }: { value: unknown; source?: string | undefined }): JobValue {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return source ?? null
}
