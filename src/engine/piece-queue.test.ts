/** The search for rows that a system refuses, against a system in memory that works late and remembers pieces. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder, Caster, int, type Batch, type Schema } from '#columnar'
import type { Dataset, PlainWriter, Savepoints, Target } from '#connector'
import { defineErrors } from '#errors'
import { PieceQueue } from './piece-queue.ts'

const errors = defineErrors('system', {
  refused: { fault: 'data', message: (d: { id: number; line?: number }) => `row ${d.id} is refused` },
  lost: { fault: 'transient', message: () => 'the connection is lost' },
})

const schema: Schema = { fields: [{ name: 'id', type: int(32), nullable: false }] }
const dataset: Dataset = { id: 'numbers', schema, primaryKey: ['id'] }
const target: Target = {
  ...{ dataset: 'numbers', name: 'numbers', schema, statements: [], notes: [], detail: null },
  guarantee: { delivery: 'exactly-once', why: 'It is a test.' },
}

interface Behaviour {
  readonly isBad: (id: number) => boolean
  /** Whether refusals name their row. */
  readonly hasLines: boolean
}

/** Executes pieces when it is asked to settle; everything behind a refused one is thrown away, as PostgreSQL does. */
class System implements Savepoints {
  accepted = 0
  readonly rows: number[] = []
  writes = 0
  readonly #behaviour: Behaviour
  #open: number[] = []
  #pending: number[][] = []

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour
  }

  write(batch: Batch): void {
    this.writes++
    for (let row = 0; row < batch.rows; row++) this.#open.push(Number(batch.columns[0]!.values[row]))
  }

  async end(): Promise<void> {
    this.#pending.push(this.#open)
    this.#open = []
  }

  async settle(pending: number): Promise<void> {
    while (this.#pending.length > pending) {
      const piece = this.#pending[0]!
      const bad = piece.findIndex(this.#behaviour.isBad)
      if (bad >= 0) {
        this.#pending = []
        this.#open = []
        throw errors.refused({ id: piece[bad]!, ...(this.#behaviour.hasLines ? { line: bad + 1 } : {}) })
      }
      this.rows.push(...piece)
      this.#pending.shift()
      this.accepted++
    }
  }
}

async function run(system: System, ids: readonly number[], batchRows: number): Promise<number[]> {
  const aside: number[] = []
  const writer = { write: async (_: Target, batch: Batch) => system.write(batch) } as unknown as PlainWriter
  const queue = new PieceQueue(writer, system, 1024 * 1024, async ({ batch }, at) => void aside.push(Number(batch.columns[0]!.values[at])))
  const caster = new Caster(schema, schema)
  // Lent and overwritten, as a reader's batch is.
  const builder = new BatchBuilder(schema, { rows: batchRows, bytes: Infinity })
  const flush = async () => {
    const batch = builder.finish()
    const cast = caster.cast(batch)
    assert('batch' in cast)
    const from = { dataset, split: 's', position: undefined, rowsBefore: 0 }
    await queue.write({ ...from, target, caster, batch, numbers: undefined }, cast.batch)
  }
  for (const id of ids) {
    if (builder.append([id])) continue
    await flush()
    builder.append([id])
  }
  if (builder.rows > 0) await flush()
  await queue.settle()
  return aside
}

test('bad rows are set aside, all others arrive once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        count: fc.integer({ min: 0, max: 400 }),
        batchRows: fc.integer({ min: 1, max: 70 }),
        hasLines: fc.boolean(),
        bad: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 100 })),
      }),
      async ({ count, batchRows, hasLines, bad }) => {
        const isBad = (id: number) => id % bad === 0
        const ids = Array.from({ length: count }, (_, i) => i + 1)
        const system = new System({ isBad, hasLines })
        const aside = await run(system, ids, batchRows)
        assert.deepEqual(aside, ids.filter(isBad))
        assert.deepEqual(
          system.rows,
          ids.filter(id => !isBad(id)),
        )
      },
    ),
    { numRuns: 60 },
  )
})

test('one bad row among many costs a few writes, not one per row', async () => {
  for (const hasLines of [true, false]) {
    const system = new System({ isBad: id => id === 7777, hasLines })
    await run(
      system,
      Array.from({ length: 20_000 }, (_, i) => i),
      1000,
    )
    assert(system.writes < (hasLines ? 35 : 60), `${system.writes} writes`)
  }
})

test('a failure that is not about a row goes through', async () => {
  const system = new System({ isBad: () => false, hasLines: false })
  system.settle = async () => {
    throw errors.lost({})
  }
  await assert.rejects(run(system, [1, 2, 3], 1), { code: 'system.lost' })
})
