import type { Job } from './job.ts'
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
const SECRET_IN_URL = /(:\/\/[^\s/:@"']*:)([^\s/@"']+)(?=@)/g

const MASK = '***'

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
 * Every credential that a job holds: values below a key such as `password`, passwords inside URLs, and values
 * that came from `${env:…}` or `${file:…}`. Longest first, for {@link redact}.
 */
export function secretsOf(job: Pick<Job, 'source' | 'sink'>): readonly string[] {
  const found = new Set<string>()
  for (const { places } of [job.source, job.sink]) collect(places.node, false, found)
  return [...found].sort((a, b) => b.length - a.length)
}

/** `text` without the secrets. A secret of one or two characters is only replaced where it stands alone. */
export function redact(text: string, secrets: readonly string[]): string {
  let safe = text
  for (const secret of secrets) {
    if (secret.length > 2) safe = safe.replaceAll(secret, MASK)
    else safe = safe.replace(new RegExp(`(?<![\\w.-])${secret.replace(/\W/g, '\\$&')}(?![\\w.-])`, 'g'), MASK)
  }
  return safe
}

function collect(node: Node, inherited: boolean, found: Set<string>): void {
  const isSecret = inherited || isSecretName(node.name)
  for (const child of node.entries?.values() ?? node.items ?? []) collect(child, isSecret, found)
  for (const reference of node.secrets ?? []) if (reference.length >= SHORTEST_REFERENCE) found.add(reference)
  const { value } = node
  if (value === null || value === '' || typeof value === 'object' || typeof value === 'boolean') return
  if (isSecret) found.add(String(value))
  if (typeof value !== 'string') return
  for (const pattern of [SECRET_IN_TEXT, SECRET_IN_URL]) {
    for (const match of value.matchAll(pattern)) found.add(match[2]!.replace(/^["']|["']$/g, ''))
  }
}
