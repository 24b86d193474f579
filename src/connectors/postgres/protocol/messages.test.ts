/** Bytes as https://www.postgresql.org/docs/current/protocol-message-formats.html lays them out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '#errors'
import { ByteReader } from '#wire'
import * as messages from './messages.ts'
import { serverError } from './server-error.ts'

const hex = (text: string) => text.replaceAll(/\s/g, '')
const bytes = (text: string) => Buffer.from(hex(text), 'hex')

test('encodes messages as the manual lays them out', () => {
  const golden: [actual: Buffer, expected: string][] = [
    [messages.startup({ user: 'a', database: 'b' }), '0000001b 00030000 75736572 00 61 00 6461746162617365 00 62 00 00'],
    [messages.sslRequest(), '00000008 04d2162f'],
    [messages.cancelRequest(258, Buffer.from([1, 2, 3, 4])), '00000010 04d2162e 00000102 01020304'],
    [messages.password('é'), '70 00000007 c3a9 00'],
    [messages.query('X'), '51 00000006 58 00'],
    [messages.copyDone(), '63 00000004'],
    [messages.copyFail('x'), '66 00000006 78 00'],
    [messages.terminate(), '58 00000004'],
    [messages.saslInitial('M', 'abc'), '70 0000000d 4d 00 00000003 616263'],
    [messages.saslResponse('abc'), '70 00000007 616263'],
    [
      messages.execute('S', ['é', null]),
      '50 00000009 00 53 00 0000' +
        '42 00000016 00 00 0000 0002 00000002 c3a9 ffffffff 0000' +
        '44 00000006 50 00' +
        '45 00000009 00 00000000' +
        '53 00000004',
    ],
    [messages.describe('S'), '50 00000009 00 53 00 0000' + '44 00000006 53 00' + '53 00000004'],
  ]
  for (const [actual, expected] of golden) assert.equal(actual.toString('hex'), hex(expected))
})

test('decodes rows and their description', () => {
  const description = bytes('0001 6964 00 00004000 0001 00000017 0004 ffffffff 0000')
  assert.deepEqual(messages.decodeRowDescription(new ByteReader(description)), [
    { name: 'id', table: 0x4000, attribute: 1, type: 23, modifier: -1 },
  ])
  assert.deepEqual(messages.decodeDataRow(new ByteReader(bytes('0003 00000002 c3a9 ffffffff 00000000'))), ['é', null, ''])
})

test('refuses every truncation and every other bytes with a code', () => {
  const decoders = [messages.decodeRowDescription, messages.decodeDataRow, messages.decodeNotice]
  const check = (input: Uint8Array) => {
    for (const decode of decoders) {
      try {
        decode(new ByteReader(Buffer.from(input)))
      } catch (error) {
        assert(SluiceError.is(error, 'wire.truncated'), String(error))
      }
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), check))
})

const fields = (text: Record<string, string>) => new Map(Object.entries(text))

test('an error keeps the key of a row, and no other value', () => {
  const duplicate = serverError(
    fields({
      C: '23505',
      M: 'duplicate key value violates unique constraint "t_pkey"',
      D: 'Key (id)=(5) already exists.',
      s: 'public',
      t: 't',
      n: 't_pkey',
    }),
    'me@h:1/d',
  )
  assert.equal(duplicate.code, 'postgres.duplicate-key')
  assert.match(duplicate.message, /Key \(id\)=\(5\)/)
  assert.deepEqual([duplicate.detail['table'], duplicate.detail['constraint']], ['public.t', 't_pkey'])
  const secrets = [
    fields({ C: '23502', M: 'null value in column "v"', D: 'Failing row contains (1, secret).', t: 't', c: 'v' }),
    fields({ C: '22P02', M: 'invalid input syntax for type inet: "secret"', W: 'COPY t, line 3, column v: "secret"' }),
    fields({ C: '22P04', M: 'extra data', W: 'COPY t, line 2: "1\tsecret"' }),
    fields({ C: '22007', M: 'invalid input syntax for type date: "secret\n"x""' }),
  ]
  for (const one of secrets) {
    const error = serverError(one, 'me@h:1/d')
    assert.equal(error.fault, 'data')
    assert(!JSON.stringify(error).includes('secret'), JSON.stringify(error))
  }
  assert.deepEqual([serverError(secrets[1]!, '').detail['line'], serverError(secrets[1]!, '').detail['column']], [3, 'v'])
})

const faults: [sqlState: string, code: string, fault: string][] = [
  ['28P01', 'login-refused', 'usage'],
  ['28000', 'login-refused', 'usage'],
  ['3D000', 'database-missing', 'usage'],
  ['42501', 'no-rights', 'usage'],
  ['42P01', 'table-missing', 'usage'],
  ['42703', 'column-missing', 'usage'],
  ['42601', 'statement-refused', 'usage'],
  ['53300', 'busy', 'transient'],
  ['57P01', 'busy', 'transient'],
  ['57P03', 'busy', 'transient'],
  ['08006', 'busy', 'transient'],
  ['40P01', 'conflict', 'transient'],
  ['40001', 'conflict', 'transient'],
  ['55P03', 'locked', 'transient'],
  ['57014', 'canceled', 'transient'],
  ['53100', 'busy', 'transient'],
  ['XX000', 'server-failed', 'transient'],
  ['58030', 'server-failed', 'transient'],
  ['23505', 'duplicate-key', 'data'],
  ['23503', 'row-refused', 'data'],
  ['23514', 'row-refused', 'data'],
  ['22001', 'value-refused', 'data'],
  ['P0001', 'row-refused', 'data'],
  ['54000', 'row-refused', 'data'],
]
for (const [sqlState, code, fault] of faults) {
  test(`${sqlState} is ${code}, ${fault}`, () => {
    const error = serverError(fields({ C: sqlState, M: 'x' }), 'place')
    assert.deepEqual([error.code, error.fault], [`postgres.${code}`, fault])
    assert(error.hint !== undefined)
  })
}
