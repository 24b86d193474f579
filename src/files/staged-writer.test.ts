/** Each row published once, whatever dies when: every step of the protocol is cut before and after it was done. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Batch, int, readInt64, writeValue, type Schema } from '#columnar'
import { contextOf } from '#conformance'
import type { Committable, Dataset, Progress, RunRecord, Target } from '#connector'
import { disk, type Disk } from './disk.ts'
import type { RowEncoding } from './row-encoding.ts'
import type { SinkSettings } from './sink-options.ts'
import { StagedWriter } from './staged-writer.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-staged-'))
after(() => rm(folder, { recursive: true, force: true }))

const schema: Schema = { fields: [{ name: 'id', type: int(64), nullable: false }] }
const dataset: Dataset = { id: 'numbers', schema, primaryKey: [] }

/** One number per line. */
const encoding: RowEncoding = {
  extension: '.txt',
  head: () => new Uint8Array(0),
  encoder: () => (batch, row, out, pos) => {
    for (; row < batch.rows; row++)
      pos += new TextEncoder().encodeInto(`${readInt64(batch.columns[0]!, row)}\n`, out.subarray(pos)).written
    return { pos, row, needed: 0 }
  },
}

const settings = (path: string, rest: Partial<SinkSettings> = {}): SinkSettings => ({
  ...{ path, layout: 'flat', writeMode: 'append', maxFileBytes: 1e9 },
  ...rest,
})

const open = (options: SinkSettings, job = 'job', from: Disk = disk) =>
  new StagedWriter(options, encoding, contextOf({ job }), from)

function batchOf(...ids: number[]): Batch {
  const batch = new Batch(schema, ids.length)
  for (const [row, id] of ids.entries()) writeValue(batch.columns[0]!, row, BigInt(id))
  batch.rows = ids.length
  return batch
}

const record = (run = 'r1', epoch = 1, holder = 'engine'): RunRecord => ({
  ...{ job: 'job', run, holder, epoch, splits: [] },
  ...{ finished: false, began: '2026-01-01T00:00:00Z', memo: null },
})

/** What a reader of the directory sees: numbers in files that are not hidden. */
async function visible(path: string): Promise<number[]> {
  const names = (await readdir(path).catch(() => [])).filter(name => !name.startsWith('.'))
  const texts = await Promise.all(names.map(name => readFile(join(path, name), 'utf8')))
  for (const text of texts) assert(text.endsWith('\n'), 'a file ends in the middle of a row')
  return texts.flatMap(text => text.trimEnd().split('\n').map(Number)).sort((a, b) => a - b)
}

/** What an engine keeps in its state directory. */
interface State {
  run: RunRecord | undefined
  position: number
  committables: readonly Committable[]
}

const ROWS = 6

/** Does what the engine does: begins a run or goes on with it, two rows per checkpoint. */
async function drive(path: string, state: State, from: Disk): Promise<void> {
  const coordinator = open(settings(path, { writeMode: 'overwrite' }), 'job', from)
  const target = await coordinator.plan(dataset)
  const run =
    state.run === undefined ? await begin(coordinator, target, state) : await claim(coordinator, target, state, state.run)
  await using worker = open(settings(path), 'job', from)
  await worker.join(run)
  for (let id = state.position + 1; id <= ROWS; id += 2) {
    await worker.write(target, batchOf(id, id + 1))
    const committables = await worker.prepareCommit([progress(id + 1)])
    Object.assign(state, { position: id + 1, committables })
    await worker.commit(committables)
  }
  await coordinator.finish(run)
}

const progress = (position: number): Progress => ({ split: 's', position, done: position === ROWS })

async function begin(writer: StagedWriter, target: Target, state: State): Promise<RunRecord> {
  state.run = record()
  await writer.prepare(state.run, [target], true, [])
  return state.run
}

async function claim(writer: StagedWriter, target: Target, state: State, known: RunRecord): Promise<RunRecord> {
  const { position } = state
  const splits = position === 0 ? [] : [{ ...progress(position), split: { id: 's', dataset: 'numbers' } }]
  const run = { ...known, epoch: known.epoch + 1, splits }
  state.run = run
  await writer.commit(state.committables)
  const published = await writer.marks()
  if (published?.run === known.run) assert.deepEqual(published.marks, position === 0 ? [] : [progress(position)])
  await writer.prepare(run, [target], false, [])
  return run
}

