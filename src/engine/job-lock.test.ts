import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SluiceError } from '#errors'
import { lockJob } from './job-lock.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
after(() => rm(folder, { recursive: true }))
const file = join(folder, 'lock')

test('of many that come at once, one gets the lock, whatever lies there', async () => {
  for (const left of [undefined, '', JSON.stringify({ pid: 2 ** 22 + 1, started: '1' })]) {
    if (left !== undefined) await writeFile(file, left)
    const takers = Array.from({ length: 8 }, () => lockJob(file, 'j'))
    const ends = await Promise.allSettled(takers)
    const [holder, ...others] = ends.flatMap(end => (end.status === 'fulfilled' ? [end.value] : []))
    assert.deepEqual(others, [])
    for (const end of ends) assert(end.status === 'fulfilled' || SluiceError.is(end.reason, 'engine.locked'))
    await holder?.[Symbol.asyncDispose]()
    assert.deepEqual(await readdir(folder), [])
  }
})

test('a turn that somebody died in is over after a while, for one of those who wait', async () => {
  await writeFile(`${file}.turn`, '')
  const ends = await Promise.allSettled(Array.from({ length: 4 }, () => lockJob(file, 'j')))
  const [holder, ...others] = ends.flatMap(end => (end.status === 'fulfilled' ? [end.value] : []))
  assert(holder !== undefined)
  assert.deepEqual(others, [])
  await holder[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(folder), [])
})

test('a place that cannot be written is named', async () => {
  const blocked = join(folder, 'blocked')
  await writeFile(blocked, '')
  await assert.rejects(lockJob(join(blocked, 'lock'), 'j'), { code: 'engine.state-unwritable' })
})
