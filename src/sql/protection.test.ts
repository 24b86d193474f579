import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLocal } from './protection.ts'

test('knows the names of this machine, and takes all others for other machines', () => {
  for (const host of [
    '127.0.0.1',
    '127.8.9.1',
    '::1',
    '::ffff:127.0.0.1',
    'localhost',
    'LOCALHOST',
    'db.localhost',
    '/run/postgresql',
  ])
    assert(isLocal(host), host)
  for (const host of ['0.0.0.0', '127.1', '10.0.0.1', '::', 'db', 'localhost.example.com', 'mylocalhost', ''])
    assert(!isLocal(host), host)
})
