import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { SluiceError } from '#errors'
import { parseJob } from './job.ts'
import { testCatalog } from './catalog.test-support.ts'
import { resolveJob } from './load.ts'
import { isSecretName, maskSecrets, redact, redactError, redactJson, secretsOf } from './secrets.ts'

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

test('finds passwords in URLs and SQL, as they stand and as drivers read them', async () => {
  const text = JSON.stringify({
    source: {
      connector: 'mysql',
      url: 'jdbc:mysql://u:a@b%20c@h/d',
      username: 'u',
      preSql: "CREATE USER x IDENTIFIED WITH p BY 'in''sql'",
    },
    sink: { connector: 'stream', x: "ALTER ROLE r PASSWORD 'other'", empty: "password=''" },
  })
  const job = await parseJob(text, 'job.json', { catalog: testCatalog })
  assert.deepEqual(new Set(secretsOf(job)), new Set(['a@b%20c', 'a@b c', "in''sql", 'other']))
})

test('redacts longest first, and short ones only where they stand alone', () => {
  assert.equal(redact('abcdef abc', ['abcdef', 'abc']), '*** ***')
  assert.equal(redact('user a of a-b at 1 (a). It is a.', ['a']), 'user *** of a-b at 1 (***). It is ***.')
  assert.equal(redact('x.y (.y)', ['.y']), 'x.y (***)')
  assert.equal(redact('application of app at app.example.com', ['app']), 'application of *** at app.example.com')
  assert.equal(redact('xlong-secrety', ['long-secret']), 'x***y')
})

test('JSON and errors keep their form and their codes', () => {
  const secrets = ['postgres', '"x']
  const value = { event: 'postgres', rows: 3, names: ['postgres', 'a "x'] }
  assert.deepEqual(JSON.parse(redactJson(value, secrets)), { event: 'postgres', rows: 3, names: ['***', 'a ***'] })
  const error = new SluiceError('postgres.x', 'usage', 'Not postgres.', { hint: 'Ask postgres.', detail: { of: ['postgres'] } })
  const { code, message, hint, detail } = redactError(error, secrets)
  assert.deepEqual([code, message, hint, detail], ['postgres.x', 'Not ***.', 'Ask ***.', { of: ['***'] }])
})

test('a value that came from the environment is not in the errors of the job file', async () => {
  const text = JSON.stringify({
    source: { connector: 'mysql', url: '${env:X}' },
    sink: { connector: 'nowhere', url: '${env:X}' },
  })
  const catalog = {
    ...testCatalog,
    load: async () => ({ name: 'x', options: z.strictObject({ url: z.string().regex(/^never$/) }) }),
  }
  await assert.rejects(
    resolveJob(text, 'job.json', { catalog, references: { env: { X: 'from-env' }, readFile: () => '' } }),
    (error: Error) => !JSON.stringify(error).includes('from-env'),
  )
})
