import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT, MARIADB, negotiate } from './capabilities.ts'
import { decodeGreeting, encodeLogin } from './handshake.ts'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

// The packet of the manual, field by field (protocol_connection_phase_packets_protocol_handshake_v10, MySQL 5.5.2).
const MYSQL_55 = hex(`
  0a 35 2e 35 2e 32 2d 6d 32 00 0b 00 00 00 64 76 48 40 49 2d 43 4a 00 ff f7 08 02 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 2a 34 64 7c 63 5a 77 6b 34 5e 5d 3a 00`)

test('decodes the greeting of MySQL 5.5, which names no plugin', () => {
  const greeting = decodeGreeting(MYSQL_55)
  assert.equal(greeting.version, '5.5.2-m2')
  assert.equal(greeting.connectionId, 11)
  assert.equal(greeting.capabilities.flags, 0xf7ff)
  assert.equal(greeting.nonce.toString('latin1'), 'dvH@I-CJ*4d|cZwk4^]:')
  assert.equal(greeting.plugin, '')
  assert.equal(greeting.isMariaDb, false)
})

// The same manual, MySQL 5.6.4.
const MYSQL_56 = hex(`
  0a 35 2e 36 2e 34 2d 6d 37 2d 6c 6f 67 00 56 0a 00 00 52 42 33 76 7a 26 47 72 00 ff ff 08 02 00 0f c0
  15 00 00 00 00 00 00 00 00 00 00 2b 79 44 26 2f 5a 5a 33 30 35 5a 47 00
  6d 79 73 71 6c 5f 6e 61 74 69 76 65 5f 70 61 73 73 77 6f 72 64 00`)

test('decodes the greeting of MySQL 5.6 with its plugin', () => {
  const greeting = decodeGreeting(MYSQL_56)
  assert.equal(greeting.version, '5.6.4-m7-log')
  assert.equal(greeting.connectionId, 2646)
  assert.equal(greeting.plugin, 'mysql_native_password')
  assert.equal(greeting.nonce.toString('latin1'), 'RB3vz&Gr+yD&/ZZ305ZG')
})

test('takes the plugin name without its NUL, which some servers forget', () => {
  assert.equal(decodeGreeting(MYSQL_56.subarray(0, -1)).plugin, 'mysql_native_password')
})

test("takes MariaDB's extended capabilities only where CLIENT_MYSQL is clear, and strips its replication prefix", () => {
  const version = Buffer.from('5.5.5-10.11.6-MariaDB\0')
  const rest = MYSQL_56.subarray(14)
  const maria = Buffer.concat([hex('0a'), version, rest])
  const flagsAt = 1 + version.length + 4 + 8 + 1
  maria.writeUInt16LE(0xfffe, flagsAt)
  maria.writeUInt32LE(0x1d, flagsAt + 2 + 1 + 2 + 2 + 1 + 6)
  const greeting = decodeGreeting(maria)
  assert.equal(greeting.version, '10.11.6-MariaDB')
  assert.equal(greeting.isMariaDb, true)
  assert.equal(greeting.capabilities.extended, 0x1d)
  const agreed = negotiate(greeting.capabilities, false, false)
  assert.equal(agreed.extended, MARIADB.STMT_BULK_OPERATIONS)
  assert.equal(agreed.flags & CLIENT.LONG_PASSWORD, 0)
  maria.writeUInt16LE(0xffff, flagsAt)
  assert.equal(decodeGreeting(maria).capabilities.extended, 0)
})

test('refuses another protocol and every truncation', () => {
  assert.throws(() => decodeGreeting(hex('09')), { code: 'mysql.unknown-protocol' })
  for (let length = 1; length < MYSQL_55.length - 1; length++)
    assert.throws(() => decodeGreeting(MYSQL_55.subarray(0, length)), { code: 'wire.truncated' })
})

test('encodes the login as the manual has it (HandshakeResponse41)', () => {
  const capabilities = {
    flags: CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH | CLIENT.CONNECT_WITH_DB,
    extended: 0,
  }
  const proof = hex('ab09eef6bcb1320e61386b99d8c68f7a9cd58d74')
  const packet = encodeLogin({
    capabilities,
    user: 'pam',
    database: 'test',
    plugin: 'mysql_native_password',
    proof,
    attributes: {},
  })
  const expected = hex(`
    08 82 08 00  00 00 00 40  2d ${'00'.repeat(23)}
    70 61 6d 00  14 ab 09 ee f6 bc b1 32 0e 61 38 6b 99 d8 c6 8f 7a 9c d5 8d 74
    74 65 73 74 00  6d 79 73 71 6c 5f 6e 61 74 69 76 65 5f 70 61 73 73 77 6f 72 64 00`)
  assert.equal(packet.toString('hex'), expected.toString('hex'))
})

test('encodes connection attributes as length-encoded pairs', () => {
  const capabilities = { flags: CLIENT.PROTOCOL_41 | CLIENT.CONNECT_ATTRS, extended: 0 }
  const packet = encodeLogin({
    capabilities,
    user: '',
    database: '',
    plugin: '',
    proof: Buffer.alloc(0),
    attributes: { _pid: '22', a: 'ü' },
  })
  assert.equal(packet.subarray(34).toString('hex'), hex('0d 04 5f 70 69 64 02 32 32 01 61 02 c3 bc').toString('hex'))
})
