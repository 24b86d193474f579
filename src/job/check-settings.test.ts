import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkSettings } from './check-settings.ts'
import type { Dialect } from './dialects.ts'
import { readFlinkx } from './flinkx.ts'
import { parseJson } from './json.ts'
import { settingsSchema } from './settings.ts'
import { shapeOf } from './shape.ts'
import { SETTING_SUPPORT } from './support.ts'

const side = (name: string) => ({ name, parameter: {} })

/** What a FlinkX file with these settings gives. */
function flinkx(setting: unknown, dialect: Exclude<Dialect, 'native'> = 'flinkx-1.10') {
  const text = JSON.stringify({ job: { setting, content: [{ reader: side('mysqlreader'), writer: side('mysqlwriter') }] } })
  const document = parseJson(text, 'job.json')
  return checkSettings(readFlinkx(document, dialect).settings, document.source, dialect)
}

function native(text: string) {
  const { root, source } = parseJson(text, 'job.json')
  return checkSettings(root, source, 'native')
}

const codes = ({ problems, warnings }: ReturnType<typeof checkSettings>) =>
  [...problems, ...warnings].map(({ code, message }) => `${code} ${message}`)

test('without settings there are the defaults', () => {
  const { settings } = flinkx(undefined)
  assert.deepEqual(settings, {
    channels: 1,
    rebalance: false,
    errorLimit: { record: 0, percentage: 0 },
    badRows: { conversion: 'quarantine', duplicate: 'quarantine', constraint: 'quarantine' },
    restore: { isRestore: false, isStream: false },
    ledger: 'auto',
    stateDir: '.sluice',
  })
  assert.deepEqual(flinkx(null).settings, settings)
  assert.deepEqual(flinkx({ speed: null, restore: null, log: null }).settings, settings)
})

