/**
 * Typical mistakes and what the user is told: code, message, place and hint, as golden files in testdata/mistakes.
 * `SLUICE_UPDATE_GOLDEN=1` writes the files anew; read the difference before you commit it.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execute, fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { sluice } from './sluice.test-support.ts'

const golden = new URL('./testdata/mistakes/', import.meta.url)
const isUpdating = process.env['SLUICE_UPDATE_GOLDEN'] === '1'

const postgres = await fileServer('postgres-15')
const mysql = await fileServer('mysql-9')
const skip = postgres.skip || mysql.skip
const folder = await mkdtemp(join(tmpdir(), 'sluice-mistakes-'))
after(() => rm(folder, { recursive: true }))

interface World {
  readonly pg: Record<string, unknown>
  readonly my: Record<string, unknown>
}

interface Mistake {
  readonly name: string
  /** The text of the job file. */
  readonly job: (world: World) => string
  /** Exit code (src/cli/exit-codes.ts). */
  readonly code: number
  readonly command?: string
}

const job = (source: object, sink: object, settings: object = {}) =>
  JSON.stringify({ name: 'mistake', source, sink, settings }, null, 2)
const stream = { connector: 'stream', print: false }
const numbers = { connector: 'stream', rows: 5, columns: [{ name: 'id', type: 'int' }] }

const mistakes: readonly Mistake[] = [
  { name: 'bad-json', code: 64, job: () => '{\n  "source": { "connector": "stream" }\n  "sink" = {\n}' },
  { name: 'no-job-in-file', code: 64, job: () => '{ "tasks": [] }' },
  { name: 'unknown-connector', code: 64, job: () => job({ connector: 'postgers', tables: ['t'] }, stream) },
  { name: 'unknown-option', code: 64, job: ({ pg }) => job({ ...pg, tables: ['good'], wehre: 'id > 1' }, stream) },
  { name: 'wrong-type-of-option', code: 64, job: ({ pg }) => job({ ...pg, tables: ['good'], port: 'five' }, stream) },
  { name: 'unknown-setting', code: 64, job: ({ pg }) => job({ ...pg, tables: ['good'] }, stream, { chanels: 3 }) },
  {
    name: 'unsupported-setting',
    code: 64,
    job: ({ pg }) => job({ ...pg, tables: ['good'] }, stream, { test: { speedTest: 'reader' } }),
  },
  {
    name: 'missing-variable',
    code: 64,
    job: ({ pg }) => job({ ...pg, tables: ['good'], password: '${env:SLUICE_NO_SUCH_VARIABLE}' }, stream),
  },
  {
    name: 'postgres-wrong-password',
    code: 64,
    job: ({ pg }) => job({ ...pg, user: 'scram_user', password: 'wrong-secret', tables: ['good'] }, stream),
  },
  { name: 'mysql-wrong-password', code: 64, job: ({ my }) => job({ ...my, password: 'wrong-secret', tables: ['good'] }, stream) },
  { name: 'postgres-down', code: 75, job: ({ pg }) => job({ ...pg, port: 1, tables: ['good'] }, stream) },
  { name: 'mysql-down', code: 75, job: ({ my }) => job({ ...my, port: 1, tables: ['good'] }, stream) },
  { name: 'postgres-unknown-database', code: 64, job: ({ pg }) => job({ ...pg, database: 'nowhere', tables: ['good'] }, stream) },
  { name: 'mysql-unknown-database', code: 64, job: ({ my }) => job({ ...my, database: 'nowhere', tables: ['good'] }, stream) },
  { name: 'postgres-unknown-table', code: 64, job: ({ pg }) => job({ ...pg, tables: ['goood'] }, stream) },
  { name: 'mysql-unknown-table', code: 64, job: ({ my }) => job({ ...my, tables: ['goood'] }, stream) },
  {
    name: 'postgres-unknown-column',
    code: 64,
    job: ({ pg }) => job({ ...pg, tables: ['good'], columns: ['id', 'nmae'] }, stream),
  },
  { name: 'mysql-unknown-column', code: 64, job: ({ my }) => job({ ...my, tables: ['good'], columns: ['id', 'nmae'] }, stream) },
  {
    name: 'missing-target-table',
    code: 64,
    job: ({ my, pg }) => job({ ...my, tables: ['good'] }, { ...pg, tables: ['not_there'] }),
  },
  {
    name: 'no-rights-to-read',
    code: 64,
    job: ({ pg }) => job({ ...pg, user: 'app', password: 'sluice-test', tables: ['secret'] }, stream),
  },
  {
    name: 'missing-key-for-upsert',
    code: 64,
    job: ({ my, pg }) => job({ ...my, tables: ['good'] }, { ...pg, tables: ['keyless'], writeMode: 'update' }),
  },
  {
    name: 'type-that-cannot-fit',
    code: 64,
    job: ({ my, pg }) =>
      job({ ...my, tables: ['good'], columns: ['id', 'born'] }, { ...pg, tables: ['narrow'], columns: ['id', 'flag'] }),
  },
  {
    name: 'value-that-does-not-fit',
    code: 65,
    job: ({ my, pg }) =>
      job({ ...my, tables: ['good'], columns: ['big', 'name'] }, { ...pg, tables: ['narrow'], columns: ['id', 'name'] }),
  },
  {
    name: 'duplicate-key',
    code: 65,
    job: ({ my, pg }) =>
      job({ ...my, tables: ['good'], columns: ['one', 'name'] }, { ...pg, tables: ['keyed'], columns: ['id', 'name'] }),
  },
  {
    name: 'more-columns-than-the-target',
    code: 64,
    job: ({ my, pg }) => job({ ...my, tables: ['good'] }, { ...pg, tables: ['keyed'], columns: ['id'] }),
  },
  { name: 'bad-where', code: 64, job: ({ pg }) => job({ ...pg, tables: ['good'], where: 'id >' }, stream) },
  { name: 'file-not-there', code: 64, job: () => job({ connector: 'csv', path: '/no/such/folder/*.csv' }, stream) },
  { name: 'target-folder-not-writable', code: 64, job: () => job(numbers, { connector: 'csv', path: '/etc/hostname/below' }) },
]

