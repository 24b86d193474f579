/** What is read and how it is divided: relations of every kind, keys of every type, and whatever users write into the options. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Value } from '#columnar'
import { fileServer } from '../../../tools/servers/index.ts'
import { contextOf, filePlayground, openSource, readAll } from './postgres.test-support.ts'
import type { PgSplit } from './splits.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, rows, run } = await filePlayground(server, skip)

const sorted = (read: Value[][]) =>
  read.map(row => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))).sort()

async function splitsOf(options: object, context = contextOf()): Promise<PgSplit[]> {
  await using reader = await openSource({ ...place, ...options }, context)
  const datasets = await reader.discover()
  return (await Promise.all(datasets.map(dataset => Array.fromAsync(reader.enumerate(dataset))))).flat()
}

/** Reads every split from each of its positions on and expects what is left. */
async function checkResume(options: object): Promise<void> {
  const context = contextOf({ batchRows: 7 })
  await using reader = await openSource({ ...place, ...options }, context)
  const [dataset] = await reader.discover()
  for await (const split of reader.enumerate(dataset!)) {
    const chunks: { rows: Value[][]; position: readonly string[] | undefined }[] = []
    for await (const { batch, position } of reader.read(dataset!, split, undefined)) {
      chunks.push({ rows: Array.from({ length: batch.rows }, (_, at) => batch.row(at)), position })
    }
    for (const [at, { position }] of chunks.entries()) {
      assert(position !== undefined)
      const rest: Value[][] = []
      for await (const { batch } of reader.read(dataset!, split, position)) {
        for (let row = 0; row < batch.rows; row++) rest.push(batch.row(row))
      }
      assert.deepEqual(
        rest,
        chunks.slice(at + 1).flatMap(chunk => chunk.rows),
        `after ${JSON.stringify(position)}`,
      )
    }
  }
}

const keys: readonly (readonly [type: string, value: string])[] = [
  ['bigint', '(i - 50) * 100000000000'],
  ['numeric(20,5)', 'i / 7.0 - 5'],
  ['numeric', "CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE i::numeric ^ 5 END"],
  ['uuid', 'md5(i::text)::uuid'],
  ['text', "CASE WHEN i % 2 = 0 THEN 'Ä' ELSE 'z''\\' END || i"],
  ['text COLLATE "C"', 'chr(200 + i) || i'],
  ['varchar(40)', "repeat(' ', i % 3) || 'v' || i"],
  ['char(10)', "'c' || i"],
  ['date', "CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '0044-03-15 BC' ELSE date '2026-01-01' + i END"],
  [
    'timestamp',
    "CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '0044-03-15 12:00 BC' ELSE timestamp '2026-01-01' + i * interval '1.000001 s' END",
  ],
  [
    'timestamptz',
    "CASE i WHEN 1 THEN '-infinity' WHEN 2 THEN '0044-03-15 12:00 BC' ELSE timestamptz '2026-01-01' - i * interval '1 month 0.5 s' END",
  ],
  ['time', "time '00:00' + i * interval '3.3 min'"],
  ['interval', 'make_interval(months => i % 10, days => -i, secs => i / 3.0)'],
  ['real', 'i / 3.0'],
  ['double precision', "CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE exp(i) END"],
  ['boolean', 'i = 1'],
  ['bytea', "decode(md5(i::text), 'hex')"],
  ['inet', "('10.0.' || i || '.0/24')::inet"],
  ['colour', "(ARRAY['red', 'green', 'a ''b'])[i]::colour"],
]

