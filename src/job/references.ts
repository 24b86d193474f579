/**
 * Values that the job file does not hold itself: `${env:NAME}` and `${file:PATH}`, anywhere inside a string value.
 *
 * They are filled in after parsing, so that no value can change the structure of the job, and are not looked at again.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { SluiceError } from '#errors'
import { errors } from './errors.ts'
import { setOwn, whereOf, type Document, type JobObject, type JobValue, type Node, type Warning } from './node.ts'

export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text of a file, for `${file:PATH}`. Throws what Node throws. */
  readonly readFile: (path: string) => string
}

const MAX_FILE_BYTES = 64 * 1024
/** A value that grows beyond this is a mistake, or an attack on memory. */
const MAX_VALUE_LENGTH = 1024 * 1024
/** Of all that is filled in. */
const MAX_TOTAL_LENGTH = 8 * 1024 * 1024

/** The environment of this process; paths relative to the folder of the job file. */
export function processSources(file: string): ReferenceSources {
  return {
    env: process.env,
    readFile: path => new TextDecoder('utf-8', { fatal: true }).decode(readSmallFile(resolve(dirname(file), path))),
  }
}

/** Reads no more than the limit, whatever the size is said to be. */
function readSmallFile(path: string): Uint8Array {
  // Looked at before it is opened: a pipe would wait for somebody to write.
  const found = statSync(path)
  if (!found.isFile() && !found.isDirectory()) throw new Error('it is a device or a pipe')
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(MAX_FILE_BYTES + 1)
    let length = 0
    for (let read = -1; read !== 0; length += read) read = readSync(file, bytes, length, bytes.length - length, null)
    if (length > MAX_FILE_BYTES) throw new Error('it is larger than 64 KiB')
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/** Fills the references in, marks their values as secret and returns what could not be filled in. */
export function resolveReferences(document: Document, sources: ReferenceSources): SluiceError[] {
  const problems: SluiceError[] = []
  let total = 0
  visit(document.root, node => {
    const { value } = node
    if (typeof value !== 'string') return
    if (UNFILLED.test(value)) document.warnings.push(unfilled(document, node))
    if (!/\$\{(?:env|file):/.test(value)) return
    node.secrets = []
    const filled = fill(document, node, value, sources, problems)
    total += filled.length
    if (total > MAX_TOTAL_LENGTH) {
      const { place } = whereOf(document.source, node, 'value')
      throw errors.tooLarge({ place, what: 'characters in all values that are filled in', limit: MAX_TOTAL_LENGTH })
    }
    replaceValue(node, filled)
  })
  return problems
}

const UNFILLED = /\$\{(?!(?:env|file):)[^}]*\}/

/** Without the text itself, which may be that of a password. */
function unfilled(document: Document, node: Node): Warning {
  const { path, place } = whereOf(document.source, node, 'value')
  const message = `${path} holds a \${…} that nothing is given for, and it stays as it is. Values come from -p for \${NAME}, and from \${env:NAME} and \${file:PATH}.`
  return { code: 'job.unfilled-parameter', message, place }
}

function fill(document: Document, node: Node, text: string, sources: ReferenceSources, problems: SluiceError[]): string {
  const where = () => whereOf(document.source, node, 'value')
  let length = text.length
  return text.replace(/\$\{(env|file):([^}]*)(\}?)/g, (reference, kind: string, name: string, end: string) => {
    if (end === '' || name.trim() === '') {
      problems.push(errors.malformedReference({ ...where(), kind }))
      return reference
    }
    const found = kind === 'env' ? fromEnvironment(name.trim()) : fromFile(name.trim())
    if (found === undefined) return reference
    node.secrets?.push(found)
    length += found.length
    if (length > MAX_VALUE_LENGTH) throw errors.tooLarge({ ...where(), what: 'characters in one value', limit: MAX_VALUE_LENGTH })
    return found
  })

  function fromEnvironment(name: string): string | undefined {
    const found = Object.hasOwn(sources.env, name) ? sources.env[name] : undefined
    if (found === undefined) problems.push(errors.missingVariable({ ...where(), name }))
    return found
  }

  function fromFile(path: string): string | undefined {
    try {
      // Editors and `echo` end a file with a line break that no password has.
      return sources
        .readFile(path)
        .replace(/^\ufeff/, '')
        .replace(/\r?\n$/, '')
    } catch (cause) {
      problems.push(errors.unreadableReference({ ...where(), file: path, reason: reasonOf(cause) }, cause))
      return undefined
    }
  }
}

/** What Node says about a file, without the path and the system call. */
export function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'it may not be read'
  if (code === 'EISDIR') return 'it is a directory'
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not UTF-8 text'
  return code ?? (cause instanceof Error ? cause.message : String(cause))
}

function replaceValue(node: Node, value: JobValue): void {
  node.value = value
  const container = node.parent?.value
  if (Array.isArray(container)) container[Number(node.name)] = value
  else if (container !== undefined) setOwn(container as JobObject, String(node.name), value)
}

function visit(node: Node, see: (node: Node) => void): void {
  see(node)
  for (const child of node.entries?.values() ?? node.items ?? []) visit(child, see)
}
