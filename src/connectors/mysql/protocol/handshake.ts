/**
 * The first packets of a connection.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html
 * https://mariadb.com/kb/en/connection/
 */
import { ByteReader } from '#wire'
import { mysqlErrors } from '../errors.ts'
import { CLIENT, type Capabilities } from './capabilities.ts'
import { lengthEncoded } from './length-encoding.ts'

export interface Greeting {
  /** As the server writes it, without MariaDB's replication prefix: `9.7.4`, `10.11.18-MariaDB-0+deb12u1-log`. */
  readonly version: string
  readonly isMariaDb: boolean
  readonly connectionId: number
  readonly capabilities: Capabilities
  /** 20 random bytes that the password is hashed with. */
  readonly nonce: Buffer
  /** Empty before MySQL 5.5.7. */
  readonly plugin: string
}

const PROTOCOL_VERSION = 10
/** MariaDB hides behind this prefix from replicas that would refuse a version 10. */
const REPLICATION_PREFIX = /^5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB)/i

export function decodeGreeting(packet: Buffer): Greeting {
  const reader = new ByteReader(packet)
  const protocol = reader.uint8()
  if (protocol !== PROTOCOL_VERSION) throw mysqlErrors.unknownProtocol({ protocol })
  const announced = reader.cstring()
  const connectionId = reader.uint32le()
  const firstNonce = reader.take(8)
  reader.take(1)
  const lowFlags = reader.uint16le()
  reader.take(3) // default collation, status
  const highFlags = reader.uint16le()
  const nonceLength = reader.uint8()
  reader.take(6)
  const extended = reader.uint32le()
  const flags = ((highFlags << 16) | lowFlags) >>> 0
  // 12 bytes and a NUL, which proxies have been seen to forget.
  const restOfNonce = reader.take(Math.max(12, Math.min(Math.max(13, nonceLength - 8), reader.left)))
  const plugin = (flags & CLIENT.PLUGIN_AUTH) === 0 ? '' : pluginName(reader)
  const version = announced.replace(REPLICATION_PREFIX, '')
  return {
    version,
    isMariaDb: /mariadb/i.test(version),
    connectionId,
    // MySQL leaves the field zero, but only a cleared CLIENT_MYSQL gives it a meaning.
    capabilities: { flags, extended: (flags & CLIENT.LONG_PASSWORD) === 0 ? extended : 0 },
    nonce: Buffer.concat([firstNonce, restOfNonce.subarray(0, 12)]),
    plugin,
  }
}

/** MySQL 5.5.7 to 5.5.9 and 5.6.0 to 5.6.1 forgot the NUL behind the name (MySQL bug 59453). */
function pluginName(reader: ByteReader): string {
  const rest = reader.rest()
  const end = rest.indexOf(0)
  return rest.toString('latin1', 0, end === -1 ? rest.length : end)
}

export interface Login {
  readonly capabilities: Capabilities
  readonly user: string
  readonly database: string
  readonly plugin: string
  readonly proof: Buffer
  readonly attributes: Readonly<Record<string, string>>
}

/** utf8mb4_general_ci: the only utf8mb4 collation that every server since 5.5.3 knows by the same number. */
const UTF8MB4 = 45
/** Not a limit for us: it is what the client claims to accept. */
const MAX_PACKET_BYTES = 1024 * 1024 * 1024

function loginHead({ flags, extended }: Capabilities): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(flags >>> 0, 0)
  head.writeUInt32LE(MAX_PACKET_BYTES, 4)
  head.writeUInt8(UTF8MB4, 8)
  head.writeUInt32LE(extended >>> 0, 28)
  return head
}

/** Asks for TLS; the same 32 bytes open the login that follows inside TLS. */
export const encodeTlsRequest = (capabilities: Capabilities): Buffer => loginHead(capabilities)

export function encodeLogin({ capabilities, user, database, plugin, proof, attributes }: Login): Buffer {
  const has = (flag: number) => (capabilities.flags & flag) !== 0
  const cstring = (text: string) => Buffer.from(`${text}\0`, 'utf8')
  return Buffer.concat([
    loginHead(capabilities),
    cstring(user),
    has(CLIENT.PLUGIN_AUTH_LENENC_DATA) ? lengthEncoded(proof) : Buffer.concat([Buffer.of(proof.length), proof]),
    has(CLIENT.CONNECT_WITH_DB) ? cstring(database) : Buffer.alloc(0),
    has(CLIENT.PLUGIN_AUTH) ? cstring(plugin) : Buffer.alloc(0),
    has(CLIENT.CONNECT_ATTRS) ? encodeAttributes(attributes) : Buffer.alloc(0),
  ])
}

function encodeAttributes(attributes: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(attributes).flat()
  return lengthEncoded(Buffer.concat(pairs.map(text => lengthEncoded(Buffer.from(text, 'utf8')))))
}
