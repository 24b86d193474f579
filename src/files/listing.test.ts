import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { listFiles, nameOfPath, stemOf } from './listing.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-list-'))
after(() => rm(folder, { recursive: true, force: true }))

for (const name of [
  'b.csv',
  'a.csv',
  'a10.csv',
  '.hidden.csv',
  '_SUCCESS',
  'x[1].csv',
  'sub/c.csv',
  'sub/deep/d.csv',
  '.sluice/job/e.csv',
]) {
  await mkdir(join(folder, name, '..'), { recursive: true })
  await writeFile(join(folder, name), name)
}
await symlink('sub/c.csv', join(folder, 'link.csv'))

const found = async (path: string) => (await listFiles(join(folder, path))).map(file => relative(folder, file.path))

test('finds a file, the files of a directory and what a pattern matches, each once and in order', async () => {
  assert.deepEqual(await found('a.csv'), ['a.csv'])
  assert.deepEqual(await found('.'), ['a.csv', 'a10.csv', 'b.csv', 'link.csv', 'x[1].csv'])
  assert.deepEqual(await found('a*.csv'), ['a.csv', 'a10.csv'])
  assert.deepEqual(await found('[ab].csv'), ['a.csv', 'b.csv'])
  assert.deepEqual(await found('{a,sub/c}.csv'), ['a.csv', 'sub/c.csv'])
  assert.deepEqual(await found('**/[cd].csv'), ['sub/c.csv', 'sub/deep/d.csv'])
})

test('takes a path that exists as it is, even if it looks like a pattern or is hidden', async () => {
  assert.deepEqual(await found('x[1].csv'), ['x[1].csv'])
  assert.deepEqual(await found('.hidden.csv'), ['.hidden.csv'])
})

test('knows sizes', async () => {
  assert.partialDeepStrictEqual(await listFiles(join(folder, 'a.csv')), [{ size: 5 }])
})

test('says that nothing is there', async () => {
  for (const path of ['none.csv', 'none*.csv', '_SUCCES?', 'a.csv/b.csv']) {
    await assert.rejects(found(path), { code: 'file.nothing-found', fault: 'usage' }, path)
  }
})

test('names datasets after what they hold', () => {
  const names = {
    '/data/orders.csv': 'orders',
    '/data/orders.csv.gz': 'orders',
    '/data/orders-*.csv': 'orders',
    '/data/orders_2024-[01]?.jsonl.zst': 'orders_2024',
    '/data/{a,b}/*.csv': 'data',
    '/data/': 'data',
    '/data/v1.2': 'v1.2',
    '/*.csv': 'files',
  }
  for (const [path, name] of Object.entries(names)) assert.equal(nameOfPath(path), name, path)
  assert.equal(stemOf('/x/a.b.tsv'), 'a.b')
})
