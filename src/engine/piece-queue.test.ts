/** The search for rows that a system refuses, against a system in memory that works late and remembers pieces. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder, Caster, int, type Batch, type Schema } from '#columnar'
import type { Dataset, PlainWriter, Savepoints, Target } from '#connector'
import { defineErrors } from '#errors'
import { PieceQueue } from './piece-queue.ts'

const errors = defineErrors('system', {
  refused: { fault: 'data', message: (d: { id: number; line?: number; row?: number }) => `row ${d.id} is refused` },
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
  /** What a refusal says of its row: nothing, its line in the piece, or that of a later row, as a system that works in blocks may. */
  readonly names?: 'line' | 'late'
  /** Rows that the writer itself cannot send, which it names by their index in the batch. */
  readonly isUnsendable?: (id: number) => boolean
}

interface Piece {
  readonly target: Target | undefined
  readonly ids: number[]
}

/** Executes pieces when it is asked to settle; everything behind a refused one is thrown away, as PostgreSQL does. */
class System implements Savepoints {
  accepted = 0
  readonly rows: number[] = []
  /** Rows of each piece that was executed, refused ones included. */
  readonly executed: number[] = []
  rowsSent = 0
  /** Most rows at one time that were sent and not accepted. */
  mostHeld = 0
  readonly #behaviour: Behaviour
  #open: Piece = { target: undefined, ids: [] }
  #pending: Piece[] = []

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour
  }

  async write(into: Target, batch: Batch): Promise<void> {
    assert.equal(this.#open.target ?? into, into, 'a piece has one target')
    const { ids } = this.#open
    this.#open = { target: into, ids }
    for (let row = 0; row < batch.rows; row++) {
      const id = Number(batch.columns[0]!.values[row])
      if (this.#behaviour.isUnsendable?.(id)) {
        await this.settle(0)
        this.#goBack()
        throw errors.refused({ id, row })
      }
      ids.push(id)
    }
    this.rowsSent += batch.rows
    const held = [...this.#pending, this.#open].reduce((sum, each) => sum + each.ids.length, 0)
    this.mostHeld = Math.max(this.mostHeld, held)
  }

  async end(): Promise<void> {
    assert(this.#open.ids.length > 0, 'a piece has rows')
    this.#pending.push(this.#open)
    this.#open = { target: undefined, ids: [] }
  }

  async settle(pending: number): Promise<void> {
    while (this.#pending.length > pending) {
      const { ids } = this.#pending[0]!
      this.executed.push(ids.length)
      const bad = ids.findIndex(this.#behaviour.isBad)
      if (bad >= 0) {
        this.#goBack()
        const { names } = this.#behaviour
        const line = names === undefined ? {} : { line: names === 'line' ? bad + 1 : Math.min(ids.length, bad + 4) }
        throw errors.refused({ id: ids[bad]!, ...line })
      }
      this.rows.push(...ids)
      this.#pending.shift()
      this.accepted++
    }
  }

  #goBack(): void {
    this.#pending = []
    this.#open = { target: undefined, ids: [] }
  }
}

interface Aside {
  readonly id: number
  /** Whom the error is about. */
  readonly of: unknown
}

interface Sent {
  readonly batchRows: number
  readonly batchBytes?: number
  readonly targetOf?: (batch: number) => Target
  /** Called after each batch; what it returns says whether the queue has to settle. */
  readonly settlesAfter?: (batch: number) => boolean
}

async function run(system: System, ids: readonly number[], sent: Sent): Promise<Aside[]> {
  const { batchRows, batchBytes = 1024 * 1024, targetOf = () => target, settlesAfter = () => false } = sent
  const aside: Aside[] = []
  const writer = { write: (into: Target, batch: Batch) => system.write(into, batch) } as unknown as PlainWriter
  const queue = new PieceQueue(writer, system, batchBytes, async ({ batch }, at, { detail }) => {
    aside.push({ id: Number(batch.columns[0]!.values[at]), of: detail.id })
  })
  const caster = new Caster(schema, schema)
  // Lent and overwritten, as a reader's batch is.
  const builder = new BatchBuilder(schema, { rows: batchRows, bytes: Infinity })
  for (let from = 0, number = 0; from < ids.length; from += batchRows, number++) {
    for (const id of ids.slice(from, from + batchRows)) builder.append([id])
    const batch = builder.finish()
    const cast = caster.cast(batch)
    assert('batch' in cast)
    const source = { dataset, split: 's', position: undefined, rowsBefore: 0 }
    await queue.write({ ...source, target: targetOf(number), caster, batch, numbers: undefined }, cast.batch)
    if (settlesAfter(number)) await queue.settle()
  }
  await queue.settle()
  return aside
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

test('bad rows are set aside for their own reason, all others arrive once and in order', async () => {
  const targets = [target, { ...target, dataset: 'others' }]
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        count: fc.integer({ min: 0, max: 300 }),
        batchRows: fc.integer({ min: 1, max: 70 }),
        names: fc.constantFrom('line', 'late', undefined),
        unsendable: fc.constantFrom(3, 40, 1000),
        settleEvery: fc.integer({ min: 1, max: 9 }),
        targetEvery: fc.integer({ min: 1, max: 9 }),
        bad: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 100 })),
      }),
      async ({ count, batchRows, names, unsendable, settleEvery, targetEvery, bad }) => {
        const isBad = (id: number) => id % bad === 0
        const isUnsendable = (id: number) => id % unsendable === 0
        const system = new System({ isBad, isUnsendable, ...(names === undefined ? {} : { names }) })
        const aside = await run(system, numbers(count), {
          batchRows,
          targetOf: batch => targets[Math.floor(batch / targetEvery) % 2]!,
          settlesAfter: batch => batch % settleEvery === 0,
        })
        const isRefused = (id: number) => isBad(id) || isUnsendable(id)
        assert.deepEqual(
          aside,
          numbers(count)
            .filter(isRefused)
            .map(id => ({ id, of: id })),
        )
        assert.deepEqual(
          system.rows,
          numbers(count).filter(id => !isRefused(id)),
        )
      },
    ),
    { numRuns: 30 },
  )
})

