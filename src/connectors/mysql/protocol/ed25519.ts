/**
 * MariaDB's `client_ed25519`: an Ed25519 signature whose private key is a password of any length.
 *
 * RFC 8032 §5.1.5 and §5.1.6 with the password in the place of the 32-byte seed
 * (https://mariadb.com/kb/en/authentication-plugin-ed25519/). node:crypto accepts only 32-byte seeds, hence the arithmetic here;
 * for a 32-byte password both give the same signature, which is how the test checks it.
 *
 * BigInt arithmetic takes a time that depends on the secret. It runs twice per connection on the client's own machine, where
 * whoever can time it can read the job file too.
 */
import { createHash } from 'node:crypto'

const P = 2n ** 255n - 19n
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * inverse(121666n))

/** A curve point in extended homogeneous coordinates: x = X/Z, y = Y/Z, x·y = T/Z. */
type Point = readonly [X: bigint, Y: bigint, Z: bigint, T: bigint]

const BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n
const BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n
const BASE: Point = [BASE_X, BASE_Y, 1n, mod(BASE_X * BASE_Y)]
const NEUTRAL: Point = [0n, 1n, 1n, 0n]

/** The 64 bytes that answer a nonce. */
export function signNonce(password: Buffer, nonce: Buffer): Buffer {
  const secret = sha512(password)
  const scalarBytes = Buffer.from(secret.subarray(0, 32))
  scalarBytes[0]! &= 248
  scalarBytes[31]! &= 63
  scalarBytes[31]! |= 64
  const scalar = fromLittleEndian(scalarBytes)
  const publicKey = encodePoint(multiply(scalar, BASE))
  const r = fromLittleEndian(sha512(secret.subarray(32), nonce)) % ORDER
  const commitment = encodePoint(multiply(r, BASE))
  const challenge = fromLittleEndian(sha512(commitment, publicKey, nonce)) % ORDER
  return Buffer.concat([commitment, toLittleEndian((r + challenge * scalar) % ORDER)])
}

/** RFC 8032 §5.1.4. */
function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = mod((y1 - x1) * (y2 - x2))
  const b = mod((y1 + x1) * (y2 + x2))
  const c = mod(t1 * 2n * D * t2)
  const d = mod(z1 * 2n * z2)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}

function multiply(scalar: bigint, point: Point): Point {
  let sum = NEUTRAL
  for (let rest = scalar, doubled = point; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(sum, doubled)
    doubled = add(doubled, doubled)
  }
  return sum
}

function encodePoint([x, y, z]: Point): Buffer {
  const scale = inverse(z)
  return toLittleEndian(mod(y * scale) | (mod(x * scale) & 1n ? 1n << 255n : 0n))
}

function mod(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

/** Fermat: value^(P-2). */
function inverse(value: bigint): bigint {
  let result = 1n
  for (let exponent = P - 2n, base = mod(value); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = mod(result * base)
    base = mod(base * base)
  }
  return result
}

function sha512(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const fromLittleEndian = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const toLittleEndian = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
