import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { folderName, StateStore } from './state-store.ts'

const stateDir = await mkdtemp(join(tmpdir(), 'sluice-state-'))
after(() => rm(stateDir, { recursive: true }))

const splits = [
  { id: 'a', dataset: 't' },
  { id: 'b', dataset: 't' },
]

test('a checkpoint is what a new process finds', async () => {
  const store = new StateStore(stateDir, 'job')
  await store.begin({ job: 'job', run: 'r1' }, splits, { digest: 'd', routes: [] })
  await store.checkpoint([{ split: 'b', position: ['7'], done: false }], [{ file: 'x', marks: [] }])
  const found = await new StateStore(stateDir, 'job').find()
  assert.deepEqual(found?.splits, [
    { split: splits[0], done: false },
    { split: splits[1], position: ['7'], done: false },
  ])
  assert.deepEqual(found?.committables, [{ file: 'x', marks: [] }])
  assert.equal((await new StateStore(stateDir, 'job').claim({ job: 'job', run: 'r1' })).epoch, 2)
})

test('an engine whose run has been claimed from the same directory stores nothing there any more', async () => {
  const [older, newer] = [new StateStore(stateDir, 'shared'), new StateStore(stateDir, 'shared')]
  await older.begin({ job: 'shared', run: 'r1' }, splits, {})
  await newer.claim({ job: 'shared', run: 'r1' })
  await newer.checkpoint([{ split: 'a', done: true }], [])
  await assert.rejects(older.checkpoint([{ split: 'b', done: true }], []), { code: 'ledger.fenced' })
  await newer.checkpoint([{ split: 'a', done: true }], [])
  const found = await new StateStore(stateDir, 'shared').find()
  assert.deepEqual(
    found?.splits.map(({ done }) => done),
    [true, false],
  )
})

for (const [what, change] of [
  ['cut in half', (text: string) => text.slice(0, text.length / 2)],
  ['empty', () => ''],
  ['changed by hand', (text: string) => text.replace('"done": false', '"done": true')],
  ['of another format', (text: string) => text.replace('sluice-state/1', 'sluice-state/9')],
] as const) {
  test(`a state file that is ${what} is an error, not a fresh start`, async () => {
    const job = `torn ${what}`
    const store = new StateStore(stateDir, job)
    await store.begin({ job, run: 'r1' }, splits, {})
    const file = join(store.folder, 'run.json')
    await writeFile(file, change(await readFile(file, 'utf8')))
    await assert.rejects(new StateStore(stateDir, job).find(), { code: 'engine.state-torn' })
  })
}

test('names of jobs never become paths, and stay apart', () => {
  for (const job of ['../../etc', '/root', '.', '..', 'a/b', 'a\\b', 'ключ', '', 'x'.repeat(500)]) {
    assert.match(folderName(job), /^[\w-][\w.-]{0,80}$/, job)
  }
  assert.notEqual(folderName('a/b'), folderName('a_b'))
  // Some file systems take two names for one.
  assert.notEqual(folderName('Orders').toLowerCase(), folderName('orders'))
  assert.equal(folderName('orders-2024'), 'orders-2024')
})

test('only its owner can read the state', async () => {
  const store = new StateStore(stateDir, 'mode')
  await store.begin({ job: 'mode', run: 'r1' }, splits, {})
  assert.equal((await stat(join(store.folder, 'run.json'))).mode & 0o777, 0o600)
})

test('a lock is refused while its holder lives, and taken over from the dead', async () => {
  const store = new StateStore(stateDir, 'locked')
  {
    await using _held = await store.lock('locked')
    await assert.rejects(store.lock('locked'), { code: 'engine.locked' })
  }
  await writeFile(join(store.folder, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1, started: '1' }))
  await using _taken = await store.lock('locked')
})
