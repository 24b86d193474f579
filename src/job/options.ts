/**
 * Checks the options of a connector, and the settings of a job, against their zod schema.
 *
 * Names are matched (aliases, and in FlinkX dialects any case), values bent where the originals did so, and what zod finds
 * is told with its place in the file. All problems of an object are found in one go.
 */
import type { z } from 'zod'
import type { SluiceError } from '#errors'
import { ABSENT, coerce } from './coerce.ts'
import type { Dialect } from './dialects.ts'
import { throwProblems } from './errors.ts'
import { IssueReporter, type Noun } from './issues.ts'
import { isObject, meansNothing, setOwn, type JobObject, type JobValue, type Places, type Warning } from './node.ts'
import { acceptsNull, inputOf, isOpen, metaOf, shapeOf } from './shape.ts'
import { suggest } from './suggest.ts'

/** What the options belong to, and which of them have a special fate. */
export interface OptionsOwner {
  /** For messages: `source "mysql"`. */
  readonly owner: string
  readonly dialect: Dialect
  /** Options that the specification knows and the connector does not support: name (`a.b` for a nested one) → reason. */
  readonly refused?: Readonly<Record<string, string>>
  /** Options that mean nothing to the result; in FlinkX dialects they are dropped with one warning. */
  readonly ignored?: readonly string[]
  /** Names that have been taken care of elsewhere, for suggestions. */
  readonly alsoKnown?: readonly string[]
  /** Words for messages; options unless said otherwise. */
  readonly noun?: Noun
}

export interface CheckedOptions<Options> {
  /** Undefined when there are problems. */
  readonly options: Options | undefined
  readonly problems: readonly SluiceError[]
  readonly warnings: readonly Warning[]
  /** The path at which the file gives an option; undefined when it does not. */
  readonly written: (path: readonly PropertyKey[]) => readonly PropertyKey[] | undefined
}

/** Keys that platforms around FlinkX write into job files for themselves; see the compatibility specification §2.2 and §5.4. */
const PLATFORM_KEYS: readonly string[] = [
  'sourceIds',
  'sourceId',
  'dataSourceId',
  'dtCenterSourceId',
  'session',
  'schema',
  'print',
  'type',
  'columnDisplaySize',
  'precision',
  'changeLog',
  'columnTypes',
  'metaColumns',
  'executePreSqlNoData',
  'executePostSqlNoData',
  'loadUrl',
  'primaryKey',
  'bootstrapServers',
  'fs.defaultFS',
  'checkFormat',
  'resourceName',
  'database',
  'splitUpdate',
  'pavingData',
  'encoding',
  'fullColumnName',
  'fullColumnType',
  'initReporter',
]

/** Like {@link resolveOptions}, but returns the problems. */
export function checkOptions<Schema extends z.ZodObject>(
  schema: Schema,
  raw: JobObject,
  places: Places,
  owner: OptionsOwner,
): CheckedOptions<z.output<Schema>> {
  const reporter = new IssueReporter(schema, places, owner.owner, owner.noun ?? 'option')
  const clean = new OptionMatcher(places, owner, reporter).match(schema, raw, { written: [], canonical: [] })
  reporter.noteIgnored()
  const result = schema.safeParse(clean)
  if (!result.success) reporter.addIssues(result.error.issues, clean)
  const { problems, warnings } = reporter
  const options = problems.length === 0 && result.success ? result.data : undefined
  return { options, problems, warnings, written: path => reporter.written(path) }
}

/** The typed options of a connector from what a job file says. Throws what {@link throwProblems} throws. */
export function resolveOptions<Schema extends z.ZodObject>(
  schema: Schema,
  raw: JobObject,
  places: Places,
  owner: OptionsOwner,
): { readonly options: z.output<Schema>; readonly warnings: readonly Warning[] } {
  const { options, problems, warnings } = checkOptions(schema, raw, places, owner)
  throwProblems(places.source.file, problems)
  // Without problems there are options; the type cannot say so.
  return { options: options as z.output<Schema>, warnings }
}

