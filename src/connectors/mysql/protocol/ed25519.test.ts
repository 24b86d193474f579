import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import { test } from 'node:test'
import { signNonce } from './ed25519.ts'

/** PKCS #8 around a seed (RFC 8410 §7). */
const privateKeyOf = (seed: Buffer) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })

test('signs like OpenSSL where the password has the length of a seed', () => {
  for (let i = 0; i < 8; i++) {
    const [seed, nonce] = [randomBytes(32), randomBytes(32)]
    assert.equal(signNonce(seed, nonce).toString('hex'), sign(null, nonce, privateKeyOf(seed)).toString('hex'))
  }
})

test('signs the first vector of RFC 8032 §7.1', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
  assert.equal(
    signNonce(seed, Buffer.alloc(0)).toString('hex'),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  )
})
