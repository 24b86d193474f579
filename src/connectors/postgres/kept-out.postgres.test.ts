/** What a trigger keeps out of the table is said, once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Batch, parseTypeName, writeValue } from '#columnar'
import type { Dataset } from '#connector'
import { fileServer } from '../../../tools/servers/index.ts'
import { contextOf, filePlayground, openLedgerSink } from './postgres.test-support.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, rows, run } = await filePlayground(server, skip)

const dataset: Dataset = {
  id: 'shop.orders',
  primaryKey: [],
  schema: { fields: [{ name: 'id', type: parseTypeName('int32')!, nullable: false }] },
}

for (const quarantine of [false, true]) {
  test(`a trigger that returns NULL, ${quarantine ? 'with' : 'without'} savepoints`, { skip }, async () => {
    await run(
      'DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int)',
      `CREATE OR REPLACE FUNCTION no_even() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$`,
      'CREATE TRIGGER no_even BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION no_even()',
    )
    const warnings: string[] = []
    const log = { debug: () => {}, warn: (message: string) => void warnings.push(message) }
    await using writer = await openLedgerSink(place, { ...contextOf({ quarantine }), log })
    const target = await writer.plan(dataset)
    await writer.join(await writer.runs.begin({ job: 'job', run: 'run' }, [target], [{ id: 's', dataset: dataset.id }], null))
    for (const first of [1, 101]) {
      const batch = new Batch(target.schema, 100)
      for (let at = 0; at < 100; at++) writeValue(batch.columns[0]!, at, first + at)
      batch.rows = 100
      await writer.write(target, batch)
      await writer.savepoints?.end()
      await writer.savepoints?.settle(0)
      await writer.commit([{ split: 's', done: first > 1 }])
    }
    assert.deepEqual(await rows('SELECT count(*) FROM orders'), [['100']])
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /orders has stored 50 of 100 rows .* a trigger/)
  })
}
