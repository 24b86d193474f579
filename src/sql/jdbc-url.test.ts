import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJdbcUrl } from './jdbc-url.ts'

const at = (host: string, port?: number) => (port === undefined ? { host } : { host, port })

const urls: [url: string, expected: object][] = [
  [
    'jdbc:mysql://172.16.8.104:3306/test?charset=utf8&useSSL=false',
    { system: 'mysql', hosts: [at('172.16.8.104', 3306)], database: 'test', properties: { charset: 'utf8', useSSL: 'false' } },
  ],
  ['jdbc:mariadb:sequential://a,b:3307/', { system: 'mariadb', hosts: [at('a'), at('b', 3307)], properties: {} }],
  [
    'jdbc:postgresql://[::1]:5740/accounting',
    { system: 'postgresql', hosts: [at('::1', 5740)], database: 'accounting', properties: {} },
  ],
  [
    'jdbc:postgresql://h1:1,[fe80::2]/x%20y',
    { system: 'postgresql', hosts: [at('h1', 1), at('fe80::2')], database: 'x y', properties: {} },
  ],
  ['jdbc:postgresql:db', { system: 'postgresql', hosts: [at('localhost')], database: 'db', properties: {} }],
  ['jdbc:postgresql:/', { system: 'postgresql', hosts: [at('localhost')], properties: {} }],
  ['jdbc:postgresql:///db', { system: 'postgresql', hosts: [at('localhost')], database: 'db', properties: {} }],
  ['JDBC:MySQL://h', { system: 'mysql', hosts: [at('h')], properties: {} }],
  [
    'jdbc:mysql://me:p%40s:s@h/d?a=b=c&flag',
    { system: 'mysql', hosts: [at('h')], database: 'd', user: 'me', password: 'p@s:s', properties: { a: 'b=c', flag: '' } },
  ],
]

for (const [url, expected] of urls) test(`parses ${url}`, () => assert.deepEqual(parseJdbcUrl(url), expected))

const refused: [url: string, reason: RegExp][] = [
  ['jdbc:oracle:thin:@h:1521:x', /not of the form/],
  ['postgres://h/db', /not of the form/],
  ['jdbc:mysql://h:70000/d', /no host and port/],
  ['jdbc:mysql://h:0/d', /no host and port/],
  ['jdbc:mysql://[::1/d', /no host and port/],
  ['jdbc:mysql://h/d?a=%zz', /hexadecimal/],
  ['jdbc:mysql://address=(host=h)(port=1)/d', /address=/],
]

for (const [url, reason] of refused) {
  test(`refuses ${url}`, () => assert.throws(() => parseJdbcUrl(url), { code: 'sql.bad-url', message: reason }))
}

test('keeps passwords out of the message', () => {
  for (const url of [
    'jdbc:mysql://me:secret@h:x/d',
    'jdbc:mysql:/me:secret@h/d',
    'jdbc:mysql://h:x/d?user=u&password=secret&trustStorePassword=secret',
  ]) {
    assert.throws(
      () => parseJdbcUrl(url),
      (error: unknown) => !JSON.stringify(error).includes('secret'),
    )
  }
})
