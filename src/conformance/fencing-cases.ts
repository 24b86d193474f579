import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunRecord } from '#connector'
import { SluiceError } from '#errors'
import { within, type Case } from './case.ts'
import { FaultProxy } from './fault-proxy.ts'
import { assertTarget, openAs, RunProbe, writeAll, type Fixture, type WorkerProbe } from './sink-probe.ts'

/** Races between a commit and the claim that fences it. */
const RACES = 24
/** Until each of them has won: a head start of a minute. */
const MOST_RACES = 56
const ID = { job: 'conformance', run: 'run-1' }

/** Two engines on one job: the older one must not write any more, wherever it is. */
export function fencingCases(fixture: Fixture): Case[] {
  const { rows } = fixture
  return [
    {
      name: 'fences an older holder when the run is claimed, whatever it had written before',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using zombie = await run.worker()
        await zombie.write(rows)
        await using heir = await openAs(fixture, 'transactional')
        await heir.runs.claim(ID)
        await assertFenced(zombie, run)
        await assertFenced(await run.worker(), run)
        await assertTarget(fixture, [], 'after the commits of a fenced holder')
      },
    },
    {
      name: 'fences an older run when the next one begins',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture, 'run-1')
        await using zombie = await run.worker()
        await zombie.write(rows)
        await using next = await RunProbe.begin(fixture, 'run-2')
        await assertFenced(zombie, run)
        await using worker = await next.worker()
        await worker.write(rows)
        await worker.commit([{ split: next.splits[0]!.id, done: true }])
        await assertTarget(fixture, rows, 'after the commit of the next run')
      },
    },
    {
      name: 'keeps a fenced holder from finishing',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using heir = await openAs(fixture, 'transactional')
        await heir.runs.claim(ID)
        await assert.rejects(run.finish(), { code: 'ledger.fenced' })
        assert.equal((await heir.runs.find(ID.job))?.finished, false)
      },
    },
    {
      name: 'gives a run back to its holder after a failure, also when the answer to that was lost',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using zombie = await run.worker()
        await zombie.write(rows)
        await using again = await openAs(fixture, 'transactional')
        await again.runs.reclaim(run.record)
        const record = await again.runs.reclaim(run.record)
        assert.deepEqual({ ...record, epoch: 0 }, { ...run.record, epoch: 0 })
        await assertFenced(zombie, run)
        run.record = record
        await writeAll(run, rows)
        await run.finish()
        assert.equal((await again.runs.reclaim(record)).finished, true, 'after the end, of which nothing was heard')
        await assertTarget(fixture, rows, 'after a run that was given back')
      },
    },
    {
      name: 'gives a run back only to the one that holds it',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        const first = run.record
        await using heir = await openAs(fixture, 'transactional')
        run.record = await heir.runs.claim(ID)
        await using zombie = await openAs(fixture, 'transactional')
        await assert.rejects(zombie.runs.reclaim(first), { code: 'ledger.fenced' })
        assert.deepEqual(await heir.runs.find(ID.job), run.record, 'the refused one has changed the ledger')
        await writeAll(run, rows)
        await assertTarget(fixture, rows, 'after the one that holds the run went on')
        await using next = await RunProbe.begin(fixture, 'run-2')
        await assert.rejects(zombie.runs.reclaim(run.record), { code: 'ledger.fenced' })
        assert.deepEqual(await heir.runs.find(ID.job), next.record)
      },
    },
    {
      name: 'lets either the commit or the claim win, never both',
      async run() {
        const outcomes = new Set<boolean>()
        for (let race = 0; race < RACES || (outcomes.size < 2 && race < MOST_RACES); race++) {
          await fixture.reset()
          await using run = await RunProbe.begin(fixture)
          await using worker = await run.worker()
          await using heir = await openAs(fixture, 'transactional')
          await worker.write(rows)
          // Alternately the one or the other gets a head start, which grows.
          const headStart = sleep(1.5 ** (race >> 1))
          const commit = (race & 1 ? headStart : Promise.resolve()).then(() => commitAll(worker, run))
          const claim = (race & 1 ? Promise.resolve() : headStart).then(() => heir.runs.claim(ID))
          const [isCommitted, record] = await within(180_000, 'a commit and a claim', Promise.all([commit, claim]))
          assert.equal(
            isRecorded(record),
            isCommitted,
            `race ${race}: committed ${isCommitted}, claimed with ${JSON.stringify(record.splits)}`,
          )
          await assertTarget(fixture, isCommitted ? rows : [], `race ${race}`)
          outcomes.add(isCommitted)
        }
        assert.equal(outcomes.size, 2, 'one of the two always won: the race was none')
      },
    },
    ...(fixture.endpoint === undefined ? [] : [stalledCommitCase(fixture, fixture.endpoint)]),
  ]
}

/** A holder that has fallen silent in the middle of its commit, with its transaction open or already committed. */
function stalledCommitCase(fixture: Fixture, { host, port, viaProxy }: NonNullable<Fixture['endpoint']>): Case {
  return {
    name: 'settles a commit that hangs before it hands the run over',
    async run() {
      for (const afterBytes of [0, 1, 40, 200]) {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using heir = await openAs(fixture, 'transactional')
        const proxy = await FaultProxy.start(host, port)
        try {
          await using worker = await run.worker(viaProxy(proxy.host, proxy.port))
          await worker.write(fixture.rows)
          proxy.set({ kind: 'half-open', direction: 'to-client', afterBytes })
          const commit = commitAll(worker, run).catch(() => false)
          await sleep(200)
          const claim = heir.runs.claim(ID)
          await Promise.race([claim, sleep(300)])
          // Only now the connection really dies, and with it a transaction that is still open.
          await proxy[Symbol.asyncDispose]()
          const record = await within(60_000, 'claiming a run whose holder is gone', claim)
          const rows = isRecorded(record) ? fixture.rows : []
          await assertTarget(fixture, rows, `claimed after ${afterBytes} bytes`)
          await commit
          await sleep(50)
          await assertTarget(fixture, rows, `some time after it was claimed after ${afterBytes} bytes`)
        } finally {
          await proxy[Symbol.asyncDispose]()
        }
      }
    },
  }
}

/** False: the run has been taken over. */
async function commitAll(worker: WorkerProbe, run: RunProbe): Promise<boolean> {
  try {
    await worker.commit([{ split: run.splits[0]!.id, position: 'end', done: true }])
    return true
  } catch (error) {
    if (SluiceError.is(error, 'ledger.fenced')) return false
    throw error
  }
}

const isRecorded = ({ splits }: RunRecord) => splits.some(({ done }) => done)

async function assertFenced(zombie: WorkerProbe, run: RunProbe): Promise<void> {
  const attempt = () => zombie.commit([{ split: run.splits[0]!.id, position: 'zombie', done: true }])
  await assert.rejects(attempt, { code: 'ledger.fenced' })
  await zombie[Symbol.asyncDispose]()
}
