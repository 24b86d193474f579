import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SluiceError } from '#errors'
import { testCatalog } from './catalog.test-support.ts'
import { parseJob, type ParseOptions } from './job.ts'
import { loadJob, readJob, resolveJob } from './load.ts'
import { parseParameters } from './parameters.ts'
import { secretsOf } from './secrets.ts'

const jobs = join(import.meta.dirname, 'testdata/jobs')
const options = { catalog: testCatalog }
const parse = (job: unknown, more: Partial<ParseOptions> = {}) =>
  parseJob(typeof job === 'string' ? job : JSON.stringify(job), 'job.json', { ...options, ...more })
const native = { source: { connector: 'stream' }, sink: { connector: 'stream' } }

test('a FlinkX job as users have it', async () => {
  const parameters = parseParameters('db.host=127.0.0.1,db.password=pw')
  const { job, source, sink, warnings } = await loadJob(join(jobs, 'flinkx-mysql-mysql.json'), { ...options, parameters })
  assert.equal(job.dialect, 'flinkx-1.10')
  assert.equal(job.name, undefined)
  assert.deepEqual([job.source.connector, job.source.written, job.sink.connector], ['mysql', 'mysqlreader', 'mysql'])
  assert.deepEqual(warnings, [])
  assert.deepEqual(source, {
    username: 'root',
    password: 'pw',
    connection: [{ jdbcUrl: ['jdbc:mysql://127.0.0.1:3306/shop?useSSL=false'], table: ['orders'] }],
    column: ['id', { name: 'placed_at', type: 'datetime' }],
    where: 'id > 2',
    customSql: '',
    splitPk: 'id',
    fetchSize: 1000,
    queryTimeOut: 1000,
    startLocation: '20',
    requestAccumulatorInterval: 2,
    useMaxFunc: false,
  })
  assert.deepEqual(sink, {
    username: 'root',
    password: 'pw',
    connection: [{ jdbcUrl: 'jdbc:mysql://127.0.0.1:3306/copy?useSSL=false', table: ['orders'] }],
    column: ['id', 'placed_at'],
    writeMode: 'replace',
    preSql: ['truncate table orders'],
    postSql: [''],
    batchSize: 1024,
  })
  const { channels, readerChannels, writerChannels, restore, errorLimit } = job.settings
  assert.deepEqual([channels, readerChannels, writerChannels], [3, 3, 3])
  assert.deepEqual(restore, {
    isRestore: true,
    isStream: false,
    restoreColumnName: 'id',
    restoreColumnIndex: 0,
    maxRowNumForCheckpoint: 10,
  })
  assert.deepEqual(errorLimit, { record: 0, percentage: null })
  assert.deepEqual(secretsOf(job), ['pw'])
})

test('a native job with values from the environment and a file', async () => {
  const file = join(jobs, 'native.yaml')
  const references = { env: { SHOP_PASSWORD: 'from-env', SHOP_HOST: 'db.example', FETCH: '500' }, readFile: () => 'from-a-file' }
  const { job, source, sink, warnings } = await loadJob(file, { ...options, references })
  assert.deepEqual(warnings, [])
  assert.equal(job.name, 'orders')
  assert.equal(job.dialect, 'native')
  assert.deepEqual([source['password'], source['fetchSize'], sink['password']], ['from-env', 500, 'from-a-file'])
  assert.deepEqual([job.settings.channels, job.settings.checkpointInterval], [3, 10_000])
  assert.deepEqual(secretsOf(job), ['from-a-file', 'db.example', 'from-env'])
})

describe('which format and dialect', () => {
  test('a native job may be JSON', async () => assert.equal((await parse(native)).dialect, 'native'))
  test('a FlinkX job may be YAML', async () => {
    const text =
      'job:\n  content:\n    - reader: {name: streamreader, parameter: {}}\n      writer: {name: streamwriter, parameter: {}}\n'
    assert.equal((await parseJob(text, 'job.yml', options)).dialect, 'flinkx-1.10')
  })
  test('without an ending the text decides', async () => {
    for (const text of [
      'source: {connector: stream}\nsink: {connector: stream}',
      '# x\nsource: {connector: stream}\nsink: {connector: stream}',
      JSON.stringify(native),
      `// x\n${JSON.stringify(native)}`,
    ]) {
      assert.equal((await parseJob(text, 'job', options)).source.connector, 'stream')
    }
  })
  test('the user decides about a FlinkX job, not about a native one', async () => {
    const flinkx = {
      job: { content: [{ reader: { name: 'streamreader', parameter: {} }, writer: { name: 'streamwriter', parameter: {} } }] },
    }
    assert.equal((await parse(flinkx, { compat: 'chunjun-1.16' })).dialect, 'chunjun-1.16')
    assert.equal((await parse(native, { compat: 'chunjun-1.16' })).dialect, 'native')
  })
  test('an SQL job is refused as such', async () => {
    await assert.rejects(parseJob('CREATE TABLE x', 'x.SQL', options), { code: 'job.sql-job' })
  })
})

