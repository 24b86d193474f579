import { SluiceError } from '#errors'
import type { Side } from './job.ts'
import type { Node } from './node.ts'

/** Names of keys whose values are credentials, wherever they stand. */
const SECRET_NAME = /pass(?:word|wd|phrase)?$|pwd$|secret|token$|(?:access|api|private|secret|account)[._-]?key$|credentials?$/i

/**
 * The same inside a line of text, with the value: `"password": "x"`, `password=x`, `jdbc:…?password=x&…`.
 * A quoted value ends at its quote, a bare one at a separator.
 */
const SECRET_IN_TEXT =
  /((?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:access|api|private|secret|account)[._-]?key|credentials?)["']?\s*[:=]>?\s*)("(?:[^"\\\r\n]|\\.)*"?|'(?:[^'\\\r\n]|\\.)*'?|[^\s"',;&}\]]+)/gi

/** User and password in front of a host: `://user:password@host`. */
const SECRET_IN_URL = /(:\/\/[^\s/:@"']*:)([^\s/"']+)(?=@)/g

/** Passwords that an SQL statement sets: `PASSWORD 'x'`, `IDENTIFIED BY 'x'`. */
const SECRET_IN_SQL = /((?:\bpassword|\bidentified\s(?:[^';]*\s)?(?:by|as|using))\s+)('(?:[^'\\]|''|\\.)*'?)/gi

const MASK = '***'

/** A shorter one is only replaced where it stands alone: "app" must not blot out "application". */
const SHORTEST_ANYWHERE = 8

/** Values from the environment or a file below this length are not masked: "3" or "db" would blot out half of every message. */
const SHORTEST_REFERENCE = 4

/** Whether a key names a credential. */
export function isSecretName(name: PropertyKey): boolean {
  return typeof name === 'string' && SECRET_NAME.test(name)
}

/** Text with what looks like a credential replaced by as many asterisks, so that columns stay where they are. */
export function maskSecrets(text: string): string {
  const mask = (_: string, before: string, value: string) => before + value.replace(/(?!^["']|["']$)[^\r\n]/g, '*')
  return text.replace(SECRET_IN_TEXT, mask).replace(SECRET_IN_URL, mask)
}

/**
 * Every credential of the ends of a job and of the table for rows that are set aside: values below a key such as `password`, passwords
 * inside URLs, and values that came from `${env:…}` or `${file:…}`. Longest first, for {@link redact}.
 */
export function secretsOf({
  source,
  sink,
  dirtyTable,
}: {
  readonly source?: Side | undefined
  readonly sink?: Side | undefined
  readonly dirtyTable?: Side | undefined
}): readonly string[] {
  const found = new Set<string>()
  for (const side of [source, sink, dirtyTable]) if (side !== undefined) collect(side.places.node, false, found)
  return [...found].sort((a, b) => b.length - a.length)
}

/** `text` without the secrets. */
export function redact(text: string, secrets: readonly string[]): string {
  let safe = text
  for (const secret of secrets) {
    if (!safe.includes(secret)) continue
    safe = safe.replaceAll(secret.length < SHORTEST_ANYWHERE ? alone(secret) : secret, MASK)
  }
  return safe
}

/** Not a part of a word, nor of words joined by a dot or a hyphen, such as host names and codes. */
const alone = (secret: string) => new RegExp(`(?<!\\w|\\w[.-])${secret.replace(/\W/g, '\\$&')}(?!\\w|[.-]\\w)`, 'g')

/** Texts that programs compare. They come from us, never from a job. */
const WORDS_OF_OURS = new Set(['event', 'code', 'fault'])

/** `value` as JSON, its texts without the secrets. */
export function redactJson(value: object, secrets: readonly string[]): string {
  return JSON.stringify(value, (key, item: unknown) =>
    typeof item === 'string' && !WORDS_OF_OURS.has(key) ? redact(item, secrets) : item,
  )
}

/** The same error without the secrets in what it says. */
export function redactError(error: SluiceError, secrets: readonly string[]): SluiceError {
  const { code, fault, message, hint, detail, cause } = error
  const safe = JSON.parse(redactJson({ message, hint, detail }, secrets)) as Pick<SluiceError, 'message' | 'hint' | 'detail'>
  return new SluiceError(code, fault, safe.message, { hint: safe.hint, detail: safe.detail, cause })
}

function collect(node: Node, inherited: boolean, found: Set<string>): void {
  const isSecret = inherited || isSecretName(node.name)
  for (const child of node.entries?.values() ?? node.items ?? []) collect(child, isSecret, found)
  for (const reference of node.secrets ?? []) if (reference.length >= SHORTEST_REFERENCE) found.add(reference)
  const { value } = node
  if (value === null || value === '' || typeof value === 'object' || typeof value === 'boolean') return
  if (isSecret) found.add(String(value))
  if (typeof value !== 'string') return
  for (const pattern of [SECRET_IN_TEXT, SECRET_IN_URL, SECRET_IN_SQL]) {
    for (const match of value.matchAll(pattern)) {
      const secret = match[2]!.replace(/^["']|["']$/g, '')
      if (secret !== '') found.add(secret).add(decoded(secret))
    }
  }
}

/** As drivers take it out of a URL. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
