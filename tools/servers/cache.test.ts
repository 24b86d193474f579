import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const folder = await mkdtemp(join(tmpdir(), 'sluice-cache-'))
after(() => rm(folder, { recursive: true }))
// The module looks at it once, when it is loaded.
process.env['XDG_CACHE_HOME'] = folder
const { buildOnce, cacheFolder, cacheSubfolder } = await import('./cache.ts')

test('stays in the folder it is told', async () => {
  assert.equal(cacheFolder, join(folder, 'sluice-test-servers'))
})

test('builds once however many ask at the same time, and shows nothing half-built', async () => {
  const target = join(await cacheSubfolder('software'), 'one')
  let builds = 0
  const build = async (partial: string) => {
    builds++
    await writeFile(join(partial, 'a'), 'first')
    await sleep(50)
    assert(!existsSync(target))
    await writeFile(join(partial, 'b'), 'second')
  }
  await Promise.all([1, 2, 3].map(() => buildOnce(target, build)))
  assert.equal(builds, 1)
  assert.equal(await readFile(join(target, 'b'), 'utf8'), 'second')
})

test('leaves nothing of a build that fails, and builds again the next time', async () => {
  const target = join(await cacheSubfolder('broken'), 'two')
  const fail = (partial: string) => writeFile(join(partial, 'a'), '').then(() => assert.fail('no network'))
  await assert.rejects(buildOnce(target, fail), /no network/)
  assert.deepEqual(await readdir(await cacheSubfolder('broken')), [])
  await buildOnce(target, async () => {})
  assert(existsSync(target))
})
