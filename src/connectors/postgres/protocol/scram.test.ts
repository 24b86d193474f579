import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scram } from './scram.ts'

// RFC 7677 §3.
const start = { user: 'user', password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO' }
const challenge = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'

test('answers the challenge of RFC 7677', async () => {
  const scram = new Scram(start)
  assert.equal(scram.first, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const final = await scram.final(challenge)
  assert.equal(
    final,
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  )
  assert(scram.isAuthentic('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))
})

test('does not believe a server that does not know the password', async () => {
  const scram = new Scram(start)
  assert(!scram.isAuthentic('v='))
  await scram.final(challenge)
  for (const outcome of ['v=', '', 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95H4=', 'e=other-error'])
    assert(!scram.isAuthentic(outcome), outcome)
})

test('refuses a challenge that is not for its nonce, or would take for ever', async () => {
  const bad = [
    '',
    'r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=1',
    challenge.replace('4096', '0'),
    challenge.replace('4096', '999999999'),
  ]
  for (const text of bad) assert.equal(await new Scram(start).final(text), undefined, text)
})

test('says whether it is bound to the TLS channel, could be, or could not', () => {
  assert.match(new Scram({ ...start, binding: Buffer.from('hash') }).first, /^p=tls-server-end-point,,/)
  assert.match(new Scram({ ...start, couldBind: true }).first, /^y,,/)
})
