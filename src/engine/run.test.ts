/** The engine against connectors in memory: the same cases over message ports and over byte streams. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { dataErrors } from '#connector'
import { SluiceError } from '#errors'
import type { WorkerEndpoint } from './attempt.ts'
import { portEndpoint } from './endpoint.ts'
import { streamEndpoint } from './frames.ts'
import { cut, memoryConnectors, Store, type Faults, type World } from './memory-connectors.test-support.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { runJob, type RunEvent, type RunOptions, type RunReport } from './run.ts'
import { DEFAULT_LIMITS, type JobSpec } from './spec.ts'
import { folderName } from './state-store.ts'
import { serveWorker, type Connectors } from './worker.ts'

const ROWS = 2_000
const stateDir = await mkdtemp(join(tmpdir(), 'sluice-engine-'))
after(() => rm(stateDir, { recursive: true }))
let jobs = 0

interface Case {
  readonly sink: 'transactional' | 'two-phase' | 'plain'
  readonly world?: Partial<World>
  readonly spec?: Partial<JobSpec>
  readonly options?: Partial<RunOptions>
  readonly id?: string
}

function prepare(startWorker: (connectors: Connectors) => WorkerEndpoint, { sink, world = {}, spec = {}, id }: Case) {
  const whole: World = { store: new Store(), rows: ROWS, splits: 5, resumable: true, faults: () => {}, ...world }
  const job: JobSpec = {
    id: id ?? `job-${++jobs}`,
    source: { connector: 'memory', options: {} },
    sink: { connector: sink, options: {} },
    readers: 1,
    writers: 1,
    limits: { ...DEFAULT_LIMITS, batchRows: 32, commitRows: 100 },
    restart: { attempts: 3, leastMs: 0, firstDelayMs: 1, maxDelayMs: 2 },
    checkpointSeconds: 0.002,
    stateDir,
    ...spec,
  }
  const events: RunEvent[] = []
  const connectors = memoryConnectors(whole)
  const run = (options: Partial<RunOptions> = {}, faults: Faults = whole.faults) => {
    const own = memoryConnectors({ ...whole, faults })
    return runJob(job, own, {
      resume: false,
      fresh: false,
      drain: new AbortController().signal,
      signal: new AbortController().signal,
      onEvent: event => events.push(event),
      startWorker: () => startWorker(own),
      ...options,
    })
  }
  return { run, job, store: whole.store, events, connectors }
}

function assertExact(store: Store, rows = ROWS): void {
  assert.equal(store.rows.length, rows)
  assert.equal(new Set(store.rows).size, rows)
}

const overPort = (connectors: Connectors): WorkerEndpoint => {
  const { port1, port2 } = new MessageChannel()
  void serveWorker(portEndpoint<FromWorker, ToWorker>(port2), connectors)
  return portEndpoint(port1)
}

const overStreams = (connectors: Connectors): WorkerEndpoint => {
  const [there, back] = [new PassThrough(), new PassThrough()]
  void serveWorker(streamEndpoint<FromWorker, ToWorker>(there, back), connectors)
  return streamEndpoint(back, there)
}

/** Throws at the n-th time a point is reached, once. */
const failAt = (wanted: string, times: number, error: () => unknown = () => cut(wanted)): Faults => {
  let seen = 0
  return point => {
    if (point === wanted && ++seen === times) throw error()
  }
}

