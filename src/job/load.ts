/** From a job file to a job whose options are checked. Tested by job.test.ts and mistakes.test.ts. */
import { createReadStream } from 'node:fs'
import type { z } from 'zod'
import type { SluiceError } from '#errors'
import type { Dialect } from './dialects.ts'
import { errors, throwProblems } from './errors.ts'
import { checkJob, parseJob, type Catalog, type Job, type Kind, type ParseOptions, type Side } from './job.ts'
import { LIMITS, whereOf, type Warning } from './node.ts'
import { checkOptions, type OptionsOwner } from './options.ts'
import { reasonOf } from './references.ts'
import { redactError, secretsOf } from './secrets.ts'

/** The part of a connector's declaration that describes its options. */
export interface Declaration {
  readonly name: string
  readonly options: z.ZodObject
  readonly refused?: Readonly<Record<string, string>>
  readonly ignored?: readonly string[]
}

/** A catalog whose declarations can be had. */
export interface DeclaringCatalog extends Catalog {
  load(kind: Kind, name: string): Promise<Declaration>
}

/** A job with the options of both sides checked against their connectors; their types are those of the declarations. */
export interface LoadedJob {
  readonly job: Job
  readonly source: Readonly<Record<string, unknown>>
  readonly sink: Readonly<Record<string, unknown>>
  /** Those of `job.dirtyTable`. */
  readonly dirtyTable?: Readonly<Record<string, unknown>>
  /** Those of the job and of both sides. */
  readonly warnings: readonly Warning[]
}

export type LoadOptions = ParseOptions & { readonly catalog: DeclaringCatalog }

/** Reads and parses a job file. Options of connectors are not checked yet. */
export async function readJob(file: string, options: ParseOptions): Promise<Job> {
  return parseJob(await readText(file, options.limits?.maxLength), file, options)
}

/** Reads a job file and checks everything in it that can be checked without a connection; all problems come at once. */
export async function loadJob(file: string, options: LoadOptions): Promise<LoadedJob> {
  return resolveJob(await readText(file, options.limits?.maxLength), file, options)
}

/** Like {@link loadJob}, for text that is already there. */
export async function resolveJob(text: string, file: string, options: LoadOptions): Promise<LoadedJob> {
  const { job, dialect, problems, ...sides } = await checkJob(text, file, options)
  const source = await checkSide('source', sides.source, dialect, options.catalog)
  const sink = await checkSide('sink', sides.sink, dialect, options.catalog)
  const table = await checkTable(sides.dirtyTable, dialect, options.catalog)
  const all = [...problems, ...source.problems, ...sink.problems, ...table.problems]
  if (all.length === 0 && job !== undefined && source.options !== undefined && sink.options !== undefined) {
    const warnings = [...job.warnings, ...source.warnings, ...sink.warnings, ...table.warnings]
    const dirtyTable = table.options === undefined ? {} : { dirtyTable: table.options }
    return { job, source: source.options, sink: sink.options, ...dirtyTable, warnings }
  }
  const secrets = secretsOf(sides)
  throwProblems(
    file,
    byPlace(withoutConsequences(all)).map(problem => redactError(problem, secrets)),
  )
  throw new Error('a part of the job is missing and no problem says why')
}

/** The name of one end of a job, for messages: `source "mysql"`. */
export function ownerOf(kind: Kind, { connector }: Pick<Side, 'connector'>): string {
  return `${kind} "${connector}"`
}

async function checkSide(kind: Kind, side: Side | undefined, dialect: Dialect, catalog: DeclaringCatalog) {
  if (side === undefined) return { options: undefined, problems: [], warnings: [] }
  const { options, refused, ignored } = await catalog.load(kind, side.connector)
  const owner: OptionsOwner = {
    owner: ownerOf(kind, side),
    dialect,
    ...(refused === undefined ? {} : { refused }),
    ...(ignored === undefined ? {} : { ignored }),
  }
  return checkOptions(options, side.options, side.places, owner)
}

/** Where rows go that were set aside: a sink that makes tables. */
async function checkTable(side: Side | undefined, dialect: Dialect, catalog: DeclaringCatalog) {
  const checked = await checkSide('sink', side, dialect, catalog)
  if (side === undefined || 'createTable' in (await catalog.load('sink', side.connector)).options.shape) return checked
  const { node, source } = side.places
  const problem = `${ownerOf('sink', side)} has no tables for rows that are set aside.`
  const remedy = 'Name the connector of a database in `dirty.table`; files are written below `dirty.path`.'
  return { ...checked, problems: [errors.incomplete({ ...whereOf(source, node, 'value'), problem, remedy })] }
}

/** A value that could not be had is not also of the wrong kind. */
function withoutConsequences(problems: readonly SluiceError[]): SluiceError[] {
  const placeOf = (problem: SluiceError) => problem.detail['place']
  const isReference = (problem: SluiceError) =>
    /\.(?:missing-variable|unreadable-reference|malformed-reference)$/.test(problem.code)
  const missing = new Set(problems.filter(isReference).map(placeOf))
  return problems.filter(problem => isReference(problem) || !missing.has(placeOf(problem)))
}

function byPlace(problems: readonly SluiceError[]): SluiceError[] {
  const numberOf = (problem: SluiceError, name: string) => Number(problem.detail[name] ?? 0)
  return problems.toSorted((a, b) => numberOf(a, 'line') - numberOf(b, 'line') || numberOf(a, 'column') - numberOf(b, 'column'))
}

async function readText(file: string, maxLength: number = LIMITS.maxLength): Promise<string> {
  const bytes = await readBytes(file, maxLength)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw errors.notUtf8({ file }, cause)
  }
}

/** No more than the limit is read whatever the file is: a device and a pipe have no size, and a file may grow. */
async function readBytes(file: string, maxLength: number): Promise<Uint8Array> {
  // No character of UTF-8 takes more than three bytes per UTF-16 unit.
  const most = maxLength * 3
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of createReadStream(file, { end: most }) as AsyncIterable<Buffer>) {
      parts.push(part)
      length += part.length
    }
  } catch (cause) {
    throw errors.unreadable({ file, reason: reasonOf(cause) }, cause)
  }
  if (length > most) throw errors.tooLarge({ place: file, what: 'characters', limit: maxLength })
  return Buffer.concat(parts, length)
}