describe('splits', { skip }, () => {
  test('set up', () => run("CREATE TYPE colour AS ENUM ('red', 'green', 'a ''b')"))

  for (const [type, value] of keys) {
    test(`a key of type ${type} cuts and resumes`, async () => {
      const count = type === 'boolean' ? 2 : type === 'colour' ? 3 : 100
      await run(
        'DROP TABLE IF EXISTS t',
        `CREATE TABLE t (v int, k ${type} PRIMARY KEY)`,
        `INSERT INTO t SELECT i, (${value})::${type.replace(/ COLLATE.*/, '')} FROM generate_series(1, ${count}) i`,
        'ANALYZE t',
      )
      const options = { tables: 't', splitRows: Math.ceil(count / 4) }
      const splits = await splitsOf(options)
      assert(splits.length >= 2, `${splits.length} splits`)
      assert(splits.every(({ by }) => by === 'key'))
      const { rows: read } = await readAll({ ...place, ...options })
      assert.deepEqual(
        read.map(([v]) => v).sort((a, b) => Number(a) - Number(b)),
        Array.from({ length: count }, (_, at) => at + 1),
      )
      await checkResume(options)
      const { rows: inOrder } = await readAll({ ...place, ...options })
      assert.deepEqual(
        inOrder.map(([v]) => String(v)),
        (await rows('SELECT v FROM t ORDER BY k')).map(([v]) => v),
      )
      // The key need not be among the columns that are read.
      await checkResume({ ...options, columns: ['v'] })
    })
  }

  test('a composite key cuts and resumes in its own order', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (a int, b text, c uuid, PRIMARY KEY (b, c, a))',
      "INSERT INTO t SELECT i % 7, 'b' || i % 3, md5((i % 11)::text)::uuid FROM generate_series(1, 200) i",
      'ANALYZE t',
    )
    const splits = await splitsOf({ tables: 't', splitRows: 30 })
    assert(splits.length > 3)
    assert.equal(splits[0]?.upper?.length, 3)
    assert.equal((await readAll({ ...place, tables: 't', splitRows: 30 })).rows.length, 200)
    await checkResume({ tables: 't', splitRows: 30 })
  })

  test('a unique key stands in for a primary key if it has no NULLs and sorts as columns do', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (a int NOT NULL, b int, c text NOT NULL)',
      'INSERT INTO t SELECT i, i, i FROM generate_series(1, 50) i',
    )
    const by = async () => (await splitsOf({ tables: 't', splitRows: 10 }))[0]?.by
    await run(
      'CREATE UNIQUE INDEX ON t (b)',
      'CREATE UNIQUE INDEX ON t (c COLLATE "POSIX" text_pattern_ops)',
      'CREATE UNIQUE INDEX ON t (a) WHERE a > 0',
      'CREATE UNIQUE INDEX ON t ((a + 1))',
      'CREATE UNIQUE INDEX ON t (a DESC)',
    )
    assert.equal(await by(), 'blocks')
    await run('CREATE UNIQUE INDEX ON t (a)')
    assert.equal(await by(), 'key')
  })

  test('resumes by the column that the job names, if it is unique', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY, seq int NOT NULL UNIQUE, other int NOT NULL)',
      'INSERT INTO t SELECT i, 100 - i, i % 3 FROM generate_series(1, 20) i',
    )
    for (const [resumeColumn, expected] of [
      ['seq', 'seq'],
      ['other', 'id'],
    ] as const) {
      await using reader = await openSource({ ...place, tables: 't' }, contextOf({ resumeColumn }))
      const [dataset] = await reader.discover()
      assert.match((await reader.explain(dataset!)).resume.why, new RegExp(`\\(${expected}\\)`))
      assert.deepEqual(dataset!.primaryKey, ['id'])
    }
    for (const options of [{ tables: 't' }, { customSql: 'SELECT id, seq, other FROM t' }]) {
      await assert.rejects(readAll({ ...place, ...options }, contextOf({ resumeColumn: 'sqe' })), {
        code: 'sql.resume-column-missing',
        message: /no column "sqe".* It has: id, seq, other\.$/,
      })
      assert.equal((await readAll({ ...place, ...options }, contextOf({ resumeColumn: 'SEQ' }))).rows.length, 20)
    }
    const described = { customSql: 'SELECT id, seq FROM t', columns: ['first', 'second'] }
    assert.equal((await readAll({ ...place, ...described }, contextOf({ resumeColumn: 'first' }))).rows.length, 20)
  })

  test('a condition that the server does not understand is told by the plan', async () => {
    await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id int PRIMARY KEY)')
    await using reader = await openSource({ ...place, tables: 't', where: 'idd > 4' })
    const [dataset] = await reader.discover()
    await assert.rejects(reader.explain(dataset!), { code: 'postgres.column-missing', message: /"idd"/ })
  })

  test('a row that is too large comes after all rows before it', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY, v text)',
      "INSERT INTO t SELECT i, repeat('x', CASE i WHEN 58 THEN 200000 ELSE 10 END) FROM generate_series(1, 100) i",
    )
    await using reader = await openSource({ ...place, tables: 't' }, contextOf({ rowBytes: 100_000 }))
    const [dataset] = await reader.discover()
    const [split] = await Array.fromAsync(reader.enumerate(dataset!))
    for (const encoded of [false, true]) {
      let last: unknown
      const read = async () => {
        for await (const { position } of reader.read(dataset!, split!, undefined, encoded)) last = position
      }
      await assert.rejects(read(), {
        code: 'data.row-too-large',
        message: /has at least 2000\d\d bytes, .* rows of 100000 bytes/,
      })
      assert.deepEqual(last, ['57'])
    }
  })

  test('a split column that is no key divides rows, NULLs included, and resumes by split', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY, g int)',
      'INSERT INTO t SELECT i, nullif(i % 10, 3) FROM generate_series(1, 100) i',
      'ANALYZE t',
    )
    for (const splitStrategy of ['range', 'mod']) {
      const options = { tables: 't', splitPk: 'G', splitStrategy, splitRows: 25 }
      const splits = await splitsOf(options, contextOf({ parallelism: 4 }))
      assert.equal(splits.length, 4, splitStrategy)
      await using reader = await openSource({ ...place, ...options }, contextOf({ parallelism: 4 }))
      const [dataset] = await reader.discover()
      assert.equal((await reader.explain(dataset!)).resume.by, 'split')
      const { rows: read } = await readAll({ ...place, ...options }, contextOf({ parallelism: 4 }))
      assert.deepEqual(sorted(read.map(([id]) => [id!])), sorted(Array.from({ length: 100 }, (_, at) => [at + 1])))
    }
    await assert.rejects(splitsOf({ tables: 't', splitPk: 'nope' }), {
      code: 'postgres.column-unknown',
      message: /no column "nope". It has: id, g/,
    })
  })

  test('a table without a key is divided by blocks, each partition by itself', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'DROP TABLE IF EXISTS p CASCADE',
      'CREATE TABLE t (v int, filling text)',
      "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 300) i",
      'CREATE TABLE p (v int, filling text) PARTITION BY RANGE (v)',
      'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (100)',
      'CREATE TABLE p2 (filling text, extra int, v int)',
      'ALTER TABLE p2 DROP extra',
      'ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (1000)',
      "INSERT INTO p SELECT i, repeat('x', 500) FROM generate_series(1, 300) i",
      'ANALYZE',
    )
    for (const table of ['t', 'p']) {
      const splits = await splitsOf({ tables: table, splitRows: 50 })
      assert(splits.length >= 5 && splits.every(({ by }) => by === 'blocks'), table)
      const { rows: read } = await readAll({ ...place, tables: table, splitRows: 50 })
      assert.deepEqual(
        read.map(([v]) => Number(v)).sort((a, b) => a - b),
        Array.from({ length: 300 }, (_, at) => at + 1),
      )
    }
    await using reader = await openSource({ ...place, tables: 't' })
    const [dataset] = await reader.discover()
    assert.match((await reader.explain(dataset!)).notes.map(({ text }) => text).join(), /no key.*updated/)
  })

  test('as many splits as workers when there are many rows', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY)',
      'INSERT INTO t SELECT generate_series(1, 120000)',
      'ANALYZE t',
    )
    const splits = await splitsOf({ tables: 't' }, contextOf({ parallelism: 3 }))
    assert.equal(splits.length, 3)
    const counts = await Promise.all(
      splits.map(async ({ lower, upper }) =>
        Number((await rows(`SELECT count(*) FROM t WHERE id > ${lower?.[0] ?? 0} AND id <= ${upper?.[0] ?? 120000}`))[0]?.[0]),
      ),
    )
    assert.equal(
      counts.reduce((a, b) => a + b),
      120000,
    )
    for (const count of counts) assert(count > 30000 && count < 50000, `${counts.join()}`)
  })
})

