/** The test servers themselves: whatever a test does to them, the machine is as clean afterwards as before. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { SluiceError } from '#errors'
import {
  type Database,
  freshDatabase,
  type Server,
  type ServerFacts,
  serverNames,
  shareServers,
  startServer,
  testServer,
} from './index.ts'
import { identify, listensOn, treeOf } from './processes.ts'
import { run } from './run.ts'

/** The version that each server's name promises. */
const versions: Record<string, RegExp> = {
  'postgres-12': /^PostgreSQL 12\./,
  'postgres-15': /^PostgreSQL 15\./,
  'postgres-18': /^PostgreSQL 18\./,
  'mysql-5.5': /^5\.5\./,
  'mysql-9': /^9\./,
  'mariadb-10.11': /^10\.11\..*MariaDB/,
  'mariadb-11.8': /^11\.8\..*MariaDB/,
}

for (const name of serverNames) {
  describe(name, () => {
    test('starts, is ours, answers, and leaves nothing behind', async t => {
      const server = await testServer(t, name, { own: true })
      if (!server) return
      assert.match(String(await ask(server, 'SELECT version()')), versions[name] ?? /^$/)
      assert(await listensOn(server.pid, server.port))
      assert(await listensOn(process.pid, server.port), 'a server descends from whoever started it')
      const processes = await treeOf(server.pid)
      await server.stop()
      for (const pid of processes) assert.equal(await identify(pid), undefined, `process ${pid}`)
      assert(!existsSync(dirname(server.log)))
    })

    test('keeps what is committed when it is killed, and restarts on the same port', async t => {
      const server = await testServer(t, name, { own: true })
      if (!server) return
      const { pid, port } = server
      await ask(server, 'CREATE TABLE kept (n int)')
      await ask(server, 'INSERT INTO kept VALUES (42)')
      await server.kill()
      assert.equal(await identify(pid), undefined)
      await server.restart()
      assert.deepEqual([server.port, Number(await ask(server, 'SELECT n FROM kept'))], [port, 42])
      assert.notEqual(server.pid, pid)
    })

    test('with settings and TLS', async t => {
      const isPostgres = name.startsWith('postgres')
      const hasTls = name !== 'mysql-5.5'
      if (!hasTls) await assert.rejects(startServer(name, { tls: true }), { code: 'servers.no-tls' })
      const [setting, value] = isPostgres ? ['work_mem', '7MB'] : ['sort_buffer_size', '2097152']
      const server = await testServer(t, name, { tls: hasTls, settings: { [setting]: value } })
      if (!server) return

      await t.test('passes the setting on', async () => {
        assert.equal(String(await ask(server, isPostgres ? `SHOW ${setting}` : `SELECT @@${setting}`)), value)
      })

      await t.test('encrypts, with a certificate that its authority vouches for, when asked to', async () => {
        if (!hasTls) return
        const [question, expected] = isPostgres
          ? ['SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', /^true$/]
          : ["SHOW STATUS LIKE 'Ssl_cipher'", /^TLS_\w+$/]
        assert.match(String(await ask(server, question)), expected)
      })

      await t.test('lets every account in with its password only', async () => {
        for (const { user, password, auth } of server.accounts) {
          assert.match(String(await logIn(server, user, password)), new RegExp(`^${user}(@%)?$`), `${user} by ${auth}`)
          if (auth !== 'trust') await assert.rejects(logIn(server, user, 'wrong'), /password|denied/i, `${user} by ${auth}`)
        }
      })

      await t.test('gives out databases that do not know of each other', async () => {
        await using one = await freshDatabase(server, { unprivileged: true })
        await using two = await freshDatabase(server, { unprivileged: true })
        await ask({ ...server, ...one }, 'CREATE TABLE t (n int)')
        await assert.rejects(ask({ ...server, ...two }, 'SELECT n FROM t'), /exist/)
        await assert.rejects(ask({ ...server, ...two }, 'CREATE DATABASE stolen'), /denied/)
      })

      await t.test('drops a database although a transaction is open in it', { timeout: 120_000 }, async () => {
        const database = await freshDatabase(server)
        const connection = await openTransaction(database)
        await database.drop()
        await assert.rejects(ask({ ...server, ...database }, 'SELECT 1'), /exist|Unknown database/)
        connection.destroy()
      })
    })
  })
}

describe('a server that reads a binary log', () => {
  for (const name of ['mysql-5.5', 'mysql-9', 'mariadb-10.11', 'mariadb-11.8'] as const) {
    test(name, async t => {
      const server = await testServer(t, name, { settings: { 'log-bin': 'bin' } })
      if (!server) return
      assert.equal(Number(await ask(server, 'SELECT @@log_bin')), 1)
      assert.equal(await ask(server, 'SELECT @@binlog_format'), 'ROW')
    })
  }
})

