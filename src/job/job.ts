/** From the text of a job file to a {@link Job}: checked as far as that is possible without knowing the options of connectors. */
import { parsePluginName } from '#catalog'
import type { SluiceError } from '#errors'
import { checkSettings } from './check-settings.ts'
import { readConfProp, type ConfProp } from './conf-prop.ts'
import { detectFlinkxDialect, type Dialect, type FlinkxDialect } from './dialects.ts'
import type { Draft, DraftSide } from './envelope.ts'
import { errors, throwProblems } from './errors.ts'
import { readFlinkx } from './flinkx.ts'
import { parseJsonSource } from './json.ts'
import { readNative } from './native.ts'
import { childOf, isObject, LIMITS, Places, whereOf, type Document, type JobObject, type Limits, type Warning } from './node.ts'
import { applyParameters, type Parameters } from './parameters.ts'
import { processSources, resolveReferences, type ReferenceSources } from './references.ts'
import type { Settings } from './settings.ts'
import type { SourceText } from './source-text.ts'
import { suggest } from './suggest.ts'
import { SETTING_SUPPORT, type SettingSupport } from './support.ts'

/** A job, independent of its connectors: what to read, what to write, how. */
export interface Job {
  /** Without a name the identity of a job follows from its source and sink, see `jobIdentity`. */
  readonly name?: string
  readonly dialect: Dialect
  readonly file: string
  readonly source: Side
  readonly sink: Side
  /** Where rows that are set aside are copied, like another sink. */
  readonly dirtyTable?: Side
  readonly settings: Settings
  readonly warnings: readonly Warning[]
}

export interface Side {
  /** Name in the catalog: `mysql`. */
  readonly connector: string
  /** Name in the file: `mysqlreader`. */
  readonly written: string
  /** As in the file, references filled in, not yet checked. May hold credentials: see `secretsOf`. */
  readonly options: JobObject
  readonly places: Places
}

export type Kind = 'source' | 'sink'

/** What this layer needs to know of the connectors. */
export interface Catalog {
  names(): readonly string[]
  has(kind: Kind, name: string): boolean
}

export interface ParseOptions {
  readonly catalog: Catalog
  /** The dialect of a FlinkX file; without it the file decides. */
  readonly compat?: FlinkxDialect | undefined
  /** ChunJun's `-confProp`: JSON. */
  readonly confProp?: string | undefined
  /** FlinkX's `-p`. */
  readonly parameters?: Parameters | undefined
  /** Wins over the name in the file (FlinkX's `-jobName`). */
  readonly name?: string | undefined
  /** Where `${env:…}` and `${file:…}` come from; without it the environment of this process and the folder of the file. */
  readonly references?: ReferenceSources | undefined
  readonly support?: readonly SettingSupport[] | undefined
  readonly limits?: Limits | undefined
}

/** What could be understood of a job file. There is a job only when all its parts could. */
export interface CheckedJob {
  readonly job: Job | undefined
  readonly dialect: Dialect
  readonly source: Side | undefined
  readonly sink: Side | undefined
  readonly dirtyTable: Side | undefined
  readonly problems: readonly SluiceError[]
}

const LONGEST_NAME = 128

/** Parses the text of a job file. Throws what `throwProblems` throws. */
export async function parseJob(text: string, file: string, options: ParseOptions): Promise<Job> {
  const { job, problems } = await checkJob(text, file, options)
  throwProblems(file, problems)
  // Without problems there is a job; the type cannot say so.
  return job as Job
}

/** Like {@link parseJob}, but returns the problems. Still throws what leaves nothing to look at, such as `job.syntax`. */
export async function checkJob(text: string, file: string, options: ParseOptions): Promise<CheckedJob> {
  const { document, warnings } = await parseDocument(text, file, options)
  const missing = resolveReferences(document, options.references ?? processSources(file))
  const draft = readEnvelope(document, options.compat)
  const conf = options.confProp === undefined ? undefined : readConfProp(options.confProp)
  return new Assembler(document, draft, options).assemble(missing, warnings, conf)
}

async function parseDocument(text: string, file: string, { parameters = {}, limits = LIMITS }: ParseOptions) {
  if (/\.sql$/i.test(file)) throw errors.sqlJob({ file })
  const { source, unused } = applyParameters(file, text, parameters, limits.maxLength)
  const warnings = unused.map((name): Warning => ({
    code: 'job.unused-parameter',
    message: `The job does not mention \${${name}}, for which -p has a value.`,
  }))
  if (!isYaml(file, source.text)) return { document: parseJsonSource(source, limits), warnings }
  const { parseYamlSource } = await import('./yaml.ts')
  return { document: parseYamlSource(source, limits), warnings }
}

