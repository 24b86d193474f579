import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { join } from 'node:path'
import type { TwoPhaseWriter } from '#connector'
import { recorderOf } from './recorder.ts'
import { StateStore } from './state-store.ts'

const stateDir = await mkdtemp(join(tmpdir(), 'sluice-recorder-'))
after(() => rm(stateDir, { recursive: true }))

test('what an engine with a copy of the state publishes just before it is fenced is noticed', async () => {
  const run = { job: 'copied', run: 'r1' }
  const before = new StateStore(stateDir, 'copied')
  await before.begin(run, [{ id: 'a', dataset: 't' }], {})
  await before.checkpoint([{ split: 'a', position: 1, done: false }], [])
  let position = 1
  const writer = {
    delivery: 'two-phase',
    commit: async () => {},
    marks: async () => ({ run: 'r1', finished: false, marks: [{ split: 'a', position, done: false }] }),
    prepare: async () => void position++,
  } as unknown as TwoPhaseWriter
  await assert.rejects(recorderOf(writer, new StateStore(stateDir, 'copied')).claim(run, []), { code: 'engine.marks-differ' })
})
