/**
 * Planted secrets: whatever happens to a job, none of its passwords is in what a command prints, keeps, or shows to other users of
 * the machine. Every planted text contains {@link MARK}; the tests look for that and nothing else.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { execute, fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { start } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'))
after(() => rm(folder, { recursive: true }))

const MARK = 'P1anted'
const RIGHT = `${MARK}-r:ght@pw`
const WRONG = `${MARK}-wr0ng`
const FROM_ENV = `${MARK}-env`
const IN_SQL = `${MARK}-sql`

const postgres = await fileServer('postgres-15')
const mysql = await fileServer('mysql-9')

/** Everything that is printed counts, on either stream. */
function begun(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { child, outcome } = start(args, { cwd: folder, env: { PLANTED: FROM_ENV, PLANTED_PASSWORD: RIGHT, ...env } })
  return { child, printed: outcome.then(({ code, out, err }) => ({ code, output: out + err })) }
}

const printed = (...line: Parameters<typeof begun>) => begun(...line).printed

/** All files below a folder that hold the mark. */
async function filesWithMark(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const texts = await Promise.all(files.map(file => readFile(file, 'latin1')))
  return files.filter((_, at) => texts[at]!.includes(MARK))
}

describe('planted secrets', { skip: postgres.skip || mysql.skip }, () => {
  const databases: Database[] = []
  let source: Record<string, unknown>
  let sink: Record<string, unknown>
  let jdbcUrl: string
  let target: pg.Client

  before(async () => {
    const [my, to] = [await freshDatabase(mysql.server), await freshDatabase(postgres.server)]
    databases.push(my, to)
    await execute(mysql.server, [
      `CREATE USER IF NOT EXISTS planted IDENTIFIED BY '${RIGHT}'`,
      `GRANT ALL ON ${my.database}.* TO planted`,
      `CREATE TABLE ${my.database}.t (id int PRIMARY KEY, n bigint, note varchar(40))`,
      `INSERT INTO ${my.database}.t VALUES (1, 1, 'a'), (2, 5000000000, 'b'), (3, 3, 'c')`,
    ])
    await execute({ ...postgres.server, database: to.database }, [
      'CREATE TABLE t (id int PRIMARY KEY, n int, note text)',
      `CREATE TABLE plain (id int PRIMARY KEY)`,
    ])
    source = {
      connector: 'mysql',
      host: my.host,
      port: my.port,
      database: my.database,
      user: 'planted',
      password: RIGHT,
      tables: ['t'],
    }
    // Its server trusts this account, so that a password it does not know goes all the way.
    sink = {
      connector: 'postgres',
      host: to.host,
      port: to.port,
      database: to.database,
      user: 'postgres',
      password: RIGHT,
      tables: ['t'],
    }
    jdbcUrl = `jdbc:postgresql://${to.host}:${to.port}/${to.database}`
    target = new pg.Client({ host: to.host, port: to.port, user: to.user, password: to.password, database: to.database })
    await target.connect()
  })
  after(async () => {
    await target?.end()
    for (const database of databases) await database.drop()
  })

  /** Writes a job file of its own. */
  async function job(name: string, parts: { source?: object; sink?: object; settings?: object } = {}): Promise<string> {
    const text = {
      name,
      source: { ...source, ...parts.source },
      sink: { ...sink, ...parts.sink },
      settings: { stateDir: `state/${name}`, ...parts.settings },
    }
    await writeFile(join(folder, `${name}.json`), JSON.stringify(text))
    return `${name}.json`
  }

  async function assertSilent(file: string, commands: readonly (readonly string[])[], codes: readonly number[], env = {}) {
    for (const command of commands) {
      for (const json of [[], ['--json']]) {
        const { code, output } = await printed([...command, file, ...json], env)
        const line = [...command, ...json].join(' ')
        assert(!output.includes(MARK), `${line} prints a secret:\n${output}`)
        assert(codes.includes(code ?? -1), `${line} ended with ${code}:\n${output}`)
      }
    }
  }

  const EVERY = [
    ['validate'],
    ['plan'],
    ['run'],
    ['verify'],
    ['dirty', 'list'],
    ['dirty', 'show'],
    ['dirty', 'export'],
    ['dirty', 'replay'],
  ]

  test('of a job that runs, with rows set aside: not printed, not kept, not in the target', async () => {
    const file = await job('good', {
      source: { where: `note <> '\${env:PLANTED}'` },
      sink: { preSql: [`SELECT 'PASSWORD ''x''', '\${env:PLANTED}'`, `DO $$ BEGIN PERFORM 1; END $$`], writeMode: 'update' },
      settings: { errorLimit: { record: 10 } },
    })
    await assertSilent(file, EVERY, [0, 1, 65])
    assert.match((await printed(['dirty', 'list', file])).output, /1 data\.value-refused/, 'rows were set aside')
    assert.match((await printed(['plan', file])).output, /note <> '\*\*\*'/, 'the plan shows where something was left out')
    assert.deepEqual(await filesWithMark(join(folder, 'state')), [])
    const { rows } = await target.query<{ text: string }>(
      `SELECT query_to_xml('SELECT * FROM sluice_ledger', true, true, '')::text AS text`,
    )
    assert(rows[0]!.text.length > 100 && !rows[0]!.text.includes(MARK), 'the ledger')
  })

  test('of jobs that fail', async () => {
    const unreadable = join(folder, 'broken.pem')
    await writeFile(unreadable, `-----BEGIN CERTIFICATE-----\n${MARK}\n-----END CERTIFICATE-----\n`)
    const failing: Record<string, Parameters<typeof job>[1]> = {
      'wrong-password': { source: { password: WRONG } },
      'wrong-password-postgres': { sink: { user: 'scram_user', password: WRONG } },
      'wrong-in-url': {
        sink: {
          host: '',
          user: '',
          connection: [{ jdbcUrl: `${jdbcUrl}?user=scram_user&password=${MARK}%2Durl`, table: ['t'] }],
        },
      },
      'slash-in-url': { sink: { host: '', connection: [{ jdbcUrl: `jdbc:postgresql://u:${MARK}/x@h/d`, table: ['t'] }] } },
      'percent-in-url': { sink: { host: '', connection: [{ jdbcUrl: `${jdbcUrl}?password=${MARK}%zz`, table: ['t'] }] } },
      'broken-tls-file': { sink: { sslMode: 'verify-ca', sslRootCert: unreadable, sslKey: unreadable, sslCert: unreadable } },
      'nobody-there': { source: { port: 1, connectTimeOut: 1 }, sink: { port: 1 } },
      'sql-with-password': { sink: { preSql: [`CREATE ROLEE r PASSWORD '${IN_SQL}'`] } },
      'reference-in-sql': { source: { where: `nowhere = '\${env:PLANTED}'` } },
      'reference-in-option': { source: { tables: ['a.b.c.${env:PLANTED}'] } },
      'option-of-wrong-type': { sink: { password: [RIGHT], port: RIGHT } },
      'unknown-option': { source: { pasword: RIGHT, [`password`]: RIGHT } },
    }
    for (const [name, parts] of Object.entries(failing)) {
      const command = name === 'sql-with-password' ? ['run'] : ['plan']
      await assertSilent(await job(name, parts), [command], [64, 75], { SLUICE_TEST: name })
    }
    await mkdir(join(folder, 'state'), { recursive: true })
    assert.deepEqual(await filesWithMark(join(folder, 'state')), [])
  })

  test('of a job file that cannot be parsed', async () => {
    for (const text of [`{"password": "${RIGHT}" "x"}`, `source:\n  password: "${RIGHT}\n  x: [`]) {
      await writeFile(join(folder, 'broken'), text)
      await assertSilent('broken', [['validate']], [64])
    }
  })

  test('of a job in whose process something fails that nobody expected', async () => {
    const bug = join(folder, 'bug.mjs')
    await writeFile(
      bug,
      `import { isMainThread } from 'node:worker_threads'
       import { existsSync } from 'node:fs'
       const fail = () => { throw Object.assign(new Error(${JSON.stringify(`bug: ${RIGHT}`)}), { detail: ${JSON.stringify(RIGHT)} }) }
       if (isMainThread) setInterval(() => existsSync('state/crash') && fail(), 100)`,
    )
    const file = await job('crash', { source: { customSql: 'SELECT id, SLEEP(5) AS n, note FROM t', tables: [] } })
    for (const json of [[], ['--json']]) {
      await rm(join(folder, 'state/crash'), { recursive: true, force: true })
      const { code, output } = await printed(['run', file, ...json], { NODE_OPTIONS: `--import=${bug}` })
      assert(!output.includes(MARK), output)
      assert.equal(code, 70, output)
      assert.match(output, /bug: \*\*\*/)
    }
  })

  test(
    'given on the command line: other users of the machine do not see it',
    { skip: process.platform !== 'linux' },
    async () => {
      const file = await job('title', {
        source: { password: '${pw}', customSql: 'SELECT id, SLEEP(1) AS n, note FROM t', tables: [] },
        sink: { tables: ['none'] },
      })
      for (const flags of [['--parameters', `pw=${RIGHT}`], [`--parameters=pw=${RIGHT}`]]) {
        const seen: Promise<string>[] = []
        const plan = begun(['plan', file, ...flags])
        const look = () => seen.push(readFile(`/proc/${plan.child.pid}/cmdline`, 'latin1').catch(() => ''))
        const timer = setInterval(look, 20)
        const { output } = await plan.printed.finally(() => clearInterval(timer))
        assert(!output.includes(MARK), output)
        // Until it has begun, it is Node with all that it was given.
        const all = (await Promise.all(seen)).filter(title => title !== '')
        const titles = all.slice(all.findIndex(title => title.startsWith('sluice ')))
        assert(
          titles.length > 0 && titles.every(title => !title.includes(MARK) && title.includes('sluice plan title.json')),
          titles.join('\n'),
        )
      }
    },
  )
})