class Crash extends Error {}

/** A disk that dies at the given step, before or after doing it. Counts the steps. */
function crashing(at: number, isDone: boolean): { disk: Disk; steps: () => number } {
  let step = 0
  const act =
    <Args extends unknown[], T>(real: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      if (step++ !== at) return real(...args)
      if (isDone) await real(...args)
      throw new Crash(`step ${at}`)
    }
  const wrapped = Object.fromEntries(Object.entries(disk).map(([name, real]) => [name, act(real as () => Promise<unknown>)]))
  return { disk: wrapped as unknown as Disk, steps: () => step }
}

async function crashThenFinish(places: readonly { at: number; isDone: boolean }[]): Promise<number> {
  const path = await mkdtemp(join(folder, 'crash-'))
  await writeFile(join(path, 'foreign.txt'), '1000\n')
  await writeFile(join(path, 'numbers-00000000-00000000-000001.txt'), '2000\n') // What an earlier job left, to be overwritten.
  const state: State = { run: undefined, position: 0, committables: [] }
  let crashes = 0
  for (const { at, isDone } of places) {
    const dying = crashing(at, isDone)
    await drive(path, state, dying.disk).catch(error => {
      if (!(error instanceof Crash)) throw error
      crashes++
    })
    const seen = (await visible(path)).filter(id => id < 1000)
    assert.deepEqual(
      seen,
      Array.from(seen, (_, index) => index + 1),
      'a gap or a repetition',
    )
    assert(seen.length <= state.position, 'rows are visible whose position is not durable')
    if (dying.steps() <= at) break
  }
  await drive(path, state, disk)
  assert.deepEqual(await visible(path), [1, 2, 3, 4, 5, 6, 1000])
  assert.deepEqual(await readdir(join(path, '.sluice', 'job')), ['run.json'])
  await rm(path, { recursive: true })
  return crashes
}

describe('a crash', () => {
  for (const isDone of [false, true]) {
    test(`${isDone ? 'after' : 'before'} any step leaves every row published once`, async () => {
      let at = 0
      while ((await crashThenFinish([{ at, isDone }])) > 0) at++
      assert(at > 40, `only ${at} steps were cut`)
    })
  }

  test('of which another follows in the recovery leaves every row published once', async () => {
    for (let first = 0; first < 60; first += 3) {
      for (let second = 0; second < 30; second += 5)
        await crashThenFinish([
          { at: first, isDone: true },
          { at: second, isDone: second % 2 === 0 },
        ])
    }
  })
})

