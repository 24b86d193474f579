import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { int, utf8 } from '#columnar'
import { BadRowFile, headOf, type BadRow } from './bad-row-file.ts'
import { badRowSets } from './bad-row-sets.ts'
import { readBadRows } from './read-bad-rows.ts'

const base = await mkdtemp(join(tmpdir(), 'sluice-bad-'))
after(() => rm(base, { recursive: true }))
let folders = 0

const schema = {
  fields: [
    { name: 'id', type: int(64), nullable: false },
    { name: 'name', type: utf8, nullable: true },
  ],
}
const run = { job: 'j', run: 'r', began: '2024-01-01T00:00:00.000Z' }
const head = headOf(run, 'public.t/0001', { id: 'public.t', schema, primaryKey: ['id'] })
const row = (id: number): BadRow => ({ key: `id=${id}`, code: 'c', message: 'm', time: 't', row: [String(id), null] })

async function idsIn(folder: string): Promise<string[]> {
  const [file = ''] = await readdir(folder)
  const ids: string[] = []
  for await (const { key } of (await readBadRows(join(folder, file))).rows) ids.push(key)
  return ids
}

/** Returns what {@link BadRowFile.cut} does. */
async function append(folder: string, before: number, ids: readonly number[]): Promise<number> {
  await using file = new BadRowFile(folder, head, before)
  const missing = await file.cut()
  for (const id of ids) await file.append(row(id))
  await file.sync()
  assert.equal(file.count, before + ids.length)
  return missing
}

test('rows come back with the head that explains them', async () => {
  const folder = join(base, `${++folders}`)
  await append(folder, 0, [1, 2])
  const [file = ''] = await readdir(folder)
  const read = await readBadRows(join(folder, file))
  assert.deepEqual(read.head, {
    ...{ format: 'sluice-bad-rows/1', ...run, split: 'public.t/0001', dataset: 'public.t', primaryKey: ['id'] },
    columns: [
      { name: 'id', type: 'int64', nullable: false },
      { name: 'name', type: 'utf8', nullable: true },
    ],
  })
  assert.deepEqual(await idsIn(folder), ['id=1', 'id=2'])
})

test('a value may hold whatever Unicode calls the end of a line', async () => {
  const folder = join(base, `${++folders}`)
  const values = ['\u2028', 'a\u2029b', '\r\n', '\u0085\u000b\f', 'x'.repeat(200_000)]
  await using file = new BadRowFile(folder, head, 0)
  for (const [id, value] of values.entries()) await file.append({ ...row(id), row: [`${id}`, value] })
  await file.sync()
  const { rows } = await readBadRows(join(folder, (await readdir(folder))[0]!))
  assert.deepEqual(
    (await Array.fromAsync(rows)).map(bad => bad.row[1]),
    values,
  )
})

test('what was not committed is cut off when the split is taken up again, a torn line included', async () => {
  const folder = join(base, `${++folders}`)
  await append(folder, 0, [1, 2, 3])
  const file = join(folder, (await readdir(folder))[0]!)
  await appendFile(file, '{"key":"id=4","co')
  assert.deepEqual(await idsIn(folder), ['id=1', 'id=2', 'id=3'])
  await append(folder, 2, [30, 40])
  assert.deepEqual(await idsIn(folder), ['id=1', 'id=2', 'id=30', 'id=40'])
})

test('what was not committed is gone even when no bad row follows', async () => {
  const folder = join(base, `${++folders}`)
  await append(folder, 0, [1, 2, 3])
  await append(folder, 1, [])
  assert.deepEqual(await idsIn(folder), ['id=1'])
  await append(folder, 0, [])
  assert.deepEqual(await readdir(folder), [])
})

test('nothing is written where no row is bad', async () => {
  const folder = join(base, `${++folders}`)
  await append(folder, 0, [])
  await assert.rejects(readdir(folder), { code: 'ENOENT' })
})

