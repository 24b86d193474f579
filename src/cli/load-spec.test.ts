import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DEFAULT_RESTART } from '#engine'
import { loadSpec } from './load-spec.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-spec-'))
after(() => rm(folder, { recursive: true }))

async function specOf(setting: object) {
  const file = join(folder, 'job.json')
  const parameter = { column: [{ name: 'id', type: 'int' }], sliceRecordCount: [1] }
  const content = [{ reader: { name: 'streamreader', parameter }, writer: { name: 'streamwriter' } }]
  await writeFile(file, JSON.stringify({ job: { content, setting } }))
  return (await loadSpec(file, {})).spec
}

for (const [restart, expected] of [
  [undefined, DEFAULT_RESTART],
  [{ strategy: 'NoRestart' }, { attempts: 1, leastMs: 0, firstDelayMs: 0, maxDelayMs: 0 }],
  [{}, { attempts: 6, leastMs: 0, firstDelayMs: 10_000, maxDelayMs: 10_000 }],
  [
    { attempts: 2, delayInterval: 0.5 },
    { attempts: 3, leastMs: 0, firstDelayMs: 500, maxDelayMs: 500 },
  ],
  [
    { strategy: 'failureRate', failureRate: 3, failureInterval: 30 },
    { attempts: 3, leastMs: 0, withinMs: 30_000, firstDelayMs: 10_000, maxDelayMs: 10_000 },
  ],
] as const) {
  test(`restart ${JSON.stringify(restart)}`, async () => {
    assert.deepEqual((await specOf({ restart })).restart, expected)
  })
}

test('a column to resume by counts in a FlinkX job that restores, and only there', async () => {
  for (const [restore, expected] of [
    [{ isRestore: true, restoreColumnName: 'seq' }, 'seq'],
    [{ isRestore: true, restoreColumnIndex: 0 }, 'id'],
    [{ isRestore: false, restoreColumnName: 'seq', restoreColumnIndex: 0 }, undefined],
  ] as const)
    assert.equal((await specOf({ restore })).resumeColumn, expected)
})
