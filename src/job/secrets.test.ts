import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseJob } from './job.ts'
import { testCatalog } from './catalog.test-support.ts'
import { isSecretName, maskSecrets, redact, secretsOf } from './secrets.ts'

test('knows the names of credentials', () => {
  for (const name of [
    'password',
    'Password',
    'passwd',
    'dbPwd',
    'accessKey',
    'access_key',
    'secretKey',
    'clientSecret',
    'token',
    'keystore.passphrase',
    'ssl.key.password',
  ]) {
    assert(isSecretName(name), name)
  }
  for (const name of ['username', 'primaryKey', 'updateKey', 'tokenizer', 'key', 'path', 'column', 'accessId'])
    assert(!isSecretName(name), name)
})

describe('masks what looks like a credential, in place', () => {
  for (const [text, masked] of [
    ['"password": "a\\"b", "x": 1', '"password": "****", "x": 1'],
    ["password='ab' x", "password='**' x"],
    ['jdbc:mysql://h/d?user=u&password=ab&x=1', 'jdbc:mysql://h/d?user=u&password=**&x=1'],
    ['postgres://u:ab@h/d', 'postgres://u:**@h/d'],
    ['secretKey => ab;', 'secretKey => **;'],
    ['where id > 5', 'where id > 5'],
    ['"password": "ab', '"password": "**'],
  ] as const) {
    test(text, () => assert.equal(maskSecrets(text), masked))
  }
})

test('finds the secrets of a job: by key, inside URLs, from the environment', async () => {
  const text = JSON.stringify({
    source: {
      connector: 'mysql',
      username: 'root',
      password: 'NUMBER',
      connection: [{ jdbcUrl: ['jdbc:mysql://h/d?password=in-url'], table: ['${env:TABLE}'] }],
      where: 'id > ${env:FROM}',
    },
    sink: { connector: 'stream', credentials: { id: 'nested' }, url: 'postgres://u:in-address@h/d' },
  }).replace('"NUMBER"', '12345678901234567890')
  const references = { env: { TABLE: 'from-env', FROM: '3' }, readFile: () => '' }
  const job = await parseJob(text, 'job.json', { catalog: testCatalog, references })
  assert.deepEqual(new Set(secretsOf(job)), new Set(['12345678901234567890', 'in-url', 'from-env', 'nested', 'in-address']))
})

test('redacts longest first, and short ones only where they stand alone', () => {
  assert.equal(redact('abcdef abc', ['abcdef', 'abc']), '*** ***')
  assert.equal(redact('user a of a-b at 1 (a)', ['a']), 'user *** of a-b at 1 (***)')
  assert.equal(redact('x.y (.y)', ['.y']), 'x.y (***)')
})
