/** Pieces behind savepoints: what the server refuses, where it says the row is, and that the writer has gone back. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Batch, parseTypeName, writeValue, type Value } from '#columnar'
import type { Dataset, Savepoints, Target, TransactionalWriter } from '#connector'
import { SluiceError } from '#errors'
import { fileServer } from '../../../tools/servers/index.ts'
import { contextOf, filePlayground, openLedgerSink } from './postgres.test-support.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, rows, run } = await filePlayground(server, skip)

const dataset: Dataset = {
  id: 'shop.orders',
  primaryKey: ['id'],
  schema: {
    fields: [
      { name: 'id', type: parseTypeName('int32')!, nullable: false },
      { name: 'v', type: parseTypeName('utf8')!, nullable: true },
    ],
  },
}

interface Open extends AsyncDisposable {
  readonly target: Target
  readonly savepoints: Savepoints
  write(...values: Value[][]): Promise<unknown>
  commit(): Promise<void>
}

async function open(options: object = {}): Promise<Open> {
  const writer: TransactionalWriter = await openLedgerSink({ ...place, ...options }, contextOf({ quarantine: true }))
  try {
    const target = await writer.plan(dataset)
    const split = { id: 's', dataset: dataset.id }
    await writer.join(await writer.runs.begin({ job: 'job', run: 'run' }, [target], [split], null))
    const { savepoints } = writer
    assert(savepoints)
    return {
      target,
      savepoints,
      write: (...values) => {
        const batch = new Batch(target.schema, values.length)
        values.forEach((row, at) => row.forEach((value, column) => writeValue(batch.columns[column]!, at, value)))
        batch.rows = values.length
        return writer.write(target, batch)
      },
      commit: () => writer.commit([{ split: 's', done: true }]),
      [Symbol.asyncDispose]: async () => writer[Symbol.asyncDispose](),
    }
  } catch (error) {
    await writer[Symbol.asyncDispose]()
    throw error
  }
}

const fresh = () => run('DROP TABLE IF EXISTS orders', "CREATE TABLE orders (id int PRIMARY KEY, v text CHECK (v <> 'bad'))")
const ids = async () => (await rows('SELECT id FROM orders ORDER BY id')).map(([id]) => Number(id))

async function refusal(work: () => Promise<unknown>): Promise<SluiceError> {
  try {
    await work()
  } catch (error) {
    if (SluiceError.is(error)) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('pieces', { skip, concurrency: 1 }, () => {
  test('a refused row is named by its line in the piece, and only that piece is taken back', async () => {
    await fresh()
    await using sink = await open()
    await sink.write([1, 'a'], [2, 'b'])
    await sink.savepoints.end()
    await sink.write([3, 'c'], [4, 'd'])
    await sink.write([5, 'e'], [6, 'bad'], [7, 'g'])
    await sink.savepoints.end()
    await sink.write([8, 'h'])
    await sink.savepoints.end()
    const error = await refusal(() => sink.savepoints.settle(0))
    assert.deepEqual([error.code, error.detail.line], ['postgres.row-refused', 4])
    assert.equal(sink.savepoints.accepted, 1)
    await sink.write([3, 'c'])
    await sink.savepoints.end()
    await sink.savepoints.settle(0)
    await sink.commit()
    assert.deepEqual(await ids(), [1, 2, 3])
  })

  test('rows that would be thrown away are not sent', async () => {
    await fresh()
    await using sink = await open()
    await sink.write([1, 'bad'])
    await sink.savepoints.end()
    const started = performance.now()
    const error = await refusal(async () => {
      for (let id = 2; performance.now() - started < 60_000; id++) {
        await sink.write([id, 'good'])
        await sleep(1)
      }
    })
    assert.deepEqual([error.code, error.detail.line, sink.savepoints.accepted], ['postgres.row-refused', 1, 0])
    await sink.write([2, 'good'])
    await sink.savepoints.end()
    await sink.savepoints.settle(0)
    await sink.commit()
    assert.deepEqual(await ids(), [2])
  })

  test('a row that cannot be sent is named by its place in the last write, behind what the server says of older pieces', async () => {
    await fresh()
    await using sink = await open()
    await sink.write([1, 'a'])
    await sink.savepoints.end()
    await sink.write([2, 'b'])
    const own = await refusal(() => sink.write([3, 'c'], [4, 'a\0b']))
    assert.deepEqual([own.code, own.detail.row, sink.savepoints.accepted], ['data.value-refused', 1, 1])
    await sink.write([1, 'twice'])
    await sink.savepoints.end()
    const older = await refusal(() => sink.write([4, 'a\0b']))
    assert.deepEqual([older.code, older.detail.line], ['postgres.duplicate-key', 1])
    await sink.write([2, 'b'])
    await sink.savepoints.end()
    await sink.savepoints.settle(0)
    await sink.commit()
    assert.deepEqual(await ids(), [1, 2])
  })

  test('the newest row of a key wins in a piece; a refused merge names no row and goes back', async () => {
    await fresh()
    await using sink = await open({ writeMode: 'update' })
    await sink.write([1, 'old'], [2, 'b'])
    await sink.write([1, 'new'])
    await sink.savepoints.end()
    await sink.write([3, 'c'])
    await sink.write([4, 'bad'])
    await sink.savepoints.end()
    const error = await refusal(() => sink.savepoints.settle(0))
    assert.deepEqual([error.code, error.detail.line, sink.savepoints.accepted], ['postgres.row-refused', undefined, 1])
    await sink.write([3, 'c'])
    await sink.savepoints.end()
    await sink.savepoints.settle(0)
    await sink.commit()
    assert.deepEqual(await rows('SELECT id, v FROM orders ORDER BY id'), [
      ['1', 'new'],
      ['2', 'b'],
      ['3', 'c'],
    ])
  })

  test('where a trigger copies as well, no line is believed', async () => {
    await fresh()
    await run(
      'CREATE TABLE IF NOT EXISTS other (n int)',
      `CREATE OR REPLACE FUNCTION copies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF new.v = 'copy' THEN COPY other FROM PROGRAM 'printf ''1\\n2\\nx\\n'''; END IF; RETURN new; END $$`,
      'CREATE TRIGGER copies BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION copies()',
    )
    await using sink = await open()
    await sink.write([1, 'a'], [2, 'copy'])
    await sink.savepoints.end()
    const error = await refusal(() => sink.savepoints.settle(0))
    assert.deepEqual([error.code, error.detail.line], ['postgres.value-refused', undefined])
  })
})
