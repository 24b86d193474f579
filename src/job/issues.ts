/** From findings to located errors and warnings. Tested by options.test.ts and mistakes.test.ts. */
import type { z } from 'zod'
import type { SluiceError } from '#errors'
import { errors } from './errors.ts'
import { isObject, pathOf, renderPath, whereOf, type JobValue, type Node, type Places, type Warning } from './node.ts'
import { isSecretName, maskSecrets } from './secrets.ts'
import { describeExpected, metaOf, schemaAt } from './shape.ts'
import { renderPlace } from './source-text.ts'

/** Whether the values belong to a connector or to the job as a whole; decides the codes of errors. */
export type Noun = 'option' | 'setting'

/** More than this of one kind is one mistake, repeated. */
const MOST = 100
const LONGEST_SHOWN = 60

/** Collects what is wrong with one object, each with its place and path in the file. */
export class IssueReporter {
  readonly problems: SluiceError[] = []
  readonly warnings: Warning[] = []
  readonly #schema: z.ZodObject
  readonly #places: Places
  readonly #owner: string
  readonly #noun: Noun
  readonly #ignored: string[] = []
  /** Path in the cleaned value → path in the file, where they differ or not. */
  readonly #written = new Map<string, readonly PropertyKey[]>()

  constructor(schema: z.ZodObject, places: Places, owner: string, noun: Noun) {
    this.#schema = schema
    this.#places = places
    this.#owner = owner
    this.#noun = noun
  }

