/** What source and sink share: server, TLS, session. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Context, Note } from '#connector'
import { mysqlDialect, protectionNotes, type SqlConnection, sqlErrors, type SystemFacts, verifiesByDefault } from '#sql'
import { mysqlErrors } from './errors.ts'
import { Connection, type ConnectionSettings } from './protocol/connection.ts'
import type { TlsMode, TlsSettings } from './protocol/login.ts'
import { SERVER_NAME } from './protocol/witness.ts'

export const mysqlFacts: SystemFacts = { dialect: mysqlDialect, systems: ['mysql', 'mariadb'] }

const TLS_MODES = ['disabled', 'preferred', 'required', 'verify_ca', 'verify_identity'] as const

export const tlsShape = {
  sslMode: z
    .string()
    .regex(/^(disabled|preferred|required|verify[_-]ca|verify[_-]identity)$/i, `must be ${TLS_MODES.join(', ')}`)
    .optional()
    .describe(
      'Whether to use TLS and what to check: disabled, preferred, required, verify_ca or verify_identity. When left out, a server that offers TLS is checked as by `verify_identity`, unless it is on this machine or named by a JDBC URL: then `preferred`.',
    )
    .meta({ advanced: true }),
  sslCa: z
    .string()
    .optional()
    .describe('File with the certificates of the authorities to trust, in PEM.')
    .meta({ advanced: true }),
  sslCert: z.string().optional().describe('File with the certificate of the client, in PEM.').meta({ advanced: true }),
  sslKey: z.string().optional().describe('File with the key of the client certificate, in PEM.').meta({ advanced: true }),
}

export type TlsOptions = z.output<z.ZodObject<typeof tlsShape>>

const DEFAULT_PORT = 3306
/** A server gives up on a client that does not take rows, or does not send any, after a minute; a slow other side must not count. */
const NET_TIMEOUT_SECONDS = 86_400
const LOCK_WAIT_SECONDS = 50

export type Purpose = 'read' | 'write'

export interface Session {
  readonly connection: Connection
  readonly facts: ServerFacts
  /** What the user should know about the connection. */
  readonly notes: readonly Note[]
}

export interface ServerFacts {
  readonly version: string
  readonly isMariaDb: boolean
  /** Bytes; bounds one command. */
  readonly maxPacket: number
  /** The selected one; undefined when there is none. */
  readonly database: string | undefined
  readonly user: string
}

/** Opens a connection and prepares its session: UTC, UTF-8, strict. */
export async function openSession(
  connection: SqlConnection,
  tls: TlsOptions,
  purpose: Purpose,
  context: Pick<Context, 'signal' | 'meter'>,
): Promise<Session> {
  const settings = await connectionSettings(connection, tls)
  const opened = await connectFirst(connection, settings, context)
  try {
    return { connection: opened, facts: await prepareSession(opened, purpose), notes: protectionNotes(opened.protection) }
  } catch (error) {
    await opened[Symbol.asyncDispose]()
    throw error
  }
}

