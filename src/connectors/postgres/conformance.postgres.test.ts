/** The suites of #conformance, run against the connector on the oldest, the usual and the newest server. */
import { sinkSuite, sourceSuite, type Row } from '#conformance'
import { parseTypeName, type Value } from '#columnar'
import { fileServer, type Server } from '../../../tools/servers/index.ts'
import { filePlayground, type Playground } from './postgres.test-support.ts'
import { postgresSink } from './sink.ts'
import { postgresSource } from './source.ts'

const NAMES = ['postgres-12', 'postgres-15', 'postgres-18'] as const
// Everything is prepared before the first suite is registered: the runner ends when it has nothing to run.
const servers = await Promise.all(NAMES.map(name => fileServer(name)))
const prepared: { server: Server; source: Playground; sink: Playground }[] = []
for (const { server, skip } of servers) {
  if (skip !== false) continue
  prepared.push({ server, source: await filePlayground(server, skip), sink: await filePlayground(server, skip) })
}
async function fillSource({ run }: Playground): Promise<void> {
  await run(
    'CREATE TABLE keyed (id bigint PRIMARY KEY, name text, price numeric(10,2))',
    "INSERT INTO keyed SELECT i * 3, CASE WHEN i % 7 = 0 THEN NULL ELSE 'name ' || i END, i / 4.0 FROM generate_series(1, 60) i",
    'CREATE TABLE loose (n int, at timestamp)',
    "INSERT INTO loose SELECT i, timestamp '2026-01-01' + i * interval '1 hour' FROM generate_series(1, 25) i",
    'CREATE TABLE composite (a text, b uuid, c int[], PRIMARY KEY (b, a))',
    "INSERT INTO composite SELECT 'x' || i, ('00000000-0000-0000-0000-0000000000' || lpad((i % 5)::text, 2, '0'))::uuid, ARRAY[i, NULL] FROM generate_series(10, 39) i",
    'ANALYZE',
  )
}

function runSourceSuite(server: Server, { place }: Playground): void {
  const options = { ...place, tables: ['keyed', 'composite', 'loose'], splitRows: 10 }
  sourceSuite({
    title: server.name,
    source: postgresSource,
    options,
    brokenOptions: { ...options, port: 1 },
    rows: {
      'public.keyed': Array.from({ length: 60 }, (_, at) => ({
        id: BigInt(at + 1) * 3n,
        name: (at + 1) % 7 === 0 ? null : `name ${at + 1}`,
        price: ((at + 1) / 4).toFixed(2),
      })),
      'public.composite': Array.from({ length: 30 }, (_, at) => ({
        a: `x${at + 10}`,
        b: `00000000-0000-0000-0000-00000000000${(at + 10) % 5}`,
        c: [at + 10, null],
      })),
      'public.loose': Array.from({ length: 25 }, (_, at) => ({
        n: at + 1,
        at: `2026-01-0${1 + Math.floor((at + 1) / 24)} ${String((at + 1) % 24).padStart(2, '0')}:00:00`,
      })),
    },
    endpoint: {
      host: place.host,
      port: place.port,
      viaProxy: (host, port) => ({ ...options, host, port }),
      large: (host, port) => ({
        ...place,
        host,
        port,
        customSql: "SELECT i, repeat('x', 1000) AS filling FROM generate_series(1, 100000) AS i",
      }),
    },
  })
}

interface Sample {
  readonly type: string
  readonly column: string
  /** What is written, and how `::text` shows it. */
  readonly values: readonly (readonly [value: Value, seen: string])[]
}

const nines = (count: number) => '9'.repeat(count)
const same = (...texts: string[]): [Value, string][] => texts.map(text => [text, text])