describe('relations', { skip }, () => {
  test('views, materialised views, partitioned tables and inheritance parents are read whole', async () => {
    await run(
      'DROP TABLE IF EXISTS base CASCADE',
      'CREATE TABLE base (id int PRIMARY KEY, v text)',
      "INSERT INTO base VALUES (1, 'a'), (2, NULL)",
      'CREATE VIEW a_view AS SELECT id + 1 AS next, v FROM base',
      'CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM base',
      'CREATE TABLE child () INHERITS (base)',
      "INSERT INTO child VALUES (3, 'c')",
    )
    assert.deepEqual((await readAll({ ...place, tables: 'a_view' })).rows, [
      [2, 'a'],
      [3, null],
      [4, 'c'],
    ])
    assert.deepEqual((await readAll({ ...place, tables: 'a_matview' })).rows, [
      [1, 'a'],
      [2, null],
    ])
    assert.equal((await readAll({ ...place, tables: 'base' })).rows.length, 3)
  })

  test('tells columns, keys and comments as the catalogue has them', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(20) NOT NULL, at timestamp(3), total numeric(12,2), doubled numeric GENERATED ALWAYS AS (total * 2) STORED, gone int)',
      'ALTER TABLE t DROP gone',
      "COMMENT ON TABLE t IS 'it''s a table'",
      "COMMENT ON COLUMN t.at IS 'when'",
      "INSERT INTO t (name, total) VALUES ('x', 1.5)",
      'ANALYZE t',
    )
    const { datasets, rows: read } = await readAll({ ...place, tables: 'T' })
    const native = (type: string) => ({ system: 'postgres', type })
    assert.deepEqual(datasets, [
      {
        id: 'public.t',
        primaryKey: ['id'],
        comment: "it's a table",
        estimatedRows: 1,
        encoding: 'PostgreSQL binary COPY: int4 text timestamp numeric numeric',
        schema: {
          fields: [
            { name: 'id', type: { kind: 'int', bits: 32, signed: true }, nullable: false, native: native('integer') },
            { name: 'name', type: { kind: 'utf8' }, nullable: false, native: native('character varying(20)'), length: 20 },
            {
              name: 'at',
              type: { kind: 'timestamp', zone: false },
              nullable: true,
              native: native('timestamp(3) without time zone'),
              fraction: 3,
              comment: 'when',
            },
            {
              name: 'total',
              type: { kind: 'decimal', precision: 12, scale: 2 },
              nullable: true,
              native: native('numeric(12,2)'),
            },
            { name: 'doubled', type: { kind: 'numeric' }, nullable: true, native: native('numeric') },
          ],
        },
      },
    ])
    assert.deepEqual(read, [[1, 'x', null, '1.50', '3.00']])
  })

  test('a query takes the place of tables', async () => {
    const { datasets, rows: read } = await readAll({
      ...place,
      tables: 'nope',
      customSql: "WITH x AS (SELECT 1 AS a) SELECT a, 'ü'::text AS b, now() IS NULL AS c FROM x -- end;",
      where: 'a = 1',
    })
    assert.deepEqual(read, [[1, 'ü', false]])
    assert.equal(datasets[0]?.id, 'query')
    // FlinkX files describe what the query returns; the names are theirs.
    const described = await readAll({
      ...place,
      customSql: 'SELECT 1 AS a, 2 AS b',
      columns: [
        { name: 'x', type: 'int' },
        { name: 'B', type: 'int' },
      ],
    })
    assert.deepEqual(
      described.datasets[0]?.schema.fields.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual((await readAll({ ...place, customSql: 'SELECT 1 AS a, 2 AS b', columns: ['B', 'a'] })).rows, [[2, 1]])
    await assert.rejects(readAll({ ...place, customSql: 'SELECT 1 AS a, 2 AS b', columns: ['x'] }), {
      code: 'postgres.column-unknown',
    })
    await assert.rejects(readAll({ ...place, customSql: 'SELECT 1 AS a, 2 AS a' }), { code: 'postgres.query-has-no-name' })
    await assert.rejects(readAll({ ...place, customSql: 'SELEC 1' }), {
      code: 'postgres.statement-refused',
      message: /syntax error/,
    })
  })

  test('constants, order, filters and a start', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY, at timestamp)',
      "INSERT INTO t SELECT i, timestamp '2026-01-01' + i * interval '1 day' FROM generate_series(1, 5) i",
    )
    const columns = [
      'ID',
      { name: 'kind', type: 'string', value: "it's \\" },
      { name: 'n', type: 'bigint', value: 5 },
      { name: 'd', type: 'decimal(4,2)', value: '1.5' },
    ]
    const read = async (options: object) => (await readAll({ ...place, tables: 't', ...options })).rows
    assert.deepEqual(
      (await read({ columns, where: 'id = 2 OR id = 3' })).map(row => row.slice(1)),
      Array.from({ length: 2 }, () => ["it's \\", 5n, '1.50']),
    )
    assert.deepEqual(await read({ columns: ['id'], increColumn: 'id', startLocation: '3' }), [[4], [5]])
    assert.deepEqual(await read({ columns: ['id'], increColumn: 'at', startLocation: '2026-01-05 00:00:00' }), [[5]])
    // Seconds since 1970 of the same moment.
    assert.deepEqual(await read({ columns: ['id'], increColumn: 'at', startLocation: String(Date.UTC(2026, 0, 5) / 1000) }), [
      [5],
    ])
    assert.deepEqual(await read({ columns: ['id'], orderByColumn: 'at desc' }), [[5], [4], [3], [2], [1]])
  })

  test('names of any kind: quotes, spaces, unicode, keywords, and case only where it matters', async () => {
    await run(
      'DROP SCHEMA IF EXISTS "Sch""é ma" CASCADE',
      'CREATE SCHEMA "Sch""é ma"',
      'CREATE TABLE "Sch""é ma"."sel.ect ""t" ("order" int PRIMARY KEY, "a""b" text, "Ü ü" text, "a\'; DROP TABLE x; --" text)',
      `INSERT INTO "Sch""é ma"."sel.ect ""t" VALUES (1, 'a', 'b', 'c')`,
      'DROP TABLE IF EXISTS "Case", "CASE", lower',
      'CREATE TABLE "Case" (a int)',
      'CREATE TABLE "CASE" (a int)',
      'CREATE TABLE lower (a int)',
    )
    const tables = ['"Sch""é ma"."sel.ect ""t"']
    const { datasets, rows: read } = await readAll({ ...place, tables })
    assert.equal(datasets[0]?.id, '"Sch""é ma"."sel.ect ""t"')
    assert.deepEqual(read, [[1, 'a', 'b', 'c']])
    assert.deepEqual(
      (await readAll({ ...place, tables, columns: ["a'; DROP TABLE x; --"], splitPk: 'order', orderByColumn: 'Ü ü' })).rows,
      [['c']],
    )
    assert.equal((await readAll({ ...place, tables: 'LOWER' })).datasets[0]?.id, 'public.lower')
    assert.equal((await readAll({ ...place, tables: 'CASE' })).datasets[0]?.id, 'public.CASE')
    await assert.rejects(readAll({ ...place, tables: 'cAsE' }), { code: 'postgres.table-missing' })
  })

  test('nothing that is not SQL by design becomes SQL', async () => {
    await run(
      'DROP TABLE IF EXISTS t, victim',
      'CREATE TABLE t (id int PRIMARY KEY, v text)',
      "INSERT INTO t VALUES (1, 'x')",
      'CREATE TABLE victim (a int)',
    )
    const attack = `x"'\`; DROP TABLE victim; --\\`
    const attempts: object[] = [
      { tables: attack },
      { tables: 't', schema: attack },
      { tables: `"${attack.replaceAll('"', '""')}"` },
      { tables: 't', columns: [attack] },
      { tables: 't', columns: [{ name: attack, value: attack, type: attack }] },
      { tables: 't', splitPk: attack },
      { tables: 't', orderByColumn: attack },
      { tables: 't', increColumn: 'v', startLocation: attack },
      { tables: 't', increColumn: attack, startLocation: '1' },
      { tables: 't', properties: { currentSchema: attack } },
      { tables: 't', database: attack },
      { tables: 't', user: attack },
    ]
    for (const attempt of attempts) {
      await readAll({ ...place, ...attempt }).catch((error: { code?: string; name: string }) =>
        assert(error.name === 'ZodError' || /^(postgres|sql)\./.test(error.code ?? ''), String(error)),
      )
    }
    await readAll({ ...place, tables: 't' }, contextOf({ job: attack, resumeColumn: attack })).catch(() => {})
    assert.deepEqual(await rows('SELECT count(*) FROM victim'), [['0']])
  })

  test('row-level security is noted, for it hides rows without a word', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY)',
      'INSERT INTO t VALUES (1), (2)',
      'ALTER TABLE t ENABLE ROW LEVEL SECURITY',
    )
    await run('CREATE POLICY visible ON t USING (id = 1)', 'GRANT SELECT ON t TO scram_user')
    const account = { ...place, user: 'scram_user', password: 'sluice-test', tables: 't' }
    assert.deepEqual((await readAll(account)).rows, [[1]])
    await using reader = await openSource(account)
    const [dataset] = await reader.discover()
    assert.match((await reader.explain(dataset!)).notes.map(({ text }) => text).join(), /row-level security/)
    await run('REVOKE ALL ON t FROM scram_user')
    await assert.rejects(readAll(account), { code: 'postgres.no-rights' })
  })

  test('an array that is no list is refused with its column, and read as text on request', async () => {
    await run(
      'DROP TABLE IF EXISTS t',
      'CREATE TABLE t (id int PRIMARY KEY, a int[])',
      "INSERT INTO t VALUES (1, '{{1,2},{3,4}}')",
    )
    await assert.rejects(readAll({ ...place, tables: 't' }), {
      code: 'postgres.list-shape',
      message: /public\.t, column "a": an array of 2 dimensions/,
    })
    assert.deepEqual((await readAll({ ...place, tables: 't', arrays: 'text' })).rows, [[1, '{{1,2},{3,4}}']])
    await run("UPDATE t SET a = '[0:1]={1,2}'")
    await assert.rejects(readAll({ ...place, tables: 't' }), { code: 'postgres.list-shape', message: /lower bound 0/ })
  })

  test('a table that changes between plan and read is noticed', async () => {
    await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id int PRIMARY KEY, v int)')
    await using planner = await openSource({ ...place, tables: 't' })
    const [dataset] = await planner.discover()
    const splits = await Array.fromAsync(planner.enumerate(dataset!))
    await run('ALTER TABLE t ALTER v TYPE text')
    await using reader = await openSource({ ...place, tables: 't' })
    await assert.rejects(Array.fromAsync(reader.read(dataset!, splits[0]!, undefined)), { code: 'postgres.schema-changed' })
  })

  test('a database that does not check encodings gives no text that is none', async () => {
    const database = `${place.database}_ascii`
    await run(`CREATE DATABASE "${database}" ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
    const bad = {
      ...place,
      database,
      customSql: "SELECT i AS id, CASE i WHEN 3 THEN E'\\xff' ELSE 'ü' END AS v FROM generate_series(1, 5) i",
    }
    await assert.rejects(readAll(bad), { code: 'postgres.value-refused', message: /invalid byte sequence/ })
    assert.equal((await readAll({ ...bad, customSql: "SELECT 'ü'::text AS v" })).rows[0]?.[0], 'ü')
    await run(`DROP DATABASE "${database}" WITH (FORCE)`)
  })

  test('a lock is waited for half a minute, not for ever', async () => {
    assert.deepEqual((await readAll({ ...place, customSql: "SELECT current_setting('lock_timeout') AS s" })).rows, [['30s']])
  })

  test('an error in the middle of the rows is told as what it is', async () => {
    await assert.rejects(readAll({ ...place, customSql: 'SELECT 1 / (i - 50000) AS x FROM generate_series(1, 100000) i' }), {
      code: 'postgres.value-refused',
      message: /division by zero/,
    })
  })
})