/** By the name of the file; where it says nothing, JSON begins with a bracket or a comment of its own kind. */
function isYaml(file: string, text: string): boolean {
  if (/\.ya?ml$/i.test(file)) return true
  return !/\.jsonc?$/i.test(file) && !/^[\ufeff\s]*(?:$|[{[]|\/[/*])/.test(text)
}

function readEnvelope(document: Document, compat: FlinkxDialect | undefined): Draft {
  const { root, source } = document
  if (childOf(root, 'job') !== undefined) return readFlinkx(document, compat ?? detectFlinkxDialect(root))
  if (childOf(root, 'source') !== undefined || childOf(root, 'sink') !== undefined) return readNative(document)
  throw errors.unknownShape(whereOf(source, root, 'value'))
}

class Assembler {
  readonly #document: Document
  readonly #draft: Draft
  readonly #options: ParseOptions
  readonly #problems: SluiceError[] = []
  readonly #warnings: Warning[] = []

  constructor(document: Document, draft: Draft, options: ParseOptions) {
    this.#document = document
    this.#draft = draft
    this.#options = options
  }

  assemble(missing: readonly SluiceError[], earlier: readonly Warning[], conf: ConfProp | undefined): CheckedJob {
    const { dialect } = this.#draft
    const { source: text } = this.#document
    const source = this.#side('source', this.#draft.source)
    const sink = this.#side('sink', this.#draft.sink)
    const checked = checkSettings(this.#draft.settings, text, dialect, this.#options.support ?? SETTING_SUPPORT)
    const dirtyTable = this.#side('sink', conf?.dirtyTable ?? checked.dirtyTable)
    const name = this.#name()
    const problems = [...missing, ...this.#draft.problems, ...this.#problems, ...checked.problems, ...(conf?.problems ?? [])]
    const parts = { dialect, source, sink, dirtyTable, problems }
    if (source === undefined || sink === undefined || checked.settings === undefined) return { job: undefined, ...parts }
    const settings = conf?.apply(checked.settings) ?? checked.settings
    const warnings = [
      earlier,
      this.#document.warnings,
      this.#draft.warnings,
      this.#warnings,
      checked.warnings,
      conf?.warnings ?? [],
    ]
    const optional = { ...(name === undefined ? {} : { name }), ...(dirtyTable === undefined ? {} : { dirtyTable }) }
    return { job: { ...optional, dialect, file: text.file, source, sink, settings, warnings: warnings.flat() }, ...parts }
  }

  #name(): string | undefined {
    const node = this.#draft.name
    const name = this.#options.name ?? node?.value ?? undefined
    if (name === undefined) return undefined
    if (typeof name === 'string' && name.trim() === name && name !== '' && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name))
      return name
    const where =
      this.#options.name === undefined && node
        ? whereOf(this.#document.source, node, 'value')
        : { place: this.#document.source.file }
    const remedy = `Use at most ${LONGEST_NAME} characters, in quotes, no line breaks and no blanks at either end.`
    this.#problems.push(errors.incomplete({ ...where, problem: 'The name of the job is not usable.', remedy }))
    return undefined
  }

  #side(kind: Kind, draft: DraftSide | undefined): Side | undefined {
    if (draft === undefined) return undefined
    const written = String(draft.name.value)
    const connector = this.#connector(kind, draft, written)
    if (connector === undefined) return undefined
    // The reader of the envelope has seen that the options are an object.
    const options = draft.options.value
    return isObject(options)
      ? { connector, written, options, places: new Places(draft.options, this.#sourceOf(draft)) }
      : undefined
  }

  #sourceOf({ source = this.#document.source }: DraftSide): SourceText {
    return source
  }

  #connector(kind: Kind, draft: DraftSide, written: string): string | undefined {
    const { catalog } = this.#options
    const { name, side } = parsePluginName(written)
    const found = [written, name].find(one => catalog.has(kind, one))
    if (found === undefined) {
      this.#problems.push(this.#unknownConnector(kind, draft, written))
      return undefined
    }
    if (side !== undefined && side !== kind && found !== written) {
      const message = `"${written}" is used as a ${kind}.`
      this.#warnings.push({ code: 'job.other-side', message, place: this.#sourceOf(draft).place(draft.name.start) })
    }
    return found
  }

  #unknownConnector(kind: Kind, draft: DraftSide, written: string): SluiceError {
    const { catalog } = this.#options
    const { stem, name } = parsePluginName(written)
    const known = catalog.names().filter(one => catalog.has(kind, one))
    const otherKind = [written, name].some(one => catalog.has(kind === 'source' ? 'sink' : 'source', one))
    const near = otherKind ? [] : suggest(stem, known)
    const where = whereOf(this.#sourceOf(draft), draft.name, 'value')
    return errors.unknownConnector({ ...where, kind, name: written.slice(0, 80), near, known, otherKind })
  }
}
