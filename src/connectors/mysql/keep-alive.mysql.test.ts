/** A writer that waits keeps its session, and one whose machine is gone loses it soon, with its locks. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Batch, int, writeValue } from '#columnar'
import { FaultProxy } from '#conformance'
import type { Dataset, Target } from '#connector'
import { fileServer } from '../../../tools/servers/index.ts'
import { silence } from './keep-alive.ts'
import { contextOf, filePlayground, openLedgerSink } from './mysql.test-support.ts'

const ROWS = 5000
const ID = { job: 'job', run: 'run' }
const dataset: Dataset = {
  id: 'source',
  schema: { fields: [{ name: 'id', type: int(32), nullable: false }] },
  primaryKey: ['id'],
}

const real = { ...silence }
before(() => void Object.assign(silence, { most: 4, usual: 0.5 }))
after(() => void Object.assign(silence, real))

function numbers(target: Target): Batch {
  const batch = new Batch(target.schema, ROWS)
  for (let row = 0; row < ROWS; row++) writeValue(batch.columns[0]!, row, row)
  batch.rows = ROWS
  return batch
}

for (const name of ['mysql-9', 'mariadb-10.11', 'mysql-5.5'] as const) {
  const { server, skip } = await fileServer(name)
  const { place, rows, run } = await filePlayground(server, skip)

  async function begin(options: object, signal = new AbortController().signal) {
    await run('DROP TABLE IF EXISTS t, sluice_ledger', 'CREATE TABLE t (id INT PRIMARY KEY) ENGINE = InnoDB')
    const writer = await openLedgerSink({ ...place, tables: 't', ...options }, contextOf({ signal }))
    const target = await writer.plan(dataset)
    const record = await writer.runs.begin(ID, [target], [{ id: 's', dataset: 'source' }], null)
    await writer.join(record)
    return { writer, target }
  }

  describe(`a silent writer, ${name}`, { skip, concurrency: 1 }, () => {
    test('keeps its transaction while it waits for its source', async () => {
      const { writer, target } = await begin({})
      await using _ = writer
      await sleep(1.25 * silence.most * 1000)
      await writer.write(target, numbers(target))
      await sleep(1.25 * silence.most * 1000)
      await writer.commit([{ split: 's', done: true }])
      assert.deepEqual(await rows('SELECT COUNT(*) FROM t'), [[String(ROWS)]])
    })

    test('loses its locks soon after its machine is gone, and another engine goes on', async () => {
      await using proxy = await FaultProxy.start(place.host, place.port)
      const stop = new AbortController()
      const { writer, target } = await begin({ port: proxy.port }, stop.signal)
      await writer.write(target, numbers(target))
      await sleep(500)
      proxy.set(
        ...(['to-server', 'to-client'] as const).map(
          way => ({ kind: 'half-open', direction: way, afterBytes: 0, every: true }) as const,
        ),
      )
      const began = performance.now()
      await using heir = await openLedgerSink({ ...place, tables: 't' })
      const plan = await heir.plan(dataset)
      const record = await heir.runs.claim(ID)
      await heir.join(record)
      await heir.write(plan, numbers(plan))
      await heir.commit([{ split: 's', done: true }])
      const seconds = (performance.now() - began) / 1000
      assert(proxy.fired['half-open'] > 0, 'the connection never went silent')
      assert(seconds > 0.5, `nothing was locked: ${seconds} s`)
      assert(seconds < 7 * silence.most, `it took ${seconds} s`)
      assert.deepEqual(await rows('SELECT COUNT(*) FROM t'), [[String(ROWS)]])
      stop.abort()
      await writer[Symbol.asyncDispose]()
    })
  })
}
