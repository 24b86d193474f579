import assert from 'node:assert/strict'
import { within, type Case } from './case.ts'
import { assertUnreachable } from './declaration-cases.ts'
import { assertTarget, openWriter, RunProbe, writeAll, type Fixture } from './sink-probe.ts'
import { assertReleased, openAtRest } from './source-abort-cases.ts'
import { throughJson } from './source-probe.ts'
import type { SinkMode } from './sink-suite.ts'
import type { z } from 'zod'

/** What every sink does, whatever it promises about crashes. */
export function sinkWriteCases(fixture: Fixture): Case[] {
  const { sink, dataset, rows } = fixture
  return [
    ...(fixture.brokenOptions === undefined ? [] : [unreachableCase(fixture, fixture.brokenOptions)]),
    {
      name: 'plans without changing anything, as plain data',
      async run() {
        await fixture.reset()
        const before = { names: await fixture.list(), rows: await fixture.read() }
        await using writer = await openWriter(fixture)
        assert.equal(writer.delivery, sink.capabilities.delivery)
        const target = await writer.plan(dataset)
        assert.deepEqual(throughJson(target), target)
        assert.deepEqual(await writer.plan(dataset), target, 'a second plan says something else')
        assert.equal(target.dataset, dataset.id)
        assert.equal(target.schema.fields.length, dataset.schema.fields.length)
        assert(target.statements.length > 0, 'the plan does not say what will be done')
        const delivery = sink.capabilities.delivery === 'plain' ? target.guarantee.delivery : 'exactly-once'
        assert.equal(target.guarantee.delivery, delivery, target.guarantee.why)
        assert.deepEqual({ names: await fixture.list(), rows: await fixture.read() }, before)
      },
    },
    {
      name: 'writes every row once, with the values that were given, from several workers and batches',
      async run() {
        assert(rows.length >= 12, 'the fixture must have 12 rows')
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using first = await run.worker()
        await using second = await run.worker()
        const half = Math.ceil(rows.length / 2)
        await first.write(rows.slice(0, half))
        await second.write(rows.slice(half))
        await first.commit([{ split: run.splits[0]!.id, done: true }])
        await second.commit([{ split: run.splits[1]!.id, done: true }])
        await run.finish()
        await assertTarget(fixture, rows, 'after the run')
      },
    },
    {
      name: 'writes in many commits what it writes in one',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using worker = await run.worker()
        for (const [at, row] of rows.entries()) {
          await worker.write([row])
          await worker.commit([{ split: run.splits[0]!.id, position: at, done: at === rows.length - 1 }])
        }
        await run.finish()
        await assertTarget(fixture, rows, 'after the run')
      },
    },
    {
      name: 'finishes a run without rows',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await writeAll(run, [])
        await run.finish()
        await assertTarget(fixture, [], 'after an empty run')
      },
    },
    {
      name: 'leaves nothing open behind it',
      async run() {
        await fixture.reset()
        const before = await openAtRest()
        {
          await using run = await RunProbe.begin(fixture)
          await using worker = await run.worker()
          await worker.write(rows)
        }
        await assertReleased(before)
      },
    },
    ...(fixture.modes ?? []).map(mode => modeCase(fixture, mode)),
  ]
}

function unreachableCase(fixture: Fixture, options: z.input<z.ZodObject>): Case {
  return {
    name: 'reports a system that is not there as a usage or transient error with a hint',
    async run() {
      const attempt = async () => {
        await using run = await RunProbe.begin(fixture, 'run-1', { options })
        await run.finish()
      }
      await within(30_000, 'finding out that nothing is there', assert.rejects(attempt, assertUnreachable))
    },
  }
}

function modeCase(fixture: Fixture, { title, options, before, rows, after }: SinkMode<z.ZodObject>): Case {
  return {
    name: `writes in another way: ${title}`,
    async run() {
      await fixture.reset()
      for (const [at, batch] of [before, rows].entries()) {
        await using run = await RunProbe.begin(fixture, `run-${at + 1}`, { options })
        await writeAll(run, batch)
        await run.finish()
      }
      await assertTarget(fixture, after, 'after the second run')
    },
  }
}