test('a store that has been lost or cut short takes what comes, and says what it lacks', async () => {
  const folder = join(base, `${++folders}`)
  assert.equal(await append(folder, 5, [6, 7]), 5)
  assert.deepEqual(await idsIn(folder), ['id=6', 'id=7'])
  assert.equal(await append(folder, 6, [70]), 0)
  assert.deepEqual(await idsIn(folder), ['id=6', 'id=70'])
  await truncate(join(folder, (await readdir(folder))[0]!), 10)
  assert.equal(await append(folder, 6, [8]), 6)
  assert.deepEqual(await idsIn(folder), ['id=8'])
})

test('an engine that has been taken over adds nothing to the rows of the other', async () => {
  for (const hasWritten of [true, false]) {
    const folder = join(base, `${++folders}`)
    await using frozen = new BadRowFile(folder, head, 0)
    await frozen.cut()
    await frozen.append(row(1))
    if (hasWritten) await frozen.sync()
    await frozen.append(row(2))
    await append(folder, 0, [10, 20, 30])
    await (hasWritten ? frozen.sync() : assert.rejects(frozen.sync(), { code: 'engine.bad-rows-shared', fault: 'transient' }))
    await append(folder, 1, [21, 31])
    assert.deepEqual(await idsIn(folder), ['id=10', 'id=21', 'id=31'])
  }
  const folder = join(base, `${++folders}`)
  await append(folder, 0, [1])
  await using frozen = new BadRowFile(folder, head, 1)
  await frozen.cut()
  await frozen.append(row(2))
  await frozen.sync()
  await append(folder, 1, [20, 30])
  await frozen.append(row(3))
  await assert.rejects(frozen.sync(), { code: 'engine.bad-rows-shared' })
  assert.deepEqual(await idsIn(folder), ['id=1', 'id=20', 'id=30'])
})

test('a file is open only while its rows are read', async () => {
  const folder = join(base, `${++folders}`)
  await append(folder, 0, [1, 2])
  const file = join(folder, (await readdir(folder))[0]!)
  const sets = await Promise.all(Array.from({ length: 20 }, () => readBadRows(file)))
  for await (const { key } of sets[0]!.rows) if (key === 'id=1') break
  await writeFile(join(folder, 'none.jsonl'), '{}\n')
  await assert.rejects(readBadRows(join(folder, 'none.jsonl')), { code: 'engine.state-torn' })
  const links = await Promise.all((await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  assert.deepEqual(
    links.filter(link => link.startsWith(folder)),
    [],
  )
})

test('a file whose head is not complete has no rows and hides none; one that is damaged is told', async () => {
  const folder = join(base, `${++folders}`)
  const files = join(folder, 'bad-rows', 'r')
  await append(files, 0, [1])
  const [whole = ''] = await readdir(files)
  for (const torn of ['', '{"format":"sluice-bad-ro']) {
    await writeFile(join(files, '0.jsonl'), torn)
    const sets = await badRowSets(folder)
    assert.deepEqual(
      sets.map(set => set.files),
      [[join(files, whole)]],
    )
  }
  await appendFile(join(files, whole), 'garbage\n')
  const { rows } = await readBadRows(join(files, whole))
  await assert.rejects(Array.fromAsync(rows), { code: 'engine.state-torn' })
})

test('many rows go out in time, not at the end only', async () => {
  const folder = join(base, `${++folders}`)
  await using file = new BadRowFile(folder, head, 0)
  for (let id = 0; id < 10_000; id++) await file.append(row(id))
  const text = await readFile(join(folder, (await readdir(folder))[0]!), 'utf8')
  assert(text.length > 500_000)
  await file.sync()
  assert.equal((await idsIn(folder)).length, 10_000)
})

test('a place that cannot be written is named', async () => {
  const blocked = join(base, 'blocked')
  await writeFile(blocked, '')
  await using file = new BadRowFile(join(blocked, 'x'), head, 0)
  await file.append(row(1))
  await assert.rejects(file.sync(), { code: 'engine.bad-rows-unwritable', message: /blocked.*ENOTDIR/ })
})
