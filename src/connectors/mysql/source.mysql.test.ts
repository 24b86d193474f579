/** What is read and how it is divided: keys of every type, queries, and whatever users write into the options. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ZodError } from 'zod'
import type { Value } from '#columnar'
import { SluiceError } from '#errors'
import { fileServer, freshDatabase } from '../../../tools/servers/index.ts'
import { contextOf, filePlayground, openSource, readAll } from './mysql.test-support.ts'
import type { MysqlSplit } from './source.ts'

const digits =
  '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)'
/** 1 to `count`, at most 10,000. */
const numbers = (count: number) =>
  `(SELECT x.i FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS i FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e) AS x WHERE x.i <= ${count}) AS n`

/** Of the statements that sleep. */
const SLEEP_MS = 300_000

const keys: readonly (readonly [type: string, value: string])[] = [
  ['BIGINT', '(i - 50) * 100000000000'],
  ['BIGINT UNSIGNED', '18446744073709551615 - i * i'],
  ['SMALLINT', 'i * 3 - 150'],
  ['DECIMAL(20,5)', 'i / 7 - 5'],
  ['DATE', "'1960-01-01' + INTERVAL i * 100 DAY"],
  ['DATETIME', "'1969-12-30' + INTERVAL i * 1000 SECOND"],
  ['TIMESTAMP', "'2020-01-01' + INTERVAL i MINUTE"],
  ['TIME', 'SEC_TO_TIME(i * 3600 - 200000)'],
  ['YEAR', '1901 + i'],
  ['VARCHAR(40)', "CONCAT(IF(i % 2 = 0, 'Ä', 'z\\'\\\\\\\\'), i)"],
  ['VARCHAR(40) COLLATE utf8mb4_bin', "CONCAT(IF(i % 2 = 0, 'A', 'a'), i)"],
  ['CHAR(10) CHARACTER SET latin1', "CONCAT('ü', i)"],
  ['VARCHAR(20) CHARACTER SET ascii', "CONCAT('v ', i)"],
  ['BINARY(16)', "UNHEX(LPAD(HEX(i * 2654435761), 32, '7'))"],
  ['VARBINARY(20)', "CONCAT(UNHEX(HEX(i)), '\\'\\\\')"],
]

