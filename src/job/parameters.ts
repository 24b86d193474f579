/**
 * Job parameters: FlinkX's `-p k=v,k2=v2`.
 *
 * Every literal `${k}` in the text of the job file is replaced before it is parsed, as FlinkX 1.10 and ChunJun 1.12 do.
 * What no parameter is given for stays as it is: `${table}` is also how some writers spell their own templates.
 */
import { errors } from './errors.ts'
import { SourceText, type Edit } from './source-text.ts'

export type Parameters = Readonly<Record<string, string>>

/** Parses `k=v,k2=v2`. A value may contain `=`, but no comma. Later entries win. Messages hold no value. */
export function parseParameters(text: string): Parameters {
  const parameters: Record<string, string> = {}
  if (text.trim() === '') return parameters
  for (const [index, entry] of text.split(',').entries()) {
    const equals = entry.indexOf('=')
    if (equals === -1) throw errors.invalidParameter({ entry: index + 1, reason: 'has no "="' })
    const name = entry.slice(0, equals).trim()
    if (!/^[\w.-]+$/.test(name))
      throw errors.invalidParameter({ entry: index + 1, reason: 'has no name of letters, digits, "_", "." and "-"' })
    Object.defineProperty(parameters, name, { value: entry.slice(equals + 1), enumerable: true, configurable: true })
  }
  return parameters
}

/** Puts the parameters into the text, which may grow to `maxLength`. `unused` are those that it does not mention. */
export function applyParameters(file: string, original: string, parameters: Parameters, maxLength: number) {
  const unused = new Set(Object.keys(parameters))
  if (unused.size === 0) return { source: new SourceText(file, original), unused: [] }
  const edits: Edit[] = []
  const parts: string[] = []
  let offset = 0
  let copied = 0
  for (const match of original.matchAll(/\$\{([\w.-]+)\}/g)) {
    const name = match[1]!
    if (!Object.hasOwn(parameters, name)) continue
    const value = parameters[name]!
    unused.delete(name)
    offset += match.index - copied
    edits.push({ offset, length: value.length, original: match.index, originalLength: match[0].length })
    parts.push(original.slice(copied, match.index), value)
    offset += value.length
    if (offset > maxLength)
      throw errors.tooLarge({ place: file, what: 'characters once its parameters are filled in', limit: maxLength })
    copied = match.index + match[0].length
  }
  parts.push(original.slice(copied))
  return { source: new SourceText(file, parts.join(''), original, edits), unused: [...unused] }
}