describe('names of connectors', () => {
  for (const [source, sink, expected, warning] of [
    ['mysqlreader', 'mysqlwriter', 'mysql mysql', undefined],
    ['MysqlSource', 'mysqlsink', 'mysql mysql', undefined],
    ['postgresqlreader', 'postgresqlwriter', 'postgres postgres', undefined],
    ['mysql', 'postgres', 'mysql postgres', undefined],
    ['mysqlwriter', 'mysqlwriter', 'mysql mysql', '"mysqlwriter" is used as a source.'],
  ] as const) {
    test(`${source} and ${sink}`, async () => {
      const job = await parse({ source: { connector: source }, sink: { connector: sink } })
      assert.equal(`${job.source.connector} ${job.sink.connector}`, expected)
      assert.equal(job.warnings.map(({ message }) => message)[0], warning)
    })
  }

  for (const [name, hint] of [
    ['mysq', /Did you mean "mysql"/],
    ['cassandrawriterer', /Connectors that can: mysql, postgres, stream/],
    ['discard', /Connectors that can/],
    ['__proto__', /Connectors that can/],
  ] as const) {
    test(`${name} is unknown as a source`, async () => {
      await assert.rejects(parse({ ...native, source: { connector: name } }), (error: unknown) => {
        assert(SluiceError.is(error, 'job.unknown-connector'))
        assert.match(error.message, /^job\.json:1:24: /)
        assert.match(error.hint ?? '', hint)
        return true
      })
    })
  }
})

describe('the name of the job', () => {
  test('comes from the file or the caller, who wins', async () => {
    assert.equal((await parse({ ...native, name: 'a b' })).name, 'a b')
    assert.equal((await parse({ ...native, name: 'a' }, { name: 'c' })).name, 'c')
    assert.equal((await parse({ ...native, name: null })).name, undefined)
  })
  for (const name of ['', ' x', 5, {}, 'x\ny', 'x'.repeat(129)]) {
    test(`cannot be ${JSON.stringify(name).slice(0, 20)}`, async () => {
      await assert.rejects(parse({ ...native, name }), { code: 'job.incomplete' })
    })
  }
})

test('parameters that the job does not mention are told', async () => {
  const job = await parse(native, { parameters: { unused: 'x' } })
  assert.deepEqual(
    job.warnings.map(({ message }) => message),
    ['The job does not mention ${unused}, for which -p has a value.'],
  )
})

test('problems of settings, options and connectors come together, each once', async () => {
  const text = JSON.stringify({
    source: { connector: 'mysql', connection: [], colum: ['*'], fetchSize: '${env:NOPE}' },
    sink: { connector: 'nope' },
    settings: { channels: 0 },
    extra: 1,
  })
  await assert.rejects(
    resolveJob(text, 'job.json', { ...options, references: { env: {}, readFile: () => '' } }),
    (error: unknown) => {
      assert(SluiceError.is(error, 'job.problems'))
      const found = (error.detail['problems'] as { code: string; detail: { path?: string } }[]).map(
        ({ code, detail }) => `${code} ${detail.path}`,
      )
      assert.deepEqual(found, [
        'job.missing-option column',
        'job.invalid-option connection',
        'job.unknown-option colum',
        'job.missing-variable source.fetchSize',
        'job.unknown-connector sink.connector',
        'job.invalid-setting settings.channels',
        'job.unknown-setting extra',
      ])
      return true
    },
  )
})

describe('the file', () => {
  const withFile = async (bytes: Uint8Array | string, use: (file: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-job-'))
    try {
      await writeFile(join(folder, 'job.json'), bytes)
      await use(join(folder, 'job.json'))
    } finally {
      await rm(folder, { recursive: true })
    }
  }
  test('may begin with a byte order mark and have Windows line ends', () =>
    withFile(`\ufeff${JSON.stringify(native, null, 2).replaceAll('\n', '\r\n')}`, async file =>
      assert.equal((await readJob(file, options)).dialect, 'native'),
    ))
  test('must be UTF-8', () =>
    withFile(Buffer.from([0x7b, 0xd6, 0xd0, 0x7d]), async file =>
      assert.rejects(readJob(file, options), { code: 'job.not-utf8' }),
    ))
  test('must not be too large', () =>
    withFile(' '.repeat(4 * 1024 * 1024), async file => assert.rejects(readJob(file, options), { code: 'job.too-large' })))
  test('must exist', async () => {
    await assert.rejects(
      readJob('/nope/job.json', options),
      (error: unknown) =>
        SluiceError.is(error, 'job.unreadable') && error.message === 'Cannot read /nope/job.json: it does not exist.',
    )
  })
  test('is not a folder', async () => {
    await assert.rejects(readJob(jobs, options), { code: 'job.unreadable' })
  })
})

test('no text makes it throw anything but coded errors', async () => {
  const seed = await readFile(join(jobs, 'flinkx-mysql-mysql.json'), 'utf8')
  // Every value in turn becomes each of these; the parser's own tests cover broken syntax.
  const places = [...seed.matchAll(/: ("[^"]*"|\d+|true|false|[[{])/g)]
  for (const { index, 0: match } of places) {
    for (const put of [
      'null',
      '""',
      '[]',
      '{}',
      '[[]]',
      '-1',
      '1e999',
      'true',
      '"${env:X}"',
      '99999999999999999999',
      '{"__proto__": {"constructor": 1}}',
    ]) {
      const rest = seed.slice(index + match.length)
      const text = `${seed.slice(0, index)}: ${put}${/[[{]$/.test(match) ? `, "x": ${match.at(-1)}` : ''}${rest}`
      try {
        await resolveJob(text, 'job.json', { ...options, references: { env: {}, readFile: () => '' } })
      } catch (error) {
        assert(SluiceError.is(error) && error.code.startsWith('job.'), `${put} for ${match}: ${String(error)}`)
      }
    }
  }
})
