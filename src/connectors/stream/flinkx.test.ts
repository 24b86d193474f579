/** What FlinkX files say about this connector, through the parser of job files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as catalog from '#catalog'
import { resolveJob } from '#job'

async function loaded(reader: object, writer: object = {}) {
  const content = [{ reader: { name: 'streamreader', parameter: reader }, writer: { name: 'streamwriter', parameter: writer } }]
  return resolveJob(JSON.stringify({ job: { content } }), 'job.json', { catalog })
}

const column = [
  { name: 'id', type: 'id' },
  { name: 'age', type: 'int', value: '26' },
  { name: 'ok', type: 'boolean', value: true },
  { name: 'none', type: 'String', value: null },
]

for (const [written, rows] of [
  [['100'], [100]],
  [[100], [100]],
  [100, 100],
  ['100', 100],
  [
    ['100', 50],
    [100, 50],
  ],
] as const) {
  test(`reads sliceRecordCount ${JSON.stringify(written)}`, async () => {
    const { source } = await loaded({ column, sliceRecordCount: written, permitsPerSecond: '0' })
    const columns = [column[0], column[1], column[2], { name: 'none', type: 'String' }]
    assert.deepEqual(source, { columns, rows, seed: 1, rowsPerSecond: 0, splitRows: 1_000_000 })
  })
}

test('takes the rate of FlinkX, and does without its bookkeeping', async () => {
  const { source, sink, warnings } = await loaded(
    { column: [{ name: 'id', type: 'int', index: 0 }], sliceRecordCount: ['30'], permitsPerSecond: 5, splitUpdate: true },
    { print: true, column: [{ name: 'id', type: 'id' }], writeDelimiter: '|' },
  )
  assert.equal(source['rowsPerSecond'], 5)
  assert.deepEqual(sink, { print: true })
  assert(warnings.length > 0)
})

for (const [what, reader, message] of [
  ['an endless run', { column, sliceRecordCount: ['0'] }, /sliceRecordCount/],
  ['a run of unknown length', { column }, /"rows" .* is missing/],
  [
    'a format',
    { column: [{ name: 'at', type: 'date', value: '01.02.2024', format: 'dd.MM.yyyy' }], sliceRecordCount: [1] },
    /format/,
  ],
  ['a type that does not exist', { column: [{ name: 'at', type: 'dete' }], sliceRecordCount: [1] }, /type/],
] as const) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(loaded(reader), (error: Error) => {
      assert.match(error.message, message)
      return true
    })
  })
}
