/** Reads zod schemas: what a value must look like, in words and as a kind. The only file that looks inside zod. Tested by options.test.ts. */
import type { z } from 'zod'

/** Our keys in `.meta(…)` of an option. */
export interface OptionMeta {
  /** Other names under which FlinkX files give the option. */
  readonly aliases?: readonly string[]
  readonly unit?: string
  readonly advanced?: boolean
  readonly secret?: boolean
  /** A section that lifts limits by being there: in FlinkX files, too, it is an error when none of its keys is known. */
  readonly liftsLimits?: boolean
  readonly examples?: readonly unknown[]
  readonly description?: string | undefined
}

type AnySchema = z.core.$ZodType
type Inner = z.core.$ZodTypes

/** The schema below defaults, optionals and transforms: what a user writes. */
export function inputOf(schema: AnySchema): Inner {
  for (let at = schema as Inner; ;) {
    const next = wrappedBy(at)
    if (next === undefined) return at
    at = next
  }
}

function wrappedBy(schema: Inner): Inner | undefined {
  const { def } = schema._zod
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return def.innerType as Inner
    case 'pipe':
      return ((def.in as Inner)._zod.def.type === 'transform' ? def.out : def.in) as Inner
    case 'lazy':
      return def.getter() as Inner
    default:
      return undefined
  }
}

/** What `.describe` and `.meta` say, wherever in the chain they were called; the outermost wins. */
export function metaOf(schema: AnySchema): OptionMeta {
  let found: OptionMeta = {}
  for (let at: Inner | undefined = schema as Inner; at !== undefined; at = wrappedBy(at)) {
    found = { ...(at as unknown as z.ZodType).meta?.(), ...found }
  }
  return found
}

export function acceptsNull(schema: AnySchema): boolean {
  for (let at: Inner | undefined = schema as Inner; at !== undefined; at = wrappedBy(at)) {
    if (at._zod.def.type === 'nullable') return true
  }
  return inputOf(schema)._zod.def.type === 'null'
}

/** The properties of an object schema, or undefined. */
export function shapeOf(schema: AnySchema): Readonly<Record<string, AnySchema>> | undefined {
  const { def } = inputOf(schema)._zod
  return def.type === 'object' ? def.shape : undefined
}

/** Whether an object schema takes keys that it does not name. */
export function isOpen(schema: AnySchema): boolean {
  const { def } = inputOf(schema)._zod
  return def.type === 'object' && def.catchall !== undefined && (def.catchall as Inner)._zod.def.type !== 'never'
}

/** The schema at a path of property names and indexes; undefined where it depends on the value. */
export function schemaAt(schema: AnySchema, path: readonly PropertyKey[]): AnySchema | undefined {
  const [name, ...rest] = path
  if (name === undefined) return schema
  const { def } = inputOf(schema)._zod
  if (def.type === 'object') return def.shape[String(name)] && schemaAt(def.shape[String(name)]!, rest)
  if (def.type === 'array') return schemaAt(def.element, rest)
  if (def.type === 'record') return schemaAt(def.valueType, rest)
  if (def.type === 'union') {
    for (const option of def.options) {
      const found = schemaAt(option, path)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Whether a number must be whole. */
export function isWhole(schema: AnySchema): boolean {
  const { def } = inputOf(schema)._zod
  if (def.type !== 'number') return false
  const formats = [def, ...checksOf(def)].map(check => ('format' in check ? check.format : undefined))
  return formats.some(format => format === 'safeint' || format === 'int32' || format === 'uint32')
}

/** The values of an enum or literal schema. */
export function choicesOf(schema: AnySchema): readonly unknown[] | undefined {
  const { def } = inputOf(schema)._zod
  if (def.type === 'enum') return Object.values(def.entries)
  return def.type === 'literal' ? def.values : undefined
}

/** What a value must be, to stand behind "must be": `a whole number of at least 1`. */
export function describeExpected(schema: AnySchema): string {
  const inner = inputOf(schema)
  const { def } = inner._zod
  switch (def.type) {
    case 'string':
      return withBounds('text', def, 'characters')
    case 'number':
      return withBounds(isWhole(inner) ? 'a whole number' : 'a number', def, '')
    case 'bigint':
      return 'a whole number'
    case 'boolean':
      return 'true or false'
    case 'enum':
    case 'literal':
      return describeChoices(choicesOf(inner) ?? [])
    case 'array':
      return `${withBounds('a list', def, 'elements')}, each element ${describeExpected(def.element)}`
    case 'object':
      return describeObject(Object.keys(def.shape))
    case 'record':
      return 'an object'
    case 'union':
      return [...new Set(def.options.map(describeExpected))].join(', or ')
    case 'null':
      return 'null'
    default:
      return 'a value of another form'
  }
}

/** More names than these are no help in a sentence. */
const NAMES_SHOWN = 3

const describeObject = (names: readonly string[]) =>
  names.length > NAMES_SHOWN ? 'an object' : `an object such as {${names.map(name => `${name}: …`).join(', ')}}`

function describeChoices(choices: readonly unknown[]): string {
  return choices.length === 1 ? String(choices[0]) : `one of ${choices.map(String).join(', ')}`
}

interface Bounds {
  readonly min: string | undefined
  readonly max: string | undefined
}

function withBounds(noun: string, def: { readonly checks?: readonly unknown[] | undefined }, unit: string): string {
  const { min, max } = boundsOf(def)
  if (min === undefined && max === undefined) return noun
  if (unit !== '' && min === '1' && max === undefined) return `${noun} that is not empty`
  const counted = (bound: string) => (unit === '' ? bound : `${bound} ${unit}`)
  if (max === undefined) return `${noun} of at least ${counted(min!)}`
  if (min === undefined) return `${noun} of at most ${counted(max)}`
  return `${noun} from ${min} to ${counted(max)}`
}

function boundsOf(def: { readonly checks?: readonly unknown[] | undefined }): Bounds {
  let min: string | undefined
  let max: string | undefined
  for (const check of checksOf(def)) {
    if (check.check === 'greater_than') min = `${check.inclusive ? '' : 'more than '}${String(check.value)}`
    if (check.check === 'less_than') max = `${check.inclusive ? '' : 'less than '}${String(check.value)}`
    if (check.check === 'min_length') min = String(check.minimum)
    if (check.check === 'max_length') max = String(check.maximum)
  }
  return { min, max }
}

/** zod types the checks of a schema as unknown; these are the fields of those that are read here. */
interface CheckDef {
  readonly check?: string
  readonly format?: string
  readonly inclusive?: boolean
  readonly value?: unknown
  readonly minimum?: number
  readonly maximum?: number
}

function checksOf(def: { readonly checks?: readonly unknown[] | undefined }): readonly CheckDef[] {
  return (def.checks ?? []).map(check => (check as { _zod: { def: CheckDef } })._zod.def)
}
