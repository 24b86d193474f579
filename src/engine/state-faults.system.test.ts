/** The state directory fails while a job runs: the run goes on or stops loudly, and what follows is exact. */
import assert from 'node:assert/strict'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryConnectors, Store, type World } from './memory-connectors.test-support.ts'
import { runJob, type RunOptions } from './run.ts'
import { DEFAULT_LIMITS, type JobSpec } from './spec.ts'
import { StateStore } from './state-store.ts'

const ROWS = 2000
const ROUNDS = 20
const stateDir = await mkdtemp(join(tmpdir(), 'sluice-state-'))
after(() => rm(stateDir, { recursive: true }))

const probe = await open(join(stateDir, 'probe'), 'w')
const handles = Object.getPrototypeOf(probe) as FileHandle
await probe.close()
const sync = handles.sync

const eio = () => Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })

/** Each write of the state syncs twice: the file before its rename, the folder behind it. */
const faults = {
  'refused before the rename': async (handle: FileHandle, call: number) => {
    if (call % 2 === 0) throw eio()
    await sync.call(handle)
  },
  'failed behind the rename': async (handle: FileHandle, call: number) => {
    await sync.call(handle)
    if (call % 2 === 1) throw eio()
  },
  slow: async (handle: FileHandle) => {
    await sleep(5)
    await sync.call(handle)
  },
} as const

for (const [name, fault] of Object.entries(faults)) {
  for (const sink of ['two-phase', 'transactional'] as const) {
    test(`state ${name}, ${sink} sink: ${ROUNDS} rounds`, async () => {
      let fired = 0
      for (let round = 0; round < ROUNDS; round++) {
        const store = new Store()
        const world: World = { store, rows: ROWS, splits: 5, resumable: true, faults: () => {} }
        const job: JobSpec = {
          ...{
            id: `${name}-${sink}-${round}`,
            source: { connector: 'memory', options: {} },
            sink: { connector: sink, options: {} },
          },
          ...{ readers: 1, writers: 1, checkpointSeconds: 0.002, stateDir },
          limits: { ...DEFAULT_LIMITS, batchRows: 32, commitRows: 100 },
          restart: { attempts: 3, leastMs: 0, firstDelayMs: 1, maxDelayMs: 2 },
        }
        const run = (options: Partial<RunOptions>) =>
          runJob(job, memoryConnectors(world), {
            ...{ resume: false, fresh: false, onEvent: () => {} },
            ...{ drain: new AbortController().signal, signal: new AbortController().signal },
            ...options,
          })
        let call = 0
        const failing = mock.method(handles, 'sync', async function (this: FileHandle) {
          // The first writes succeed, so that the fault falls at another checkpoint in each round.
          const at = call++
          if (at < round * 2) return await sync.call(this)
          fired++
          return await fault(this, at)
        })
        const outcome = await run({}).then(
          report => report.outcome,
          (error: unknown) => (error as { code: string }).code,
        )
        failing.mock.restore()
        assert(outcome === 'finished' || outcome === 'engine.state-unwritable', outcome)
        if (outcome !== 'finished') await run({ resume: true })
        assert.equal(store.rows.length, ROWS)
        assert.equal(new Set(store.rows).size, ROWS)
      }
      assert(fired > 0, 'the fault never fell')
    })
  }
}

test('a disk that does not answer is given up', async () => {
  const hanging = mock.method(handles, 'sync', () => new Promise(() => {}))
  const state = new StateStore(stateDir, 'hanging', 30)
  await assert.rejects(state.begin({ job: 'hanging', run: 'r' }, [], {}), {
    code: 'engine.state-unwritable',
    message: /no answer for 30 ms/,
  })
  hanging.mock.restore()
})
