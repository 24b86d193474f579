/** What becomes of rows that a target does not take as they are, of targets of every kind, and of statements around the rows. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Batch,
  binary,
  bool,
  date,
  decimalType,
  type Field,
  float,
  int,
  timestamp,
  type Type,
  utf8,
  type Value,
  writeValue,
} from '#columnar'
import type { Dataset, Target } from '#connector'
import { SluiceError } from '#errors'
import { fileServer } from '../../../tools/servers/index.ts'
import { contextOf, copy, filePlayground, openLedgerSink, openSink, playground } from './mysql.test-support.ts'

const field = (name: string, type: Type, rest: Partial<Field> = {}): Field => ({ name, type, nullable: true, ...rest })

const datasetOf = (fields: readonly Field[], primaryKey: readonly string[] = ['id']): Dataset => ({
  id: 'source',
  schema: { fields },
  primaryKey,
})

/** Rows in the types that the writer asked for: no cast is needed in these tests. */
function batchOf(target: Target, rows: readonly (readonly Value[])[]): Batch {
  const batch = new Batch(target.schema, Math.max(1, rows.length))
  for (const [at, row] of rows.entries()) for (const [k, value] of row.entries()) writeValue(batch.columns[k]!, at, value)
  batch.rows = rows.length
  return batch
}

