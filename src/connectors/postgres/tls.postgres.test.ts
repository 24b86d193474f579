/** What is encrypted, who has to prove who he is, and what the user is told: docs/decisions/0032-tls-defaults.md, on real servers. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { protectionNotes } from '#sql'
import { CLIENT, clientCertificate, execute, fileServer, type Server } from '../../../tools/servers/index.ts'
import { openSession, type TlsSettings } from './options.ts'
import { contextOf } from './postgres.test-support.ts'

const [withTls, without] = [await fileServer('postgres-15', { tls: true }), await fileServer('postgres-15', { own: true })]
const client = await clientCertificate()

const HERE = '127.0.0.1'
/** Reaches this machine by a name that is not known to; the certificate of the server is for it. */
const ELSEWHERE = '0.0.0.0'
/** The same, and the certificate is not for it. */
const OTHER_NAME = '127.1'

interface Attempt {
  readonly server?: Server
  readonly host?: string
  readonly user?: string
  readonly tls?: TlsSettings
  /** Connection properties, as from a JDBC URL. */
  readonly jdbc?: Record<string, string>
}

async function connect({ server = withTls.server, host = ELSEWHERE, user = 'scram_user', tls = {}, jdbc }: Attempt) {
  const { port, accounts } = server
  const password = accounts[0]!.password
  const place = { hosts: [{ host, port }], user, password, database: 'postgres', connectTimeoutMs: 60_000, queryTimeoutMs: 0 }
  const connection = { ...place, properties: jdbc ?? {}, isJdbc: jdbc !== undefined }
  await using session = await openSession({ connection, tls }, contextOf())
  const { rows } = await session.query('SELECT ssl, current_user FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
  const notes = protectionNotes(session.protection).map(({ level, text }) => `${level}: ${text.replace(/\S*:\d+/, 'SERVER')}`)
  return { isEncrypted: rows[0]?.[0] === 't', user: rows[0]?.[1], notes }
}

/** Lets an account log in by a method of its own. */
async function allow(server: Server, line: string): Promise<void> {
  const file = join(server.data, 'pg_hba.conf')
  await writeFile(file, `${line}\n${await readFile(file, 'utf8')}`)
  await execute(server, ['SELECT pg_reload_conf()'])
}

describe('TLS', { skip: withTls.skip }, () => {
  const encrypted = { isEncrypted: true, user: 'scram_user', notes: [] }
  let ca: string

  before(async () => {
    ca = withTls.server.ca!
    for (const { server } of [withTls, without]) {
      await execute(server, [
        `CREATE ROLE plain_user LOGIN PASSWORD '${server.accounts[0]!.password}'`,
        `CREATE ROLE ${CLIENT} LOGIN`,
      ])
      await allow(server, `hostssl all ${CLIENT} 127.0.0.1/32 cert`)
      await allow(server, 'host all plain_user 127.0.0.1/32 password')
    }
  })

  test('a server elsewhere has to prove who it is, when nothing else was said', async () => {
    assert.deepEqual(await connect({ tls: { sslRootCert: ca } }), encrypted)
    await assert.rejects(connect({}), { code: 'wire.tls', message: /certificate/ })
    await assert.rejects(connect({ tls: { sslRootCert: client.cert } }), { code: 'wire.tls' })
    await assert.rejects(connect({ host: OTHER_NAME, tls: { sslRootCert: ca } }), { code: 'wire.tls', message: /127\.1/ })
  })

  test('a server on this machine need not', async () => {
    for (const host of [HERE, 'localhost']) assert.deepEqual(await connect({ host }), encrypted)
  })

  test('with a JDBC URL it is as with the driver, and the plan says so', async () => {
    const told = ['info: SERVER has not proved who it is, as JDBC drivers do not ask for it by themselves; `sslMode` can.']
    assert.deepEqual(await connect({ jdbc: {} }), { ...encrypted, notes: told })
    assert.deepEqual(await connect({ jdbc: { ssl: 'true', sslfactory: 'org.postgresql.ssl.NonValidatingFactory' } }), encrypted)
    assert.deepEqual(await connect({ jdbc: { sslmode: 'verify-full', sslrootcert: ca } }), encrypted)
    await assert.rejects(connect({ jdbc: { ssl: 'true' } }), { code: 'wire.tls' })
  })

  test('sslMode says what is checked, everywhere', async () => {
    for (const host of [HERE, ELSEWHERE, OTHER_NAME]) {
      assert.deepEqual(await connect({ host, tls: { sslMode: 'require' } }), encrypted)
      assert.deepEqual(await connect({ host, tls: { sslMode: 'prefer' } }), encrypted)
      assert.deepEqual(await connect({ host, tls: { sslMode: 'verify-ca', sslRootCert: ca } }), encrypted)
      await assert.rejects(connect({ host, tls: { sslMode: 'verify-ca' } }), { code: 'wire.tls' })
      // As in libpq, https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS
      await assert.rejects(connect({ host, tls: { sslMode: 'require', sslRootCert: client.cert } }), { code: 'wire.tls' })
    }
    await assert.rejects(connect({ host: OTHER_NAME, tls: { sslMode: 'verify-full', sslRootCert: ca } }), { code: 'wire.tls' })
  })

  test('what is not encrypted is warned about, where others can read it', async () => {
    const { server } = without
    const rows = 'can be read and changed on the way; `sslMode` can forbid that.'
    const told = [`warning: The connection to SERVER is not encrypted. All rows ${rows}`]
    const open = { isEncrypted: false, user: 'scram_user' }
    assert.deepEqual(await connect({ server }), { ...open, notes: told })
    assert.deepEqual(await connect({ server, jdbc: {} }), { ...open, notes: told })
    assert.deepEqual(await connect({ tls: { sslMode: 'disable' } }), { ...open, notes: told })
    assert.deepEqual((await connect({ server, user: 'plain_user' })).notes, [
      `warning: The connection to SERVER is not encrypted. The password and all rows ${rows}`,
    ])
    assert.deepEqual((await connect({ user: 'plain_user', tls: { sslMode: 'require' } })).notes, [])
    assert.deepEqual(await connect({ server, host: HERE }), { ...open, notes: [] })
  })

  test('a server without TLS is refused where TLS is required', async () => {
    for (const sslMode of ['require', 'verify-ca', 'verify-full'] as const) {
      await assert.rejects(connect({ server: without.server, tls: { sslMode } }), {
        code: 'postgres.tls-refused',
        fault: 'usage',
      })
    }
  })

  test('a client proves who it is by a certificate', async () => {
    const tls = { sslRootCert: ca, sslCert: client.cert, sslKey: client.key }
    assert.deepEqual(await connect({ user: CLIENT, tls }), { ...encrypted, user: CLIENT })
    assert.equal(
      (await connect({ user: CLIENT, jdbc: { sslmode: 'require', sslcert: client.cert, sslkey: client.key } })).user,
      CLIENT,
    )
    await assert.rejects(connect({ user: CLIENT, tls: { sslRootCert: ca } }), { code: 'postgres.login-refused' })
  })

  test('files that are no certificates are an error of the user, which does not quote them', async () => {
    const notPem = join(withTls.server.data, 'PG_VERSION')
    for (const tls of [{ sslRootCert: notPem }, { sslCert: notPem, sslKey: notPem }, { sslCert: client.cert, sslKey: ca }]) {
      await assert.rejects(connect({ tls: { sslMode: 'require', ...tls } }), { fault: 'usage' })
    }
  })
})
