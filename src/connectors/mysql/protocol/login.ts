/**
 * From a TCP connection to a session that takes commands: greeting, TLS, authentication.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
 */
import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { ByteReader, type ByteStream } from '#wire'
import { mysqlErrors, serverError } from '../errors.ts'
import { type AuthContext, firstPlugin, prove, proveFurther } from './auth.ts'
import { type Capabilities, CLIENT, isSupported, negotiate } from './capabilities.ts'
import { decodeGreeting, encodeLogin, encodeTlsRequest, type Greeting } from './handshake.ts'
import type { PacketStream } from './packet-stream.ts'
import { decodeError, isError, MARK } from './responses.ts'

/** Connector/J's names (https://dev.mysql.com/doc/connector-j/en/connector-j-connp-props-security.html). */
export type TlsMode = 'disabled' | 'preferred' | 'required' | 'verify_ca' | 'verify_identity'

export interface TlsSettings {
  readonly mode: TlsMode
  /** The user has asked for that mode. */
  readonly isChosen: boolean
  /** Whether TLS comes about only with a server whose certificate is good and has the name of the host. */
  readonly checksName: boolean
  /** PEM texts. Without `ca`, the certificates that Node trusts. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface LoginSettings {
  readonly host: string
  /** Unix socket; wins over the host. */
  readonly path?: string
  readonly user: string
  readonly password: string
  /** Empty: none is selected. */
  readonly database: string
  readonly tls: TlsSettings
  readonly allowPublicKeyRetrieval: boolean
}

export interface LoginResult {
  readonly greeting: Greeting
  readonly capabilities: Capabilities
}

export async function logIn(packets: PacketStream, settings: LoginSettings): Promise<LoginResult> {
  const { stream } = packets
  const first = await packets.read()
  if (isError(first)) throw serverError(decodeError(first), stream.place)
  const greeting = decodeGreeting(first)
  if (!isSupported(greeting.capabilities)) throw mysqlErrors.unknownProtocol({ protocol: 9 })
  const withTls = wantsTls(settings, greeting, stream)
  const capabilities = negotiate(greeting.capabilities, settings.database !== '', withTls)
  if (withTls) {
    await packets.reply(encodeTlsRequest(capabilities))
    await stream.upgrade(tlsOptions(settings))
  }
  await authenticate(packets, greeting, capabilities, settings)
  return { greeting, capabilities }
}

function wantsTls({ tls, path }: LoginSettings, { capabilities }: Greeting, stream: ByteStream): boolean {
  const offered = (capabilities.flags & CLIENT.SSL) !== 0
  if (tls.mode === 'disabled') return false
  // What never leaves the machine gains nothing from encryption that nobody asked for.
  if (tls.mode === 'preferred') return offered && path === undefined
  if (!offered) throw mysqlErrors.noTls({ place: stream.place, mode: tls.mode })
  return true
}

export const isVerified = ({ mode, checksName }: TlsSettings): boolean => checksName || mode === 'verify_ca'

function tlsOptions({ tls, host }: LoginSettings): ConnectionOptions {
  return {
    // A server name must be a name, not an address (RFC 6066 §3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    host,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    rejectUnauthorized: isVerified(tls),
    ...(tls.checksName ? {} : { checkServerIdentity: () => undefined }),
  }
}

async function authenticate(packets: PacketStream, greeting: Greeting, capabilities: Capabilities, settings: LoginSettings) {
  const { stream } = packets
  const context: AuthContext = {
    user: settings.user,
    place: stream.place,
    password: settings.password,
    isPrivate: stream.isEncrypted || settings.path !== undefined,
    allowPublicKeyRetrieval: settings.allowPublicKeyRetrieval,
  }
  let nonce = greeting.nonce
  let plugin = firstPlugin(greeting.plugin)
  const { user, database } = settings
  const proof = prove(plugin, nonce, context)
  await packets.reply(encodeLogin({ capabilities, user, database, plugin, proof, attributes: ATTRIBUTES }))
  for (;;) {
    const packet = await packets.read()
    switch (packet[0]) {
      case MARK.OK:
        return
      case MARK.ERROR:
        throw serverError(decodeError(packet), stream.place)
      case MARK.END: {
        const asked = decodeAuthSwitch(packet)
        plugin = asked.plugin
        nonce = asked.nonce
        await packets.reply(prove(plugin, nonce, context))
        break
      }
      case MARK.MORE_AUTH_DATA: {
        const answer = proveFurther(plugin, packet.subarray(1), nonce, context)
        if (answer) await packets.reply(answer)
        break
      }
      default:
        throw mysqlErrors.brokenPacket({ what: `mark ${packet[0]} while logging in` })
    }
  }
}

const ATTRIBUTES = { _client_name: 'sluice', program_name: 'sluice', _pid: String(process.pid), _os: process.platform }
const OLD_PASSWORD = 'mysql_old_password'

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_auth_switch_request.html */
function decodeAuthSwitch(packet: Buffer): { readonly plugin: string; readonly nonce: Buffer } {
  // A single byte asks for the hash of MySQL 3.23.
  if (packet.length === 1) return { plugin: OLD_PASSWORD, nonce: Buffer.alloc(0) }
  const reader = new ByteReader(packet)
  reader.take(1)
  const plugin = reader.cstring()
  const data = reader.rest()
  return { plugin, nonce: data.at(-1) === 0 ? data.subarray(0, -1) : data }
}
