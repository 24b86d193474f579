/** A few cells of the matrix, and proof that the judges see what is wrong. The whole matrix is `npm run torture`. */
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import mysql2 from 'mysql2/promise'
import pg from 'pg'
import { fileServer, type ServerFacts } from '../../tools/servers/index.ts'
import { FAULTS } from './faults.ts'
import { csvSide } from './file-side.ts'
import { choose, PAIRS } from './pairs.ts'
import { isExact } from './report.ts'
import { resume, type Fault } from './round.ts'
import { expectedFingerprint, ROWS } from './rows.ts'
import { torture, type TortureOptions } from './torture.ts'

const SLUICE = [new URL('../../bin/sluice', import.meta.url).pathname]

const postgres = await fileServer('postgres-15')
const mysql = await fileServer('mysql-9')
const folder = await mkdtemp(join(tmpdir(), 'sluice-torture-test-'))
after(() => rm(folder, { recursive: true }))

describe('torture', { skip: postgres.skip || mysql.skip }, () => {
  test('faults fire, and nothing is lost or repeated', async () => {
    const report = await torture({ ...options('kill,sink-cut,worker-death,takeover', 'postgres-mysql'), command: SLUICE })
    for (const cell of report.cells) assert(isExact(cell), JSON.stringify(cell, null, 1))
    assert.deepEqual(
      report.cells.map(({ fault }) => fault),
      ['kill', 'sink-cut', 'worker-death', 'takeover'],
    )
  })

  test('a file target that cannot know how far it is stops with a code', async () => {
    const { cells } = await torture({ ...options('state-torn', 'postgres-csv'), command: SLUICE, rounds: 2 })
    assert(cells.length === 1 && cells.every(isExact), JSON.stringify(cells, null, 1))
  })

  test('a fault that cannot happen is left out, with a reason', async () => {
    const { cells, absent } = await torture({ ...options('drain,sink-restart,target-full', 'csv-postgres'), command: SLUICE })
    assert.deepEqual(
      cells.map(({ fault }) => fault),
      ['drain'],
    )
    assert.deepEqual(
      absent.map(({ fault, reason }) => [fault, reason]),
      [
        ['sink-restart', 'no --postgres-restart, so the server is not ours to kill'],
        ['target-full', 'the disk of a server is not ours to fill'],
      ],
    )
  })

  test('a torture in which nothing can happen is refused, for it would prove nothing', async () => {
    const nothing = torture({ ...options('sink-restart,target-full', 'csv-postgres'), command: SLUICE })
    await assert.rejects(nothing, { code: 'torture.nothing-fits', message: /not ours to kill; the disk of a server/ })
  })

  test('a fault that always comes too late is tried again, and its cell is not exact', async () => {
    const late: Fault = {
      name: 'late',
      title: '',
      obstacle: () => undefined,
      act: async round => ({ fired: false, ...(await resume(round)) }),
    }
    const { cells } = await torture({ ...options('kill', 'csv-postgres'), faults: [late], command: SLUICE })
    assert.deepEqual(
      cells.map(cell => [cell.rounds, cell.attempts, cell.fired, cell.lost, isExact(cell)]),
      [[1, 4, 0, 0, false]],
    )
  })

  test('a program that says it has moved rows and has not is found out', async () => {
    const liar = [process.execPath, '-e', '0', '--']
    const { cells } = await torture({ ...options('kill', 'mysql-postgres'), command: liar })
    assert.deepEqual(
      cells.map(({ lost, failures }) => ({ lost, failures })),
      [{ lost: ROWS, failures: [] }],
    )
  })

  test('none of its databases is left', async () => {
    const pgClient = new pg.Client({ connectionString: urlOf(postgres.server), database: 'postgres' })
    await pgClient.connect()
    const { rows } = await pgClient.query("SELECT datname FROM pg_database WHERE datname LIKE 'sluice_torture%'")
    await pgClient.end()
    const myClient = await mysql2.createConnection(urlOf(mysql.server))
    const [names] = await myClient.query("SHOW DATABASES LIKE 'sluice_torture%'")
    await myClient.end()
    assert.deepEqual([rows, names], [[], []])
  })
})

test('a folder of files is judged by rows, keys and content', async () => {
  const side = await csvSide(folder, 'source')
  const file = join(folder, 'rows.csv')
  const { rows, keys, hash } = expectedFingerprint()
  assert.deepEqual(await side.fingerprint(), { rows, keys, hash })
  const text = await readFile(file, 'utf8')
  await appendFile(file, text.slice(text.lastIndexOf('\n', text.length - 2) + 1))
  const repeated = await side.fingerprint()
  assert.deepEqual([repeated.rows, repeated.keys], [rows + 1, keys])
  await writeFile(file, text.replace(',79.19\n', ',79.18\n'))
  const changed = await side.fingerprint()
  assert.deepEqual([changed.rows, changed.keys], [rows, keys])
  assert.notEqual(changed.hash, hash)
})

function options(faults: string, pairs: string): Omit<TortureOptions, 'command'> {
  return {
    version: 'test',
    servers: { postgres: { url: urlOf(postgres.server) }, mysql: { url: urlOf(mysql.server) } },
    rounds: 1,
    seed: 20261121,
    freezeSeconds: 1,
    parallel: 1,
    faults: choose('faults', faults, FAULTS).map(fault => ({ ...fault, perRound: 1 })),
    pairs: choose('pairs', pairs, PAIRS),
    signal: new AbortController().signal,
    onRound: () => {},
  }
}

const urlOf = ({ kind, host, port, user, password }: ServerFacts) =>
  `${kind}://${user}:${encodeURIComponent(password)}@${host}:${port}/`
