import assert from 'node:assert/strict'
import type { Progress, RunRecord, TransactionalWriter } from '#connector'
import { SluiceError } from '#errors'
import type { Case } from './case.ts'
import { assertTarget, openAs, RunProbe, splitsOf, writeAll, type Fixture } from './sink-probe.ts'

/** What a sink with a ledger owes while everything goes well, and when a run is taken up again. */
export function ledgerCases(fixture: Fixture): Case[] {
  const { rows } = fixture
  const half = Math.ceil(rows.length / 2)
  return [
    {
      name: 'shows nothing before the commit, and rows and positions together after it',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using worker = await run.worker()
        await worker.write(rows)
        await assertTarget(fixture, [], 'before the commit')
        assert.deepEqual(await progressOf(fixture), {})
        const progress = [{ split: run.splits[0]!.id, position: { key: ['9007199254740993', "it's"], at: null }, done: false }]
        await worker.commit(progress)
        await assertTarget(fixture, rows, 'after the commit')
        assert.deepEqual(await progressOf(fixture), byId(progress))
      },
    },
    {
      name: 'forgets what was not committed when a writer is given up',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        {
          await using worker = await run.worker()
          await worker.write(rows.slice(0, half))
          await worker.commit([{ split: run.splits[0]!.id, position: 1, done: false }])
          await worker.write(rows.slice(half))
        }
        await assertTarget(fixture, rows.slice(0, half), 'after the writer was given up')
        assert.deepEqual(await progressOf(fixture), {
          [run.splits[0]!.id]: { split: run.splits[0]!.id, position: 1, done: false },
        })
      },
    },
    {
      name: 'remembers a run: splits, memo, progress, end',
      async run() {
        await fixture.reset()
        await using looker = await openAs(fixture, 'transactional')
        assert.equal(await looker.runs.find('conformance'), undefined)
        await using run = await RunProbe.begin(fixture)
        const [first, second] = splitsOf(fixture)
        const begun = await found(looker)
        assert.deepEqual(begun.splits, [
          { split: first, done: false },
          { split: second, done: false },
        ])
        assert.deepEqual(
          [begun.job, begun.run, begun.finished, begun.memo],
          ['conformance', 'run-1', false, { digest: 'memo "1"' }],
        )
        assert(Math.abs(Date.parse(begun.began) - Date.now()) < 3_600_000 * 24, `it began ${begun.began}`)
        await writeAll(run, rows)
        assert.deepEqual((await found(looker)).splits, [
          { split: first, done: true },
          { split: second, done: true },
        ])
        await run.finish()
        assert.equal((await found(looker)).finished, true)
      },
    },
    {
      name: 'changes nothing by looking',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using worker = await run.worker()
        await using looker = await openAs(fixture, 'transactional')
        assert.deepEqual(await looker.runs.find('conformance'), await looker.runs.find('conformance'))
        await worker.write(rows)
        await worker.commit([{ split: run.splits[0]!.id, done: true }])
        await assertTarget(fixture, rows, 'after the commit of a run that was looked at')
      },
    },
    {
      name: 'goes on with a run that is claimed, from what is durable',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        {
          await using worker = await run.worker()
          await worker.write(rows.slice(0, half))
          await worker.commit([{ split: run.splits[1]!.id, position: ['k', 1], done: false }])
        }
        await using second = await openAs(fixture, 'transactional')
        const record = await second.runs.claim({ job: 'conformance', run: 'run-1' })
        assert.deepEqual(
          record.splits.map(({ split }) => split),
          splitsOf(fixture),
        )
        assert.deepEqual(
          record.splits.map(({ position, done }) => ({ position, done })),
          [
            { position: undefined, done: false },
            { position: ['k', 1], done: false },
          ],
        )
        assert(record.epoch > run.record.epoch, 'claiming did not raise the epoch')
        run.record = record
        await writeAll(run, rows.slice(half))
        await second.runs.finish(record, [run.target])
        await assertTarget(fixture, rows, 'after the run was finished by its second holder')
        assert.equal((await found(second)).finished, true)
      },
    },
    {
      name: 'keeps jobs apart, whatever they are called',
      async run() {
        await fixture.reset()
        await using ours = await RunProbe.begin(fixture)
        await using worker = await ours.worker()
        await using others = await RunProbe.begin(fixture, 'run-1', { job: `o'ther "job" №1; ${'long '.repeat(30)}` })
        await using theirs = await others.worker()
        await worker.write(rows.slice(0, half))
        await theirs.write(rows.slice(half))
        await worker.commit([{ split: ours.splits[0]!.id, position: 'ours', done: false }])
        await theirs.commit([{ split: others.splits[0]!.id, position: 'theirs', done: false }])
        await assertTarget(fixture, rows, 'after the commits of two jobs')
        const recorded = await (ours.coordinator as TransactionalWriter).runs.find(others.record.job)
        assert.equal(recorded?.splits[0]?.position, 'theirs')
        assert.deepEqual(await progressOf(fixture), byId([{ split: ours.splits[0]!.id, position: 'ours', done: false }]))
      },
    },
    {
      name: 'forgets a run when the next one begins',
      async run() {
        await fixture.reset()
        await using first = await RunProbe.begin(fixture, 'run-1')
        await writeAll(first, rows.slice(0, half))
        await first.finish()
        await using second = await RunProbe.begin(fixture, 'run-2')
        const coordinator = second.coordinator as TransactionalWriter
        assert.equal((await found(coordinator)).run, 'run-2')
        assert(
          (await found(coordinator)).splits.every(({ done }) => !done),
          'the new run inherits progress',
        )
        await assert.rejects(coordinator.runs.claim({ job: 'conformance', run: 'run-1' }), (error: unknown) =>
          isUsageError(error),
        )
      },
    },
    {
      name: 'stops clearly when the ledger has gone',
      async run() {
        assert(fixture.dropLedger !== undefined, 'the fixture of a transactional sink must have dropLedger')
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using worker = await run.worker()
        await worker.write(rows.slice(0, half))
        await worker.commit([{ split: run.splits[0]!.id, position: 1, done: false }])
        await fixture.dropLedger()
        const attempt = async () => {
          await worker.write(rows.slice(half))
          await worker.commit([{ split: run.splits[0]!.id, done: true }])
        }
        await assert.rejects(attempt, { code: 'ledger.missing' })
        await using second = await openAs(fixture, 'transactional')
        await assert.rejects(second.runs.claim({ job: 'conformance', run: 'run-1' }), { code: 'ledger.missing' })
        assert.equal(await second.runs.find('conformance'), undefined)
        await assertTarget(fixture, rows.slice(0, half), 'after the ledger has gone')
      },
    },
  ]
}

const isUsageError = (error: unknown) => SluiceError.is(error) && error.fault === 'usage'

async function found({ runs }: TransactionalWriter): Promise<RunRecord> {
  const record = await runs.find('conformance')
  assert(record !== undefined, 'the ledger does not know the run')
  return record
}

/** What the ledger holds for the run of the case, without the splits of which nothing is durable. */
async function progressOf(fixture: Fixture): Promise<Record<string, Progress>> {
  await using looker = await openAs(fixture, 'transactional')
  const { splits } = await found(looker)
  const progress = splits.map(({ split, ...rest }): Progress => ({ split: split.id, ...rest }))
  return byId(progress.filter(({ position, done }) => done || position !== undefined))
}

const byId = (progress: readonly Progress[]) => Object.fromEntries(progress.map(item => [item.split, item]))
