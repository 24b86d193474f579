/** `psql \copy` reads what we write and writes what we read: the same rows on both sides. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import {
  Batch,
  binary,
  bool,
  date,
  decimalType,
  float,
  int,
  interval,
  json,
  numeric,
  time,
  timestamp,
  utf8,
  uuid,
  type Type,
  type Value,
} from '#columnar'
import { contextOf, fillBatch, rowsOf, type Row } from '#conformance'
import type { Dataset, RunRecord, TwoPhaseWriter } from '#connector'
import { fileServer, freshDatabase } from '../../../tools/servers/index.ts'
import { csvSink } from './sink.ts'
import { csvSource } from './source.ts'

const { server, skip } = await fileServer('postgres-15')
const folder = await mkdtemp(join(tmpdir(), 'sluice-csv-'))
const database = skip === false ? await freshDatabase(server) : undefined
after(async () => {
  await rm(folder, { recursive: true, force: true })
  await database?.drop().catch(() => {}) // A server that was started for the file has ended by then.
})

/** Runs psql commands, each as its own `-c`; returns what they print. */
async function psql(...commands: string[]): Promise<string> {
  assert(database)
  const { host, port, user, password } = database
  const env = { ...process.env, PGPASSWORD: password, PGTZ: 'UTC', PGCLIENTENCODING: 'UTF8' }
  const place = ['-h', host, '-p', String(port), '-U', user, '-d', database.database]
  const args = [...place, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap(command => ['-c', command])]
  return (await promisify(execFile)(join(server.bin, 'psql'), args, { env })).stdout
}

/** Type of the column here, type there, values as `readValue` gives them. */
const columns: Record<string, [type: Type, sql: string, values: Value[]]> = {
  b: [bool, 'bool', [true, false]],
  i2: [int(16), 'int2', [-32768, 32767]],
  i4: [int(32), 'int4', [-(2 ** 31), 2 ** 31 - 1]],
  i8: [int(64), 'int8', [-(2n ** 63n), 2n ** 63n - 1n]],
  f4: [float(32), 'float4', [0.10000000149011612, -Infinity]],
  f8: [float(64), 'float8', [5e-324, NaN]],
  d: [decimalType(12, 2), 'numeric(12,2)', ['-9999999999.99', 'NaN']],
  wide: [decimalType(38, 10), 'numeric(38,10)', ['1234567890123456789012345678.0123456789', '-0.0000000001']],
  n: [numeric, 'numeric', [`${'9'.repeat(50)}.${'0'.repeat(49)}1`, 'Infinity']],
  t: [utf8, 'text', [' é中😀,"\r\n\t\\ ', '']],
  dot: [utf8, 'text', ['\\.', 'NULL']],
  j: [json, 'json', ['{"a": [1, "x,y"]}', '"\\n"']],
  bin: [binary, 'bytea', [Buffer.from([0, 1, 254, 255]), Buffer.alloc(0)]],
  id: [uuid, 'uuid', ['01234567-89ab-cdef-0123-456789abcdef', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
  day: [date, 'date', ['0044-03-15 BC', 'infinity']],
  clock: [time, 'time', ['23:59:59.999999', '24:00:00']],
  ts: [timestamp(false), 'timestamp', ['1969-12-31 23:59:59.999999', '-infinity']],
  tz: [timestamp(true), 'timestamptz', ['2024-02-29 12:00:00Z', '9999-12-31 23:59:59Z']],
  iv: [
    interval,
    'interval',
    [
      { months: 14, days: -3, micros: 4_000_005n },
      { months: 0, days: 0, micros: 0n },
    ],
  ],
}

const dataset: Dataset = {
  ...{ id: 'values', primaryKey: [] },
  schema: { fields: Object.entries(columns).map(([name, [type]]) => ({ name, type, nullable: true })) },
}
const rows: Row[] = [0, 1, 2].map(at =>
  Object.fromEntries(Object.entries(columns).map(([name, [, , values]]) => [name, values[at] ?? null])),
)
const run: RunRecord = {
  job: 'conformance',
  run: 'r',
  holder: 'engine',
  epoch: 1,
  finished: false,
  began: '2026-01-01T00:00:00Z',
  memo: null,
  splits: [],
}
const ddl = (table: string) =>
  `CREATE TABLE ${table} (${Object.entries(columns)
    .map(([name, [, sql]]) => `${name} ${sql}`)
    .join(', ')})`

let folders = 0

async function write(options: object): Promise<{ file: string; back: object }> {
  const path = join(folder, String(folders++))
  const settings = csvSink.options.parse({ path, ...options })
  await using writer = (await csvSink.open(settings, contextOf())) as TwoPhaseWriter
  const target = await writer.plan(dataset)
  await writer.prepare(run, [target], true, [])
  await writer.join(run)
  const batch = new Batch(target.schema, rows.length)
  fillBatch(batch, rows)
  await writer.write(target, batch)
  const committables = await writer.prepareCommit([])
  await writer.commit(committables)
  const [{ files }] = committables as unknown as [{ files: { published: string }[] }]
  return { file: join(path, files[0]!.published), back: csvSink.readBack!(settings, target) }
}

async function read(options: object): Promise<Row[]> {
  await using reader = await csvSource.open(csvSource.options.parse(options), contextOf())
  const [found] = await reader.discover()
  const all: Row[] = []
  for await (const split of reader.enumerate(found!))
    for await (const { batch } of reader.read(found!, split, undefined)) all.push(...rowsOf(batch))
  return all
}

const plain = (all: readonly Row[]) =>
  all.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
      ]),
    ),
  )

