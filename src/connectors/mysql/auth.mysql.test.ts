/** Logging in: every authentication plugin, with and without TLS, on the oldest and newest servers. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { execute, fileServer, type Server } from '../../../tools/servers/index.ts'
import { Connection, type ConnectionSettings } from './protocol/connection.ts'
import type { TlsMode } from './protocol/login.ts'

const [mysql9, maria, mysql55] = [
  await fileServer('mysql-9', { tls: true }),
  await fileServer('mariadb-10.11', { tls: true }),
  await fileServer('mysql-5.5'),
]

const signal = new AbortController().signal

interface Attempt {
  readonly user: string
  readonly password: string
  readonly mode?: TlsMode
  readonly ca?: string
  readonly host?: string
  readonly allowPublicKeyRetrieval?: boolean
}

async function logIn(
  server: Server,
  { user, password, mode = 'disabled', ca, host = '127.0.0.1', allowPublicKeyRetrieval = true }: Attempt,
) {
  const settings: ConnectionSettings = {
    host,
    port: server.port,
    user,
    password,
    database: '',
    tls: { mode, isChosen: true, checksName: mode === 'verify_identity', ...(ca === undefined ? {} : { ca }) },
    allowPublicKeyRetrieval,
    connectTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
  }
  await using connection = await Connection.open(settings, signal)
  const { rows } = await connection.query('SELECT SUBSTRING_INDEX(CURRENT_USER(), "@", 1)')
  return { user: rows[0]?.[0], isEncrypted: connection.stream.isEncrypted }
}

/** The server forgets the passwords that it has seen, so that a login takes the long way. */
const forget = (server: Server) => execute(server, ['FLUSH PRIVILEGES'])

describe('logging in to MySQL 9', { skip: mysql9.skip }, () => {
  const { server } = mysql9
  const account = { user: 'sha2_user', password: 'sluice-test' }

  test('caching_sha2_password over plain TCP: by the public key, then from the cache', async () => {
    await forget(server)
    assert.deepEqual(await logIn(server, account), { user: 'sha2_user', isEncrypted: false })
    assert.deepEqual(await logIn(server, { ...account, allowPublicKeyRetrieval: false }), {
      user: 'sha2_user',
      isEncrypted: false,
    })
  })

  test('caching_sha2_password over plain TCP without the right to fetch the key', async () => {
    await forget(server)
    await assert.rejects(logIn(server, { ...account, allowPublicKeyRetrieval: false }), { code: 'mysql.public-key-not-allowed' })
  })

  test('caching_sha2_password over TLS', async () => {
    await forget(server)
    assert.deepEqual(await logIn(server, { ...account, mode: 'preferred', allowPublicKeyRetrieval: false }), {
      user: 'sha2_user',
      isEncrypted: true,
    })
  })

  for (const password of ['', 'p', `Žluť 😀 ${'long '.repeat(20)}`]) {
    test(`caching_sha2_password and sha256_password with the password "${password.slice(0, 10)}"`, async () => {
      for (const plugin of ['caching_sha2_password', 'sha256_password']) {
        const user = `u_${plugin.slice(0, 3)}_${password.length}`
        await execute(server, [`DROP USER IF EXISTS ${user}`, `CREATE USER ${user} IDENTIFIED WITH ${plugin} BY '${password}'`])
        for (const mode of ['disabled', 'required'] as const)
          assert.equal((await logIn(server, { user, password, mode })).user, user)
      }
    })
  }

  test('a wrong password is a usage error that does not repeat it', async () => {
    await assert.rejects(
      logIn(server, { ...account, password: 'wrong-secret' }),
      (error: Error & { code?: string; fault?: string }) => {
        assert.deepEqual([error.code, error.fault], ['mysql.access-denied', 'usage'])
        assert.doesNotMatch(JSON.stringify(error), /wrong-secret/)
        return true
      },
    )
  })

  test('certificates: the chain, the name, and neither', async () => {
    const ca = await readFile(server.ca ?? '', 'utf8')
    assert.equal((await logIn(server, { ...account, mode: 'verify_ca', ca })).isEncrypted, true)
    assert.equal((await logIn(server, { ...account, mode: 'verify_identity', ca, host: 'localhost' })).isEncrypted, true)
    await assert.rejects(logIn(server, { ...account, mode: 'verify_ca' }), { code: 'wire.tls' })
    await assert.rejects(logIn(server, { ...account, mode: 'verify_identity', ca, host: '127.1' }), { code: 'wire.tls' })
  })
})

describe('logging in to MariaDB', { skip: maria.skip }, () => {
  const { server } = maria

  for (const mode of ['disabled', 'preferred'] as const) {
    test(`mysql_native_password and ed25519, TLS ${mode}`, async () => {
      for (const user of ['native_user', 'ed25519_user']) {
        assert.deepEqual(await logIn(server, { user, password: 'sluice-test', mode }), {
          user,
          isEncrypted: mode === 'preferred',
        })
        await assert.rejects(logIn(server, { user, password: 'wrong', mode }), { code: 'mysql.access-denied' })
      }
    })
  }
})

describe('logging in to MySQL 5.5', { skip: mysql55.skip }, () => {
  const { server } = mysql55

  test('mysql_native_password, with a password and without', async () => {
    assert.equal((await logIn(server, { user: 'native_user', password: 'sluice-test', mode: 'preferred' })).user, 'native_user')
    await execute(server, ["GRANT USAGE ON *.* TO open_user@'%'"])
    assert.equal((await logIn(server, { user: 'open_user', password: '' })).user, 'open_user')
  })

  test('a server without TLS, where it is required', async () => {
    await assert.rejects(logIn(server, { user: 'native_user', password: 'sluice-test', mode: 'required' }), {
      code: 'mysql.no-tls',
      fault: 'usage',
    })
  })

  test('the hash of MySQL 3.23 is refused by name', async () => {
    await execute(server, [
      'SET SESSION old_passwords = 1',
      "GRANT USAGE ON *.* TO old_user@'%'",
      "UPDATE mysql.user SET Password = OLD_PASSWORD('x') WHERE User = 'old_user'",
      'FLUSH PRIVILEGES',
    ])
    await assert.rejects(logIn(server, { user: 'old_user', password: 'x' }), { code: 'mysql.unknown-auth-plugin' })
  })
})