/** Tries the hosts in turn; what the last one says is reported. */
async function connectFirst(
  { hosts }: SqlConnection,
  settings: ConnectionSettings,
  { signal, meter }: Pick<Context, 'signal' | 'meter'>,
): Promise<Connection> {
  let failure: unknown
  for (const { host, port = DEFAULT_PORT } of hosts) {
    try {
      return await Connection.open({ ...settings, host, port }, signal, meter)
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
  }
  throw failure
}

async function prepareSession(connection: Connection, purpose: Purpose): Promise<ServerFacts> {
  const [row] = await connection.objects<'mode' | 'packet' | 'db' | 'account' | 'log' | 'format' | 'id' | 'server'>(
    `SELECT @@sql_mode AS mode, @@max_allowed_packet AS packet, DATABASE() AS db, CURRENT_USER() AS account, @@log_bin AS log, @@binlog_format AS format, CONNECTION_ID() AS id, ${SERVER_NAME} AS server`,
  )
  connection.identify(Number(row?.id), row?.server ?? '')
  const modes = sqlModes(row?.mode ?? '', purpose)
  const settings = [
    "time_zone = '+00:00'",
    `sql_mode = ${mysqlDialect.literal(modes.join(','))}`,
    'autocommit = 1',
    // An administrator's limit for people would cut tables short in silence.
    'sql_select_limit = 18446744073709551615',
    'sql_big_selects = 1',
    `net_write_timeout = ${NET_TIMEOUT_SECONDS}`,
    `net_read_timeout = ${NET_TIMEOUT_SECONDS}`,
    `wait_timeout = ${NET_TIMEOUT_SECONDS}`,
    // By default a day or a year.
    `lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
    ...(purpose === 'write' ? [`innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`] : []),
  ]
  // Gap locks would make parallel writers wait for each other; a binary log of statements needs them (error 1665).
  const isRowLogged = row?.log !== '1' || row.format?.toUpperCase() !== 'STATEMENT'
  if (purpose === 'write' && isRowLogged) await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await connection.query('SET NAMES utf8mb4')
  await connection.query(`SET ${settings.map(setting => `SESSION ${setting}`).join(', ')}`)
  const { version, isMariaDb } = connection.greeting
  return { version, isMariaDb, maxPacket: Number(row?.packet), database: row?.db ?? undefined, user: row?.account ?? '' }
}

/** Modes that change what a value or a statement of ours means. */
const HARMFUL = new Set(['PAD_CHAR_TO_FULL_LENGTH', 'NO_BACKSLASH_ESCAPES', 'EMPTY_STRING_IS_NULL', 'TIME_TRUNCATE_FRACTIONAL'])
const STRICT = [
  'STRICT_TRANS_TABLES',
  'STRICT_ALL_TABLES',
  'NO_ENGINE_SUBSTITUTION',
  // Else a key of 0 becomes the next number.
  'NO_AUTO_VALUE_ON_ZERO',
  'NO_ZERO_DATE',
  'NO_ZERO_IN_DATE',
  'ERROR_FOR_DIVISION_BY_ZERO',
]

function sqlModes(current: string, purpose: Purpose): string[] {
  const kept = current.split(',').filter(mode => mode !== '' && !HARMFUL.has(mode))
  return purpose === 'read' ? kept : [...new Set([...kept.filter(mode => mode !== 'ALLOW_INVALID_DATES'), ...STRICT])]
}

async function connectionSettings(connection: SqlConnection, tls: TlsOptions): Promise<ConnectionSettings> {
  const { user, password = '', database = '', properties, connectTimeoutMs } = connection
  if (user === undefined) throw sqlErrors.incomplete({ missing: 'which user to log in as', hint: 'Set `user`.' })
  return {
    host: '',
    port: 0,
    ...(properties['localSocket'] === undefined ? {} : { path: properties['localSocket'] }),
    user,
    password,
    database,
    tls: await tlsSettings(tls, connection),
    allowPublicKeyRetrieval: properties['allowPublicKeyRetrieval']?.toLowerCase() !== 'false',
    connectTimeoutMs,
    idleTimeoutMs: Number(properties['socketTimeout'] ?? 0) || 0,
  }
}

/** The TLS options, else those of the JDBC drivers. */
async function tlsSettings(tls: TlsOptions, connection: SqlConnection): Promise<TlsSettings> {
  const { properties } = connection
  const named = (tls.sslMode ?? properties['sslMode'] ?? '').toLowerCase().replace('-', '_')
  const chosen = named === '' ? oldMode(properties) : (MARIADB_MODES[named] ?? TLS_MODES.find(known => known === named))
  if (chosen === undefined && named !== '')
    throw sqlErrors.contradiction({ reason: `\`sslMode\` is "${named}", not one of ${TLS_MODES.join(', ')}` })
  const [ca, cert, key] = await Promise.all([
    pem('sslCa', tls.sslCa ?? properties['serverSslCert']),
    pem('sslCert', tls.sslCert),
    pem('sslKey', tls.sslKey),
  ])
  return {
    mode: chosen ?? 'preferred',
    isChosen: chosen !== undefined,
    checksName: chosen === 'verify_identity' || (chosen === undefined && verifiesByDefault(connection)),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

/** https://mariadb.com/docs/connectors/mariadb-connector-j/using-tls-ssl-with-mariadb-connector-j */
const MARIADB_MODES: Readonly<Record<string, TlsMode>> = {
  disable: 'disabled',
  trust: 'required',
  verify_full: 'verify_identity',
}

/**
 * What Connector/J makes of its former properties, of which none is needed for TLS where the server offers it.
 * https://dev.mysql.com/doc/connector-j/en/connector-j-connp-props-security.html
 */
function oldMode(properties: Readonly<Record<string, string>>): TlsMode | undefined {
  const isTrue = (name: string) => properties[name]?.toLowerCase() === 'true'
  if (properties['useSSL']?.toLowerCase() === 'false') return 'disabled'
  if (isTrue('verifyServerCertificate')) return 'verify_ca'
  return isTrue('requireSSL') ? 'required' : undefined
}

async function pem(option: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === '') return undefined
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw mysqlErrors.fileUnreadable({ option, file }, cause)
  })
}