/** The same place in the file and in the cleaned value, which differ in the names of properties. */
interface Path {
  readonly written: readonly PropertyKey[]
  readonly canonical: readonly PropertyKey[]
}

/** Turns what a file says into what a schema wants, as far as that can be done without a doubt. */
class OptionMatcher {
  readonly #places: Places
  readonly #owner: OptionsOwner
  readonly #reporter: IssueReporter

  constructor(places: Places, owner: OptionsOwner, reporter: IssueReporter) {
    this.#places = places
    this.#owner = owner
    this.#reporter = reporter
  }

  match(schema: z.core.$ZodType, raw: JobObject, path: Path): JobObject {
    const shape = shapeOf(schema) ?? {}
    const names = new OptionNames(shape, this.#owner.dialect !== 'native')
    const isTolerant = metaOf(schema).liftsLimits !== true || Object.keys(raw).some(key => names.find(key) !== undefined)
    const clean: JobObject = {}
    const taken = new Map<string, string>()
    for (const [key, value] of Object.entries(raw)) {
      const written = [...path.written, key]
      const name = names.find(key)
      if (name === undefined) {
        if (isOpen(schema)) setOwn(clean, key, value)
        else this.#unmatched(value, written, names, { known: Object.keys(shape), isTolerant })
        continue
      }
      const prepared = this.#value(shape[name]!, value, { written, canonical: [...path.canonical, name] })
      if (prepared === ABSENT) continue
      const earlier = taken.get(name)
      if (earlier !== undefined) {
        const winner = earlier === name ? earlier : key
        this.#reporter.warn(
          'job.repeated-option',
          written,
          `is the same as "${earlier === name ? name : earlier}"; "${winner}" counts`,
        )
        if (winner === earlier) continue
      }
      if (names.isOtherCase(key))
        this.#reporter.warn('job.option-case', written, `is taken as "${name}"; FlinkX would have overlooked it`)
      taken.set(name, key)
      this.#reporter.setWritten([...path.canonical, name], written)
      setOwn(clean, name, prepared)
    }
    return clean
  }

