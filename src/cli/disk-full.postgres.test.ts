/** A disk that fills up while a job runs: the run stops loudly or recovers, nothing half written is visible, and what follows is exact. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { sluice, start, untilSo } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
// A server that runs as another user must reach its tablespace.
await chmod(folder, 0o755)
const mounts: string[] = []
after(async () => {
  for (const place of mounts) execFileSync('umount', ['-l', place])
  await rm(folder, { recursive: true, force: true })
})

const ROWS = 60_000
const postgres = await fileServer('postgres-15')
const cannotMount = process.getuid?.() === 0 ? canMount() : 'mounting a small disk needs root'

/** A disk of so many KiB. */
async function smallDisk(name: string, kib: number): Promise<string> {
  const place = join(folder, name)
  await mkdir(place)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', place])
  mounts.push(place)
  return place
}

function canMount(): false | string {
  const place = join(folder, 'probe')
  try {
    execFileSync('mkdir', [place])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', place], { stdio: 'ignore' })
    execFileSync('umount', [place])
    return false
  } catch {
    return 'this machine does not allow mounts'
  }
}

const enlarge = (place: string, kib: number) => execFileSync('mount', ['-o', `remount,size=${kib}k`, place])

describe('a full disk', { skip: postgres.skip || cannotMount, concurrency: 1 }, () => {
  let database: Database
  let client: pg.Client
  let expected: unknown

  before(async () => {
    database = await freshDatabase(postgres.server)
    client = new pg.Client(loginOf(database))
    await client.connect()
    await client.query(
      `CREATE TABLE source AS SELECT i AS id, md5(i::text) || repeat('x', 100) AS text FROM generate_series(1, ${ROWS}) AS i;
       ALTER TABLE source ADD PRIMARY KEY (id); CREATE TABLE target (LIKE source INCLUDING ALL)`,
    )
    expected = await fingerprint('source')
  })
  after(async () => {
    await client?.end()
    await database?.drop()
  })

  async function fingerprint(table: string): Promise<unknown> {
    const { rows } = await client.query<Record<string, string>>(
      `SELECT count(*), count(DISTINCT id) AS keys, sum(hashtextextended(t::text, 0)) AS sum FROM ${table} AS t`,
    )
    return rows[0]
  }

  async function job(name: string, sink: object, stateDir: string, settings: object = {}): Promise<string> {
    const file = join(folder, `${name}.json`)
    const source = { connector: 'postgres', ...loginOf(database), tables: ['source'] }
    await writeFile(file, JSON.stringify({ name, source, sink, settings: { stateDir, ...settings } }))
    return file
  }

  test('of the state directory stops a run before it begins, and the ledger needs nothing of it afterwards', async () => {
    const disk = await smallDisk('state', 4)
    await writeFile(join(disk, 'filler'), 'x'.repeat(4096)).catch(() => {})
    const file = await job('ledger', { connector: 'postgres', ...loginOf(database), tables: ['target'] }, join(disk, 'state'))
    const first = await sluice(['run', file])
    assert.equal(first.code, 64, first.err)
    assert.match(first.err, /ENOSPC/)
    enlarge(disk, 1024)
    const second = await sluice(['run', file, '--resume'])
    assert.equal(second.code, 0, second.err)
    assert.deepEqual(await fingerprint('target'), expected)
  })

  test('of a file target stops the run, shows nothing half written, and the run goes on when there is room', async () => {
    const disk = await smallDisk('files', 4000)
    const sink = { connector: 'jsonl', path: join(disk, 'out') }
    const file = await job('files', sink, join(folder, 'state-files'), { checkpointInterval: 20 })
    const first = await sluice(['run', file])
    assert.notEqual(first.code, 0)
    assert.match(first.err, /ENOSPC/)
    for (const line of (await published(join(disk, 'out'))).slice(0, -1)) assert.doesNotThrow(() => JSON.parse(line) as unknown)
    enlarge(disk, 64_000)
    const second = await sluice(['run', file, '--resume'])
    assert.equal(second.code, 0, second.err)
    assert.deepEqual(await idsIn(join(disk, 'out')), everyId)
  })

  test('of checkpoints stops the run at the last one, and the run goes on from there', async () => {
    const disk = await smallDisk('checkpoints', 200)
    const file = await job('checkpoints', { connector: 'jsonl', path: join(folder, 'out') }, join(disk, 'state'), {
      checkpointInterval: 20,
      rowsPerSecond: ROWS / 6,
    })
    const { child, outcome } = start(['run', file])
    // Room for the first checkpoints only.
    assert(await untilSo(child, async () => (await published(join(folder, 'out'))).length > 0))
    await writeFile(join(disk, 'filler'), Buffer.alloc(300_000)).catch(() => {})
    const first = await outcome
    assert.equal(first.code, 64, first.err)
    assert.match(first.err, /engine\.state-unwritable.*ENOSPC/)
    await rm(join(disk, 'filler'))
    const second = await sluice(['run', file, '--resume'])
    assert.equal(second.code, 0, second.err)
    assert.match(second.err, /resuming/)
    assert.deepEqual(await idsIn(join(folder, 'out')), everyId)
  })

  test('of the database is waited for', async () => {
    const disk = await smallDisk('tablespace', 4000)
    execFileSync('chmod', ['777', disk])
    const place = join(disk, 'space')
    await mkdir(place)
    execFileSync('chown', ['nobody', place])
    await client.query(`DROP TABLE target`)
    try {
      await client.query(`CREATE TABLESPACE sluice_small LOCATION '${place}'`)
      await client.query(`CREATE TABLE target (LIKE source INCLUDING ALL) TABLESPACE sluice_small`)
      const file = await job(
        'database',
        { connector: 'postgres', ...loginOf(database), tables: ['target'] },
        join(folder, 'state-db'),
        {
          restore: { maxRowNumForCheckpoint: 5000 },
        },
      )
      const { child, outcome } = start(['run', file])
      let said = ''
      child.stderr.on('data', text => (said += String(text)))
      await untilSo(child, async () => IS_FULL.test(said))
      enlarge(disk, 64_000)
      const { code, err } = await outcome
      assert.equal(code, 0, err)
      assert.match(err, IS_FULL, 'the disk was never full')
      assert.deepEqual(await fingerprint('target'), expected)
    } finally {
      await client.query('DROP TABLE IF EXISTS target')
      await client.query('DROP TABLESPACE IF EXISTS sluice_small')
    }
  })
})

const IS_FULL = /could not extend file|No space left/

const everyId = Array.from({ length: ROWS }, (_, i) => i + 1)

async function idsIn(place: string): Promise<number[]> {
  const ids = (await published(place)).map(line => (JSON.parse(line) as { id: number }).id)
  return ids.toSorted((a, b) => a - b)
}

/** Lines of all files that are not staged. */
async function published(place: string): Promise<string[]> {
  const names = await readdir(place, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = names.filter(entry => entry.isFile() && entry.name.endsWith('.jsonl') && !entry.parentPath.includes('/.'))
  const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')))
  return texts.flatMap(text => text.split('\n')).filter(line => line !== '')
}

function loginOf({ host, port, user, password, database }: Database) {
  return { host, port, user, password, database }
}