describe('csv and psql \\copy', { skip }, () => {
  test('psql reads what we write, and we read what psql writes: every type comes back', async () => {
    for (const [at, options] of [
      {},
      { quotes: 'all', lineEnding: 'crlf' },
      { delimiter: '|', nullText: '\\N', header: false },
    ].entries()) {
      const { file, back } = await write(options)
      const {
        delimiter = ',',
        nullText = '',
        header = true,
      } = options as { delimiter?: string; nullText?: string; header?: boolean }
      const form = `(FORMAT csv, HEADER ${header}, DELIMITER '${delimiter}', NULL '${nullText}')`
      const written = join(folder, `from-psql-${at}.csv`)
      await psql(ddl(`t${at}`), `\\copy t${at} FROM '${file}' WITH ${form}`, `\\copy t${at} TO '${written}' WITH ${form}`)
      // PostgreSQL writes intervals in its own way unless it is asked for ISO 8601, which is what we know.
      await psql('SET intervalstyle = iso_8601', `\\copy t${at} TO '${written}' WITH ${form}`)
      assert.deepEqual(plain(await read({ ...back, path: written })), plain(rows), JSON.stringify(options))
      const found = await psql(
        `SELECT i8, n, t = E' é中😀,"\\r\\n\\t\\\\ ', bin, f8, ts, tz FROM t${at} ORDER BY i8 NULLS LAST LIMIT 1`,
      )
      assert.equal(
        found,
        `-9223372036854775808|${'9'.repeat(50)}.${'0'.repeat(49)}1|t|\\x0001feff|5e-324|1969-12-31 23:59:59.999999|2024-02-29 12:00:00+00\n`,
      )
    }
  })

  test('psql quotes what it likes, and FORCE_QUOTE, QUOTE and ESCAPE are understood', async () => {
    const written = join(folder, 'odd.csv')
    await psql(
      'CREATE TABLE odd (a text, b text)',
      `INSERT INTO odd VALUES (E'x"y', ''), (NULL, E'a\\nb'), ('''', E'\\\\'), ('a,b', E'\\r')`,
      `\\copy odd TO '${written}' WITH (FORMAT csv, FORCE_QUOTE *)`,
    )
    const expected = [
      { column1: 'x"y', column2: '' },
      { column1: null, column2: 'a\nb' },
      { column1: "'", column2: '\\' },
      { column1: 'a,b', column2: '\r' },
    ]
    assert.deepEqual(await read({ path: written, header: false }), expected)
    await psql(`\\copy odd TO '${written}' WITH (FORMAT csv, QUOTE '''', ESCAPE E'\\\\', DELIMITER E'\\t', NULL 'none')`)
    assert.deepEqual(
      await read({ path: written, header: false, quote: "'", escape: '\\', delimiter: '\t', nullText: 'none' }),
      expected,
    )
  })

  test('inference takes what psql writes for what it is', async () => {
    const written = join(folder, 'inferred.csv')
    await psql(
      `CREATE TABLE inferred AS SELECT g::bigint id, g * 1.25 price, date '2024-01-01' + g AS day, timestamp '2024-01-01' + g * interval '1 s' AS at, timestamptz '2024-01-01Z' AS tz, 'n' || g AS name FROM generate_series(1, 1000) g`,
      `\\copy inferred TO '${written}' WITH (FORMAT csv, HEADER)`,
    )
    const [first, last] = [(await read({ path: written }))[0], (await read({ path: written })).at(-1)]
    assert.deepEqual(first, {
      id: 1n,
      price: '1.25',
      day: '2024-01-02',
      at: '2024-01-01 00:00:01',
      tz: '2024-01-01 00:00:00Z',
      name: 'n1',
    })
    assert.deepEqual(last, {
      id: 1000n,
      price: '1250.00',
      day: '2026-09-27',
      at: '2024-01-01 00:16:40',
      tz: '2024-01-01 00:00:00Z',
      name: 'n1000',
    })
  })
})
