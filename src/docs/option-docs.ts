/** What the declaration of an option says, out of its JSON Schema, as Markdown. */
import { z } from 'zod'

/** The part of JSON Schema that our options use, and our own `meta` keys. */
interface Shape {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly unit?: string
  readonly advanced?: boolean
  readonly secret?: boolean
  readonly aliases?: readonly string[]
}

export interface OptionDoc extends Shape {
  /** `connection[].jdbcUrl` for an option inside another. */
  readonly name: string
  readonly isRequired: boolean
}

/** The schema of what a user writes. */
export function inputSchema(options: z.ZodObject): Record<string, unknown> {
  return z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' })
}

/** All options, those inside others behind them. */
export function optionsOf(options: z.ZodObject): OptionDoc[] {
  return propertiesOf('', inputSchema(options), false)
}

function propertiesOf(prefix: string, shape: Shape, isAdvanced: boolean): OptionDoc[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, option]) => {
    const advanced = isAdvanced || option.advanced === true
    const doc = { ...option, advanced, name: `${prefix}${key}`, isRequired: shape.required?.includes(key) ?? false }
    return [doc, ...insideOf(doc.name, option, advanced)]
  })
}

/** Options of objects and of the elements of lists; alternatives with the same properties count once. */
function insideOf(name: string, option: Shape, isAdvanced: boolean): OptionDoc[] {
  const found = new Map<string, OptionDoc>()
  for (const shape of option.anyOf ?? [option]) {
    const isList = shape.items !== undefined
    for (const inner of isList ? (shape.items?.anyOf ?? [shape.items]) : [shape]) {
      for (const doc of propertiesOf('', inner, isAdvanced)) {
        if (!found.has(doc.name)) found.set(doc.name, { ...doc, name: `${name}${isList ? '[]' : ''}.${doc.name}` })
      }
    }
  }
  return [...found.values()]
}

/** A table of options with a row for each. */
export function optionTable(options: readonly OptionDoc[]): string {
  return table(['Option', 'Value', 'Default', 'Meaning'], options.map(optionRow))
}

function optionRow(option: OptionDoc): string[] {
  const { name, aliases = [], examples = [], description = '', secret, isRequired, unit } = option
  const names = [`\`${name}\``, ...(aliases.length === 0 ? [] : [`FlinkX: ${aliases.map(alias => `\`${alias}\``).join(', ')}`])]
  const notes = [
    description,
    ...(secret ? ['Secret: write it as `${env:NAME}` or `${file:PATH}`.'] : []),
    ...(examples.length === 0 ? [] : [`Example: ${examples.map(example => `\`${JSON.stringify(example)}\``).join(', ')}.`]),
  ]
  const preset = option.default !== undefined ? `\`${JSON.stringify(option.default)}\`` : isRequired ? 'required' : ''
  return [names.join('<br>'), `${valueOf(option)}${unit === undefined ? '' : `, in ${unit}`}`, preset, notes.join(' ')]
}

/** What a value may be: `integer from 1`, `a` or `b`, list of text. */
function valueOf(shape: Shape): string {
  if (shape.anyOf) return [...new Set(shape.anyOf.map(valueOf))].filter(Boolean).join(' or ')
  if (shape.enum) return shape.enum.map(value => `\`${JSON.stringify(value)}\``).join(' or ')
  if (shape.const !== undefined) return `\`${JSON.stringify(shape.const)}\``
  const types = typeof shape.type === 'string' ? [shape.type] : (shape.type ?? ['value'])
  const words = types.filter(type => type !== 'null').map(type => wordOf(type, shape))
  return words.join(' or ')
}

function wordOf(type: string, shape: Shape): string {
  if (type === 'array') return `list of ${shape.items === undefined ? 'values' : valueOf(shape.items)}`
  if (type === 'string') return 'text'
  if (type !== 'integer' && type !== 'number') return type
  const isBound = (bound: number | undefined) =>
    bound !== undefined && Number.isFinite(bound) && Math.abs(bound) < Number.MAX_SAFE_INTEGER
  const from = isBound(shape.minimum) ? ` from ${shape.minimum}` : ''
  const to = isBound(shape.maximum) ? ` to ${shape.maximum}` : ''
  return `${type}${from}${to}`
}

/** A Markdown table; cells may hold anything but line breaks. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('\n', ' ').replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
