/**
 * SCRAM-SHA-256 as a client, with and without channel binding.
 *
 * https://www.postgresql.org/docs/current/sasl-authentication.html, RFC 5802, RFC 7677, RFC 5929 §4
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'

const deriveKey = promisify(pbkdf2)
const KEY_BYTES = 32
/** Above this a server would keep the client busy for minutes. The default of PostgreSQL is 4,096. */
const MOST_ITERATIONS = 10_000_000

export interface ScramStart {
  /** Left out on the wire when empty: PostgreSQL takes the one of the startup message. */
  readonly user?: string
  readonly password: string
  readonly nonce: string
  /** Hash of the server's certificate when the exchange is to be bound to the TLS channel. */
  readonly binding?: Buffer | undefined
  /** The connection is encrypted, but the server offered no binding: says so, so that stripping the offer is noticed. */
  readonly couldBind?: boolean
}

export class Scram {
  readonly #user: string
  readonly #password: string
  readonly #nonce: string
  readonly #header: string
  readonly #binding: Buffer | undefined
  #serverSignature: Buffer | undefined

  constructor({ user = '', password, nonce, binding, couldBind = false }: ScramStart) {
    this.#user = user
    this.#password = normalise(password)
    this.#nonce = nonce
    this.#binding = binding
    this.#header = binding ? 'p=tls-server-end-point,,' : couldBind ? 'y,,' : 'n,,'
  }

  get first(): string {
    return `${this.#header}${this.#firstBare}`
  }

  get #firstBare(): string {
    return `n=${this.#user},r=${this.#nonce}`
  }

  /** The answer to the challenge; undefined when the challenge is not well-formed. */
  async final(challenge: string): Promise<string | undefined> {
    const match = /^r=([!-+\--~]+),s=([A-Za-z\d+/=]+),i=(\d+)/.exec(challenge)
    const [, nonce = '', salt = '', count = ''] = match ?? []
    const iterations = Number(count)
    if (!match || !nonce.startsWith(this.#nonce) || nonce === this.#nonce) return undefined
    if (iterations < 1 || iterations > MOST_ITERATIONS) return undefined
    const salted = await deriveKey(this.#password, Buffer.from(salt, 'base64'), iterations, KEY_BYTES, 'sha256')
    const bound = Buffer.concat([Buffer.from(this.#header), this.#binding ?? Buffer.alloc(0)]).toString('base64')
    const withoutProof = `c=${bound},r=${nonce}`
    const message = `${this.#firstBare},${challenge},${withoutProof}`
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message)
    return `${withoutProof},p=${xor(clientKey, signature).toString('base64')}`
  }

  /** Whether the last message of the server proves that it knows the password too. */
  isAuthentic(outcome: string): boolean {
    const signature = Buffer.from(/^v=([^,]+)/.exec(outcome)?.[1] ?? '', 'base64')
    return this.#serverSignature?.length === signature.length && timingSafeEqual(this.#serverSignature, signature)
  }
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const xor = (a: Buffer, b: Buffer) => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)))

/** SASLprep (RFC 4013) for what matters: other spaces become spaces, invisible characters vanish, then NFKC. */
function normalise(password: string): string {
  return password
    .replaceAll(/[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g, ' ')
    .replaceAll(/\u00AD|\u034F|\u1806|[\u180B-\u180D]|\u200C|\u200D|\u2060|[\uFE00-\uFE0F]|\uFEFF/g, '')
    .normalize('NFKC')
}

/** `tls-server-end-point`: the certificate's hash by its own signature algorithm. Undefined where that cannot be told. */
export function channelBinding(certificate: Buffer | undefined): Buffer | undefined {
  if (certificate === undefined) return undefined
  // `signatureAlgorithm` exists from Node 24.9 on; without it the exchange goes on unbound.
  const { signatureAlgorithm } = new X509Certificate(certificate) as { signatureAlgorithm?: string }
  const hash = /(md5|sha1|sha224|sha256|sha384|sha512)/i.exec(signatureAlgorithm ?? '')?.[1]?.toLowerCase()
  if (hash === undefined) return undefined
  return createHash(hash === 'md5' || hash === 'sha1' ? 'sha256' : hash)
    .update(certificate)
    .digest()
}