test('pieces are of several batches, and two of them at most are held', async () => {
  const system = new System({ isBad: () => false })
  await run(system, numbers(200_000), { batchRows: 16_384 })
  assert.deepEqual(system.executed, [65_536, 65_536, 65_536, 3392])
  assert(system.mostHeld <= 2 * 65_536)
})

test('a piece has four full batches at most, however few rows that are', async () => {
  // 1000 rows of four bytes, with a bit each for NULLs, are packed into 4160 bytes or so.
  const system = new System({ isBad: () => false })
  await run(system, numbers(20_000), { batchRows: 1000, batchBytes: 4300 })
  assert.deepEqual(system.executed, [4000, 4000, 4000, 4000, 4000])
  assert(system.mostHeld <= 8000)
})

test('one bad row among many costs about half a piece where it is named', async () => {
  const system = new System({ isBad: id => id === 100_000, names: 'line' })
  await run(system, numbers(200_000), { batchRows: 10_000 })
  assert(system.rowsSent < 200_000 + 2 * 65_536 + 40_000, `${system.rowsSent} rows`)
  assert(system.executed.length < 9, `${system.executed.length} pieces`)
})

test('one bad row among many is found by halves where it is not named', async () => {
  const system = new System({ isBad: id => id === 100_000 })
  await run(system, numbers(200_000), { batchRows: 10_000 })
  assert(system.executed.length < 45, `${system.executed.length} pieces`)
})

test('pieces become small where bad rows are many, and large again behind them', async () => {
  const system = new System({ isBad: id => id < 10_000 && id % 100 === 99, names: 'line' })
  await run(system, numbers(200_000), { batchRows: 10_000 })
  assert(system.executed.length < 240, `${system.executed.length} pieces for 100 bad rows`)
  assert(system.rowsSent < 200_000 + 2 * 65_536 + 100 * 400, `${system.rowsSent} rows`)
  assert(Math.max(...system.executed.slice(-3)) > 30_000)
})

test('a failure that is not about a row goes through', async () => {
  const system = new System({ isBad: () => false })
  system.settle = async () => {
    throw errors.lost({})
  }
  await assert.rejects(run(system, [1, 2, 3], { batchRows: 1 }), { code: 'system.lost' })
})
