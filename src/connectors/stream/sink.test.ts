import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mock, test } from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Batch, int, utf8 } from '#columnar'
import { contextOf, fillBatch, sinkSuite } from '#conformance'
import type { Dataset, PlainWriter } from '#connector'
import { Collector } from './collect.ts'
import { streamSink } from './sink.ts'

const dataset: Dataset = {
  id: 'orders',
  schema: {
    fields: [
      { name: 'id', type: int(64), nullable: false },
      { name: 'name', type: utf8, nullable: true },
    ],
  },
  primaryKey: ['id'],
}

async function openWriter(options: object, signal = new AbortController().signal): Promise<PlainWriter> {
  return (await streamSink.open(streamSink.options.parse(options), contextOf({ signal }))) as PlainWriter
}

function batchOf(...rows: [id: bigint, name: string | null][]): Batch {
  const batch = new Batch(dataset.schema, rows.length)
  fillBatch(
    batch,
    rows.map(([id, name]) => ({ id, name })),
  )
  return batch
}

/** What a program prints that has a stream source and this sink, run as users run them. */
async function printed(columns: object[], options: object): Promise<string> {
  const program = `
    import { streamSink, streamSource } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    const context = { signal: new AbortController().signal, batchRows: 2, batchBytes: 1e6, parallelism: 1, job: 'x', log: {} }
    const reader = await streamSource.open(streamSource.options.parse({ columns: ${JSON.stringify(columns)}, rows: 3 }), context)
    const writer = await streamSink.open(${JSON.stringify(options)}, context)
    const [dataset] = await reader.discover()
    const target = await writer.plan(dataset)
    for await (const split of reader.enumerate(dataset))
      for await (const { batch } of reader.read(dataset, split)) await writer.write(target, batch)
    await writer.flush()`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  return stdout
}

let collected = new Collector('suite')

sinkSuite({
  sink: streamSink,
  options: { collect: 'suite' },
  dataset,
  rows: Array.from({ length: 20 }, (_, id) => ({ id: BigInt(id) - 2n ** 63n, name: id % 3 === 0 ? null : `№ ${id}` })),
  reset: async () => {
    collected[Symbol.dispose]()
    collected = new Collector('suite')
  },
  read: async () => (collected.rows.get('orders') ?? []).map(([id = null, name = null]) => ({ id, name })),
  list: async () => [...collected.rows.keys()],
})

test('prints rows as JSON Lines', async () => {
  const columns = [
    { name: 'id', type: 'id' },
    { name: 'name "x"', type: 'string', value: 'a\n№' },
    { name: 'none', type: 'int', value: 'null' },
    { name: 'price', type: 'decimal(20,2)', value: '123456789012345678.90' },
    { name: 'bytes', type: 'binary', value: 'hi' },
    { name: 'float', type: 'double', value: 'NaN' },
    { name: 'ok', type: 'boolean', value: false },
    { name: 'list', type: 'int[]' },
  ]
  const lines = (await printed(columns, { print: true })).trimEnd().split('\n')
  assert.equal(lines.length, 3)
  const head =
    '{"id":2,"name \\"x\\"":"a\\n№","none":null,"price":123456789012345678.90,"bytes":"aGk=","float":"NaN","ok":false,"list":['
  assert.equal(lines[1]?.slice(0, head.length), head)
  for (const line of lines) assert.equal(Object.keys(JSON.parse(line) as object).length, columns.length)
})

test('drops rows without a word', async () => {
  assert.equal(await printed([{ name: 'id', type: 'id' }], { print: false }), '')
})

test('hands rows to a collector of the same process, from another thread as well', async () => {
  using collector = new Collector('test')
  await using writer = await openWriter({ collect: 'test' })
  const target = await writer.plan(dataset)
  assert.equal(target.name, 'collector test (orders)')
  for (let i = 0; i < 20; i++) await writer.write(target, batchOf([BigInt(i), `row ${i}`]))
  await writer.flush()
  assert.deepEqual(collector.rows.get('orders')?.length, 20)

  const program = `
    import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)}).then(async ({ streamSink, streamSource }) => {
      const context = { signal: new AbortController().signal, batchRows: 9, batchBytes: 1e6, parallelism: 1, job: 'x', log: {} }
      const reader = await streamSource.open(streamSource.options.parse({ columns: [{ type: 'id' }], rows: 30 }), context)
      const writer = await streamSink.open({ print: false, collect: 'test' }, context)
      const [dataset] = await reader.discover()
      const target = await writer.plan(dataset)
      for await (const split of reader.enumerate(dataset))
        for await (const { batch } of reader.read(dataset, split)) await writer.write(target, batch)
      await writer.flush()
      await writer[Symbol.asyncDispose]()
    })`
  await new Promise((resolve, reject) => new Worker(program, { eval: true }).on('exit', resolve).on('error', reject))
  assert.deepEqual(
    collector.rows.get('stream'),
    Array.from({ length: 30 }, (_, id) => [BigInt(id + 1)]),
  )
})

test('says when nobody collects, and stops waiting when it is aborted', async () => {
  const controller = new AbortController()
  await using aborted = await openWriter({ collect: 'nobody' }, controller.signal)
  const target = await aborted.plan(dataset)
  await aborted.write(target, batchOf([1n, null]))
  const waiting = assert.rejects(aborted.flush(), { name: 'AbortError' })
  controller.abort()
  await waiting

  await using writer = await openWriter({ collect: 'nobody' })
  await writer.write(target, batchOf([1n, null]))
  mock.timers.enable({ apis: ['setTimeout'] })
  const flushing = assert.rejects(writer.flush(), { code: 'stream.no-collector' })
  mock.timers.tick(10_000)
  mock.timers.reset()
  await flushing
})
