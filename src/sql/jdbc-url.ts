/**
 * JDBC URLs of MySQL, MariaDB and PostgreSQL.
 *
 * https://jdbc.postgresql.org/documentation/use/#connecting-to-the-database
 * https://dev.mysql.com/doc/connector-j/en/connector-j-reference-jdbc-url-format.html
 * https://mariadb.com/docs/connectors/mariadb-connector-j/about-mariadb-connector-j
 *
 *   jdbc:(mysql|mariadb|postgresql)[:mode]://[user[:password]@]host[:port][,host[:port]…]/[database][?key=value&…]
 *   jdbc:postgresql:database
 */
import { sqlErrors } from './errors.ts'

export interface HostPort {
  readonly host: string
  /** Undefined: the usual port of the system. */
  readonly port?: number
}

export interface JdbcUrl {
  readonly system: 'mysql' | 'mariadb' | 'postgresql'
  /** To be tried in order; never empty. */
  readonly hosts: readonly HostPort[]
  readonly database?: string
  readonly user?: string
  readonly password?: string
  readonly properties: Readonly<Record<string, string>>
}

export function parseJdbcUrl(url: string): JdbcUrl {
  const match = /^jdbc:(mysql|mariadb|postgresql)(?::(?!\/\/)[\w+-]*)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/is.exec(url.trim())
  if (!match) return parseShortUrl(url)
  const [, system = '', authority = '', database = '', query = ''] = match
  if (authority.includes('(')) throw refuse(url, 'hosts in the form `address=(…)` are not understood')
  const at = authority.lastIndexOf('@')
  const hosts = authority
    .slice(at + 1)
    .split(',')
    .map(host => parseHost(url, host.trim()))
  return {
    system: system.toLowerCase() as JdbcUrl['system'],
    hosts,
    ...(database === '' ? {} : { database: decode(url, database) }),
    ...(at === -1 ? {} : parseAccount(url, authority.slice(0, at))),
    properties: parseProperties(url, query),
  }
}

/** `jdbc:postgresql:database`, `jdbc:postgresql:/`: the server on this machine. */
function parseShortUrl(url: string): JdbcUrl {
  const match = /^jdbc:postgresql:\/?([^/?:]*)(?:\?(.*))?$/i.exec(url.trim())
  if (!match) throw refuse(url, 'it is not of the form `jdbc:system://host:port/database`')
  const [, database = '', query = ''] = match
  return {
    system: 'postgresql',
    hosts: [{ host: 'localhost' }],
    ...(database === '' ? {} : { database: decode(url, database) }),
    properties: parseProperties(url, query),
  }
}

function parseHost(url: string, text: string): HostPort {
  const match = /^(?:\[([\da-f:.%]+)\]|([^:[\]]*))(?::(\d+))?$/i.exec(text)
  const port = match?.[3] === undefined ? undefined : Number(match[3])
  if (!match || port === 0 || (port ?? 0) > 65_535)
    throw refuse(url, url.includes('@') ? 'its host and port cannot be told' : `"${text}" is no host and port`)
  const host = match[1] ?? match[2] ?? ''
  return { host: host === '' ? 'localhost' : host, ...(port === undefined ? {} : { port }) }
}

function parseAccount(url: string, text: string) {
  const [user = '', ...password] = text.split(':')
  return { user: decode(url, user), ...(password.length === 0 ? {} : { password: decode(url, password.join(':')) }) }
}

function parseProperties(url: string, query: string): Record<string, string> {
  const properties: Record<string, string> = {}
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = equals === -1 ? pair : pair.slice(0, equals)
    properties[decode(url, key)] = equals === -1 ? '' : decode(url, pair.slice(equals + 1))
  }
  return properties
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw refuse(url, `"%" in it is not followed by two hexadecimal digits`, cause)
  }
}

/**
 * The URL may hold a password: in the account, or as a property. Rather too much of it is masked than too little, as it is the
 * wrong characters in a password that make a URL unreadable.
 */
function refuse(url: string, reason: string, cause?: unknown) {
  const shown = url.replace(/\/.*@/s, '/***@').replace(/([^?&;=]*(?:pass|pwd|secret|token|key)[^?&;=]*=)[^&;]*/gi, '$1***')
  return sqlErrors.badUrl({ url: shown, reason }, cause)
}
