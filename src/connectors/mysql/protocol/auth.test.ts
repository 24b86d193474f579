import assert from 'node:assert/strict'
import { constants, createHash, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type AuthContext, firstPlugin, prove, proveFurther } from './auth.ts'

const context: AuthContext = { user: 'u', place: 'h:1', password: 'secret', isPrivate: false, allowPublicKeyRetrieval: true }
const nonce = Buffer.from('0123456789abcdefghij')
const hash = (algorithm: string, ...parts: Buffer[]) => createHash(algorithm).update(Buffer.concat(parts)).digest()

// Both checks do what the server does: it knows only a hash of the password and takes the proof apart.

test('proves mysql_native_password: the server finds the hash that it has stored', () => {
  const proof = prove('mysql_native_password', nonce, context)
  // mysql.user has `*` and SHA1(SHA1('secret')) in hex: SELECT PASSWORD('secret').
  const stored = Buffer.from('14E65567ABDB5135D0CFD9A70B3032C179A49EE7', 'hex')
  const mask = hash('sha1', nonce, stored)
  const once = Buffer.from(proof.map((byte, i) => byte ^ mask[i]!))
  assert.equal(hash('sha1', once).toString('hex'), stored.toString('hex'))
})

test('proves caching_sha2_password: the server finds the hash that it has cached', () => {
  const proof = prove('caching_sha2_password', nonce, context)
  const cached = hash('sha256', hash('sha256', Buffer.from('secret')))
  const mask = hash('sha256', cached, nonce)
  const once = Buffer.from(proof.map((byte, i) => byte ^ mask[i]!))
  assert.equal(hash('sha256', once).toString('hex'), cached.toString('hex'))
})

test('sends nothing for an empty password', () => {
  assert.equal(prove('mysql_native_password', nonce, { ...context, password: '' }).length, 0)
  assert.equal(prove('caching_sha2_password', nonce, { ...context, password: '' }).length, 0)
})

test('encrypts the password with the key of the server where the connection is not private', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
  const password = 'a password that is longer than the nonce'
  const given = { ...context, password }
  assert.deepEqual(proveFurther('caching_sha2_password', Buffer.of(4), nonce, given), Buffer.of(2))
  const encrypted = proveFurther('caching_sha2_password', pem, nonce, given)!
  const masked = privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, encrypted)
  assert.equal(masked.map((byte, i) => byte ^ nonce[i % 20]!).toString(), `${password}\0`)
})

test('sends the password as it is over a private connection only', () => {
  const own = { ...context, isPrivate: true }
  assert.equal(proveFurther('caching_sha2_password', Buffer.of(4), nonce, own)?.toString(), 'secret\0')
  assert.equal(prove('mysql_clear_password', nonce, own).toString(), 'secret\0')
  assert.throws(() => prove('mysql_clear_password', nonce, context), { code: 'mysql.clear-password-refused' })
})

test('fetches no key where that is not allowed', () => {
  const strict = { ...context, allowPublicKeyRetrieval: false }
  assert.throws(() => proveFurther('caching_sha2_password', Buffer.of(4), nonce, strict), {
    code: 'mysql.public-key-not-allowed',
  })
  assert.throws(() => proveFurther('sha256_password', Buffer.from('pem'), nonce, strict), {
    code: 'mysql.public-key-not-allowed',
  })
})

test('has nothing to add when the server knows the password already', () => {
  assert.equal(proveFurther('caching_sha2_password', Buffer.of(3), nonce, context), undefined)
})

test('names a plugin that it does not know, and never starts with the one that shows the password', () => {
  assert.throws(() => prove('auth_gssapi_client', randomBytes(20), context), {
    code: 'mysql.unknown-auth-plugin',
    detail: { plugin: 'auth_gssapi_client', user: 'u', place: 'h:1' },
  })
  assert.equal(firstPlugin('mysql_clear_password'), 'mysql_native_password')
  assert.equal(firstPlugin('caching_sha2_password'), 'caching_sha2_password')
})