describe('a writer', () => {
  test('shows nothing before the commit, and everything after it', async () => {
    const path = join(folder, 'visible')
    await using writer = open(settings(path))
    const target = await writer.plan(dataset)
    await writer.prepare(record(), [target], true, [])
    await writer.join(record())
    await writer.write(target, batchOf(1, 2))
    const committables = await writer.prepareCommit([{ split: 's', position: 2, done: false }])
    assert.deepEqual(await visible(path), [])
    await writer.commit(committables)
    await writer.commit(committables)
    assert.deepEqual(await visible(path), [1, 2])
    assert.match((await readdir(path)).find(name => !name.startsWith('.')) ?? '', /^numbers-[\da-f]{8}-[\da-f]{8}-000001\.txt$/)
    assert.deepEqual(await writer.marks(), { run: 'r1', finished: false, marks: [{ split: 's', position: 2, done: false }] })
    await writer.finish(record())
    assert.equal((await writer.marks())?.finished, true)
  })

  test('begins a new file at the size that was set', async () => {
    const path = join(folder, 'rolling')
    await using writer = open(settings(path, { maxFileBytes: 4 }))
    const target = await writer.plan(dataset)
    await writer.prepare(record(), [target], true, [])
    await writer.join(record())
    for (const id of [1, 2, 3, 4, 5]) await writer.write(target, batchOf(id))
    const committables = await writer.prepareCommit([])
    await writer.commit(committables)
    assert.deepEqual(await visible(path), [1, 2, 3, 4, 5])
    assert.equal((await readdir(path)).filter(name => name.endsWith('.txt')).length, 3)
  })

  test('stops when a newer engine has taken its run over, and when another run has begun', async () => {
    const path = join(folder, 'fenced')
    await using old = open(settings(path))
    const target = await old.plan(dataset)
    await old.prepare(record(), [target], true, [])
    await old.join(record())
    await old.write(target, batchOf(1))
    const committables = await old.prepareCommit([{ split: 's', position: 1, done: false }])
    await using newer = open(settings(path))
    await newer.prepare(record('r1', 2), [target], false, [])
    await assert.rejects(old.commit(committables), { code: 'ledger.fenced' })
    await assert.rejects(old.join(record()), { code: 'ledger.fenced' })
    await newer.prepare(record('r2'), [target], true, [])
    await assert.rejects(newer.commit(committables), { code: 'ledger.fenced' })
    assert.deepEqual(await visible(path), [])
  })

  test('of two engines that have come to the same epoch by themselves, takes the first', async () => {
    const path = join(folder, 'copied-state')
    await using begun = open(settings(path))
    const target = await begun.plan(dataset)
    await begun.prepare(record(), [target], true, [])
    await using one = open(settings(path))
    await one.prepare(record('r1', 2, 'one'), [target], false, [])
    await one.join(record('r1', 2, 'one'))
    await one.write(target, batchOf(1))
    await using other = open(settings(path))
    await assert.rejects(other.prepare(record('r1', 2, 'other'), [target], false, []), { code: 'ledger.fenced' })
    await assert.rejects(other.join(record('r1', 2, 'other')), { code: 'ledger.fenced' })
    await one.prepare(record('r1', 2, 'one'), [target], false, await one.prepareCommit([]))
    assert.deepEqual(await visible(path), [])
  })

  test('goes on behind the end of its run, of which nothing was heard, and begins it anew when asked to', async () => {
    const path = join(folder, 'ended')
    await using writer = open(settings(path, { writeMode: 'overwrite' }))
    const target = await writer.plan(dataset)
    await writer.prepare(record(), [target], true, [])
    await writer.join(record())
    await writer.write(target, batchOf(1))
    const committables = await writer.prepareCommit([{ split: 's', position: 1, done: true }])
    await writer.commit(committables)
    await writer.finish(record())
    await using again = open(settings(path, { writeMode: 'overwrite' }))
    await again.prepare(record('r1', 2), [target], false, committables)
    await again.commit(committables)
    await again.finish(record('r1', 2))
    const end = { run: 'r1', finished: true, marks: [{ split: 's', position: 1, done: true }] }
    assert.deepEqual(await again.marks(), end)
    assert.deepEqual(await visible(path), [1])
    await again.prepare(record('r1', 1, 'other'), [target], true, [])
    await assert.rejects(writer.finish(record('r1', 2)), { code: 'ledger.fenced' })
    assert.deepEqual(await visible(path), [])
  })

  test('never touches what another job has staged in the same directory', async () => {
    const path = join(folder, 'two-jobs')
    await using one = open(settings(path), 'one')
    await using other = open(settings(path, { writeMode: 'append' }), 'other')
    const target = await one.plan(dataset)
    await one.prepare(record('r1'), [target], true, [])
    await one.join(record('r1'))
    await one.write(target, batchOf(1))
    const committables = await one.prepareCommit([{ split: 's', position: 1, done: true }])
    await other.prepare(record('r1'), [target], true, [])
    await other.prepare(record('r2'), [target], true, [])
    await one.commit(committables)
    assert.deepEqual(await visible(path), [1])
  })

  test('drops what was staged and is not kept', async () => {
    const path = join(folder, 'keep')
    const staged = async () =>
      (await readdir(join(path, '.sluice', 'job'), { recursive: true })).filter(name => /-\d+$/.test(name)).length
    await using first = open(settings(path))
    const target = await first.plan(dataset)
    await first.prepare(record(), [target], true, [])
    await first.join(record())
    await first.write(target, batchOf(1))
    const kept = await first.prepareCommit([{ split: 's', position: 1, done: false }])
    await first.write(target, batchOf(2))
    await first.prepareCommit([{ split: 's', position: 2, done: false }])
    assert.equal(await staged(), 2)
    await using second = open(settings(path))
    await second.prepare(record('r1', 2), [target], false, kept)
    assert.equal(await staged(), 1)
    await second.commit(kept)
    assert.deepEqual(await visible(path), [1])
  })

  test('says so when what it has to publish is gone', async () => {
    const path = join(folder, 'lost')
    await using writer = open(settings(path))
    const target = await writer.plan(dataset)
    await writer.prepare(record(), [target], true, [])
    await writer.join(record())
    await writer.write(target, batchOf(1))
    const committables = await writer.prepareCommit([{ split: 's', position: 1, done: true }])
    const [committable] = committables as unknown as { files: { staged: string }[] }[]
    await rm(join(path, committable!.files[0]!.staged))
    await assert.rejects(writer.commit(committables), { code: 'file.staged-lost' })
  })

  test('finishes a commit that was begun when it tells how far that went', async () => {
    const path = join(folder, 'redo')
    const rename = () => Promise.reject(new Crash('rename'))
    await using writer = open(settings(path), 'job', { ...disk, rename })
    const target = await writer.plan(dataset)
    await writer.prepare(record(), [target], true, [])
    await writer.join(record())
    await writer.write(target, batchOf(1))
    await assert.rejects(writer.commit(await writer.prepareCommit([{ split: 's', position: 1, done: true }])), Crash)
    assert.deepEqual(await visible(path), [])
    assert.deepEqual((await open(settings(path)).marks())?.marks, [{ split: 's', position: 1, done: true }])
    assert.deepEqual(await visible(path), [1])
  })

  test('takes it that a published file which is gone was moved on by its reader', async () => {
    const path = join(folder, 'moved-on')
    await using writer = open(settings(path))
    const target = await writer.plan(dataset)
    await writer.prepare(record(), [target], true, [])
    await writer.join(record())
    await writer.write(target, batchOf(1))
    const committables = await writer.prepareCommit([{ split: 's', position: 1, done: true }])
    await writer.commit(committables)
    for (const name of await readdir(path)) if (name.endsWith('.txt')) await rm(join(path, name))
    await writer.commit(committables)
    assert.equal((await writer.marks())?.marks.length, 1)
  })

  test('refuses a damaged record of what has been published', async () => {
    const path = join(folder, 'torn')
    await mkdir(join(path, '.sluice', 'job'), { recursive: true })
    await writeFile(join(path, '.sluice', 'job', 'run.json'), '{"run": "r')
    await assert.rejects(open(settings(path)).marks(), { code: 'file.marks-torn' })
  })

  test('stops when a run with positions is unknown to the target', async () => {
    const path = join(folder, 'unknown-run')
    const splits = [{ split: { id: 's', dataset: 'numbers' }, position: 2, done: false }]
    const progressed = { ...record('r1', 2), splits }
    await assert.rejects(open(settings(path)).prepare(progressed, [], false, []), { code: 'ledger.missing' })
  })

  test('overwrites only what Sluice published for the same dataset', async () => {
    const path = join(folder, 'overwrite')
    await mkdir(path, { recursive: true })
    const names = [
      'numbers-0a1b2c3d-0a1b2c3d-000001.txt',
      'numbers-x-0a1b2c3d-0a1b2c3d-000001.txt',
      'numbers.txt',
      'numbers-0a1b2c3d-0a1b2c3d-1.txt',
    ]
    for (const name of names) await writeFile(join(path, name), '7\n')
    const writer = open(settings(path, { writeMode: 'overwrite' }))
    const target = await writer.plan(dataset)
    assert.match(target.statements[0] ?? '', /^remove 1 files .*numbers-/)
    await writer.prepare(record(), [target], true, [])
    assert.deepEqual((await readdir(path)).sort(), ['.sluice', ...names.slice(1)].sort())
  })

  test('wants an empty directory when that was asked for, but not to go on', async () => {
    const path = join(folder, 'nonconflict')
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'x'), '')
    const writer = open(settings(path, { writeMode: 'nonconflict' }))
    const target = await writer.plan(dataset)
    assert.equal(target.notes.length, 1)
    await assert.rejects(writer.prepare(record(), [target], true, []), { code: 'file.not-empty' })
    await rm(join(path, 'x'))
    await writer.prepare(record(), [target], true, [])
    await writeFile(join(path, 'x'), '')
    await writer.prepare(record('r1', 2), [target], false, [])
  })

  test('reports a path that cannot be written, with a hint', async () => {
    const path = join(folder, 'occupied')
    await writeFile(path, '')
    const refused = open(settings(join(path, 'out'))).prepare(record(), [], true, [])
    await assert.rejects(refused, { code: 'file.unwritable', fault: 'usage', hint: /--resume/ })
  })
})
