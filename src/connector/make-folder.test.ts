import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeFolder } from './make-folder.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-folder-'))
after(() => rm(folder, { recursive: true }))

test('makes what is missing and names the topmost', async () => {
  assert.equal(await makeFolder(folder), undefined)
  assert.equal(await makeFolder(join(folder, 'a')), join(folder, 'a'))
  assert.equal(await makeFolder(join(folder, 'a/b/c'), 0o700), join(folder, 'a/b'))
  assert.equal((await stat(join(folder, 'a/b'))).mode & 0o777, 0o700)
})

test('makes the same folder twice at once', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(folder, 'x/y/z'))))
  assert(made.includes(join(folder, 'x')))
})

test('says why when it cannot', { timeout: 10_000 }, async () => {
  await writeFile(join(folder, 'file'), '')
  await assert.rejects(makeFolder(join(folder, 'file')), { code: 'EEXIST' })
  await assert.rejects(makeFolder(join(folder, 'file/a')), { code: 'ENOTDIR' })
  const isLinux = process.platform === 'linux'
  if (isLinux) await assert.rejects(makeFolder('/proc/sluice/state'), { code: 'ENOENT' })
  await chmod(join(folder, 'a'), 0o500)
  const isRoot = process.getuid?.() === 0
  if (!isRoot) await assert.rejects(makeFolder(join(folder, 'a/d')), { code: 'EACCES' })
})
