/** Exactly once: what the ledger holds after every kind of interruption, and who may commit. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Batch, int, writeValue, type Schema } from '#columnar'
import type { RunRecord, Split, Target, TransactionalWriter } from '#connector'
import { fileServer } from '../../../tools/servers/index.ts'
import { contextOf, filePlayground, openLedgerSink, openSink } from './postgres.test-support.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, rows, run } = await filePlayground(server, skip)

const schema: Schema = { fields: [{ name: 'id', type: int(64), nullable: false }] }
const dataset = { id: 'source', schema, primaryKey: ['id'] }
const splits: Split[] = [
  { id: 's1', dataset: 'source', text: 'it\'s \\ \u0000 "x"' },
  { id: 's2', dataset: 'source' },
]
const runId = { job: 'job', run: 'run-1' }

const fresh = () => run('DROP TABLE IF EXISTS t, sluice_ledger', 'CREATE TABLE t (id bigint PRIMARY KEY)')
const ids = async () => (await rows('SELECT id FROM t ORDER BY id')).map(([id]) => Number(id))

function batchOf(...values: number[]): Batch {
  const batch = new Batch(schema, values.length)
  values.forEach((value, row) => writeValue(batch.columns[0]!, row, value))
  batch.rows = values.length
  return batch
}

const sink = (rest: object = {}) => openLedgerSink({ ...place, tables: 't', ...rest })

async function begun(writer: TransactionalWriter): Promise<{ target: Target; record: RunRecord }> {
  const target = await writer.plan(dataset)
  const record = await writer.runs.begin(runId, [target], splits, { total: 4 })
  await writer.join(record)
  return { target, record }
}

describe('ledger', { skip }, () => {
  test('a run is recorded from its beginning to its end, for anybody to find', async () => {
    await fresh()
    await using writer = await sink()
    assert.equal(await writer.runs.find('job'), undefined)
    const { target, record } = await begun(writer)
    assert.deepEqual(
      record.splits,
      splits.map(split => ({ split, done: false })),
    )
    await writer.write(target, batchOf(1, 2))
    await writer.commit([{ split: 's1', position: ['2', "it's \\"], done: false }])
    await using other = await sink()
    const found = await other.runs.find('job')
    assert.deepEqual(found, {
      ...record,
      splits: [
        { split: splits[0], position: ['2', "it's \\"], done: false },
        { split: splits[1], done: false },
      ],
    })
    await writer.write(target, batchOf(3))
    await writer.commit([
      { split: 's1', done: true },
      { split: 's2', done: true },
    ])
    await writer.runs.finish(record, [target])
    const finished = await other.runs.find('job')
    assert.equal(finished?.finished, true)
    assert.deepEqual(
      finished?.splits.map(({ done }) => done),
      [true, true],
    )
    assert.deepEqual(await ids(), [1, 2, 3])
  })

  test('rows without a commit never happened', async () => {
    await fresh()
    {
      await using writer = await sink()
      const { target } = await begun(writer)
      await writer.write(target, batchOf(1))
      await writer.commit([{ split: 's1', position: ['1'], done: false }])
      await writer.write(target, batchOf(2))
    }
    await using next = await sink()
    const record = await next.runs.claim(runId)
    assert.equal(record.epoch, 2)
    assert.deepEqual(record.splits[0], { split: splits[0], position: ['1'], done: false })
    assert.deepEqual(await ids(), [1])
  })

  for (const takeOver of ['claim', 'begin'] as const) {
    test(`an older engine is fenced by ${takeOver} and its rows are rolled back`, async () => {
      await fresh()
      await using zombie = await sink()
      const { target } = await begun(zombie)
      await zombie.write(target, batchOf(1))
      await using next = await sink()
      const record =
        takeOver === 'claim'
          ? await next.runs.claim(runId)
          : await next.runs.begin({ job: 'job', run: 'run-2' }, [], splits, null)
      await assert.rejects(zombie.commit([{ split: 's1', position: ['1'], done: false }]), { code: 'ledger.fenced' })
      await next.join(record)
      await next.write(target, batchOf(2))
      await next.commit([{ split: 's1', position: ['2'], done: false }])
      assert.deepEqual(await ids(), [2])
      await assert.rejects(zombie.runs.finish({ ...record, ...runId, epoch: 1 }, [target]), { code: 'ledger.fenced' })
    })
  }

  test('a run of an earlier ledger, which knew no holders, can be claimed by anybody', async () => {
    await fresh()
    await using writer = await sink()
    const { record } = await begun(writer)
    await run("UPDATE sluice_ledger SET descriptor = descriptor::jsonb - 'holder' WHERE run = ''")
    await assert.rejects(writer.runs.reclaim(record), { code: 'ledger.fenced' })
    const claimed = await writer.runs.claim(runId)
    assert.deepEqual({ ...claimed, holder: '' }, { ...record, holder: '', epoch: 2 })
    assert.equal((await writer.runs.reclaim(claimed)).epoch, 3)
  })

  test('a claim of another run than the newest is refused', async () => {
    await fresh()
    await using writer = await sink()
    await begun(writer)
    await assert.rejects(writer.runs.claim({ job: 'job', run: 'run-0' }), { code: 'ledger.fenced' })
    await assert.rejects(writer.runs.claim({ job: 'another', run: 'run-1' }), { code: 'ledger.missing' })
    // The refused claim has not fenced the one that holds the run.
    await writer.commit([{ split: 's2', done: true }])
  })

  test('a claim waits for a transaction that is just being committed', async () => {
    await fresh()
    await using writer = await sink()
    await begun(writer)
    await run('BEGIN', "UPDATE sluice_ledger SET position = '[\"9\"]' WHERE split = 's1'")
    await using next = await sink()
    const claim = next.runs.claim(runId)
    const early = await Promise.race([claim, new Promise(resolve => setTimeout(resolve, 200, 'waits'))])
    assert.equal(early, 'waits')
    await run('COMMIT')
    assert.deepEqual((await claim).splits[0]?.position, ['9'])
  })

  test('a dropped ledger table stops the run, with nothing written', async () => {
    await fresh()
    await using writer = await sink()
    const { target, record } = await begun(writer)
    await writer.write(target, batchOf(1))
    await run('DROP TABLE sluice_ledger')
    await assert.rejects(writer.commit([{ split: 's1', position: ['1'], done: false }]), { code: 'ledger.missing' })
    await assert.rejects(writer.runs.claim(runId), { code: 'ledger.missing' })
    await assert.rejects(writer.runs.finish(record, [target]), { code: 'ledger.missing' })
    assert.deepEqual(await ids(), [])
  })

  test('a lost row of the ledger stops the run', async () => {
    await fresh()
    await using writer = await sink()
    const { target } = await begun(writer)
    await writer.write(target, batchOf(1))
    await run("DELETE FROM sluice_ledger WHERE split = 's1'")
    await assert.rejects(
      writer.commit([
        { split: 's1', position: ['1'], done: false },
        { split: 's2', done: false },
      ]),
      { code: 'ledger.missing' },
    )
    assert.deepEqual(await ids(), [])
  })

  test('a position does not advance when the rows before it were refused from the start', async () => {
    await fresh()
    await using writer = await sink()
    const { target } = await begun(writer)
    await run('DROP TABLE t')
    const written = async () => {
      await writer.write(target, batchOf(1))
      await writer.commit([{ split: 's1', position: ['1'], done: false }])
    }
    await assert.rejects(written, { code: 'postgres.table-missing' })
    await using next = await sink()
    assert.deepEqual((await next.runs.find('job'))?.splits[0], { split: splits[0], done: false })
  })

  test('the rows of earlier runs are forgotten by the next one', async () => {
    await fresh()
    await using writer = await sink()
    await begun(writer)
    await writer.runs.begin({ job: 'job', run: 'run-2' }, [], splits.slice(1), null)
    await writer.runs.begin({ job: 'other', run: 'run-1' }, [], splits, null)
    assert.deepEqual(await rows("SELECT run, split FROM sluice_ledger WHERE job = 'job' ORDER BY 1, 2"), [
      ['', ''],
      ['run-2', 's2'],
    ])
  })

  test('preSql runs once per run and postSql once at its end, in the transaction of the ledger', async () => {
    await fresh()
    await run('DROP TABLE IF EXISTS log', 'CREATE TABLE log (n serial, what text)', 'INSERT INTO t VALUES (77)')
    const options = {
      preSql: ['TRUNCATE t', "INSERT INTO log (what) VALUES ('pre')"],
      postSql: "INSERT INTO log (what) VALUES ('post')",
    }
    await using writer = await sink(options)
    const { target, record } = await begun(writer)
    assert.deepEqual(target.statements, [
      'TRUNCATE t',
      options.preSql[1],
      'COPY "public"."t" ("id") FROM STDIN (FORMAT binary)',
      options.postSql,
    ])
    await using next = await sink(options)
    const claimed = await next.runs.claim(runId)
    await next.join(claimed)
    await next.write(target, batchOf(1))
    await next.commit([
      { split: 's1', done: true },
      { split: 's2', done: true },
    ])
    await next.runs.finish(claimed, [target])
    await next.runs.finish(claimed, [target])
    assert.deepEqual(await rows('SELECT what FROM log ORDER BY n'), [['pre'], ['post']])
    assert.deepEqual(await ids(), [1])
    await assert.rejects(writer.runs.finish(record, [target]), { code: 'ledger.fenced' })
  })

  test('a statement that fails or ends the transaction leaves nothing behind', async () => {
    await fresh()
    await using bad = await sink({ preSql: ['INSERT INTO t VALUES (5)', 'SELECT nonsense'] })
    await assert.rejects(begun(bad), { code: 'postgres.column-missing' })
    await using ending = await sink({ preSql: ['INSERT INTO t VALUES (6)', 'ROLLBACK'] })
    await assert.rejects(begun(ending), { code: 'postgres.statement-ends-transaction', message: /^Statement 2 of `preSql`: / })
    assert.deepEqual(await ids(), [])
    assert.equal(await bad.runs.find('job'), undefined)
  })

  test('a statement that cannot run in a transaction runs outside of it', async () => {
    await fresh()
    await using writer = await sink({ preSql: ['-- first\n VACUUM t'], postSql: 'VACUUM ANALYZE t' })
    const { target, record } = await begun(writer)
    assert.match(target.notes.map(({ text }) => text).join(), /`preSql` and `postSql` cannot run in a transaction/)
    await writer.commit([
      { split: 's1', done: true },
      { split: 's2', done: true },
    ])
    await writer.runs.finish(record, [target])
  })

  test('without the right to create the table, the error holds the statement for an administrator', async () => {
    await fresh()
    await run(
      'DROP ROLE IF EXISTS clerk',
      "CREATE ROLE clerk LOGIN PASSWORD 'x'",
      'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
      'GRANT INSERT ON t TO clerk',
    )
    // pg_hba.conf of the test servers lets in known accounts only, so a session takes the role on.
    await run(`ALTER ROLE scram_user IN DATABASE "${place.database}" SET role = clerk`, 'GRANT clerk TO scram_user')
    const account = { user: 'scram_user', password: 'sluice-test' }
    await using writer = await sink(account)
    await assert.rejects(begun(writer), (error: { code: string; hint: string }) => {
      assert.equal(error.code, 'ledger.no-rights')
      return error.hint.includes('CREATE TABLE IF NOT EXISTS "sluice_ledger"')
    })
    await using plain = await openSink({ ...place, ...account, tables: 't', ledger: 'none' })
    assert.equal(plain.delivery, 'plain')
    if (plain.delivery !== 'plain') return
    const target = await plain.plan(dataset)
    assert.equal(target.guarantee.delivery, 'at-least-once')
    const record: RunRecord = { ...runId, finished: false, holder: 'engine', epoch: 1, began: '', memo: null, splits: [] }
    await plain.prepare(record, [target], true)
    await plain.join(record)
    await plain.write(target, batchOf(8))
    await plain.flush()
    await plain.write(target, batchOf(9))
    await plain[Symbol.asyncDispose]()
    assert.deepEqual(await ids(), [8])
    await run(
      `ALTER ROLE scram_user IN DATABASE "${place.database}" RESET role`,
      'REVOKE clerk FROM scram_user',
      'DROP OWNED BY clerk',
      'DROP ROLE clerk',
    )
  })

  test('the ledger lives in the schema that the options name', async () => {
    await fresh()
    await run('DROP SCHEMA IF EXISTS "my ""ledger" CASCADE', 'CREATE SCHEMA "my ""ledger"')
    await using writer = await sink({ ledgerSchema: 'my "ledger' })
    const { target } = await begun(writer)
    assert.match(target.guarantee.why, /"my ""ledger"\.sluice_ledger/)
    assert.equal((await rows('SELECT count(*) FROM "my ""ledger".sluice_ledger'))[0]?.[0], '3')
  })

  test('two engines that begin at once do not break each other', async () => {
    await fresh()
    const writers = await Promise.all([sink(), sink(), sink(), sink()])
    const outcomes = await Promise.all(
      writers.map((writer, at) => writer.runs.begin({ job: 'job', run: `r${at}` }, [], splits, null)),
    )
    const newest = outcomes.reduce((a, b) => (a.epoch > b.epoch ? a : b))
    assert.equal((await writers[0].runs.find('job'))?.run, newest.run)
    assert.deepEqual(
      outcomes.map(({ epoch }) => epoch).sort((a, b) => a - b),
      [1, 2, 3, 4],
    )
    await Promise.all(writers.map(writer => writer[Symbol.asyncDispose]()))
  })

  test('a commit that is aborted half-way frees the connection, though it waits for a lock', async () => {
    await fresh()
    const abort = new AbortController()
    await using writer = await openLedgerSink({ ...place, tables: 't' }, contextOf({ signal: abort.signal }))
    const { target } = await begun(writer)
    await writer.write(target, batchOf(1))
    await run('BEGIN', 'SELECT 1 FROM sluice_ledger FOR UPDATE')
    const commit = writer.commit([{ split: 's1', position: ['1'], done: false }])
    setTimeout(() => abort.abort(new Error('stop')), 50)
    await assert.rejects(commit, { message: 'stop' })
    const started = performance.now()
    await writer[Symbol.asyncDispose]()
    assert(performance.now() - started < 15_000, 'it has waited for the lock')
    await run('ROLLBACK')
  })
})