for (const [transport, startWorker] of [
  ['message ports', overPort],
  ['byte streams', overStreams],
] as const) {
  describe(`a run over ${transport}`, () => {
    for (const sink of ['transactional', 'two-phase', 'plain'] as const) {
      test(`${sink}: every row arrives once, preSql and postSql run once`, async () => {
        const { run, store } = prepare(startWorker, { sink, spec: { readers: 3, writers: 3 } })
        const report = await run()
        assertExact(store)
        assert.equal(report.outcome, 'finished')
        assert.equal(report.meter.rowsWritten, ROWS)
        assert.equal(report.splitsDone, 5)
        if (sink !== 'two-phase') assert.deepEqual([store.preSql, store.postSql], [1, 1])
      })
    }

    for (const sink of ['transactional', 'two-phase'] as const) {
      for (const point of ['read', 'write', 'before-commit', 'after-commit', 'prepared'] as const) {
        for (const resumable of [true, false]) {
          test(`${sink}: a cut at "${point}" is overcome without loss or repetition (${resumable ? 'positions' : 'whole splits'})`, async () => {
            const { run, store, events } = prepare(startWorker, { sink, world: { resumable } })
            const fault = failAt(point, 3)
            await run({}, fault)
            assertExact(store)
            const reachable = point !== 'prepared' || sink === 'two-phase'
            if (reachable && (sink === 'transactional' || point === 'read' || point === 'write')) {
              assert(
                events.some(({ kind }) => kind === 'restarting'),
                'the fault must have fired',
              )
            }
          })
        }
      }
    }

    test('a fault that does not go away ends the run after the bounded attempts', async () => {
      const { run, events } = prepare(startWorker, { sink: 'transactional' })
      const always: Faults = point => {
        if (point === 'read') throw cut('read')
      }
      await assert.rejects(run({}, always), { code: 'engine.gave-up' })
      assert.equal(events.filter(({ kind }) => kind === 'restarting').length, 2)
    })

    test('an error that time does not heal ends the run at once', async () => {
      const { run, events } = prepare(startWorker, { sink: 'transactional' })
      await assert.rejects(
        run(
          {},
          failAt('write', 2, () => new SluiceError('test.data', 'data', 'no')),
        ),
        { code: 'test.data' },
      )
      assert(!events.some(({ kind }) => kind === 'restarting'))
    })

    test('drain commits, stops, and a resumed run goes on', async () => {
      for (const sink of ['transactional', 'two-phase'] as const) {
        const { run, store, events } = prepare(startWorker, { sink })
        const drain = new AbortController()
        let reads = 0
        const report = await run({ drain: drain.signal }, async point => {
          if (point === 'read' && ++reads === 20) drain.abort()
          if (reads > 20) await sleep(20)
        })
        assert.equal(report.outcome, 'drained')
        const before = store.rows.length
        assert(before > 0 && before < ROWS, `${before} rows`)
        const second = await run({ resume: true })
        assert(second.resumed)
        assert(events.some(({ kind }) => kind === 'resumed'))
        assertExact(store)
      }
    })

    test('abort ends at once and commits nothing more', async () => {
      const { run, store } = prepare(startWorker, { sink: 'transactional' })
      const abort = new AbortController()
      let reads = 0
      const running = run({ signal: abort.signal }, async point => {
        if (point === 'read' && ++reads === 20) abort.abort(new DOMException('stop', 'AbortError'))
        if (reads > 20) await sleep(20)
      })
      await assert.rejects(running, { name: 'AbortError' })
      assert(reads < 30, `${reads} of 65 reads`)
      const rows = store.rows.length
      await sleep(40)
      assert.equal(store.rows.length, rows)
    })

    test('a run that is not resumed begins afresh and says what the earlier one left', async () => {
      const { run, events, store } = prepare(startWorker, { sink: 'transactional' })
      await assert.rejects(
        run(
          {},
          failAt('write', 30, () => new SluiceError('test.data', 'data', 'no')),
        ),
      )
      store.rows.length = 0
      await run()
      assert(events.some(({ kind }) => kind === 'left-behind'))
      assertExact(store)
    })

    test('with a run id, the retry of a finished run does nothing and that of an unfinished one goes on', async () => {
      const { run, store } = prepare(startWorker, { sink: 'transactional' })
      await assert.rejects(
        run(
          { runId: 'r1' },
          failAt('write', 30, () => new SluiceError('test.data', 'data', 'no')),
        ),
      )
      assert((await run({ runId: 'r1' })).resumed)
      assertExact(store)
      assert.equal((await run({ runId: 'r1' })).outcome, 'already-finished')
      assertExact(store)
    })
  })
}

