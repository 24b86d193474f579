import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { detectFlinkxDialect, parseCompat } from './dialects.ts'
import { parseJson } from './json.ts'

describe('the shape tells the dialect', () => {
  const reader = { name: 'mysqlreader', parameter: { column: [] } }
  const writer = { name: 'mysqlwriter', parameter: {} }
  const detect = (side: object, setting: object = {}, beside: object = {}) =>
    detectFlinkxDialect(
      parseJson(JSON.stringify({ job: { content: [{ reader: { ...reader, ...side }, writer, ...beside }], setting } }), 'f').root,
    )
  for (const [what, dialect, expected] of [
    ['nothing', detect({}), 'flinkx-1.10'],
    ['settings of 1.10', detect({}, { errorLimit: {}, dirty: {} }), 'flinkx-1.10'],
    ['a name that ends in source', detect({ name: 'mysqlsource' }), 'chunjun-1.12'],
    ['a table beside the parameter', detect({ table: { tableName: 't' } }), 'chunjun-1.12'],
    ['an option that only ChunJun has', detect({ parameter: { splitStrategy: 'range' } }), 'chunjun-1.12'],
    ['a transformer', detect({}, {}, { transformer: {} }), 'chunjun-1.12'],
    ['metricPluginConf', detect({}, { metricPluginConf: {} }), 'chunjun-1.12'],
    ['metricPluginConfig', detect({}, { metricPluginConfig: {} }), 'chunjun-1.16'],
  ] as const) {
    test(what, () => assert.equal(dialect, expected))
  }
  test('no content at all', () => assert.equal(detectFlinkxDialect(parseJson('{"job":1}', 'f').root), 'flinkx-1.10'))
})

test('checks what a user chose', () => {
  assert.equal(parseCompat(undefined), undefined)
  assert.equal(parseCompat('auto'), undefined)
  assert.equal(parseCompat('ChunJun-1.16'), 'chunjun-1.16')
  for (const wrong of ['1.10', 'native', '']) assert.throws(() => parseCompat(wrong), { code: 'job.unknown-dialect' })
})
