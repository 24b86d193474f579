import type { Case } from './case.ts'
import { assertTarget, RunProbe, type Fixture } from './sink-probe.ts'
import type { PlainWriter } from '#connector'

/** What a sink owes that can only make sure that rows have arrived. */
export function plainCases(fixture: Fixture): Case[] {
  const { rows } = fixture
  const half = Math.ceil(rows.length / 2)
  return [
    {
      name: 'has delivered everything when a flush returns',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        await using worker = await run.worker()
        await worker.write(rows.slice(0, half))
        await worker.commit([])
        await assertTarget(fixture, rows.slice(0, half), 'after the first flush')
        await worker.write(rows.slice(half))
        await worker.commit([])
        await assertTarget(fixture, rows, 'after the second flush')
      },
    },
    {
      name: 'keeps what is there when a run is taken up again',
      async run() {
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        {
          await using worker = await run.worker()
          await worker.write(rows.slice(0, half))
          await worker.commit([])
        }
        await (run.coordinator as PlainWriter).prepare(run.record, [run.target], false)
        await using worker = await run.worker()
        await worker.write(rows.slice(half))
        await worker.commit([])
        await run.finish()
        await assertTarget(fixture, rows, 'after the run was taken up again')
      },
    },
  ]
}