describe('starting', () => {
  test('on a port that is taken is refused with the port and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const port = (other.address() as { port: number }).port
    await assert.rejects(startServer('postgres-18', { port }), (error: unknown) => {
      assert(SluiceError.is(error, 'servers.port-taken'))
      assert.match(error.message, new RegExp(`postgres-18.*${port}`))
      assert.match(error.hint ?? '', /Leave the port out/)
      return true
    })
    other.close()
  })

  test('with a setting that the server refuses shows the log and leaves nothing', async () => {
    const before = await running()
    await assert.rejects(startServer('postgres-18', { settings: { work_mem: 'plenty' } }), (error: unknown) => {
      assert(SluiceError.is(error, 'servers.start-failed'))
      assert.match(error.message, /ended by itself.*invalid value for parameter "work_mem"/s)
      return true
    })
    assert(new Set(await running()).isSubsetOf(new Set(before)), 'something still runs')
  })

  test('keeps the data in a folder that was given', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-data-'))
    t.after(() => rm(folder, { recursive: true }))
    // As root, the server is somebody else.
    await chmod(folder, 0o755)
    const dataDir = join(folder, 'data')
    await using first = await startServer('mariadb-10.11', { dataDir })
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS n')
    await first.stop()
    await using second = await startServer('mariadb-10.11', { dataDir })
    assert.equal(await ask(second, 'SELECT n FROM kept'), 42)
  })

  test('where the programs cannot be fetched is a reason to skip, but not in CI', async t => {
    const cache = await mkdtemp(join(tmpdir(), 'sluice-cache-'))
    t.after(() => rm(cache, { recursive: true }))
    const script = `
      const { fileServer } = await import('${join(import.meta.dirname, 'index.ts')}')
      const { skip } = await fileServer('mysql-9').catch(error => ({ skip: error.code }))
      console.log('skip:', skip)`
    const bin = join(cache, 'bin')
    await run(['sh', '-c', `mkdir ${bin} && ln -s /usr/bin/sh /usr/bin/flock /usr/bin/mkdir /usr/bin/cat ${bin}`])
    const env = { XDG_CACHE_HOME: cache, PATH: bin }
    const node = [process.execPath, '--input-type=module', '-e', script]
    assert.match(await run(node, { env }), /skip: Test server mysql-9 could not be installed here: .*apt-get: not found/s)
    assert.match(await run(node, { env: { ...env, CI: 'true' } }), /skip: servers.not-installable/)
  })
})

describe('sharing', () => {
  test('gives every process of a run the same server, which only its owner can stop', async t => {
    await using shared = await shareServers(['postgres-18'])
    Object.assign(process.env, shared.env)
    t.after(() => delete process.env['SLUICE_SERVERS'])
    const server = await startServer('postgres-18')
    const own = await startServer('postgres-18', { own: true })
    assert.notEqual(own.pid, server.pid)
    await own.stop()
    await server.stop()
    assert.equal(await ask(server, 'SELECT 1'), 1)
    await assert.rejects(server.kill(), { code: 'servers.not-own' })
    await assert.rejects(server.restart(), { code: 'servers.not-own' })
  })
})

describe('when the process that started a server is killed with -9', () => {
  for (const name of ['postgres-18', 'mariadb-10.11'] as const) {
    test(`${name} ends and its folder goes`, async () => {
      const [starter, facts] = await startElsewhere(name)
      starter.kill('SIGKILL')
      await eventually(async () => (await identify(facts.pid)) === undefined && !existsSync(dirname(facts.log)))
    })

    test(`and its keeper too, ${name} ends at once, and its folder goes at the next start`, async () => {
      const [starter, facts] = await startElsewhere(name)
      const home = dirname(facts.log)
      const record = JSON.parse(await readFile(join(home, 'server.json'), 'utf8')) as { keeper: { pid: number } }
      starter.kill('SIGKILL')
      process.kill(record.keeper.pid, 'SIGKILL')
      await eventually(async () => (await identify(facts.pid)) === undefined)
      await using _next = await startServer('postgres-18', { own: true })
      assert(!existsSync(home))
    })
  }
})

