/** `sluice verify`: equal tables by checksums of the databases or by reading, and every kind of difference by its row. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { fileServer, freshDatabase } from '../../tools/servers/index.ts'
import { sluice } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-verify-'))
after(() => rm(folder, { recursive: true }))

interface End {
  readonly options: object
  query(sql: string): Promise<unknown>
}

const ROWS = 3000

/** Values that a careless text form would take for others: NULL and '', columns that run into each other, digits that printing drops. */
const fill = (series: string) =>
  `INSERT INTO a SELECT n, CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'x,y' ELSE '"q"' END,
     CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE ',x' END, n / 3.0, 0.1 + n, n % 2 = 0 FROM ${series}`
const columns = (float: string, double: string) =>
  `(id int PRIMARY KEY, s varchar(20), t varchar(20), d decimal(12,4), f ${float}, b bool, e ${double} DEFAULT 0.1)`

const postgres = await fileServer('postgres-15')
const maria = await fileServer('mariadb-10.11')
const mysql9 = await fileServer('mysql-9')
const skip = postgres.skip || maria.skip || mysql9.skip

describe('verify', { skip, concurrency: 1 }, () => {
  for (const kind of ['postgres', 'mariadb', 'mysql'] as const) {
    test(`two databases of ${kind} compute the checksums; what differs is read and named`, async () => {
      await withEnd(kind, async end => {
        const [source, target] = ['a', 'z'].map(table => ({ ...end.options, tables: [table] }))
        const equal = await verify(source, target)
        assert.deepEqual(
          [equal.code, equal.verdict.by, equal.verdict.sourceRows, equal.verdict.targetRows],
          [0, 'digests in the databases', ROWS, ROWS],
        )
        for (const [change, id] of changes) {
          await end.query(`UPDATE z SET ${change} WHERE id = ${id}`)
          const { code, verdict } = await verify(source, target)
          const rows = verdict.rows
          assert.deepEqual([code, rows], [1, [{ key: `id=${id}`, where: 'different' }]], change)
          await end.query(`DELETE FROM z WHERE id = ${id}`)
          assert.deepEqual((await verify(source, target)).verdict.rows, [{ key: `id=${id}`, where: 'only in source' }])
          await end.query(`INSERT INTO z SELECT * FROM a WHERE id = ${id}`)
        }
        assert.equal((await verify(source, target)).verdict.by, 'digests in the databases')
      })
    })
  }

  test('columns of other types are read on both sides', async () => {
    await withEnd('postgres', async end => {
      await end.query('ALTER TABLE z ALTER d TYPE numeric(14,6), ALTER f TYPE float8, ALTER e TYPE float8')
      const { code, verdict } = await verify({ ...end.options, tables: ['a'] }, { ...end.options, tables: ['z'] })
      assert.deepEqual([code, verdict.by], [0, 'reading both sides'])
    })
  })
})

/** Each changes one value into one that is easily taken for it; the ids have the values in question. */
const changes: readonly (readonly [change: string, id: number])[] = [
  [`s = ''`, 4],
  [`s = NULL`, 5],
  [`s = 'x', t = ',y,x'`, 2],
  ['d = d + 0.0001', 6],
  ['e = 0.10000000000000002', 7],
  ['f = 8.1000009', 8],
  ['b = NULL', 9],
]

interface Verdict {
  readonly by: string
  readonly sourceRows: number
  readonly targetRows: number
  readonly rows: readonly object[]
}

async function verify(source: object | undefined, sink: object | undefined): Promise<{ code: number | null; verdict: Verdict }> {
  const file = join(folder, 'job.json')
  await writeFile(file, JSON.stringify({ source, sink }))
  const { code, out, err } = await sluice(['verify', file, '--json'])
  const verdict = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Verdict & { event: string })
    .find(({ event }) => event === 'verdict')
  assert.ok(verdict, out + err)
  return { code, verdict }
}

/** Two equal tables `a` and `z` in a database of their own. */
async function withEnd(kind: 'postgres' | 'mariadb' | 'mysql', use: (end: End) => Promise<void>): Promise<void> {
  if (kind === 'postgres') {
    await using database = await freshDatabase(postgres.server)
    const client = new pg.Client(loginOf(database))
    await client.connect()
    try {
      await client.query(`CREATE TABLE a ${columns('real', 'double precision')}; ${fill(`generate_series(1, ${ROWS}) AS n`)};
        CREATE TABLE z (LIKE a INCLUDING ALL); INSERT INTO z SELECT * FROM a`)
      await use({ options: { connector: 'postgres', ...loginOf(database) }, query: sql => client.query(sql) })
    } finally {
      await client.end()
    }
    return
  }
  await using database = await freshDatabase(kind === 'mariadb' ? maria.server : mysql9.server)
  const client = await mysql.createConnection(loginOf(database))
  try {
    await client.query(`CREATE TABLE numbers (n int PRIMARY KEY)`)
    await client.query(`INSERT INTO numbers VALUES ${Array.from({ length: ROWS }, (_, i) => `(${i + 1})`).join(',')}`)
    await client.query(`CREATE TABLE a ${columns('float', 'double')}`)
    await client.query(fill('numbers').replace('INSERT INTO a', 'INSERT INTO a (id, s, t, d, f, b)'))
    await client.query('CREATE TABLE z LIKE a')
    await client.query('INSERT INTO z SELECT * FROM a')
    await use({ options: { connector: 'mysql', ...loginOf(database) }, query: sql => client.query(sql) })
  } finally {
    await client.end()
  }
}

function loginOf({ host, port, user, password, database }: Awaited<ReturnType<typeof freshDatabase>>) {
  return { host, port, user, password, database }
}