describe('several engines and lost state', () => {
  test('an engine whose run has been claimed by another is fenced and says so', async () => {
    const { run, store } = prepare(overPort, { sink: 'transactional' })
    let writes = 0
    const failed = run({}, async point => {
      if (point === 'write' && ++writes === 20 && store.run) store.run = { ...store.run, epoch: store.run.epoch + 1 }
    })
    await assert.rejects(failed, { code: 'ledger.fenced' })
    await run({ resume: true })
    assertExact(store)
  })

  for (const sink of ['transactional', 'two-phase'] as const) {
    test(`${sink}: an engine that is cut off after another has taken its run over ends, and the other goes on`, async () => {
      const first = prepare(overPort, { sink })
      const elsewhere = await mkdtemp(join(stateDir, 'elsewhere-'))
      const { id } = first.job
      const second = prepare(overPort, { sink, id, world: { store: first.store }, spec: { stateDir: elsewhere } })
      let writes = 0
      let heir: Promise<RunReport> | undefined
      const cutOff: Faults = async point => {
        if (point !== 'write' || ++writes !== 20) return
        const state = join(folderName(id), 'run.json')
        await cp(join(stateDir, state), join(elsewhere, state))
        const taken = Promise.withResolvers<void>()
        heir = second.run({ resume: true, onEvent: ({ kind }) => kind === 'resumed' && taken.resolve() })
        await Promise.race([taken.promise, heir])
        throw cut('taken over')
      }
      await assert.rejects(first.run({}, cutOff), { code: 'ledger.fenced' })
      assert.equal(first.events.filter(({ kind }) => kind === 'restarting').length, 1)
      const report = await heir
      assert.deepEqual([report?.outcome, report?.attempts], ['finished', 1])
      assertExact(first.store)
    })
  }

  test('rows that are refused because another engine has written them are not called bad', async () => {
    const { run, store } = prepare(overPort, { sink: 'transactional' })
    const refused = () => dataErrors.valueRefused({ dataset: 'numbers', column: 'id', reason: 'it is there already', row: 0 })
    const failed = run({}, async point => {
      if (point !== 'write') return
      if (store.run) store.run = { ...store.run, holder: 'another', epoch: store.run.epoch + 1 }
      throw refused()
    })
    await assert.rejects(failed, { code: 'ledger.fenced' })
    await assert.rejects(run({}, failAt('write', 1, refused)), { code: refused().code })
  })

  test('an engine that does not hear that it has its run back is no other engine', async () => {
    const { run, store, events } = prepare(overPort, { sink: 'transactional' })
    const faults = [failAt('write', 20), failAt('after-reclaim', 1)]
    await run({}, async point => {
      for (const fault of faults) await fault(point)
    })
    assert.equal(events.filter(({ kind }) => kind === 'restarting').length, 2)
    assertExact(store)
  })

  test('a second engine on the same state directory is refused while the first runs', async () => {
    const { run } = prepare(overPort, { sink: 'transactional' })
    let second: Promise<unknown> | undefined
    await run({}, async point => {
      if (point === 'read') await (second ??= run().catch((error: unknown) => error))
    })
    const error = await second
    assert(SluiceError.is(error, 'engine.locked'), String(error))
  })

  test('state directory deleted: a ledger goes on exactly, staged files stop the run clearly', async () => {
    const stop = failAt('write', 30, () => new SluiceError('test.data', 'data', 'no'))
    const exact = prepare(overPort, { sink: 'transactional' })
    await assert.rejects(exact.run({}, stop))
    await rm(join(stateDir, folderName(exact.job.id)), { recursive: true })
    await exact.run({ resume: true })
    assertExact(exact.store)

    const staged = prepare(overPort, { sink: 'two-phase' })
    await assert.rejects(
      staged.run(
        {},
        failAt('write', 60, () => new SluiceError('test.data', 'data', 'no')),
      ),
    )
    await rm(join(stateDir, folderName(staged.job.id)), { recursive: true })
    await assert.rejects(staged.run({ resume: true }), { code: 'engine.state-missing' })
  })

  test('ledger gone: resuming stops clearly instead of writing everything again', async () => {
    const { run, store } = prepare(overPort, { sink: 'transactional' })
    await assert.rejects(
      run(
        {},
        failAt('write', 30, () => new SluiceError('test.data', 'data', 'no')),
      ),
    )
    store.run = undefined
    await assert.rejects(run({ resume: true }), { code: 'ledger.missing' })
  })

  test('a row that is too large is placed behind the one before it', async () => {
    const tooLarge = () => dataErrors.rowTooLarge({ dataset: 'numbers', bytes: 2000, limit: 1000 })
    for (const [resumable, read, place] of [
      [true, 3, 'the row behind position 64 of split numbers#0'],
      [false, 3, 'row 65 of split numbers#0'],
      [true, 1, 'row 1 of split numbers#0'],
    ] as const) {
      for (const spec of [{}, { readers: 2 }]) {
        const { run } = prepare(overPort, { sink: 'transactional', world: { resumable, splits: 1 }, spec })
        const message = `numbers: ${place} has at least 2000 bytes, and the memory of the job allows rows of 1000 bytes.`
        await assert.rejects(run({}, failAt('read', read, tooLarge)), { code: 'data.row-too-large', message })
      }
    }
  })

  test('a torn state file stops the run, an older one is noticed', async () => {
    const { run, job } = prepare(overPort, { sink: 'two-phase' })
    const file = join(stateDir, folderName(job.id), 'run.json')
    let old = ''
    let prepared = 0
    const faults: Faults = async point => {
      if (point === 'after-commit' && ++prepared === 1) old = await readFile(file, 'utf8')
      if (point === 'read') await sleep(5)
      if (point === 'write' && prepared > 3) throw new SluiceError('test.data', 'data', 'no')
    }
    await assert.rejects(run({}, faults), { code: 'test.data' })
    const newest = await readFile(file, 'utf8')
    await writeFile(file, newest.slice(0, newest.length / 2))
    await assert.rejects(run({ resume: true }), { code: 'engine.state-torn' })
    await writeFile(file, old)
    await assert.rejects(run({ resume: true }), { code: 'engine.marks-differ' })
    await writeFile(file, newest)
    await run({ resume: true })
  })

  test('a job whose columns have changed is not resumed', async () => {
    const { run, store } = prepare(overPort, { sink: 'transactional' })
    await assert.rejects(
      run(
        {},
        failAt('write', 30, () => new SluiceError('test.data', 'data', 'no')),
      ),
    )
    assert(store.run)
    store.run = { ...store.run, memo: { digest: 'another' } }
    await assert.rejects(run({ resume: true }), { code: 'engine.job-changed' })
  })
})

describe('readers and writers apart', () => {
  for (const [readers, writers] of [
    [1, 3],
    [3, 1],
    [2, 3],
    [4, 2],
  ] as const) {
    test(`${readers} readers, ${writers} writers: every row arrives once, also after a cut`, async () => {
      for (const faults of [() => {}, failAt('write', 9), failAt('read', 9), failAt('after-commit', 2)]) {
        const { run, store } = prepare(overPort, { sink: 'transactional', spec: { readers, writers } })
        await run({}, faults)
        assertExact(store)
      }
    })
  }
})
