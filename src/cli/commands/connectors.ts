import { z } from 'zod'
import * as catalog from '#catalog'
import type { Sink, Source } from '#connector'
import { command } from '../command.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { formatTable } from '../format.ts'

interface Flags {
  readonly json?: boolean
}

type End = { readonly kind: 'source'; readonly declared: Source } | { readonly kind: 'sink'; readonly declared: Sink }

export const list = command(async ({ json }: Flags): Promise<number> => {
  const ends = (await Promise.all(catalog.names().map(endsOf))).flat()
  if (json) process.stdout.write(`${JSON.stringify(ends.map(factsOf))}\n`)
  else {
    const rows = ends.map(end => [end.declared.name, end.kind, promiseOf(end), end.declared.summary])
    process.stdout.write(`${formatTable([['name', 'end', 'promise', 'summary'], ...rows]).join('\n')}\n`)
  }
  return EXIT_CODES.ok.code
})

export const show = command(async ({ json }: Flags, name: string): Promise<number> => {
  // An unknown name ends here, with the error that knows what may have been meant.
  const known = catalog.resolve(name) ?? (await catalog.source(name)).name
  const ends = await endsOf(known)
  process.stdout.write(json ? `${JSON.stringify(ends.map(factsOf))}\n` : `${ends.map(renderEnd).join('\n\n')}\n`)
  return EXIT_CODES.ok.code
})

async function endsOf(name: string): Promise<End[]> {
  const ends: End[] = []
  if (catalog.has('source', name)) ends.push({ kind: 'source', declared: await catalog.source(name) })
  if (catalog.has('sink', name)) ends.push({ kind: 'sink', declared: await catalog.sink(name) })
  return ends
}

const promiseOf = (end: End) =>
  end.kind === 'source' ? `resumes by ${end.declared.capabilities.resume}` : end.declared.capabilities.delivery

function factsOf({ kind, declared }: End): object {
  const { name, title, summary, stability, capabilities, refused, options } = declared
  return { name, kind, title, summary, stability, capabilities, refused: refused ?? {}, options: schemaOf(options) }
}

const schemaOf = (options: z.ZodObject) => z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' })

interface OptionFacts {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly unit?: string
  readonly aliases?: readonly string[]
}

function renderEnd(end: End): string {
  const { declared, kind } = end
  const schema = schemaOf(declared.options)
  const required = new Set(schema.required)
  const rows = Object.entries(schema.properties ?? {}).map(([name, option]) =>
    renderOption(name, option as OptionFacts, required.has(name)),
  )
  return [
    `${declared.title} (${declared.name}, ${kind}, ${declared.stability}): ${declared.summary}`,
    `  ${promiseOf(end)}`,
    ...formatTable(rows).map(line => `  ${line}`),
    ...Object.entries(declared.refused ?? {}).map(([name, why]) => `  ${name}: refused, ${why}`),
  ].join('\n')
}

function renderOption(name: string, option: OptionFacts, required: boolean): string[] {
  const type = option.enum?.map(value => JSON.stringify(value)).join(' | ') ?? option.type ?? ''
  const preset = option.default !== undefined ? `default ${JSON.stringify(option.default)}` : required ? 'required' : ''
  const also = option.aliases ? ` Also: ${option.aliases.join(', ')}.` : ''
  return [name, [type, option.unit].filter(Boolean).join(', '), preset, `${option.description ?? ''}${also}`]
}
