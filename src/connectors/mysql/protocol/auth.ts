/**
 * Answers to authentication plugins.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods.html
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
 * https://mariadb.com/kb/en/connection/#authentication-plugins
 */
import { constants, createHash, publicEncrypt } from 'node:crypto'
import { mysqlErrors } from '../errors.ts'
import { signNonce } from './ed25519.ts'

/** What an exchange needs to know about the connection. */
export interface AuthContext {
  readonly user: string
  readonly place: string
  readonly password: string
  /** TLS or a Unix socket: a password may travel as it is. */
  readonly isPrivate: boolean
  /** Whether the server's RSA key may be fetched over a connection that anybody could have forged. */
  readonly allowPublicKeyRetrieval: boolean
}

/** The plugin for the first answer: what the server prefers when we know it. */
export const firstPlugin = (offered: string) =>
  PLUGINS.has(offered) && offered !== 'mysql_clear_password' ? offered : 'mysql_native_password'

const PLUGINS = new Set([
  'mysql_native_password',
  'caching_sha2_password',
  'sha256_password',
  'client_ed25519',
  'mysql_clear_password',
])

/** The answer to a nonce. */
export function prove(plugin: string, nonce: Buffer, context: AuthContext): Buffer {
  const password = Buffer.from(context.password, 'utf8')
  switch (plugin) {
    case 'mysql_native_password':
      return proveNative(password, nonce)
    case 'caching_sha2_password':
      return proveSha2(password, nonce)
    case 'client_ed25519':
      return signNonce(password, nonce)
    case 'sha256_password':
      if (password.length === 0) return Buffer.of(0)
      return context.isPrivate ? nulTerminated(password) : ASK_FOR_KEY_SHA256
    case 'mysql_clear_password':
      if (!context.isPrivate) throw mysqlErrors.clearPasswordRefused({ user: context.user, place: context.place })
      return nulTerminated(password)
    default:
      throw mysqlErrors.unknownAuthPlugin({ plugin, user: context.user, place: context.place })
  }
}

const FAST_OK = 3
const FULL_AUTH = 4
const ASK_FOR_KEY_SHA2 = Buffer.of(2)
const ASK_FOR_KEY_SHA256 = Buffer.of(1)

/** The answer to the plugin's further data; undefined when only the final OK is due. */
export function proveFurther(plugin: string, data: Buffer, nonce: Buffer, context: AuthContext): Buffer | undefined {
  if (plugin === 'caching_sha2_password' && data.length === 1) {
    if (data[0] === FAST_OK) return undefined
    if (data[0] === FULL_AUTH && context.isPrivate) return nulTerminated(Buffer.from(context.password, 'utf8'))
    if (data[0] === FULL_AUTH && context.allowPublicKeyRetrieval) return ASK_FOR_KEY_SHA2
    if (data[0] === FULL_AUTH) throw mysqlErrors.publicKeyNotAllowed({ user: context.user, place: context.place })
  }
  if (plugin === 'caching_sha2_password' || plugin === 'sha256_password') return encryptPassword(data, nonce, context)
  throw mysqlErrors.brokenPacket({ what: `unexpected data of the authentication plugin ${plugin}` })
}

/** XORed with the nonce against replay, then RSA-OAEP with the server's key. */
function encryptPassword(pem: Buffer, nonce: Buffer, context: AuthContext): Buffer {
  if (!context.allowPublicKeyRetrieval) throw mysqlErrors.publicKeyNotAllowed({ user: context.user, place: context.place })
  const masked = nulTerminated(Buffer.from(context.password, 'utf8'))
  for (let i = 0; i < masked.length; i++) masked[i]! ^= nonce[i % nonce.length]!
  try {
    return publicEncrypt({ key: pem.toString('latin1'), padding: constants.RSA_PKCS1_OAEP_PADDING }, masked)
  } catch (cause) {
    throw mysqlErrors.brokenPacket({ what: 'a public key that is none' }, cause)
  }
}

/** SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password))); nothing for an empty password. */
function proveNative(password: Buffer, nonce: Buffer): Buffer {
  if (password.length === 0) return Buffer.alloc(0)
  const once = digest('sha1', password)
  return xor(once, digest('sha1', nonce, digest('sha1', once)))
}

/** SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce). */
function proveSha2(password: Buffer, nonce: Buffer): Buffer {
  if (password.length === 0) return Buffer.alloc(0)
  const once = digest('sha256', password)
  return xor(once, digest('sha256', digest('sha256', once), nonce))
}

function digest(algorithm: string, ...parts: readonly Buffer[]): Buffer {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)))
const nulTerminated = (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])
