import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Batch, int, writeValue } from '#columnar'
import type { Target, TransactionalWriter } from '#connector'
import { Chain } from './chain.ts'
import { ChainMeter } from './meter.ts'
import { DEFAULT_LIMITS } from './spec.ts'

const dataset = { id: 'd', schema: { fields: [{ name: 'id', type: int(64), nullable: false }] }, primaryKey: [] }
const target: Target = {
  ...{ dataset: 'd', name: 'd', schema: dataset.schema, statements: [], notes: [], detail: null },
  guarantee: { delivery: 'exactly-once', why: 'It is a test.' },
}

/** Rows 0 and 1 of the split, again and again. */
async function* chunks(first: number) {
  const batch = new Batch(dataset.schema, 2)
  for (let position = 1; position < 100; position++) {
    batch.reset()
    for (let row = 0; row < 2; row++) writeValue(batch.columns[0]!, batch.rows++, BigInt(first + row))
    yield { batch, position }
    await sleep(0)
  }
}

test('rows that were written in part are not committed with those of another lane', async () => {
  const pending: bigint[] = []
  const committed: bigint[] = []
  const writer = {
    delivery: 'transactional',
    // Takes the first row of the split that is bad, as a writer does that encodes row by row.
    write: async (_: Target, batch: Batch) => {
      for (let row = 0; row < batch.rows; row++) {
        const [id] = batch.row(row) as [bigint]
        if (id === 1n) throw new Error('bad')
        pending.push(id)
      }
    },
    commit: async () => void committed.push(...pending.splice(0)),
  } as unknown as TransactionalWriter
  const splits = [10, 0].map(first => ({ split: { id: `${first}`, dataset: 'd', first } }))
  const chain = new Chain({
    source: { read: (_, split) => chunks((split as (typeof splits)[0]['split']).first) },
    ...{ writer, meter: new ChainMeter(), routes: [{ dataset, target }], signal: new AbortController().signal },
    supply: { next: async () => splits.shift(), committed: () => {} },
    limits: { ...DEFAULT_LIMITS, commitRows: 1 },
  })
  await assert.rejects(chain.run(2), /bad/)
  await assert.rejects(
    chain.barrier(() => {}, Promise.resolve()),
    /bad/,
  )
  await sleep(5)
  assert.deepEqual(
    committed.filter(id => id < 10n),
    [],
  )
})
