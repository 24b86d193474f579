import assert from 'node:assert/strict'
import type { Committable, Progress, TwoPhaseWriter } from '#connector'
import type { Case } from './case.ts'
import type { Row } from './rows.ts'
import { assertTarget, openAs, RunProbe, writeRows, type Fixture } from './sink-probe.ts'
import { throughJson } from './source-probe.ts'

const JOB = 'conformance'

/** What a sink owes that makes rows durable first and visible later. */
export function twoPhaseCases(fixture: Fixture): Case[] {
  const { rows } = fixture
  const third = Math.ceil(rows.length / 3)
  const parts = [rows.slice(0, third), rows.slice(third, 2 * third), rows.slice(2 * third)] as const
  const prepare = (run: RunProbe, part: readonly Row[], position: Progress['position'], split = 0) =>
    prepareRows(fixture, run, part, [{ split: run.splits[split]!.id, position: position ?? null, done: false }])

  /** A crash: a new coordinator takes the run up again, with or without what had been prepared. */
  async function resume(run: RunProbe, keep: readonly Committable[]): Promise<TwoPhaseWriter> {
    const coordinator = await openTwoPhase(fixture)
    run.record = { ...run.record, epoch: run.record.epoch + 1 }
    await coordinator.prepare(run.record, [run.target], false, keep)
    return coordinator
  }

  return [
    {
      name: 'shows prepared rows only when they are committed, by whichever writer',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        const committables = await prepare(run, rows, 1)
        await assertTarget(fixture, [], 'before the commit')
        await using other = await openTwoPhase(fixture)
        await other.commit(committables)
        await assertTarget(fixture, rows, 'after the commit')
      },
    },
    {
      name: 'commits the same again without a change',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        const first = await prepare(run, parts[0], 1)
        const second = await prepare(run, parts[1], 1, 1)
        await using coordinator = await openTwoPhase(fixture)
        await coordinator.commit(first)
        await assertTarget(fixture, parts[0], 'after the commit of one of two committables')
        await coordinator.commit([...first, ...second])
        const names = await fixture.list()
        await using again = await openTwoPhase(fixture)
        await again.commit([...first, ...second])
        await assertTarget(fixture, [...parts[0], ...parts[1]], 'after three commits of two committables')
        assert.deepEqual(await fixture.list(), names)
      },
    },
    {
      name: 'carries as marks how far each split is once it is published',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        const [one, two] = run.splits.map(({ id }) => id) as [string, string]
        await using coordinator = await openTwoPhase(fixture)
        const early = [{ split: one, position: { at: ["it's", '9007199254740993'] }, done: false }]
        const late = [
          { split: one, position: 2, done: false },
          { split: two, done: true },
        ]
        const first = await prepareRows(fixture, run, parts[0], early)
        assert.deepEqual(marksIn(first), byId(early))
        assert.deepEqual(await marksOf(coordinator), {}, 'there are marks of what is not published')
        await coordinator.commit(first)
        assert.deepEqual(await marksOf(coordinator), byId(early))
        await coordinator.commit(await prepareRows(fixture, run, parts[1], late))
        assert.deepEqual(await marksOf(coordinator), byId(late))
        assert.deepEqual(pick(await coordinator.marks(JOB)), { run: 'run-1', finished: false })
        await run.finish()
        assert.deepEqual(pick(await coordinator.marks(JOB)), { run: 'run-1', finished: true })
        await using stranger = await openAs(fixture, 'two-phase', { job: 'another job' })
        assert.equal(await stranger.marks('another job'), undefined)
      },
    },
    {
      name: 'takes marks without rows',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        const progress = [{ split: run.splits[0]!.id, position: 7, done: true }]
        await using coordinator = await openTwoPhase(fixture)
        await coordinator.commit(await prepareRows(fixture, run, [], progress))
        assert.deepEqual(await marksOf(coordinator), byId(progress))
        await assertTarget(fixture, [], 'after a commit without rows')
      },
    },
    {
      name: 'forgets what was not prepared when a writer is given up',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        {
          await using worker = await run.worker()
          await worker.write(parts[0])
        }
        await using coordinator = await openTwoPhase(fixture)
        await coordinator.commit(await prepare(run, parts[1], 1))
        await run.finish()
        await assertTarget(fixture, parts[1], 'after one of two writers was given up')
      },
    },
    {
      name: 'publishes after a crash what was prepared before it, once',
      async run() {
        for (const order of ['commit, then resume', 'resume, then commit'] as const) {
          await fixture.reset()
          await using run = await RunProbe.begin(fixture)
          const published = await prepare(run, parts[0], 1)
          await (run.coordinator as TwoPhaseWriter).commit(published)
          const kept = await prepare(run, parts[1], 2)
          await using coordinator = order === 'resume, then commit' ? await resume(run, kept) : await openTwoPhase(fixture)
          await coordinator.commit(kept)
          await using last = order === 'resume, then commit' ? coordinator : await resume(run, [])
          assert.deepEqual(await marksOf(last), { [run.splits[0]!.id]: { split: run.splits[0]!.id, position: 2, done: false } })
          await last.commit(await prepare(run, parts[2], 3))
          await last.finish(run.record, [run.target])
          await assertTarget(fixture, rows, order)
        }
      },
    },
    {
      name: 'drops after a crash what was prepared and is not kept, and leaves nothing of it',
      async run() {
        const clean = await namesAfter(async run => {
          await (run.coordinator as TwoPhaseWriter).commit(await prepare(run, parts[0], 1))
          await (run.coordinator as TwoPhaseWriter).commit(await prepare(run, rows.slice(third), 2))
        })
        const crashed = await namesAfter(async run => {
          await (run.coordinator as TwoPhaseWriter).commit(await prepare(run, parts[0], 1))
          await prepare(run, parts[1], 2)
          await using coordinator = await resume(run, [])
          await coordinator.commit(await prepare(run, rows.slice(third), 2))
        })
        assert.equal(crashed.length, clean.length, `left after a crash: ${crashed.join()}; after none: ${clean.join()}`)
      },
    },
    {
      name: 'tells the newest run by its marks',
      async run() {
        await fixture.reset()
        await using first = await RunProbe.begin(fixture, 'run-1')
        await (first.coordinator as TwoPhaseWriter).commit(await prepare(first, parts[0], 1))
        await first.finish()
        await using second = await RunProbe.begin(fixture, 'run-2')
        const coordinator = second.coordinator as TwoPhaseWriter
        await coordinator.commit(await prepare(second, parts[1], 5))
        assert.deepEqual(pick(await coordinator.marks(JOB)), { run: 'run-2', finished: false })
        assert.deepEqual(await marksOf(coordinator), {
          [second.splits[0]!.id]: { split: second.splits[0]!.id, position: 5, done: false },
        })
      },
    },
  ]

  /** Names in the place after a run of all rows. */
  async function namesAfter(write: (run: RunProbe) => Promise<void>): Promise<readonly string[]> {
    await fixture.reset()
    await using run = await RunProbe.begin(fixture)
    await write(run)
    await run.finish()
    await assertTarget(fixture, rows, 'after the run')
    return await fixture.list()
  }
}

const openTwoPhase = (fixture: Fixture): Promise<TwoPhaseWriter> => openAs(fixture, 'two-phase')

/** Writes rows and prepares them; then the writer is gone, and what is left went through JSON. */
async function prepareRows(fixture: Fixture, run: RunProbe, rows: readonly Row[], progress: readonly Progress[]) {
  await using worker = await openTwoPhase(fixture)
  await worker.join(run.record)
  await writeRows(fixture, worker, run.target, rows)
  const committables = await worker.prepareCommit(progress)
  assert.deepEqual(throughJson(committables), committables)
  return throughJson(committables)
}

const byId = (progress: readonly Progress[]) => Object.fromEntries(progress.map(item => [item.split, item]))
const marksIn = (committables: readonly Committable[]) => byId(committables.flatMap(({ marks }) => marks))
const marksOf = async (writer: TwoPhaseWriter) => byId((await writer.marks(JOB))?.marks ?? [])

function pick(found: Awaited<ReturnType<TwoPhaseWriter['marks']>>) {
  return found && { run: found.run, finished: found.finished }
}