test('takes the settings of a FlinkX file', () => {
  const { settings, problems, warnings } = flinkx({
    speed: { channel: '3', readerChannel: 2, writerChannel: -1, bytes: -1048576, rebalance: 'false' },
    restore: { maxRowNumForCheckpoint: 0, isRestore: true, restoreColumnName: 'id', restoreColumnIndex: 0 },
    log: { isLogger: false, level: 'debug', path: '', pattern: '' },
    dirty: {},
    test: { speedTest: '' },
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['rebalance is text instead of true or false; FlinkX 1.10 refuses it.'].map(text => `job.setting.speed.${text}`),
  )
  assert.equal(settings?.channels, 3)
  assert.equal(settings.readerChannels, 2)
  assert.equal(settings.writerChannels, undefined)
  assert.equal(settings.bytesPerSecond, undefined)
  assert.equal(settings.restore.maxRowNumForCheckpoint, undefined)
  assert.equal(settings.restore.restoreColumnName, 'id')
})

test('takes an amount of bytes with its unit, as a rate and as memory', () => {
  const { settings } = flinkx({ speed: { bytes: '2.5MiB' }, memory: '64 MB' })
  assert.deepEqual([settings?.bytesPerSecond, settings?.memory], [2_621_440, 64_000_000])
  for (const bytes of ['-1', -1, 0, '']) assert.equal(flinkx({ speed: { bytes } }).settings?.bytesPerSecond, undefined)
  assert.equal(flinkx({ speed: { bytes: '1048576' } }).settings?.bytesPerSecond, 1_048_576)
  const [problem] = flinkx({ speed: { bytes: 'ten' } }).problems
  assert.match(String(problem?.message), /must be a number of bytes, or text such as "10MiB"; found "ten"/)
})

test('says what an error limit looks like', () => {
  const [problem] = flinkx({ errorLimit: 10 }).problems
  assert.match(String(problem?.message), /must be an object such as \{record: …, percentage: …\}; found 10/)
})

describe('an error limit means what it means in FlinkX 1.10', () => {
  for (const [what, limit, expected] of [
    ['no section: no row', undefined, { record: 0, percentage: 0 }],
    ['a section without keys: no limit', {}, { record: null, percentage: null }],
    ['a missing key: no limit of that kind', { record: 100 }, { record: 100, percentage: null }],
    ['a negative number: no limit', { record: -1, percentage: 0.02 }, { record: null, percentage: 0.02 }],
  ] as const) {
    test(what, () => assert.deepEqual(flinkx({ errorLimit: limit }).settings?.errorLimit, expected))
  }
})

describe('what the engine does not honour is refused or noted, by name', () => {
  for (const [what, setting, expected] of [
    ['a rate', { speed: { bytes: 1_000_000 } }, []],
    ['no rate', { speed: { bytes: 0 } }, []],
    [
      'an endless job',
      { restore: { isRestore: true, isStream: true } },
      [
        'job.unsupported-setting job.json:1:48: Setting "job.setting.restore.isStream" is not supported yet. Jobs without an end come with a later version.',
      ],
    ],
    [
      'isStream without isRestore',
      { restore: { isStream: true } },
      ['job.noted-setting job.setting.restore.isStream has no effect without isRestore, as in FlinkX 1.10.'],
    ],
    ['tolerance', { errorLimit: { record: 100 } }, []],
    ['no tolerance', { errorLimit: { record: 0, percentage: 0 } }, []],
    [
      'a log file',
      { log: { isLogger: true } },
      ['job.noted-setting job.setting.log has no effect. The log goes to the standard error output.'],
    ],
    [
      'a dirty store elsewhere',
      { dirty: { path: 'hdfs://ns1/dirty', hadoopConfig: { a: 'b' } } },
      [
        'job.noted-setting job.setting.dirty.path has no effect. Rows that are set aside are stored in the state directory: the path is not on this machine.',
        'job.noted-setting job.setting.dirty.hadoopConfig has no effect. Rows that are set aside are stored on this machine.',
      ],
    ],
    ['a dirty store here', { dirty: { path: '/var/dirty' } }, []],
    [
      'a speed test',
      { test: { speedTest: 'reader' } },
      [
        'job.unsupported-setting job.json:1:20: Setting "job.setting.test" is not supported yet. Fault injection of FlinkX has no counterpart.',
      ],
    ],
    [
      'a key that nobody knows',
      { speed: { chanel: 3 } },
      ['job.unknown-setting job.setting.speed.chanel means nothing here and is ignored, as in FlinkX (did you mean "channel"?).'],
    ],
  ] as const) {
    test(what, () => assert.deepEqual(codes(flinkx(setting)), expected))
  }

  test('isStream implies isRestore in ChunJun', () => {
    assert.deepEqual(
      codes(flinkx({ restore: { isStream: true } }, 'chunjun-1.12')).map(text => text.split(' ')[0]),
      ['job.unsupported-setting'],
    )
    assert.equal(flinkx({ restore: { isStream: true } }, 'chunjun-1.12').settings?.restore.isRestore, true)
  })

  test('the table names every setting, each once, and nothing else', () => {
    const leaves = Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
      const inner = ['errorLimit', 'restore', 'dirty'].includes(name) ? shapeOf(schema) : undefined
      return inner === undefined ? [name] : Object.keys(inner).map(key => `${name}.${key}`)
    })
    assert.deepEqual(SETTING_SUPPORT.map(({ name }) => name).sort(), leaves.sort())
    for (const { name, status, why } of SETTING_SUPPORT) assert(status === 'supported' || why !== undefined, name)
  })
})

describe('native settings', () => {
  test('take units', () => {
    const { settings } = native('{"memory": "256MiB", "checkpointInterval": "1.5s", "channels": 2, "ledger": "none"}')
    assert.equal(settings?.memory, 256 * 1024 * 1024)
    assert.equal(settings.checkpointInterval, 1500)
    assert.equal(native('{"memory": "1gb", "checkpointInterval": "2min"}').settings?.memory, 1e9)
    assert.equal(native('{"memory": 5, "checkpointInterval": "2min"}').settings?.checkpointInterval, 120_000)
    assert.equal(native('{"memory": "5"}').settings?.memory, 5)
  })

  for (const [text, expected] of [
    ['{"chanels": 2}', 'job.unknown-setting job.json:1:2: There is no setting "chanels".'],
    ['{"restore": {"isRestor": true}}', 'job.unknown-setting job.json:1:14: There is no setting "restore.isRestor".'],
    ['{"channels": 0}', 'job.invalid-setting job.json:1:14: Setting "channels" must be a whole number from 1 to 1024; found 0.'],
    [
      '{"memory": "much"}',
      'job.invalid-setting job.json:1:12: Setting "memory" must be a number of bytes, or text such as "512MiB"; found "much".',
    ],
    ['{"ledger": "yes"}', 'job.invalid-setting job.json:1:12: Setting "ledger" must be one of auto, none; found "yes".'],
  ] as const) {
    test(text, () => assert.deepEqual(codes(native(text)), [expected]))
  }
})

test('every setting is described in a sentence', () => {
  for (const [name, schema] of Object.entries(settingsSchema.shape)) assert.match(schema.description ?? '', /^[A-Z`].*\.$/s, name)
})
