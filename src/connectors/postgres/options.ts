/** What source and sink share: server, TLS, session. */
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { z } from 'zod'
import type { Context, Note } from '#connector'
import { postgresDialect, sqlErrors, verifiesByDefault, type SqlConnection, type SystemFacts } from '#sql'
import { postgresErrors } from './errors.ts'
import { Connection, type ConnectionSettings } from './protocol/connection.ts'

export const postgresFacts: SystemFacts = { dialect: postgresDialect, systems: ['postgresql'] }

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

export const tlsShape = {
  sslMode: z
    .enum(SSL_MODES)
    .optional()
    .describe(
      'Whether to use TLS and what to check: as in libpq. When left out, a server that offers TLS is checked as by `verify-full`, unless it is on this machine or named by a JDBC URL: then `prefer`.',
    )
    .meta({ aliases: ['sslmode'], advanced: true }),
  sslRootCert: z
    .string()
    .optional()
    .describe('File with the certificates of the authorities to trust, in PEM.')
    .meta({ aliases: ['sslrootcert'], advanced: true }),
  sslCert: z
    .string()
    .optional()
    .describe('File with the certificate of the client, in PEM.')
    .meta({ aliases: ['sslcert'], advanced: true }),
  sslKey: z
    .string()
    .optional()
    .describe('File with the key of the client certificate, in PEM.')
    .meta({ aliases: ['sslkey'], advanced: true }),
}

export type TlsSettings = z.output<z.ZodObject<typeof tlsShape>>

const DEFAULT_PORT = 5432

/**
 * Session settings that results depend on. Not part of the startup message, where poolers refuse what they do not know.
 * A time limit of the server would count the time the target takes, too.
 */
const SESSION = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  synchronize_seqscans: 'off',
  jit: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  // By default for ever: behind an engine that was thought dead, or a change of the table.
  lock_timeout: '30s',
  // A server that does not hear of our end keeps the locks of the session for hours: it looks after us within half a minute.
  tcp_keepalives_idle: '15',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
}

const KNOWN_PROPERTIES = ['user', 'password', 'currentSchema', 'ssl', 'sslfactory', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey']

/** Connection properties of the JDBC driver that mean nothing here. */
export function propertyNotes({ properties }: SqlConnection): Note[] {
  const unknown = Object.keys(properties).filter(name => !KNOWN_PROPERTIES.includes(name))
  if (unknown.length === 0) return []
  return [{ level: 'info', text: `Connection properties without effect here: ${unknown.join(', ')}.` }]
}

export interface SessionOptions {
  readonly connection: SqlConnection
  readonly tls: TlsSettings
  /** Further session settings. */
  readonly session?: Readonly<Record<string, string>>
  readonly searchPath?: string | undefined
}

/** Opens a connection and prepares its session. */
export async function openSession(
  options: SessionOptions,
  context: Pick<Context, 'signal' | 'log' | 'job' | 'meter' | 'rowBytes'>,
): Promise<Connection> {
  const { connection, tls } = options
  const { hosts, user = process.env['USER'], password, properties } = connection
  if (user === undefined || user === '') throw sqlErrors.incomplete({ missing: 'which user to log in as', hint: 'Set `user`.' })
  const session = await Connection.connect({
    hosts: hosts.map(({ host, port = DEFAULT_PORT }) => ({ host, port })),
    user,
    password,
    database: connection.database ?? user,
    tls: await tlsOf(tls, connection),
    parameters: { client_encoding: 'UTF8', application_name: shortened(`sluice ${context.job}`) },
    connectTimeoutMs: connection.connectTimeoutMs,
    idleTimeoutMs: connection.queryTimeoutMs,
    signal: context.signal,
    log: context.log,
    meter: context.meter,
    rowBytes: context.rowBytes,
  })
  try {
    await session.prepare(
      sessionStatements({ ...SESSION, ...options.session }, options.searchPath ?? properties['currentSchema']),
    )
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

/** Names longer than 63 bytes are cut by the server with a notice. */
const shortened = (name: string) =>
  Buffer.from(name)
    .subarray(0, 63)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')

function sessionStatements(settings: Readonly<Record<string, string>>, searchPath: string | undefined): string {
  const statements = Object.entries(settings).map(([name, value]) => `SET ${name} = ${postgresDialect.literal(value)}`)
  if (searchPath !== undefined && searchPath !== '') {
    statements.push(
      `SET search_path = ${searchPath
        .split(',')
        .map(name => postgresDialect.quote(name.trim()))
        .join(', ')}`,
    )
  }
  return statements.join('; ')
}

/** The TLS options; those of the JDBC driver have the same names in lower case. */
async function tlsOf(tls: TlsSettings, connection: SqlConnection): Promise<ConnectionSettings['tls']> {
  const { properties } = connection
  const chosen = tls.sslMode ?? properties['sslmode'] ?? modeOfDriver(properties)
  const mode = SSL_MODES.find(known => known === (chosen === undefined || chosen === 'allow' ? 'prefer' : chosen))
  if (mode === undefined)
    throw sqlErrors.contradiction({ reason: `\`sslmode\` is "${chosen}", not one of ${SSL_MODES.join(', ')}` })
  const [ca, cert, key] = await Promise.all([
    pem('sslRootCert', tls.sslRootCert ?? properties['sslrootcert']),
    pem('sslCert', tls.sslCert ?? properties['sslcert']),
    pem('sslKey', tls.sslKey ?? properties['sslkey']),
  ])
  const checksName = mode === 'verify-full' || (chosen === undefined && verifiesByDefault(connection))
  // As in libpq: with `require`, a given authority is checked all the same.
  const isVerified = checksName || mode === 'verify-ca' || (mode === 'require' && ca !== undefined)
  const options: TlsOptions = {
    rejectUnauthorized: isVerified,
    ...(checksName ? {} : { checkServerIdentity: () => undefined }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
  return { mode, isChosen: chosen !== undefined, options }
}

/** What `ssl=true` of the JDBC driver means. */
function modeOfDriver({ ssl, sslfactory = '' }: Readonly<Record<string, string>>): (typeof SSL_MODES)[number] | undefined {
  if (ssl !== 'true' && ssl !== '') return undefined
  return sslfactory.endsWith('.NonValidatingFactory') ? 'require' : 'verify-full'
}

async function pem(option: string, file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined || file === '') return undefined
  return readFile(file).catch((cause: unknown) => {
    throw postgresErrors.fileUnreadable({ option, file }, cause)
  })
}
