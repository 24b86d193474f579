/** The test servers by name: product and version. */
import { errors } from './errors.ts'

export const serverNames = [
  'postgres-12',
  'postgres-15',
  'postgres-18',
  'mysql-5.5',
  'mysql-9',
  'mariadb-10.11',
  'mariadb-11.8',
] as const

export type ServerName = (typeof serverNames)[number]

/** What a person may type for the version that most tests use. */
const aliases: Readonly<Record<string, ServerName>> = { postgres: 'postgres-15', mysql: 'mysql-9', mariadb: 'mariadb-10.11' }

/** The server a person means by a name or an alias; throws `servers.unknown-server`. */
export function parseServerName(text: string): ServerName {
  const name = aliases[text] ?? serverNames.find(known => known === text)
  if (name === undefined) throw errors.unknownServer({ name: text, known: serverNames.join(', ') })
  return name
}