  #unmatched(
    value: JobValue,
    path: readonly PropertyKey[],
    names: OptionNames,
    { known, isTolerant }: { readonly known: readonly string[]; readonly isTolerant: boolean },
  ): void {
    const isFlinkx = this.#owner.dialect !== 'native'
    const dotted = path
      .filter(name => typeof name === 'string')
      .join('.')
      .toLowerCase()
    const reason = Object.entries(this.#owner.refused ?? {}).find(([name]) => name.toLowerCase() === dotted)?.[1]
    if (reason !== undefined) {
      if (!meansNothing(value)) this.#reporter.refuse(path, reason)
      return
    }
    const key = String(path.at(-1))
    const ignored = [...PLATFORM_KEYS, ...(this.#owner.ignored ?? [])].some(name => name.toLowerCase() === dotted || name === key)
    if (isFlinkx && (ignored || /^(?:[?#_]|\/\/)/.test(key))) this.#reporter.ignore(path)
    else if (isFlinkx && isTolerant)
      this.#reporter.warnUnknown(path, suggest(key, [...names.spellings(), ...(this.#owner.alsoKnown ?? [])]))
    else this.#reporter.unknown(path, suggest(key, known), known)
  }

  #value(schema: z.core.$ZodType, raw: JobValue, path: Path): JobValue | typeof ABSENT {
    if (raw === null) return acceptsNull(schema) ? null : ABSENT
    const inner = inputOf(schema)
    if (inner._zod.def.type === 'union') return this.#union(inner._zod.def.options, raw, path)
    const { value, note } = coerce(schema, raw, this.#owner.dialect, () => this.#rawText(path.written, raw))
    if (note !== undefined && this.#places.find(path.written).secrets === undefined) {
      this.#reporter.warn('job.bent-option', path.written, note)
    }
    if (value === ABSENT) return ABSENT
    return this.#nested(inner, value, path, Array.isArray(value) && !Array.isArray(raw))
  }

  /** `isWrapped`: the file has the only element of the list in place of the list. */
  #nested(schema: z.core.$ZodTypes, value: JobValue, path: Path, isWrapped: boolean): JobValue {
    const { def } = schema._zod
    if (def.type === 'array' && Array.isArray(value)) {
      return value.map((element, index) => {
        const at = { written: isWrapped ? path.written : [...path.written, index], canonical: [...path.canonical, index] }
        this.#reporter.setWritten(at.canonical, at.written)
        const prepared = this.#value(def.element, element, at)
        // An element cannot be left out without moving the others.
        return prepared === ABSENT ? element : prepared
      })
    }
    if (def.type === 'object' && isObject(value)) return this.match(schema, value, path)
    if (def.type === 'record' && isObject(value)) return this.#record(def.valueType, value, path)
    return value
  }

  #record(schema: z.core.$ZodType, value: JobObject, path: Path): JobObject {
    const clean: JobObject = {}
    for (const [key, child] of Object.entries(value)) {
      const at = { written: [...path.written, key], canonical: [...path.canonical, key] }
      this.#reporter.setWritten(at.canonical, at.written)
      const prepared = this.#value(schema, child, at)
      if (prepared !== ABSENT) setOwn(clean, key, prepared)
    }
    return clean
  }

  /** The first alternative that fits; those made for this kind of value are asked first. */
  #union(options: readonly z.core.$ZodType[], raw: JobValue, path: Path): JobValue | typeof ABSENT {
    const own = options.filter(option => isMadeFor(option, raw))
    const others = options.filter(option => !own.includes(option))
    for (const option of [...own, ...others]) {
      const attempt = this.#reporter.attempt()
      const value = new OptionMatcher(this.#places, this.#owner, attempt).#value(option, raw, path)
      // The schema types of zod's core carry safeParse in the classic package, which is the one we use.
      if (value === ABSENT || (option as z.ZodType).safeParse(value).success) {
        this.#reporter.adopt(attempt)
        return value
      }
    }
    return own[0] === undefined ? raw : this.#value(own[0], raw, path)
  }

  #rawText(path: readonly PropertyKey[], value: JobValue): string {
    const node = this.#places.find(path)
    const text = this.#places.source.text.slice(node.start, node.end)
    return node.value === value && /^[-+.\w]+$/.test(text) ? text : String(value)
  }
}

/** Finds an option by its name or an alias. */
class OptionNames {
  readonly #exact = new Map<string, string>()
  readonly #lower = new Map<string, string>()
  readonly #anyCase: boolean

  constructor(shape: Readonly<Record<string, z.core.$ZodType>>, anyCase: boolean) {
    this.#anyCase = anyCase
    for (const [name, schema] of Object.entries(shape)) {
      for (const alias of metaOf(schema).aliases ?? []) this.#add(alias, name)
    }
    for (const name of Object.keys(shape)) this.#add(name, name)
  }

  #add(spelling: string, name: string): void {
    this.#exact.set(spelling, name)
    this.#lower.set(spelling.toLowerCase(), name)
  }

  find(key: string): string | undefined {
    return this.#exact.get(key) ?? (this.#anyCase ? this.#lower.get(key.toLowerCase()) : undefined)
  }

  spellings(): Iterable<string> {
    return this.#exact.keys()
  }

  isOtherCase(key: string): boolean {
    return !this.#exact.has(key)
  }
}

function isMadeFor(schema: z.core.$ZodType, value: JobValue): boolean {
  const { type } = inputOf(schema)._zod.def
  if (Array.isArray(value)) return type === 'array' || type === 'tuple'
  if (isObject(value)) return type === 'object' || type === 'record'
  if (type === 'enum' || type === 'literal') return typeof value === 'string'
  return type === (value === null ? 'null' : typeof value)
}