  /** A reporter whose findings count only once they are adopted. */
  attempt(): IssueReporter {
    return new IssueReporter(this.#schema, this.#places, this.#owner, this.#noun)
  }

  adopt(attempt: IssueReporter): void {
    this.problems.push(...attempt.problems)
    this.warnings.push(...attempt.warnings)
    this.#ignored.push(...attempt.#ignored)
    for (const [path, written] of attempt.#written) this.#written.set(path, written)
  }

  setWritten(path: readonly PropertyKey[], written: readonly PropertyKey[]): void {
    this.#written.set(JSON.stringify(path), written)
  }

  written(path: readonly PropertyKey[]): readonly PropertyKey[] | undefined {
    return this.#written.get(JSON.stringify(path))
  }

  warn(code: string, path: readonly PropertyKey[], predicate: string): void {
    if (this.warnings.length >= MOST) return
    const place = this.#places.source.place(this.#places.find(path).keyStart)
    this.warnings.push({ code, message: `${this.#where(path, 'key').path} ${predicate}.`, place })
  }

  warnUnknown(path: readonly PropertyKey[], near: readonly string[]): void {
    const advice = near[0] === undefined ? '' : ` (did you mean "${near[0]}"?)`
    this.warn(`job.unknown-${this.#noun}`, path, `means nothing here and is ignored, as in FlinkX${advice}`)
  }

  ignore(path: readonly PropertyKey[]): void {
    this.#ignored.push(renderPath(path))
  }

  /** One warning for all keys that platforms write for themselves. */
  noteIgnored(): void {
    if (this.#ignored.length === 0) return
    const shown = this.#ignored.slice(0, 10).join(', ')
    const more = this.#ignored.length > 10 ? ` and ${this.#ignored.length - 10} more` : ''
    const place = renderPlace(this.#places.at())
    this.warnings.push({
      code: 'job.ignored-option',
      message: `The ${this.#owner} has keys without meaning to a job: ${shown}${more}.`,
      place,
    })
  }

  refuse(path: readonly PropertyKey[], reason: string): void {
    const where = this.#where(path, 'key')
    this.#add(
      this.#noun === 'option'
        ? errors.unsupportedOption({ ...where, owner: this.#owner, reason })
        : errors.unsupportedSetting({ ...where, reason }),
    )
  }

  unknown(path: readonly PropertyKey[], near: readonly string[], known: readonly string[]): void {
    const where = this.#where(path, 'key')
    this.#add(
      this.#noun === 'option'
        ? errors.unknownOption({ ...where, owner: this.#owner, near, known })
        : errors.unknownSetting({ ...where, near, known }),
    )
  }

  /** Adds what zod found in the cleaned value. */
  addIssues(issues: readonly z.core.$ZodIssue[], clean: JobValue, base: readonly PropertyKey[] = []): void {
    for (const issue of issues) {
      const path = [...base, ...issue.path]
      const inner = issue.code === 'invalid_union' ? deepest(issue.errors) : undefined
      if (inner !== undefined && isContainer(valueAt(clean, path))) this.addIssues(inner, clean, path)
      else this.#addIssue(issue, path, valueAt(clean, path))
    }
  }

  #addIssue(issue: z.core.$ZodIssue, path: readonly PropertyKey[], value: JobValue | undefined): void {
    const schema = schemaAt(this.#schema, path) ?? this.#schema
    if (issue.code === 'custom') this.#custom(issue.message, path)
    else if (value === undefined) this.#missing(schema, path)
    else this.#invalid(ownWords(issue) ?? describeExpected(schema), value, path, metaOf(schema).secret === true)
  }

  #custom(message: string, path: readonly PropertyKey[]): void {
    this.#add(errors.inconsistent({ ...this.#where(this.#toWritten(path), 'key'), owner: this.#owner, problem: message }))
  }

  #missing(schema: z.core.$ZodType, path: readonly PropertyKey[]): void {
    const parent = this.#toWritten(path.slice(0, -1))
    const node = this.#places.find(parent)
    const where = whereOf(this.#places.source, node, 'value', this.#name(node, [...parent, path.at(-1)!], path.at(-1)!))
    const expected = describeExpected(schema)
    const description = metaOf(schema).description ?? ''
    this.#add(
      this.#noun === 'option'
        ? errors.missingOption({ ...where, owner: this.#owner, expected, description })
        : errors.missingSetting({ ...where, expected }),
    )
  }

  #invalid(expected: string, value: JobValue, path: readonly PropertyKey[], isSecret: boolean): void {
    const written = this.#toWritten(path)
    const node = this.#places.find(written)
    const hidden = isSecret || node.secrets !== undefined || path.some(isSecretName) || written.some(isSecretName)
    const details = { ...this.#where(written, 'value'), expected, found: describeFound(value, hidden) }
    this.#add(this.#noun === 'option' ? errors.invalidOption({ ...details, owner: this.#owner }) : errors.invalidSetting(details))
  }

  #add(problem: SluiceError): void {
    if (this.problems.length < MOST) this.problems.push(problem)
  }

  #where(written: readonly PropertyKey[], at: 'key' | 'value') {
    const node = this.#places.find(written)
    return whereOf(this.#places.source, node, at, this.#name(node, written))
  }

  /** Options are named as their connector knows them, settings by their full path: they stand in several parts of a FlinkX file. */
  #name(node: Node, written: readonly PropertyKey[], ...below: PropertyKey[]): string {
    return this.#noun === 'option' && written.length > 0 ? renderPath(written) : pathOf(node, ...below)
  }

  /** The path in the file of a path in the cleaned value, or of what encloses it. */
  #toWritten(path: readonly PropertyKey[]): readonly PropertyKey[] {
    for (let length = path.length; length > 0; length--) {
      const written = this.#written.get(JSON.stringify(path.slice(0, length)))
      if (written !== undefined) return [...written, ...path.slice(length)]
    }
    return path
  }
}

/** Of the findings for each alternative of a union, those of the one that looked deepest into the value. */
function deepest(alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const depth = (issues: readonly z.core.$ZodIssue[]) => Math.max(...issues.map(issue => issue.path.length))
  const inside = alternatives.filter(issues => issues.length > 0 && depth(issues) > 0)
  return inside.sort((a, b) => depth(b) - depth(a))[0]
}

/** The words of a check that came with its own, e.g. `z.string().regex(/^jdbc:/, 'a URL that begins with jdbc:')`. */
function ownWords(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_union')
    return issue.errors
      .flat()
      .map(ownWords)
      .find(words => words !== undefined)
  if (issue.code !== 'invalid_format' || issue.message.startsWith('Invalid')) return undefined
  return issue.message.replace(/^must be /i, '')
}

function isContainer(value: JobValue | undefined): boolean {
  return typeof value === 'object' && value !== null
}

function valueAt(value: JobValue | undefined, path: readonly PropertyKey[]): JobValue | undefined {
  let at = value
  for (const name of path) {
    if (Array.isArray(at)) at = at[Number(name)]
    else if (isObject(at)) at = Object.hasOwn(at, name) ? at[String(name)] : undefined
    else return undefined
  }
  return at
}

function describeFound(value: JobValue, isHidden: boolean): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'an object'
  const kind = typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : 'a number'
  if (isHidden) return `${kind} that is not shown here`
  if (typeof value !== 'string') return String(value)
  if (value === '') return 'empty text'
  const text = maskSecrets(value)
  return text.length > LONGEST_SHOWN ? `text of ${text.length} characters` : JSON.stringify(text)
}
