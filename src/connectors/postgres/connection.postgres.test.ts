/** Logging in, TLS, and what is said when a server will not have us. */
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '#errors'
import { fileServer } from '../../../tools/servers/index.ts'
import { openSession, type TlsSettings } from './options.ts'
import { contextOf } from './postgres.test-support.ts'
import { BINARY, CopyIn } from './copy-in.ts'
import { SendPool } from '#wire'

const { server, skip } = await fileServer('postgres-15', { tls: true })

interface Login {
  readonly user?: string
  readonly password?: string | undefined
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly properties?: Record<string, string>
  readonly connectTimeoutMs?: number
  readonly signal?: AbortSignal
}

const PASSWORD = 'sluice-test'
/** Much longer than any login takes. */
const CONNECT_MS = 60_000

async function login(
  {
    user = 'postgres',
    password = PASSWORD,
    host = '127.0.0.1',
    port = server.port,
    database = 'postgres',
    properties = {},
    connectTimeoutMs = CONNECT_MS,
    signal,
  }: Login,
  tls: TlsSettings = { sslMode: 'disable' },
) {
  const connection = { hosts: [{ host, port }], user, password, database, properties, connectTimeoutMs, queryTimeoutMs: 0 }
  return openSession({ connection, tls }, contextOf(signal === undefined ? {} : { signal }))
}

/** Lets a session sleep for a minute; returns when it does. */
async function asleep(session: Awaited<ReturnType<typeof login>>): Promise<{ pid: string; ended: Promise<unknown> }> {
  const pid = (await session.query('SELECT pg_backend_pid()')).rows[0]?.[0] ?? ''
  const ended = session.query('SELECT pg_sleep(60)')
  ended.catch(() => {})
  await using witness = await login({})
  const isAsleep = `SELECT 1 FROM pg_stat_activity WHERE pid = ${pid} AND wait_event = 'PgSleep'`
  while ((await witness.query(isAsleep)).rows.length === 0) await sleep(10)
  return { pid, ended }
}

const encryption = 'SELECT ssl, coalesce(client_serial::text, version) FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

