import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader } from '#wire'
import { readLength } from './length-encoding.ts'
import { decodeColumn, decodeEnd, decodeError, decodeOk, decodePrepared, decodeTextRow, isEnd } from './responses.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

// Examples of the manual (protocol_basic_response_packets, protocol_com_query_response, protocol_com_stmt_prepare), or bytes by its grammar.

test('decodes OK: affected rows, warnings, further results', () => {
  assert.deepEqual(decodeOk(hex('00 00 00 02 00 00 00')), { affected: 0, warnings: 0, hasMore: false })
  assert.deepEqual(decodeOk(hex('00 fc 10 27 fd 01 02 03 0a 00 05 00')), { affected: 10_000, warnings: 5, hasMore: true })
})

test('decodes the end of rows in both forms', () => {
  assert.deepEqual(decodeEnd(hex('fe 01 00 02 00'), false), { affected: 0, warnings: 1, hasMore: false })
  assert.deepEqual(decodeEnd(hex('fe 00 00 0a 00 02 00'), true), { affected: 0, warnings: 2, hasMore: true })
})

test('tells an end from a long value that begins alike', () => {
  assert.equal(isEnd(hex('fe 00 00 02 00 00 00')), true)
  assert.equal(isEnd(Buffer.alloc(0xffffff, 0xfe)), false)
  assert.equal(isEnd(hex('00')), false)
})

test('decodes errors with and without SQLSTATE', () => {
  assert.deepEqual(decodeError(hex('ff 48 04 23 48 59 30 30 30 4e 6f 20 74 61 62 6c 65 73 20 75 73 65 64')), {
    errno: 1096,
    state: 'HY000',
    text: 'No tables used',
  })
  assert.deepEqual(decodeError(Buffer.concat([hex('ff 10 04'), Buffer.from('Too many connections')])), {
    errno: 1040,
    state: '',
    text: 'Too many connections',
  })
})

test('decodes a column', () => {
  // SELECT @@version_comment, from the manual: utf8_general_ci (33) there, 112 bytes, VAR_STRING, 31 decimals.
  const packet = hex(
    `03 64 65 66 00 00 00 11 40 40 76 65 72 73 69 6f 6e 5f 63 6f 6d 6d 65 6e 74 00 0c 21 00 1c 00 00 00 fd 00 00 1f 00 00`,
  )
  assert.deepEqual(decodeColumn(packet), {
    name: '@@version_comment',
    charset: 33,
    length: 28,
    type: 253,
    flags: 0,
    decimals: 31,
  })
})

test('decodes a text row with NULL and an empty text', () => {
  assert.deepEqual(decodeTextRow(hex('02 c3 bc fb 00'), 3), ['ü', null, ''])
})

test('decodes a prepared statement', () => {
  assert.deepEqual(decodePrepared(hex('00 01 00 00 00 01 00 02 00 00 00 00')), { id: 1, columns: 1, parameters: 2 })
})

test('reads lengths of every size', () => {
  const length = (text: string) => readLength(new ByteReader(hex(text)))
  assert.equal(length('fa'), 250)
  assert.equal(length('fc fb 00'), 251)
  assert.equal(length('fd 00 00 01'), 65_536)
  assert.equal(length('fe 00 00 00 01 00 00 00 00'), 16_777_216)
  assert.throws(() => length('ff'), { code: 'mysql.broken-packet' })
  assert.throws(() => length('fc 01'), { code: 'wire.truncated' })
})