for (const name of ['mariadb-10.11', 'mysql-9', 'mysql-5.5'] as const) {
  const { server, skip } = await fileServer(name)
  const { place, rows, run } = await filePlayground(server, skip)

  async function splitsOf(options: object, context = contextOf()): Promise<MysqlSplit[]> {
    await using reader = await openSource({ ...place, ...options }, context)
    const datasets = await reader.discover()
    return (await Promise.all(datasets.map(dataset => Array.fromAsync(reader.enumerate(dataset))))).flat()
  }

  /** Waits until so many sessions execute a statement with that text, for half as long as it would sleep. */
  async function untilRunning(text: string, sessions: number): Promise<void> {
    const count = `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%${text}%' AND INFO NOT LIKE '%PROCESSLIST%'`
    for (const end = performance.now() + SLEEP_MS / 2; Number((await rows(count))[0]?.[0]) !== sessions; await sleep(20))
      assert(performance.now() < end, `not ${sessions} sessions execute ${text}`)
  }

  /** Reads every split from each of its positions on and expects what is left. */
  async function checkResume(options: object): Promise<void> {
    await using reader = await openSource({ ...place, ...options }, contextOf({ batchRows: 7 }))
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

  describe(`reading ${name}`, { skip }, () => {
    for (const [type, value] of keys) {
      test(`divides and resumes by a key of type ${type}`, async () => {
        await run(
          'DROP TABLE IF EXISTS t',
          `CREATE TABLE t (k ${type} PRIMARY KEY, v INT) ENGINE = InnoDB`,
          `INSERT INTO t SELECT ${value}, i FROM ${numbers(100)}`,
          'ANALYZE TABLE t',
        )
        const options = { tables: 't', splitRows: 25 }
        assert((await splitsOf(options)).length >= 3)
        const read = await readAll({ ...place, ...options })
        assert.deepEqual(
          read.rows.map(row => row[1]).sort((a, b) => Number(a) - Number(b)),
          Array.from({ length: 100 }, (_, at) => at + 1),
        )
        await checkResume(options)
        await checkResume({ ...options, columns: ['v'] })
      })
    }

    test('divides and resumes by a composite key, few values first', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (a INT, b VARCHAR(10), c DATE, v INT, PRIMARY KEY (a, b, c)) ENGINE = InnoDB',
        `INSERT INTO t SELECT i % 3, CHAR(97 + i % 5), '2024-01-01' + INTERVAL i DAY, i FROM ${numbers(300)}`,
        'ANALYZE TABLE t',
      )
      const options = { tables: 't', splitRows: 30 }
      const splits = await splitsOf(options)
      assert(splits.length >= 6, `${splits.length} splits`)
      assert.equal((await readAll({ ...place, ...options })).rows.length, 300)
      await checkResume(options)
    })

    test('divides keys that lie unevenly', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (k BIGINT PRIMARY KEY) ENGINE = InnoDB',
        `INSERT INTO t SELECT IF(i < 9900, i, i * 100000000000) FROM ${numbers(10_000)}`,
        'ANALYZE TABLE t',
      )
      await using reader = await openSource({ ...place, tables: 't', splitRows: 1000 })
      const [dataset] = await reader.discover()
      const sizes: number[] = []
      for await (const split of reader.enumerate(dataset!)) {
        let size = 0
        for await (const { batch } of reader.read(dataset!, split, undefined)) size += batch.rows
        sizes.push(size)
      }
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        10_000,
      )
      assert(Math.max(...sizes) <= 4000, sizes.join())
    })

    test('uses a unique index where there is no primary key, unless NULL can stand in it', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (a INT, b INT NOT NULL, UNIQUE (a), UNIQUE (b)) ENGINE = InnoDB',
        'INSERT INTO t VALUES (NULL, 1), (NULL, 2)',
      )
      await using reader = await openSource({ ...place, tables: 't' })
      const [dataset] = await reader.discover()
      assert.deepEqual(dataset?.primaryKey, ['b'])
      assert.equal((await reader.explain(dataset)).resume.by, 'position')
    })

    for (const [why, table] of [
      ['no key', '(v INT, k INT)'],
      ['an ENUM in the key, which sorts by number and compares as text', "(k ENUM('b','a') PRIMARY KEY, v INT)"],
      ['a key over the beginning of a text', '(k VARCHAR(100) NOT NULL, v INT, UNIQUE (k(3)))'],
      ['a key of floating point numbers', '(k DOUBLE PRIMARY KEY, v INT)'],
    ] as const) {
      test(`reads in one go and says why: ${why}`, async () => {
        await run(
          'DROP TABLE IF EXISTS t',
          `CREATE TABLE t ${table} ENGINE = InnoDB`,
          "INSERT INTO t (k, v) VALUES ('1', 1), ('2', 2)",
        )
        await using reader = await openSource({ ...place, tables: 't' })
        const [dataset] = await reader.discover()
        const { resume } = await reader.explain(dataset!)
        assert.equal(resume.by, 'split')
        assert.match(resume.why, /committed as a whole/)
        for await (const split of reader.enumerate(dataset!)) {
          for await (const { batch, position } of reader.read(dataset!, split, undefined))
            assert.deepEqual([batch.rows, position], [2, undefined])
        }
      })
    }

    test('reads what the options select: columns, constants, where, start', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), at DATETIME) ENGINE = InnoDB',
        `INSERT INTO t SELECT i, CONCAT('n', i), '2024-01-01' + INTERVAL i DAY FROM ${numbers(60)}`,
      )
      const columns = [
        'NAME',
        { name: 'source', type: 'string', value: 'eu' },
        { name: 'n', type: 'int', value: 7 },
        { name: 'yes', type: 'boolean', value: true },
        { name: 'when', type: 'date', value: '2024-02-29' },
      ]
      const read = await readAll(
        { ...place, tables: 't', columns, where: 'id > 20 OR id = 3', increColumn: 'id', startLocation: '57' },
        contextOf({ batchRows: 2 }),
      )
      assert.deepEqual(
        read.rows,
        [58, 59, 60].map(id => [`n${id}`, 'eu', 7, true, '2024-02-29']),
      )
      const after = await readAll({
        ...place,
        tables: 't',
        columns: ['id'],
        increColumn: 'at',
        startLocation: String(Date.UTC(2024, 1, 28) / 1000),
      })
      assert.deepEqual(after.rows, [[59], [60]])
    })

    test('a column to resume by must be there', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB',
        'INSERT INTO t VALUES (1, 2)',
      )
      for (const options of [{ tables: 't' }, { customSql: 'SELECT id, v FROM t' }]) {
        await assert.rejects(readAll({ ...place, ...options }, contextOf({ resumeColumn: 'di' })), {
          code: 'sql.resume-column-missing',
          message: /no column "di".* It has: id, v\.$/,
        })
        for (const resumeColumn of ['ID', 'v'])
          assert.deepEqual((await readAll({ ...place, ...options }, contextOf({ resumeColumn }))).rows, [[1, 2]])
      }
    })

    for (const bytes of [200_000, 17_000_000]) {
      test(`a row of ${bytes} bytes that is too large comes after all rows before it`, async t => {
        const [[packet] = []] = await rows('SELECT @@max_allowed_packet')
        if (Number(packet) < bytes + 1000) return t.skip('the server takes no such row')
        await run(
          'DROP TABLE IF EXISTS t',
          'CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT) ENGINE = InnoDB',
          `INSERT INTO t SELECT i, REPEAT('x', IF(i = 58, ${bytes}, 10)) FROM ${numbers(100)}`,
        )
        await using reader = await openSource({ ...place, tables: 't' }, contextOf({ rowBytes: 100_000 }))
        const [dataset] = await reader.discover()
        const [split] = await Array.fromAsync(reader.enumerate(dataset!))
        let last: unknown
        const read = async () => {
          for await (const { position } of reader.read(dataset!, split!, undefined)) last = position
        }
        await assert.rejects(read(), { code: 'data.row-too-large', message: /has at least \d+ bytes, .* rows of 100000 bytes/ })
        assert.deepEqual(last, ['57'])
      })
    }

    for (const splitStrategy of ['range', 'mod'] as const) {
      test(`divides by a column that the options name: ${splitStrategy}`, async () => {
        await run(
          'DROP TABLE IF EXISTS t',
          'CREATE TABLE t (id INT PRIMARY KEY, g INT, KEY (g)) ENGINE = InnoDB',
          `INSERT INTO t SELECT i, IF(i % 10 = 0, NULL, i % 40 - 20) FROM ${numbers(200)}`,
          'ANALYZE TABLE t',
        )
        const options = { tables: 't', splitPk: 'G', splitStrategy, splitRows: 50 }
        const context = contextOf({ parallelism: 3 })
        assert((await splitsOf(options, context)).length >= 3)
        const read = await readAll({ ...place, ...options }, context)
        assert.deepEqual(
          read.rows.map(([id]) => Number(id)).sort((a, b) => a - b),
          Array.from({ length: 200 }, (_, at) => at + 1),
        )
        await checkResume(options)
      })
    }

    test('reads queries, whole and divided', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (id INT PRIMARY KEY, price DECIMAL(10,2)) ENGINE = InnoDB',
        `INSERT INTO t SELECT i, i / 4 FROM ${numbers(100)}`,
        'ANALYZE TABLE t',
      )
      const customSql = "SELECT id, price * 2 AS twice, 'a;b' AS text FROM t WHERE id > 10 -- and no more"
      const read = await readAll({ ...place, customSql: `${customSql};`, where: 'id <= 12 OR id = 100' })
      assert.deepEqual(read.rows, [
        [11, '5.50', 'a;b'],
        [12, '6.00', 'a;b'],
        [100, '50.00', 'a;b'],
      ])
      const divided = { customSql, splitPk: 'id', splitRows: 20 }
      assert((await splitsOf(divided)).length > 1)
      assert.equal((await readAll({ ...place, ...divided })).rows.length, 90)
    })

    test('reads several tables, of other databases too, by names that are hard to write', async () => {
      await using other = await freshDatabase(server)
      const names = ['select', 'with space', 'back`tick', 'Žluťoučký', 'quo"te\'s', 'semi;colon']
      await run(
        ...names.flatMap(table => [
          `CREATE TABLE \`${table.replaceAll('`', '``')}\` (\`or\`\`der by\` INT PRIMARY KEY)`,
          `INSERT INTO \`${table.replaceAll('`', '``')}\` VALUES (1)`,
        ]),
      )
      await run(`CREATE TABLE ${other.database}.t (a INT)`, `INSERT INTO ${other.database}.t VALUES (2)`)
      const tables = [...names.map(table => `\`${table.replaceAll('`', '``')}\``), `${other.database}.t`]
      const read = await readAll({ ...place, tables })
      assert.equal(read.datasets.length, 7)
      assert.equal(read.rows.length, 7)
      const back = await readAll({ ...place, tables: read.datasets.map(({ id }) => id) })
      assert.deepEqual(
        back.datasets.map(({ id }) => id),
        read.datasets.map(({ id }) => id),
      )
      await checkResume({ tables: '`back``tick`' })
    })

    test('takes no option for SQL that is none', async () => {
      await run(
        'DROP TABLE IF EXISTS t, victim',
        'CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50)) ENGINE = InnoDB',
        "INSERT INTO t VALUES (1, 'x')",
        'CREATE TABLE victim (a INT)',
      )
      const evil = "x'; DROP TABLE victim; -- `"
      const tries = [
        { tables: evil },
        { tables: 't', columns: [evil] },
        { tables: 't', splitPk: evil },
        { tables: 't', increColumn: evil, startLocation: '1' },
        { tables: 'victim', orderByColumn: evil },
      ]
      for (const options of tries)
        await assert.rejects(
          readAll({ ...place, ...options }),
          (error: unknown) => error instanceof ZodError || (SluiceError.is(error) && error.fault === 'usage'),
        )
      const constant = { ...place, tables: 't', columns: [{ name: evil, type: 'string', value: evil }] }
      assert.deepEqual((await readAll(constant)).rows, [[evil]])
      assert.deepEqual((await readAll({ ...place, tables: 't', increColumn: 'name', startLocation: `!\\${evil}` })).rows, [
        [1, 'x'],
      ])
      await using reader = await openSource({ ...place, tables: 't' })
      const [dataset] = await reader.discover()
      const [split] = await Array.fromAsync(reader.enumerate(dataset!))
      await Array.fromAsync(reader.read(dataset!, split!, [evil]))
      assert.deepEqual(await rows('SELECT COUNT(*) FROM victim'), [['0']])
    })

    test('refuses dates that do not exist, with the row, or reads them as the options say', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (id INT PRIMARY KEY, d DATE NOT NULL, at DATETIME NOT NULL) ENGINE = InnoDB',
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "INSERT INTO t VALUES (1, '2024-01-01', '2024-01-01 00:00:00'), (2, '0000-00-00', '2024-01-01 00:00:00'), (3, '2024-02-31', '0000-00-00 00:00:00'), (4, '2024-00-10', '2024-01-00 01:02:03')",
      )
      const refused = { code: 'data.value-refused', message: /column "d", row 2: the date does not exist/ }
      await assert.rejects(readAll({ ...place, tables: 't' }), refused)
      await assert.rejects(readAll({ ...place, tables: 't', columns: ['at', 'd'] }), refused)
      assert.deepEqual((await readAll({ ...place, tables: 't', zeroDates: 'null' })).rows, [
        [1, '2024-01-01', '2024-01-01 00:00:00'],
        [2, null, '2024-01-01 00:00:00'],
        [3, null, null],
        [4, null, null],
      ])
      assert.deepEqual((await readAll({ ...place, tables: 't', zeroDates: 'text' })).rows, [
        [1, '2024-01-01', '2024-01-01 00:00:00'],
        [2, '0000-00-00', '2024-01-01 00:00:00'],
        [3, '2024-02-31', '0000-00-00 00:00:00'],
        [4, '2024-00-10', '2024-01-00 01:02:03'],
      ])
      const jdbcUrl = `jdbc:mysql://${place.host}:${place.port}/${place.database}?zeroDateTimeBehavior=convertToNull`
      const asFlinkx = { user: place.user, password: place.password, connection: [{ jdbcUrl: [jdbcUrl], table: ['t'] }] }
      assert.deepEqual((await readAll(asFlinkx)).rows[1], [2, null, '2024-01-01 00:00:00'])
    })

    test('keeps the error value of an ENUM, and reads rows without any columns of the key', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a') NULL) ENGINE = InnoDB",
        "SET sql_mode = ''",
        "INSERT INTO t VALUES (1, 'nonsense'), (2, NULL), (3, 'a')",
      )
      assert.deepEqual((await readAll({ ...place, tables: 't', columns: ['e'] })).rows, [[''], [null], ['a']])
    })

    test('waits less than a minute for a lock on the table, not a day', async () => {
      const { rows: settings } = await readAll({ ...place, customSql: 'SELECT @@SESSION.lock_wait_timeout AS seconds' })
      assert.deepEqual(settings.flat().map(Number), [50])
    })

    test('ends a query that has not begun to answer in time', async () => {
      const started = performance.now()
      const query = { ...place, customSql: 'SELECT 1 AS a, SLEEP(300) AS b', queryTimeOut: 1 }
      await assert.rejects(readAll(query), { code: 'mysql.query-timeout', fault: 'transient' })
      assert(performance.now() - started < SLEEP_MS / 2)
      // Nobody goes on with it.
      await untilRunning('SLEEP(300)', 0)
    })

    test('kills a query that is aborted before it answers', async () => {
      const controller = new AbortController()
      const query = { ...place, customSql: 'SELECT 2 AS a, SLEEP(301) AS b' }
      const reading = assert.rejects(readAll(query, contextOf({ signal: controller.signal })), { name: 'AbortError' })
      await untilRunning('SLEEP(301)', 1)
      controller.abort()
      await reading
      await untilRunning('SLEEP(301)', 0)
    })

    test('names what is missing', async () => {
      await assert.rejects(readAll({ ...place, tables: 'no_such' }), { code: 'mysql.table-missing', fault: 'usage' })
      await assert.rejects(readAll({ ...place, tables: 't', columns: ['no_such'] }), { code: 'sql.column-missing' })
      await assert.rejects(readAll({ ...place, database: 'no_such', tables: 't' }), { code: 'mysql.unknown-database' })
      await assert.rejects(readAll({ ...place, tables: 't', where: 'no such thing' }), { code: 'mysql.syntax' })
      await assert.rejects(readAll({ ...place, password: 'wrong', tables: 't' }), { code: 'mysql.access-denied' })
    })
  })
}

const big = await fileServer('mariadb-10.11')
const { place, run } = await filePlayground(big.server, big.skip)

describe('rows of many packets', { skip: big.skip }, () => {
  test('reads rows around and beyond 16 MiB', async () => {
    await run('CREATE TABLE big (id INT PRIMARY KEY, v LONGBLOB, w VARCHAR(5))')
    const sizes = [10, 0xffffff - 20, 0xffffff - 9, 0xffffff - 8, 0xffffff, 0xffffff + 1, 40_000_000, 5]
    for (const [id, size] of sizes.entries())
      await run(`INSERT INTO big VALUES (${id}, REPEAT(CHAR(65 + ${id}), ${size}), 'end')`)
    const read = await readAll({ ...place, tables: 'big' })
    assert.deepEqual(
      read.rows.map(([id, v, w]) => [id, (v as Uint8Array).length, (v as Uint8Array).at(-1), w]),
      sizes.map((size, id) => [id, size, 65 + id, 'end']),
    )
  })
})
