/** Jobs through PgBouncer. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { filePooler, fileServer } from '../../tools/servers/index.ts'
import { type DatabaseEnd, endOf } from './round-trip.test-support.ts'
import { killWhen, sluice } from './sluice.test-support.ts'

const ROWS = 30_000

const folder = await mkdtemp(join(tmpdir(), 'sluice-pooler-'))
after(() => rm(folder, { recursive: true }))

const postgres = await fileServer('postgres-15')
const bySession = await filePooler(postgres, 'session')
const byTransaction = await filePooler(postgres, 'transaction')

describe('through a pooler', { skip: postgres.skip || bySession.skip, concurrency: 1 }, () => {
  let end: DatabaseEnd
  before(async () => {
    end = await endOf(postgres.server)
    await end.rows(
      `CREATE TABLE source AS SELECT id, i * interval '1 month 3 days' AS span, now() + i * interval '1 hour' AS at, i / 7.0::float8 AS f
         FROM generate_series(1, ${ROWS}) AS id, LATERAL (SELECT id AS i) AS x`,
    )
    await end.rows('ALTER TABLE source ADD PRIMARY KEY (id)')
    await end.rows('CREATE TABLE target (LIKE source INCLUDING ALL)')
    // So that a session which is not prepared shows.
    const [[database] = []] = await end.rows('SELECT current_database()')
    await end.rows(`ALTER DATABASE "${database}" SET IntervalStyle TO 'sql_standard'`)
    await end.rows(`ALTER DATABASE "${database}" SET DateStyle TO 'German'`)
  })
  after(() => end?.[Symbol.asyncDispose]())

  const columns = ['id', 'span', 'at', 'f'].map(name => ({ name, type: '' }))
  const contentOf = (table: string) =>
    end.rows(`SELECT count(*)::text, sum(hashtextextended(t::text, 0))::text FROM ${table} AS t`)

  async function job(name: string, port: number, writer: object = {}, settings: object = {}): Promise<string> {
    const file = join(folder, `${name}.json`)
    const source = { ...end.reader('source', columns), port }
    const sink = { ...end.writer('target', false), port, ...writer }
    await writeFile(file, JSON.stringify({ name, source, sink, settings: { stateDir: join(folder, 'state'), ...settings } }))
    return file
  }

  for (const [mode, writer] of [
    ['rows are inserted', {}],
    ['rows are replaced through a temporary table', { writeMode: 'update' }],
  ] as const) {
    test(`of sessions ${mode} by four workers`, async () => {
      await end.rows('TRUNCATE target')
      const { code, err } = await sluice([
        'run',
        await job(`session-${Object.keys(writer).length}`, bySession.port, writer, { channels: 4 }),
      ])
      assert.equal(code, 0, err)
      assert.deepEqual(await contentOf('target'), await contentOf('source'))
    })
  }

  test('of sessions a killed run goes on where it was', async () => {
    await end.rows('TRUNCATE target')
    const file = await job(
      'session-kill',
      bySession.port,
      {},
      { rowsPerSecond: ROWS / 3, restore: { maxRowNumForCheckpoint: 1000 } },
    )
    assert(await killWhen(['run', file], async () => (await contentOf('target'))[0]?.[0] !== '0'), 'it had ended')
    const { code, err } = await sluice(['run', file, '--resume'])
    assert.equal(code, 0, err)
    assert.match(err, /resuming/)
    assert.deepEqual(await contentOf('target'), await contentOf('source'))
  })

  test('of transactions nothing is begun', async () => {
    await end.rows('TRUNCATE target')
    const { code, err } = await sluice(['run', await job('transaction', byTransaction.port)])
    assert.equal(code, 64, err)
    assert.match(err, /postgres\.transaction-pooling/)
    assert.deepEqual(await end.rows('SELECT count(*)::text FROM target'), [['0']])
  })
})