const samples: readonly Sample[] = [
  {
    column: 'flag',
    type: 'bool',
    values: [
      [true, 'true'],
      [false, 'false'],
    ],
  },
  {
    column: 'small',
    type: 'int16',
    values: [
      [-32768, '-32768'],
      [32767, '32767'],
    ],
  },
  {
    column: 'whole',
    type: 'int32',
    values: [
      [-2147483648, '-2147483648'],
      [2147483647, '2147483647'],
    ],
  },
  {
    column: 'big',
    type: 'int64',
    values: [
      [-(2n ** 63n), '-9223372036854775808'],
      [2n ** 63n - 1n, '9223372036854775807'],
    ],
  },
  {
    column: 'half',
    type: 'float32',
    values: [
      [1.5, '1.5'],
      [-Infinity, '-Infinity'],
      [NaN, 'NaN'],
    ],
  },
  {
    column: 'real',
    type: 'float64',
    values: [
      [5e-324, '5e-324'],
      [Number.MAX_VALUE, '1.7976931348623157e+308'],
      [-0, '-0'],
    ],
  },
  { column: 'money', type: 'decimal(12,2)', values: same(`${nines(10)}.99`, '-0.01', 'NaN', '0.00') },
  { column: 'wide', type: 'decimal(38,10)', values: same(`-${nines(28)}.${nines(10)}`, '0.0000000001', 'NaN') },
  { column: 'any', type: 'numeric', values: same(`${nines(100)}.5`, `0.${'0'.repeat(99)}1`, 'NaN') },
  { column: 'words', type: 'utf8', values: same('', 'ñandú 🦤\t\n\\.', 'x'.repeat(5000)) },
  { column: 'doc', type: 'json', values: same('{"b": [1, null], "a": "ü"}', 'null') },
  {
    column: 'raw',
    type: 'binary',
    values: [
      [Uint8Array.of(0, 255, 92), '\\x00ff5c'],
      [new Uint8Array(0), '\\x'],
    ],
  },
  { column: 'key', type: 'uuid', values: same('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff') },
  { column: 'day', type: 'date', values: same('infinity', '-infinity', '4714-11-24 BC', '5874897-12-31', '1969-12-31') },
  { column: 'clock', type: 'time', values: same('00:00:00', '24:00:00', '23:59:59.999999') },
  { column: 'wall', type: 'timestamp', values: same('infinity', '294276-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999') },
  {
    column: 'instant',
    type: 'timestamptz',
    values: [
      ['-infinity', '-infinity'],
      ['2026-01-02 03:04:05.000006Z', '2026-01-02 03:04:05.000006+00'],
    ],
  },
  {
    column: 'span',
    type: 'interval',
    values: [
      [{ months: -1, days: 2, micros: -3n }, '-1 mons +2 days -00:00:00.000003'],
      [{ months: 0, days: 0, micros: 0n }, '00:00:00'],
    ],
  },
  {
    column: 'tags',
    type: 'list<utf8>',
    values: [
      [[], '{}'],
      [['', null, 'a,"b\\'], '{"",NULL,"a,\\"b\\\\"}'],
    ],
  },
]

const ROWS = 14

function runSinkSuite(server: Server, { place, rows, run }: Playground): void {
  const value = ({ values }: Sample, at: number) =>
    at % (values.length + 1) === values.length ? undefined : values[at % (values.length + 1)]
  const row = (at: number): Row => ({
    id: at,
    ...Object.fromEntries(samples.map(sample => [sample.column, value(sample, at)?.[0] ?? null])),
  })
  const text = ({ column, values }: Sample, one: Row) => {
    const written = one[column] ?? null
    return values.find(([sample]) => Object.is(sample, written))?.[1] ?? (written === null ? null : String(written))
  }
  const seen = (one: Row): Row => ({
    id: String(one['id']),
    ...Object.fromEntries(samples.map(sample => [sample.column, text(sample, one)])),
  })
  const dataset = {
    id: 'elsewhere.target',
    primaryKey: ['id'],
    schema: {
      fields: [
        { name: 'id', type: parseTypeName('int32')!, nullable: false },
        ...samples.map(({ column, type }) => ({ name: column, type: parseTypeName(type)!, nullable: true })),
      ],
    },
  }
  const names = dataset.schema.fields.map(({ name }) => name)
  const reset = () => run('DROP TABLE IF EXISTS target, sluice_ledger')
  const list = async () =>
    (
      await rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v', 'S') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1",
      )
    ).map(([name]) => name ?? '')
  const options = { ...place, tables: 'target', createTable: true }
  const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => row(from + at))
  sinkSuite({
    title: server.name,
    sink: postgresSink,
    options,
    brokenOptions: { ...options, port: 1 },
    dataset,
    rows: numbered(0, ROWS),
    reset,
    async read() {
      if ((await rows("SELECT to_regclass('target')"))[0]?.[0] === null) return []
      const found = await rows(`SELECT ${names.map(name => `"${name}"::text`).join(', ')} FROM target`)
      return found.map(values => Object.fromEntries(values.map((one, at) => [names[at], one])))
    },
    seen,
    list,
    dropLedger: () => run('DROP TABLE sluice_ledger'),
    endpoint: { host: place.host, port: place.port, viaProxy: (host, port) => ({ ...options, host, port }) },
    modes: [
      {
        title: 'update by key',
        options: { ...options, writeMode: 'update' },
        before: numbered(0, 8).map(one => ({ ...one, words: 'older', whole: 1 })),
        rows: numbered(4, ROWS),
        after: [...numbered(0, 4).map(one => ({ ...one, words: 'older', whole: 1 })), ...numbered(4, ROWS)],
      },
    ],
  })
}

for (const { source } of prepared) await fillSource(source)
for (const { server, source, sink } of prepared) {
  runSourceSuite(server, source)
  runSinkSuite(server, sink)
}