describe('connection', { skip }, () => {
  for (const user of ['postgres', 'scram_user', 'md5_user']) {
    test(`${user} logs in by the method of the server`, async () => {
      await using session = await login({ user })
      assert.deepEqual((await session.query('SELECT current_user')).rows, [[user]])
    })
  }

  test('a wrong password, user or database is told as what it is', async () => {
    const attempts: [login: Login, code: string, text: RegExp][] = [
      [
        { user: 'scram_user', password: 'wrong' },
        'postgres.login-refused',
        /password authentication failed for user "scram_user"/,
      ],
      [{ user: 'md5_user', password: 'wrong' }, 'postgres.login-refused', /password authentication failed/],
      [{ user: 'nobody_such' }, 'postgres.login-refused', /no pg_hba.conf entry/],
      [{ database: 'nope' }, 'postgres.database-missing', /database "nope" does not exist/],
    ]
    for (const [one, code, text] of attempts) {
      await assert.rejects(login(one), (error: unknown) => {
        assert(SluiceError.is(error, code), String(error))
        assert.match(error.message, text)
        return error.hint !== undefined && !JSON.stringify(error).includes('wrong"')
      })
    }
    const connection = {
      hosts: [{ host: '127.0.0.1', port: server.port }],
      user: 'scram_user',
      password: undefined,
      database: 'postgres',
      properties: {},
      connectTimeoutMs: CONNECT_MS,
      queryTimeoutMs: 0,
    }
    await assert.rejects(openSession({ connection, tls: { sslMode: 'disable' } }, contextOf()), {
      code: 'postgres.password-missing',
    })
  })

  test('TLS as sslMode asks for it, with channel binding where the server offers it', async () => {
    const { ca = '' } = server
    for (const tls of [
      { sslMode: 'prefer' },
      { sslMode: 'require' },
      { sslMode: 'verify-ca', sslRootCert: ca },
      { sslMode: 'verify-full', sslRootCert: ca },
    ] as const) {
      await using session = await login({ user: 'scram_user', host: 'localhost' }, tls)
      assert.equal((await session.query(encryption)).rows[0]?.[0], 't', tls.sslMode)
      const { rows } = await session.query("SELECT repeat('x', 3000000)")
      assert.equal(rows[0]?.[0]?.length, 3_000_000)
    }
    await using plain = await login({ user: 'scram_user' }, { sslMode: 'disable' })
    assert.equal((await plain.query(encryption)).rows[0]?.[0], 'f')
    await assert.rejects(login({ host: 'localhost' }, { sslMode: 'verify-full' }), { code: 'wire.tls' })
    await assert.rejects(login({ host: 'localhost' }, { sslMode: 'verify-ca', sslRootCert: '/no/such/file' }), {
      code: 'postgres.file-unreadable',
    })
  })

  test('the properties of the JDBC driver mean the same', async () => {
    await using session = await login({ properties: { sslmode: 'require', currentSchema: 'pg_catalog, public' } }, {})
    assert.equal((await session.query(encryption)).rows[0]?.[0], 't')
    assert.deepEqual((await session.query('SHOW search_path')).rows, [['pg_catalog, public']])
    await assert.rejects(login({ properties: { ssl: 'true' }, host: 'localhost' }, {}), { code: 'wire.tls' })
    await assert.rejects(login({ properties: { sslmode: 'maybe' } }, {}), { code: 'sql.contradiction' })
  })

  test('the next host is tried when one cannot be reached', async () => {
    const hosts = [
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port: server.port },
    ]
    const connection = {
      hosts,
      user: 'postgres',
      password: PASSWORD,
      database: 'postgres',
      properties: {},
      connectTimeoutMs: CONNECT_MS,
      queryTimeoutMs: 0,
    }
    await using session = await openSession({ connection, tls: { sslMode: 'disable' } }, contextOf())
    assert.equal(session.transaction, 'I')
  })

  test('a server that accepts and says nothing does not hold us up', async () => {
    const sockets: Socket[] = []
    const silent = createServer(socket => void sockets.push(socket))
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const started = performance.now()
    await assert.rejects(login({ port, connectTimeoutMs: 1000 }), { code: 'wire.connect-timeout' })
    assert(performance.now() - started < CONNECT_MS)
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  test('something that is no PostgreSQL is noticed', async () => {
    const other = createServer(socket => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').on('error', () => {}))
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    for (const sslMode of ['disable', 'prefer'] as const) {
      await assert.rejects(login({ port }, { sslMode }), (error: unknown) => SluiceError.is(error))
    }
    other.close()
  })

  test('a cancelled statement ends, over TLS too, and the connection goes on', async () => {
    for (const sslMode of ['disable', 'require'] as const) {
      await using session = await login({}, { sslMode })
      const sleeping = await asleep(session)
      void session.cancel()
      await assert.rejects(sleeping.ended, { code: 'postgres.canceled' })
      assert.deepEqual((await session.execute('SELECT $1::int + 1, $2::text', ['41', null])).rows, [['42', null]])
    }
  })

  test('an ended session is a transient error that says why', async () => {
    await using session = await login({})
    await using killer = await login({})
    const { pid, ended } = await asleep(session)
    await killer.query(`SELECT pg_terminate_backend(${pid})`)
    await assert.rejects(ended, {
      code: 'postgres.busy',
      fault: 'transient',
      message: /terminating connection due to administrator command/,
    })
    await assert.rejects(session.query('SELECT 1'), (error: unknown) => SluiceError.is(error) && error.fault === 'transient')
  })

  test('a COPY that the server refuses half-way is noticed while it is sent', async () => {
    await using session = await login({})
    await session.query('CREATE TEMP TABLE t (a int4)')
    const copy = new CopyIn(session, new SendPool(session.stream), 'COPY t FROM STDIN (FORMAT binary)', BINARY)
    await copy.start()
    // Every row says two fields where the table has one. One batch is two full buffers.
    const encode = (_columns: unknown, rows: number, out: Buffer, w: number, state: { row: number; need: number }) => {
      const end = out.length - ((out.length - w) % 2)
      for (; w < end; w += 2) out.writeInt16BE(2, w)
      if (++state.row < rows) state.need = 2
      return w
    }
    const batch = { columns: [], rows: 2 } as never
    const refuse = (): never => assert.fail()
    const write = async () => {
      for (let i = 0; i < 1000; i++) {
        await copy.write(batch, encode, { row: 0, at: 0, need: 0, order: 0 }, refuse)
        // A reader waits for its system between two batches; only then does anything arrive.
        await nextTurn()
      }
    }
    await assert.rejects(write, { code: 'postgres.value-refused', message: /row field count is 2, expected 1/ })
  })

  test('an abort ends every wait with its own reason', async () => {
    const abort = new AbortController()
    await using session = await login({ signal: abort.signal })
    const waiting = session.query('SELECT pg_sleep(20)')
    setTimeout(() => abort.abort(new Error('enough')), 50)
    await assert.rejects(waiting, { message: 'enough' })
    await assert.rejects(login({ signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
  })
})