for (const name of ['mariadb-10.11', 'mysql-9', 'mysql-5.5'] as const) {
  const { server, skip } = await fileServer(name)
  const { place, rows, run } = await filePlayground(server, skip)

  /** Writes rows to table `t` and commits; returns the target. */
  async function write(dataset: Dataset, given: readonly (readonly Value[])[], options: object = {}): Promise<Target> {
    await using writer = await openLedgerSink({ ...place, tables: 't', ...options })
    const target = await writer.plan(dataset)
    const record = await writer.runs.begin(
      { job: 'job', run: `run-${Math.random()}` },
      [target],
      [{ id: 's', dataset: 'source' }],
      null,
    )
    await writer.join(record)
    for (let from = 0; from < given.length; from += 5000)
      await writer.write(target, batchOf(target, given.slice(from, from + 5000)))
    await writer.commit([{ split: 's', done: true }])
    await writer.runs.finish(record, [target])
    return target
  }

  async function refusal(dataset: Dataset, given: readonly (readonly Value[])[], options: object = {}): Promise<SluiceError> {
    try {
      await write(dataset, given, options)
    } catch (error) {
      if (SluiceError.is(error)) return error
      throw error
    }
    return assert.fail('nothing was refused')
  }

  const two = (type: Type, rest: Partial<Field> = {}) => datasetOf([field('id', int(32)), field('v', type, rest)])

  describe(`writing ${name}`, { skip }, () => {
    const lossy: readonly (readonly [column: string, type: Type, good: Value, bad: Value, message: RegExp])[] = [
      ['TINYINT', int(8), 1, null, /takes no NULL/],
      ['VARCHAR(3)', utf8, 'abc', 'abcd', /longer than the target column/],
      ['VARCHAR(3)', utf8, 'a', 'a   ', /longer than the target column/],
      ['CHAR(3)', utf8, 'ab', 'a ', /spaces at the end/],
      ['VARCHAR(10) CHARACTER SET latin1', utf8, 'ü', '😀', /Incorrect string value|impossible for parameter/],
      ['TINYTEXT', utf8, 'a', 'x'.repeat(256), /Data too long/],
      ['VARBINARY(2)', binary, Uint8Array.of(1), Uint8Array.of(1, 2, 3), /Data too long/],
      ['BINARY(2)', binary, Uint8Array.of(1, 2), Uint8Array.of(1), /zero bytes/],
      ["ENUM('a','b')", utf8, 'a', 'c', /no such member/],
      ["ENUM('a','b')", utf8, 'b', '2', /no such member/],
      ["ENUM('a','b')", utf8, 'b', 'B', /no such member/],
      ["ENUM('a','b')", utf8, 'b', 'b ', /no such member/],
      ["ENUM('a','b')", utf8, 'b', '', /no such member/],
      ["SET('a','b')", utf8, 'a,b', 'a,c', /not in this order/],
      ["SET('a','b')", utf8, 'a,b', 'b,a', /not in this order/],
      ["SET('a','b')", utf8, '', 'a,a', /not in this order/],
      ["SET('a','b')", utf8, '', 'A', /not in this order/],
      ['YEAR', int(16), 2000, 5, /year below 100/],
      ['YEAR', int(16), 0, 1900, /Out of range/],
      ['MEDIUMINT', int(32), 1, 8_388_608, /Out of range/],
      ['BIT(4)', int(64, false), 15n, 16n, /Data too long/],
      ['TIMESTAMP NULL', timestamp(true), '1970-01-01 00:00:01Z', '1970-01-01 00:00:00Z', /Incorrect datetime value/],
      ['DATE', date, '9999-12-31', 'infinity', /years 0 to 9999/],
      ['DATETIME', timestamp(false), '2024-01-01 00:00:00', '2024-01-01 00:00:00.5', /digits of a second/],
      ['DOUBLE', float(64), 1, NaN, /NaN/],
    ]
    for (const [column, type, good, bad, message] of lossy) {
      test(`refuses ${String(bad).slice(0, 20)} in ${column}, naming the row`, async () => {
        await run(
          'DROP TABLE IF EXISTS t',
          `CREATE TABLE t (id INT PRIMARY KEY, v ${column}${column === 'TINYINT' ? ' NOT NULL' : ''}) ENGINE = InnoDB`,
        )
        const filling = Array.from({ length: 30 }, (_, at) => [at, good])
        const error = await refusal(two(type), [...filling, [77, bad], [78, good]])
        assert.equal(error.fault, 'data', error.message)
        assert.match(error.message, message)
        // What we refuse ourselves has the index in its batch, which the engine turns into the key.
        assert(error.message.includes('row id=77') || error.detail['row'] === 30, error.message)
        // MySQL 8 and later do not say which column it is when a text has no counterpart in its character set.
        if (error.code === 'data.value-refused') assert.equal(error.detail['column'], 'v')
        else assert.match(error.message, /impossible for parameter/)
        assert.deepEqual(await rows('SELECT COUNT(*) FROM t'), [['0']])
        await write(two(type), filling)
        assert.deepEqual(await rows('SELECT COUNT(*) FROM t'), [['30']])
      })
    }

    test('takes every member of an ENUM and every set of a SET, with all that can stand in a name', async () => {
      const names = String.raw`'a','it''s','b\\c','n\nl','r\rr','sp  ','2','1','Ž%_','😀?','','\\\''`
      await run(
        'DROP TABLE IF EXISTS e, t',
        `CREATE TABLE e (id INT PRIMARY KEY, v ENUM(${names}), s SET(${names})) ENGINE = InnoDB CHARACTER SET utf8mb4`,
        `INSERT INTO e VALUES ${Array.from({ length: 4096 }, (_, id) => `(${id}, ${1 + (id % 12)}, ${id})`).join()}`,
        'CREATE TABLE t LIKE e',
      )
      await copy({ ...place, tables: 'e' }, { ...place, tables: 't' })
      assert.deepEqual(
        await rows(
          'SELECT e.id FROM e LEFT JOIN t ON t.id = e.id WHERE NOT (e.v + 0 <=> t.v + 0) OR NOT (HEX(e.s) <=> HEX(t.s))',
        ),
        [],
      )
    })

    test('refuses what is a member for the server only: the second of two that are one, another face', async () => {
      for (const [names, second, other] of [
        ["'x','y','X'", 'y', 'X'],
        ["'x','😀'", '😀', '😁'],
      ] as const) {
        await run(
          'DROP TABLE IF EXISTS t',
          "SET sql_mode = ''",
          `CREATE TABLE t (id INT PRIMARY KEY, v ENUM(${names}) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci) ENGINE = InnoDB`,
        )
        const given = [
          [1, 'x'],
          [2, second],
        ]
        assert.match((await refusal(two(utf8), [...given, [3, other]])).message, /no such member/)
        await write(two(utf8), given)
        assert.deepEqual(await rows('SELECT v + 0 FROM t ORDER BY id'), [['1'], ['2']])
      }
    })

    test('names the row of a duplicate key among thousands, and shows no value', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) UNIQUE) ENGINE = InnoDB')
      const given = Array.from({ length: 12_000 }, (_, at) => [at, at === 9876 ? 'secret 17' : `secret ${at}`])
      const error = await refusal(two(utf8), given)
      assert.deepEqual([error.code, error.detail['key']], ['mysql.duplicate-key', 'id=9876'])
      assert.doesNotMatch(JSON.stringify(error), /secret/)
    })

    test('finds every row that the server refuses, one after the other', async () => {
      // MySQL 9 refuses these while it reads the parameters, and takes no execution without types from then on.
      const column = 'VARCHAR(5) CHARACTER SET latin1'
      await run('DROP TABLE IF EXISTS t', `CREATE TABLE t (id INT PRIMARY KEY, v ${column}) ENGINE = InnoDB`)
      await using writer = await openLedgerSink({ ...place, tables: 't' }, contextOf({ quarantine: true }))
      const target = await writer.plan(two(utf8))
      const split = { id: 's', dataset: 'source' }
      await writer.join(await writer.runs.begin({ job: 'job', run: 'refused' }, [target], [split], null))
      const bad = [5, 6, 17, 30, 44, 63]
      const refused: string[] = []
      let left = Array.from({ length: 64 }, (_, id): Value[] => [id, bad.includes(id) ? '😀' : 'ü'])
      while (left.length > 0) {
        try {
          await writer.write(target, batchOf(target, left))
          await writer.savepoints?.end()
          left = []
        } catch (error) {
          assert(SluiceError.is(error) && error.fault === 'data', String(error))
          const key = String(error.detail['key'])
          refused.push(key)
          left = left.filter(([id]) => key !== `id=${String(id)}`)
        }
      }
      await writer.commit([{ split: 's', done: true }])
      assert.deepEqual(
        refused,
        bad.map(id => `id=${id}`),
      )
      assert.deepEqual(await rows("SELECT COUNT(*), SUM(v = 'ü') FROM t"), [['58', '58']])
    })

    test('names the row that a foreign key or a check refuses', async () => {
      await run(
        'DROP TABLE IF EXISTS t, parent',
        'CREATE TABLE parent (id INT PRIMARY KEY) ENGINE = InnoDB',
        'INSERT INTO parent VALUES (1)',
        'CREATE TABLE t (id INT PRIMARY KEY, v INT, FOREIGN KEY (v) REFERENCES parent (id)) ENGINE = InnoDB',
      )
      const error = await refusal(two(int(32)), [
        [1, 1],
        [2, 1],
        [3, 2],
      ])
      assert.deepEqual([error.fault, error.detail['key']], ['data', 'id=3'])
      await run('DROP TABLE t, parent')
    })

    test('keeps a key of zero, trims padding that means nothing, and takes any number of rows', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v CHAR(5)) ENGINE = InnoDB')
      const padded = two(utf8, { native: { system: 'postgres', type: 'character(5)' } })
      await write(padded, [
        [0, 'ab   '],
        [-1, 'c    '],
      ])
      assert.deepEqual(await rows('SELECT id, v FROM t ORDER BY id'), [
        ['-1', 'c'],
        ['0', 'ab'],
      ])
      for (const count of [1, 2, 3, 1023, 1024, 1025, 4095, 4096, 4097, 12_345]) {
        await run('TRUNCATE TABLE t')
        await write(
          padded,
          Array.from({ length: count }, (_, at) => [at + 1, at % 3 === 0 ? null : 'x']),
        )
        assert.deepEqual(await rows('SELECT COUNT(*), SUM(id), SUM(v IS NULL) FROM t'), [
          [String(count), String((count * (count + 1)) / 2), String(Math.ceil(count / 3))],
        ])
      }
    })

    test('executes preSql before and postSql after the rows, once', async () => {
      await run(
        'DROP TABLE IF EXISTS t, log',
        'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB',
        'INSERT INTO t VALUES (9, 9)',
        'CREATE TABLE log (n INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(50)) ENGINE = InnoDB',
      )
      await write(two(int(32)), [[1, 1]], {
        preSql: ['DELETE FROM t', "INSERT INTO log (what) VALUES ('before; not after')"],
        postSql: ['INSERT INTO log (what) SELECT COUNT(*) FROM t', ''],
      })
      assert.deepEqual(await rows('SELECT what FROM log ORDER BY n'), [['before; not after'], ['1']])
      assert.deepEqual(await rows('SELECT * FROM t'), [['1', '1']])
    })

    test('what stops a statement of users is named by its place, and is no bad row', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB')
      const twice = 'INSERT INTO t VALUES (5, 5), (5, 6)'
      for (const option of ['preSql', 'postSql']) {
        const { code, fault, message } = await refusal(two(int(32)), [[1, 1]], { [option]: ['DELETE FROM t', twice] })
        assert.deepEqual([code, fault], ['sql.statement-refused', 'usage'])
        assert.match(message, new RegExp(`^Statement 2 of \`${option}\`: .*Duplicate entry`))
      }
      assert.equal((await refusal(two(int(32)), [[1, 1]], { preSql: 'DELETE FROM nowhere' })).code, 'mysql.unknown-table')
    })

    test('writes several tables in one transaction, and only what the source has', async () => {
      await run(
        'DROP TABLE IF EXISTS a, b',
        'CREATE TABLE a (x INT, id INT PRIMARY KEY, d INT DEFAULT 5) ENGINE = InnoDB',
        'CREATE TABLE b (id INT PRIMARY KEY, `or``der` VARCHAR(9)) ENGINE = InnoDB',
      )
      await using writer = await openLedgerSink({ ...place })
      const first = await writer.plan({ ...datasetOf([field('ID', int(32))]), id: 'other.a' })
      const second = await writer.plan({ ...datasetOf([field('or`der', utf8), field('id', int(32))]), id: 'b' })
      const record = await writer.runs.begin({ job: 'job', run: 'several' }, [first, second], [{ id: 's', dataset: 'a' }], null)
      await writer.join(record)
      for (let i = 0; i < 3; i++) {
        await writer.write(first, batchOf(first, [[i]]))
        await writer.write(second, batchOf(second, [[`v${i}`, i]]))
      }
      assert.deepEqual(await rows('SELECT COUNT(*) FROM a, b'), [['0']])
      await writer.commit([{ split: 's', done: true }])
      assert.deepEqual(
        await rows('SELECT * FROM a'),
        [0, 1, 2].map(i => [null, String(i), '5']),
      )
      assert.deepEqual(
        await rows('SELECT * FROM b'),
        [0, 1, 2].map(i => [String(i), `v${i}`]),
      )
    })

    test('says less about a table whose engine has no transactions', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = MyISAM')
      const target = await write(two(int(32)), [[1, 1]])
      assert.deepEqual(target.guarantee.delivery, 'at-least-once')
      assert.match(target.guarantee.why, /MyISAM/)
      assert.equal((await refusal(two(int(32)), [[1, 1]])).code, 'mysql.duplicate-key')
    })

    test('keeps no ledger where it is told so', async () => {
      await run('DROP TABLE IF EXISTS t, sluice_ledger', 'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB')
      await using writer = await openSink({ ...place, tables: 't', ledger: 'none' })
      assert(writer.delivery === 'plain')
      const target = await writer.plan(two(int(32)))
      assert.equal(target.guarantee.delivery, 'at-least-once')
      const record = { job: 'j', run: 'r', finished: false, holder: 'engine', epoch: 1, began: '', memo: null, splits: [] }
      await writer.prepare(record, [target], true)
      await writer.join(record)
      await writer.write(target, batchOf(target, [[1, 2]]))
      await writer.flush()
      await writer.finish(record, [target])
      assert.deepEqual(await rows('SELECT * FROM t'), [['1', '2']])
      assert.deepEqual(await rows("SHOW TABLES LIKE 'sluice%'"), [])
    })

    test('says what is wrong with a target before anything is written', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'DROP VIEW IF EXISTS w',
        'CREATE TABLE t (a INT NOT NULL, v INT) ENGINE = InnoDB',
        'CREATE VIEW w AS SELECT * FROM t',
      )
      const plan = async (dataset: Dataset, options: object) => {
        await using writer = await openSink({ ...place, tables: 't', ...options })
        return await writer.plan(dataset)
      }
      const v = datasetOf([field('v', int(32))], [])
      await assert.rejects(plan(v, {}), { code: 'mysql.target-not-writable', message: /"a" must have a value/ })
      await assert.rejects(plan(v, { tables: 'w' }), { code: 'mysql.target-not-writable', message: /view/ })
      await assert.rejects(plan(datasetOf([field('nope', int(32))], []), {}), { code: 'sql.column-missing' })
      await assert.rejects(plan(datasetOf([field('a', int(32))], []), { writeMode: 'update' }), { code: 'mysql.key-missing' })
      await assert.rejects(plan(v, { tables: 'nope' }), (error: unknown) => {
        assert(SluiceError.is(error, 'mysql.target-missing'))
        assert.match(error.hint ?? '', /CREATE TABLE IF NOT EXISTS `nope` \(\n {2}`v` INT NULL\n\)/)
        return true
      })
    })

    test('creates a table for columns of every type, with key and comments', async () => {
      await run('DROP TABLE IF EXISTS `ne``w`')
      const fields = [
        field('id', utf8, { nullable: false, length: 300 }),
        field('flag', bool, { comment: "it's; a `flag`" }),
        field('tiny', int(8, false)),
        field('amount', decimalType(38, 38)),
        field('any', { kind: 'numeric' }),
        field('text', utf8),
        field('short', utf8, { length: 20 }),
        ...Array.from({ length: 10 }, (_, at) => field(`long${at}`, utf8, { length: 4000 })),
        field('raw', binary, { length: 16 }),
        field('doc', { kind: 'list', item: utf8 }),
        field('span', { kind: 'interval' }),
      ]
      await using writer = await openLedgerSink({ ...place, tables: '`ne``w`', createTable: true })
      const target = await writer.plan({ ...datasetOf(fields), comment: 'made\\ here' })
      await writer.runs.begin({ job: 'job', run: 'create' }, [target], [], null)
      const [comment] = await rows(
        "SELECT TABLE_COMMENT, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'ne`w'",
      )
      assert.deepEqual(comment, ['made\\ here', 'InnoDB'])
      const columns = await rows(
        "SELECT COLUMN_NAME, COLUMN_KEY, IS_NULLABLE, COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'ne`w' ORDER BY ORDINAL_POSITION",
      )
      assert.deepEqual(columns.slice(0, 3), [
        ['id', 'PRI', 'NO', ''],
        ['flag', '', 'YES', "it's; a `flag`"],
        ['tiny', '', 'YES', ''],
      ])
    })

    test('takes no option for SQL that is none', async () => {
      await run('DROP TABLE IF EXISTS victim', 'CREATE TABLE victim (a INT)')
      const evil = "`); DROP TABLE victim; -- '"
      await using writer = await openLedgerSink(
        { ...place, tables: `\`${evil.replaceAll('`', '``')}\``, createTable: true },
        contextOf({ job: evil }),
      )
      const target = await writer.plan({
        id: evil,
        primaryKey: [evil],
        comment: `${evil}\\`,
        schema: { fields: [field(evil, int(32), { nullable: false, comment: `\\${evil}` })] },
      })
      const record = await writer.runs.begin({ job: evil, run: `${evil}\\` }, [target], [{ id: `\\${evil}`, dataset: evil }], {
        evil,
      })
      await writer.join(record)
      await writer.write(target, batchOf(target, [[1]]))
      await writer.commit([{ split: `\\${evil}`, position: [`${evil}\\`], done: true }])
      await writer.runs.finish(record, [target])
      assert.deepEqual((await writer.runs.find(evil))?.splits, [
        { split: { id: `\\${evil}`, dataset: evil }, position: [`${evil}\\`], done: true },
      ])
      assert.deepEqual(await rows('SELECT COUNT(*) FROM victim'), [['0']])
    })

    test('tells an account without rights what an administrator has to create', async () => {
      await using own = await playground(server, { unprivileged: true })
      await run(
        `CREATE TABLE ${own.place.database}.t (id INT PRIMARY KEY, v INT, e ENUM('😀')) ENGINE = InnoDB CHARACTER SET utf8mb4`,
        `REVOKE ALL ON ${own.place.database}.* FROM app@'%'`,
        `GRANT SELECT, INSERT ON ${own.place.database}.* TO app@'%'`,
      )
      await using writer = await openLedgerSink({ ...own.place, tables: 't' })
      const target = await writer.plan(two(int(32)))
      await assert.rejects(writer.runs.begin({ job: 'j', run: 'r' }, [target], [], null), (error: unknown) => {
        assert(SluiceError.is(error, 'ledger.no-rights'))
        assert.match(error.hint ?? '', /CREATE TABLE IF NOT EXISTS `sluice_ledger` \([\s\S]*PRIMARY KEY \(job, run, split\)/)
        return true
      })
      await run(`GRANT ALL ON ${own.place.database}.* TO app@'%'`)
    })

    test('lets anybody claim a run of an earlier ledger, which knew no holders', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB')
      await using writer = await openLedgerSink({ ...place, tables: 't' })
      const target = await writer.plan(two(int(32)))
      const record = await writer.runs.begin({ job: 'early', run: 'r' }, [target], [], null)
      await run(
        `UPDATE sluice_ledger SET descriptor = REPLACE(descriptor, '"holder":"${record.holder}",', '') WHERE job = 'early'`,
      )
      await assert.rejects(writer.runs.reclaim(record), { code: 'ledger.fenced' })
      const claimed = await writer.runs.claim(record)
      assert.deepEqual({ ...claimed, holder: '' }, { ...record, holder: '', epoch: record.epoch + 1 })
      assert.equal((await writer.runs.reclaim(claimed)).epoch, record.epoch + 2)
    })

    test('waits for a claim no longer than 30 s, and says whom it waits for', { timeout: 300_000 }, async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB')
      await using writer = await openLedgerSink({ ...place, tables: 't' })
      const target = await writer.plan(two(int(32)))
      await writer.runs.begin({ job: 'stuck', run: 'r' }, [target], [], null)
      await run('START TRANSACTION', "SELECT * FROM sluice_ledger WHERE job = 'stuck' FOR UPDATE")
      const started = performance.now()
      await assert.rejects(writer.runs.claim({ job: 'stuck', run: 'r' }), { code: 'mysql.run-busy', fault: 'transient' })
      assert(performance.now() - started < 49_000)
      await run('ROLLBACK')
      assert.equal((await writer.runs.claim({ job: 'stuck', run: 'r' })).finished, false)
    })

    test('writes rows that are larger than a command, up to what the server takes', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB) ENGINE = InnoDB')
      const sizes = [3, 1_500_000, 16_777_214, 16_777_215, 20_000_000, 4]
      await write(
        two(binary),
        sizes.map((size, id) => [id, new Uint8Array(size).fill(65 + id)]),
      )
      assert.deepEqual(
        await rows('SELECT id, LENGTH(v), RIGHT(v, 1) FROM t ORDER BY id'),
        sizes.map((size, id) => [String(id), String(size), String.fromCharCode(65 + id)]),
      )
      const error = await refusal(two(binary), [[9, new Uint8Array(70_000_000)]])
      assert.match(error.message, /max_allowed_packet/)
      assert.equal(error.detail['row'], 0)
    })

    test('copies a table with its generated column', { skip: name === 'mysql-5.5' && 'it has none' }, async () => {
      await run(
        'DROP TABLE IF EXISTS g, t',
        'CREATE TABLE g (id INT PRIMARY KEY, twice INT GENERATED ALWAYS AS (id * 2) STORED, v INT) ENGINE = InnoDB',
        'INSERT INTO g (id, v) VALUES (1, 5), (2, 6)',
        'CREATE TABLE t LIKE g',
      )
      const { target } = await copy({ ...place, tables: 'g' }, { ...place, tables: 't' })
      assert.match(target.notes.map(({ text }) => text).join(), /"twice" of t is generated/)
      assert.deepEqual(await rows('SELECT * FROM t ORDER BY id'), [
        ['1', '2', '5'],
        ['2', '4', '6'],
      ])
    })

    test('updates by key in thousands, though MySQL warns that VALUES() is old', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE = InnoDB',
        'INSERT INTO t VALUES (3, -1), (10001, -1)',
      )
      await write(
        two(int(32)),
        Array.from({ length: 10_000 }, (_, at) => [at, at]),
        { writeMode: 'update' },
      )
      assert.deepEqual(await rows('SELECT COUNT(*), SUM(v) FROM t'), [['10001', String((9999 * 10_000) / 2 - 1)]])
    })

    test('updates whole rows: no key of one with values of another', async () => {
      await run(
        'DROP TABLE IF EXISTS t',
        'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10) UNIQUE, n INT) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4',
        "INSERT INTO t VALUES (3, 'abc', 0), (4, 'x', 0)",
      )
      const source = datasetOf([field('id', int(32)), field('v', utf8), field('n', int(32))])
      await write(source, [[5, 'ABC', 1]], { writeMode: 'update' })
      assert.deepEqual(await rows('SELECT * FROM t ORDER BY id'), [
        ['4', 'x', '0'],
        ['5', 'ABC', '1'],
      ])
      assert.equal((await refusal(source, [[4, 'abc', 1]], { writeMode: 'update' })).code, 'mysql.duplicate-key')
    })

    test('looks at warnings: refuses what the server truncates with a mere note, naming the row', async () => {
      await run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(3)) ENGINE = InnoDB')
      // The source claims that nothing is longer, so that the writer does not look itself.
      const claimed = two(utf8, { length: 3 })
      const given = (bad: number) => Array.from({ length: 10_000 }, (_, at) => [at, at === bad ? 'a    ' : 'abc'])
      for (const bad of [0, 5, 8765, 9999]) {
        const error = await refusal(claimed, given(bad))
        assert.deepEqual([error.code, error.detail['column'], error.detail['key']], ['data.value-refused', 'v', `id=${bad}`])
        assert.deepEqual(await rows('SELECT COUNT(*) FROM t'), [['0']])
      }
    })
  })
}
