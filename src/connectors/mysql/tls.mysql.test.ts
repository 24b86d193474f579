/** What is encrypted, who has to prove who he is, and what the user is told: docs/decisions/0032-tls-defaults.md, on real servers. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { CLIENT, clientCertificate, execute, fileServer, type Server } from '../../../tools/servers/index.ts'
import { contextOf } from './mysql.test-support.ts'
import { openSession, type TlsOptions } from './options.ts'

const [mysql9, maria, without] = [
  await fileServer('mysql-9', { tls: true }),
  await fileServer('mariadb-10.11', { tls: true }),
  await fileServer('mariadb-10.11'),
]
const client = await clientCertificate()

const HERE = '127.0.0.1'
/** Reaches this machine by a name that is not known to; the certificate of the server is for it. */
const ELSEWHERE = '0.0.0.0'
/** The same, and the certificate is not for it. */
const OTHER_NAME = '127.1'

interface Attempt {
  readonly server: Server
  readonly host?: string
  readonly user?: string
  readonly tls?: TlsOptions
  /** Connection properties, as from a JDBC URL. */
  readonly jdbc?: Record<string, string>
}

async function connect({ server, host = ELSEWHERE, user = 'native_user', tls = {}, jdbc }: Attempt) {
  const { port, accounts } = server
  const account = accounts.find(known => known.user === user) ?? accounts[0]!
  const place = {
    hosts: [{ host, port }],
    user,
    password: account.password,
    database: undefined,
    connectTimeoutMs: 60_000,
    queryTimeoutMs: 0,
  }
  const connection = { ...place, properties: jdbc ?? {}, isJdbc: jdbc !== undefined }
  const session = await openSession(connection, tls, 'read', contextOf())
  await using opened = session.connection
  const [row] = await opened.objects<'value'>("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
  const notes = session.notes.map(({ level, text }) => `${level}: ${text.replace(/\S*:\d+/, 'SERVER')}`)
  return { isEncrypted: row?.value !== '', notes }
}

for (const { server, skip } of [mysql9, maria]) {
  describe(`TLS with ${skip === false ? server.name : 'a server'}`, { skip }, () => {
    const user = skip === false && server.name === 'mysql-9' ? 'sha2_user' : 'native_user'
    const at = { server, user }
    const encrypted = { isEncrypted: true, notes: [] }
    let ca: string
    before(() => void (ca = server.ca!))

    test('a server elsewhere has to prove who it is, when nothing else was said', async () => {
      assert.deepEqual(await connect({ ...at, tls: { sslCa: ca } }), encrypted)
      await assert.rejects(connect(at), { code: 'wire.tls', message: /certificate/ })
      await assert.rejects(connect({ ...at, tls: { sslCa: client.cert } }), { code: 'wire.tls' })
      await assert.rejects(connect({ ...at, host: OTHER_NAME, tls: { sslCa: ca } }), { code: 'wire.tls', message: /127\.1/ })
    })

    test('a server on this machine need not', async () => {
      assert.deepEqual(await connect({ ...at, host: HERE }), encrypted)
    })

    test('with a JDBC URL it is as with the driver, and the plan says so', async () => {
      const told = ['info: SERVER has not proved who it is, as JDBC drivers do not ask for it by themselves; `sslMode` can.']
      const open = { isEncrypted: false, notes: [NOT_ENCRYPTED] }
      const expected: [properties: Record<string, string>, result: object][] = [
        [{}, { ...encrypted, notes: told }],
        [{ useSSL: 'true' }, { ...encrypted, notes: told }],
        [{ useSSL: 'false' }, open],
        [{ requireSSL: 'true' }, encrypted],
        [{ sslMode: 'REQUIRED' }, encrypted],
        [{ sslMode: 'trust' }, encrypted],
        [{ sslMode: 'disable' }, open],
        [{ sslMode: 'VERIFY_IDENTITY', serverSslCert: ca }, encrypted],
        [{ sslMode: 'DISABLED', requireSSL: 'true' }, open],
      ]
      for (const [jdbc, result] of expected) assert.deepEqual(await connect({ ...at, jdbc }), result, JSON.stringify(jdbc))
      for (const jdbc of [{ verifyServerCertificate: 'true' }, { sslMode: 'verify-full' }, { sslMode: 'VERIFY_CA' }])
        await assert.rejects(connect({ ...at, jdbc }), { code: 'wire.tls' })
      await assert.rejects(connect({ ...at, jdbc: { sslMode: 'maybe' } }), { code: 'sql.contradiction' })
    })

    test('sslMode says what is checked, everywhere', async () => {
      for (const host of [HERE, ELSEWHERE, OTHER_NAME]) {
        assert.deepEqual(await connect({ ...at, host, tls: { sslMode: 'required' } }), encrypted)
        assert.deepEqual(await connect({ ...at, host, tls: { sslMode: 'preferred' } }), encrypted)
        assert.deepEqual(await connect({ ...at, host, tls: { sslMode: 'verify_ca', sslCa: ca } }), encrypted)
        await assert.rejects(connect({ ...at, host, tls: { sslMode: 'verify_ca' } }), { code: 'wire.tls' })
      }
      await assert.rejects(connect({ ...at, host: OTHER_NAME, tls: { sslMode: 'verify_identity', sslCa: ca } }), {
        code: 'wire.tls',
      })
    })

    test('a client proves who it is by a certificate', async () => {
      await execute(server, [`CREATE USER ${CLIENT} IDENTIFIED BY '${server.password}' REQUIRE X509`])
      const tls = { sslCa: ca, sslCert: client.cert, sslKey: client.key }
      assert.deepEqual(await connect({ server, user: CLIENT, tls }), encrypted)
      await assert.rejects(connect({ server, user: CLIENT, tls: { sslCa: ca } }), { code: 'mysql.access-denied' })
    })
  })
}

const NOT_ENCRYPTED =
  'warning: The connection to SERVER is not encrypted. All rows can be read and changed on the way; `sslMode` can forbid that.'

describe('without TLS', { skip: without.skip }, () => {
  const { server } = without

  test('is warned about, where others can read it', async () => {
    assert.deepEqual(await connect({ server }), { isEncrypted: false, notes: [NOT_ENCRYPTED] })
    assert.deepEqual(await connect({ server, jdbc: {} }), { isEncrypted: false, notes: [NOT_ENCRYPTED] })
    assert.deepEqual(await connect({ server, host: HERE }), { isEncrypted: false, notes: [] })
  })

  test('is refused where TLS is required', async () => {
    for (const sslMode of ['required', 'verify_ca', 'verify_identity'])
      await assert.rejects(connect({ server, tls: { sslMode } }), { code: 'mysql.no-tls', fault: 'usage' })
  })
})