describe('typical mistakes', { skip }, () => {
  const databases: Database[] = []
  let world: World

  before(async () => {
    const [pg, my] = [await freshDatabase(postgres.server), await freshDatabase(mysql.server)]
    databases.push(pg, my)
    const facts = ({ host, port, user, password, database }: Database) => ({ host, port, user, password, database })
    const good = 'id int PRIMARY KEY, name varchar(20), born date, big bigint, one int'
    await execute({ ...postgres.server, ...facts(pg) }, [
      `CREATE TABLE good (${good})`,
      `CREATE TABLE keyless (${good.replace(' PRIMARY KEY', '')})`,
      'CREATE TABLE narrow (id int, name text, flag boolean)',
      'CREATE TABLE keyed (id int PRIMARY KEY, name text)',
      'CREATE TABLE secret (id int PRIMARY KEY)',
    ])
    await execute({ ...mysql.server, ...facts(my) }, [
      `CREATE TABLE good (${good})`,
      `INSERT INTO good VALUES (1, 'a', '2000-01-01', 1, 1), (2, 'b', '2000-01-02', 5000000000, 1)`,
    ])
    world = { pg: { connector: 'postgres', ...facts(pg) }, my: { connector: 'mysql', ...facts(my) } }
  })
  after(async () => {
    for (const database of databases) await database.drop()
  })

  for (const { name, job: text, code, command = 'run' } of mistakes) {
    test(name, async () => {
      const file = join(folder, 'job.json')
      await writeFile(file, text(world))
      const result = await sluice([command, 'job.json'], { cwd: folder })
      const shown = normalise(result.err, databases)
      const expectedFile = new URL(`${name}.txt`, golden)
      if (isUpdating) await writeFile(expectedFile, shown)
      assert.equal(shown, await readFile(expectedFile, 'utf8').catch(() => ''), result.out)
      assert.equal(result.code, code, shown)
      assert.match(shown, /^error \S+\.\S+ /m, 'a code')
      assert.match(shown, /^hint /m, 'a hint')
      assert.doesNotMatch(shown, /wrong-secret|\bat .*:\d+:\d+\)/, 'neither a secret nor a stack')
    })
  }
})

/** What differs from one run of the test to the next. */
function normalise(text: string, databases: readonly Database[]): string {
  let shown = text.replaceAll('\u001B', '').replace(/\[\d+m/g, '')
  for (const { port, database } of databases) shown = shown.replaceAll(database, 'DATABASE').replaceAll(`:${port}`, ':PORT')
  return shown.slice(Math.max(0, shown.search(/^error /m)))
}