describe('npm run servers', () => {
  const servers = (...args: string[]) => run([process.execPath, join(import.meta.dirname, 'main.ts'), ...args])

  test('starts a server that stays, says how to connect, and stops it', async t => {
    const output = await servers('start', 'postgres-18')
    t.after(() => servers('stop', 'postgres-18').catch(() => {}))
    const port = /port +(\d+)/.exec(output)?.[1] ?? ''
    assert.match(output, new RegExp(`psql -h 127.0.0.1 -p ${port} -U postgres`))
    assert.match(await servers('start', 'postgres-18'), new RegExp(`runs already[^]*port +${port}`))
    const status = await servers('status')
    const pid = Number(new RegExp(`postgres-18 +127.0.0.1:${port} +pid (\\d+) +until you stop it`).exec(status)?.[1])
    assert((await identify(pid)) !== undefined, status)
    assert.match(await servers('stop', 'postgres-18'), new RegExp(`port ${port} has stopped`))
    assert.equal(await identify(pid), undefined)
    await assert.rejects(servers('stop', 'postgres-18'), /No test server called "postgres-18" was started/)
  })

  test('names the servers when it does not know one', async () => {
    await assert.rejects(servers('start', 'oracle'), /no test server called "oracle"[^]*postgres-15, [^]*mysql-9/)
  })

  test('refuses options it cannot use', async () => {
    await assert.rejects(servers('start', 'postgres-18', '--port', 'any'), /--port is "any", but has to be a whole number/)
    await assert.rejects(servers('start', 'postgres-18', '--set', 'work_mem'), /--set is "work_mem", but has to be NAME=VALUE/)
    await assert.rejects(servers('start', 'postgres-18', '--colour'), /Unknown option '--colour'/)
  })

  test('runs a command with shared servers and returns its exit code', async () => {
    const script = 'process.exitCode = 3; console.log(Object.keys(JSON.parse(process.env.SLUICE_SERVERS)))'
    const command = [
      process.execPath,
      join(import.meta.dirname, 'main.ts'),
      'with',
      'postgres-18',
      '--',
      process.execPath,
      '-e',
      script,
    ]
    const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = (await Array.fromAsync(child.stdout)).join('')
    assert.match(output, /'postgres-18'/)
    assert.equal(child.exitCode ?? (await once(child, 'exit'))[0], 3)
  })
})

/** The first value of the first row, asked as the superuser or as whoever the facts name; encrypted when there is a CA. */
async function ask(server: Omit<ServerFacts, 'pid'>, sql: string): Promise<unknown> {
  const { kind, host, port, user, password, database } = server
  const ssl = server.ca === undefined ? {} : { ssl: { ca: await readFile(server.ca, 'utf8') } }
  if (kind === 'postgres') {
    const client = new pg.Client({ host, port, user, password, database, ...ssl })
    await client.connect()
    const { rows } = await client.query({ text: sql, rowMode: 'array' }).finally(() => client.end())
    return (rows as unknown[][])[0]?.[0]
  }
  const client = await mysql.createConnection({ host, port, user, password, database, ...ssl })
  const [rows] = await client.query({ sql, rowsAsArray: true }).finally(() => client.end())
  return Array.isArray(rows) ? (rows as unknown[][])[0]?.at(-1) : undefined
}

/** A connection with a transaction that has written to a table. */
async function openTransaction({ kind, ...facts }: Database): Promise<{ destroy(): void }> {
  const statements = ['CREATE TABLE held (n int)', 'BEGIN', 'INSERT INTO held VALUES (1)']
  if (kind === 'postgres') {
    const client = new pg.Client(facts)
    await client.connect()
    client.on('error', () => {})
    for (const statement of statements) await client.query(statement)
    return { destroy: () => void client.end().catch(() => {}) }
  }
  const { host, port, user, password, database } = facts
  const client = await mysql.createConnection({ host, port, user, password, database })
  client.on('error', () => {})
  for (const statement of statements) await client.query(statement)
  return client
}

/** Who the server says we are. By the server's own client for the method that the Node client does not know. */
async function logIn(server: Server, user: string, password: string): Promise<unknown> {
  const auth = server.accounts.find(account => account.user === user)?.auth
  const question = 'SELECT current_user'
  if (auth === 'client_ed25519') {
    const client = [
      join(server.bin, 'mariadb'),
      '-h',
      server.host,
      '-P',
      String(server.port),
      '-u',
      user,
      `-p${password}`,
      '-N',
      '-B',
    ]
    return (await run([...client, '-e', `${question}()`])).trim()
  }
  if (server.kind === 'postgres') return ask({ ...server, user, password }, question)
  const client = await mysql.createConnection({ host: server.host, port: server.port, user, password })
  const [rows] = await client.query({ sql: `${question}()`, rowsAsArray: true }).finally(() => client.end())
  return (rows as unknown[][])[0]?.[0]
}

/** A server that another process has started. */
async function startElsewhere(name: string): Promise<[starter: ChildProcess, facts: ServerFacts]> {
  const script = `
    const { startServer } = await import('${join(import.meta.dirname, 'index.ts')}')
    console.log(JSON.stringify(await startServer('${name}', { own: true })))
    setInterval(() => {}, 1000)`
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(starter.stdout), 'line')) as [string]
  const facts = JSON.parse(line) as ServerFacts
  assert((await identify(facts.pid)) !== undefined)
  return [starter, facts]
}

/** This process and those that it has started, without those that have ended. */
async function running(): Promise<number[]> {
  const all = await Promise.all((await treeOf(process.pid)).map(identify))
  return all.flatMap(id => (id === undefined ? [] : [id.pid]))
}

async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; !(await isTrue()); await sleep(20)) assert(Date.now() < end, 'not within two minutes')
}
