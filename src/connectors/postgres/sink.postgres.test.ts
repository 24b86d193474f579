/** How rows land: modes, mappings, tables that are created, values that are refused. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Batch, parseTypeName, writeValue, type Field, type Schema, type Value } from '#columnar'
import type { Dataset, Target, TransactionalWriter } from '#connector'
import { SluiceError } from '#errors'
import { fileServer } from '../../../tools/servers/index.ts'
import { contextOf, copy, filePlayground, openLedgerSink, readAll } from './postgres.test-support.ts'
import { postgresSink } from './sink.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, rows, run } = await filePlayground(server, skip)

const datasetOf = (columns: Record<string, string>, primaryKey: string[] = [], more: Partial<Field> = {}): Dataset => ({
  id: 'shop.orders',
  primaryKey,
  schema: {
    fields: Object.entries(columns).map(([name, type]) => ({
      name,
      type: parseTypeName(type)!,
      nullable: !primaryKey.includes(name),
      ...more,
    })),
  },
})

function batchOf(schema: Schema, values: readonly (readonly Value[])[]): Batch {
  const batch = new Batch(schema, values.length)
  values.forEach((row, at) => row.forEach((value, column) => writeValue(batch.columns[column]!, at, value)))
  batch.rows = values.length
  return batch
}

interface Open extends AsyncDisposable {
  readonly writer: TransactionalWriter
  readonly target: Target
  write(...values: Value[][]): Promise<unknown>
  commit(): Promise<void>
}

async function open(dataset: Dataset, options: object): Promise<Open> {
  const writer = await openLedgerSink({ ...place, ...options })
  try {
    const target = await writer.plan(dataset)
    const split = { id: 's', dataset: dataset.id }
    await writer.join(await writer.runs.begin({ job: 'job', run: 'run' }, [target], [split], null))
    return {
      writer,
      target,
      write: (...values) => writer.write(target, batchOf(target.schema, values)),
      commit: () => writer.commit([{ split: 's', done: true }]),
      [Symbol.asyncDispose]: async () => writer[Symbol.asyncDispose](),
    }
  } catch (error) {
    await writer[Symbol.asyncDispose]()
    throw error
  }
}

/** One transaction with these rows. */
async function land(dataset: Dataset, options: object, ...values: Value[][]): Promise<Target> {
  await using sink = await open(dataset, options)
  await sink.write(...values)
  await sink.commit()
  return sink.target
}

const kv = datasetOf({ id: 'int32', v: 'utf8', n: 'int32' }, ['id'])
const freshKv = (...more: string[]) =>
  run('DROP TABLE IF EXISTS orders CASCADE', 'CREATE TABLE orders (id int PRIMARY KEY, v text, n int)', ...more)
const all = (columns = '*') => rows(`SELECT ${columns} FROM orders ORDER BY 1`)

describe('modes', { skip }, () => {
  test('insert refuses a row whose key is there, and says which', async () => {
    await freshKv("INSERT INTO orders VALUES (2, 'old', 1)")
    await assert.rejects(land(kv, {}, [1, 'a', 1], [2, 'b', 1]), {
      code: 'postgres.duplicate-key',
      fault: 'data',
      message: /Key \(id\)=\(2\)/,
    })
    assert.deepEqual(await all(), [['2', 'old', '1']])
  })

  for (const writeMode of ['update', 'replace', 'UPDATE', 'upsert']) {
    test(`${writeMode} replaces by key, the newest row last`, async () => {
      await freshKv("INSERT INTO orders VALUES (1, 'old', 1), (2, 'old', 2)")
      await using sink = await open(kv, { writeMode })
      await sink.write([1, 'first', 10], [3, 'a', 30], [1, 'second', null])
      await sink.write([3, 'b', 31])
      await sink.commit()
      assert.deepEqual(await all(), [
        ['1', 'second', null],
        ['2', 'old', '2'],
        ['3', 'b', '31'],
      ])
      await sink.write([2, 'new', 22])
      await sink.commit()
      assert.deepEqual(
        (await all()).map(([, v]) => v),
        ['second', 'new', 'b'],
      )
    })
  }

  test('allReplace: false keeps what NULL would overwrite; replace does not', async () => {
    await freshKv("INSERT INTO orders VALUES (1, 'old', 1)")
    await land(kv, { writeMode: 'update', allReplace: false }, [1, null, 5])
    assert.deepEqual(await all(), [['1', 'old', '5']])
    await land(kv, { writeMode: 'replace', allReplace: false }, [1, null, 6])
    assert.deepEqual(await all(), [['1', null, '6']])
  })

  test('the key is the one that the options name, in any shape of FlinkX', async () => {
    for (const key of [{ uniqueKey: ['V'] }, { updateKey: { uk: ['v'] } }, { updateKey: ['v'] }, { updateKey: 'v' }]) {
      await freshKv('CREATE UNIQUE INDEX ON orders (v)', "INSERT INTO orders VALUES (1, 'a', 1)")
      const target = await land(kv, { writeMode: 'update', ...key }, [7, 'a', 9])
      assert.deepEqual(await all(), [['7', 'a', '9']])
      assert.match(target.statements.join('\n'), /ON CONFLICT \("v"\) DO UPDATE SET "id" = excluded\."id", "n"/)
    }
  })

  test('rows with NULL in the key are all kept, unless the index takes NULLs for equal', async () => {
    const twice = [
      [1, 'a', null],
      [1, 'b', null],
      [2, 'c', 3],
      [2, 'd', 3],
    ]
    for (const [unique, kept] of [
      ['UNIQUE', 'aabbd'],
      ['UNIQUE NULLS NOT DISTINCT', 'bd'],
    ]) {
      await run('DROP TABLE IF EXISTS orders', `CREATE TABLE orders (id int, v text, n int, ${unique} (id, n))`)
      for (let time = 0; time < 2; time++) await land(kv, { writeMode: 'update' }, ...twice)
      assert.deepEqual(await rows("SELECT string_agg(v, '' ORDER BY v) FROM orders"), [[kept]])
    }
  })

  test('without a key that could be used, the reason is told', async () => {
    await freshKv()
    const plan = async (dataset: Dataset, options: object) => {
      await using writer = await openLedgerSink({ ...place, writeMode: 'update', ...options })
      await writer.plan(dataset)
    }
    await assert.rejects(plan(kv, { uniqueKey: ['n'] }), {
      code: 'postgres.key-missing',
      message: /no unique index has exactly the columns n/,
    })
    await assert.rejects(plan(datasetOf({ v: 'utf8' }), { tables: 'orders' }), /must have a value|key-missing/)
    await run(
      'DROP TABLE orders',
      'CREATE TABLE orders (id int, v text, n int)',
      'CREATE UNIQUE INDEX ON orders (id) WHERE n > 0',
    )
    await assert.rejects(plan(kv, {}), { code: 'postgres.key-missing', message: /no primary key and no unique index/ })
  })

  test('a table that consists of its key only', async () => {
    await run('DROP TABLE IF EXISTS orders', 'CREATE TABLE orders (id int PRIMARY KEY)', 'INSERT INTO orders VALUES (1)')
    await land(datasetOf({ id: 'int32' }, ['id']), { writeMode: 'update' }, [1], [2], [2])
    assert.deepEqual(await all(), [['1'], ['2']])
  })

  test('identities take the values of the source; generated columns keep those of the server', async () => {
    for (const writeMode of ['insert', 'update']) {
      await run(
        'DROP TABLE IF EXISTS orders',
        'CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, n int GENERATED ALWAYS AS (id * 2) STORED)',
      )
      const target = await land(kv, { writeMode }, [5, 'a', 999])
      assert.deepEqual(await all(), [['5', 'a', '10']])
      assert.match(target.notes.map(({ text }) => text).join(), /"n" of public.orders is generated/)
    }
    await assert.rejects(land(kv, { columns: ['id', 'v', 'n'] }, [1, 'a', 1]), {
      code: 'postgres.target-not-writable',
      message: /"n" is generated/,
    })
  })

  test('several targets in one transaction, in any order', async () => {
    await freshKv('DROP TABLE IF EXISTS other', 'CREATE TABLE other (id int PRIMARY KEY, v text, n int)')
    for (const writeMode of ['insert', 'update']) {
      await run('TRUNCATE orders, other')
      await using sink = await open(kv, { writeMode, tables: ['orders', 'other'] })
      const second = await sink.writer.plan({ ...kv, id: 'shop.other' })
      const write = (target: Target, ...values: Value[][]) => sink.writer.write(target, batchOf(target.schema, values))
      await write(sink.target, [1, 'a', 1])
      await write(second, [1, 'x', 1])
      await write(sink.target, [2, 'b', 2])
      if (writeMode === 'update') await write(sink.target, [1, 'newest', 1])
      await sink.commit()
      assert.deepEqual(await all('id, v'), [
        ['1', writeMode === 'update' ? 'newest' : 'a'],
        ['2', 'b'],
      ])
      assert.deepEqual(await rows('SELECT id, v FROM other'), [['1', 'x']])
    }
    await assert.rejects(open({ ...kv, id: 'shop.third' }, { tables: ['orders', 'other'] }), {
      code: 'postgres.target-not-writable',
      message: /called like shop\.third/,
    })
  })
})

describe('targets', { skip }, () => {
  test('a missing table is told with the statement that creates it, and created on request', async () => {
    await run('DROP TABLE IF EXISTS orders')
    const dataset: Dataset = {
      id: '`shop`.`orders`',
      primaryKey: ['id'],
      comment: "it's \\ a table",
      schema: {
        fields: [
          { name: 'id', type: parseTypeName('uint32')!, nullable: false },
          { name: 'Name', type: parseTypeName('utf8')!, nullable: true, length: 20, comment: 'who' },
          { name: 'at', type: parseTypeName('timestamp')!, nullable: true, fraction: 3 },
          { name: 'total', type: parseTypeName('decimal(12,2)')!, nullable: false },
          { name: 'big', type: parseTypeName('uint64')!, nullable: true },
          { name: 'tags', type: parseTypeName('list<utf8>')!, nullable: true },
          { name: 'took', type: parseTypeName('duration')!, nullable: true },
          { name: 'net', type: parseTypeName('utf8')!, nullable: true, native: { system: 'postgres', type: 'inet' } },
          { name: 'mine', type: parseTypeName('utf8')!, nullable: true, native: { system: 'postgres', type: 'no_such_type' } },
        ],
      },
    }
    await assert.rejects(open(dataset, {}), (error: { code: string; hint: string }) => {
      assert.equal(error.code, 'postgres.target-missing')
      return error.hint.includes('CREATE TABLE IF NOT EXISTS "orders"')
    })
    const values: Value[] = [
      4294967295,
      'é',
      '2026-01-01 00:00:00.123000',
      '-0.01',
      2n ** 64n - 1n,
      ['a', null],
      -3_020_399_000_001n,
      '10.0.0.1',
      'x',
    ]
    await using sink = await open(dataset, { createTable: true })
    await sink.write(values)
    await sink.commit()
    assert.deepEqual(await all(), [
      [
        '4294967295',
        'é',
        '2026-01-01 00:00:00.123',
        '-0.01',
        '18446744073709551615',
        '{a,NULL}',
        '-838:59:59.000001',
        '10.0.0.1',
        'x',
      ],
    ])
    const columns = await rows(
      "SELECT attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum",
    )
    assert.deepEqual(columns, [
      ['id', 'bigint', 't', null],
      ['Name', 'character varying(20)', 'f', 'who'],
      ['at', 'timestamp(3) without time zone', 'f', null],
      ['total', 'numeric(12,2)', 't', null],
      ['big', 'numeric(20,0)', 'f', null],
      ['tags', 'text[]', 'f', null],
      ['took', 'interval', 'f', null],
      ['net', 'inet', 'f', null],
      ['mine', 'text', 'f', null],
    ])
    assert.deepEqual(
      await rows(
        "SELECT obj_description('orders'::regclass), (SELECT conkey::text FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'p')",
      ),
      [["it's \\ a table", '{1}']],
    )
  })

  test('a plan changes nothing', async () => {
    await run('DROP TABLE IF EXISTS orders, sluice_ledger')
    await using writer = await openLedgerSink({ ...place, createTable: true, preSql: 'CREATE TABLE oops (a int)' })
    await writer.plan(kv)
    assert.deepEqual(await rows("SELECT to_regclass('orders'), to_regclass('sluice_ledger'), to_regclass('oops')"), [
      [null, null, null],
    ])
  })

  test('columns are matched by name, or by position when the writer names them', async () => {
    await run('DROP TABLE IF EXISTS orders', 'CREATE TABLE orders (extra int DEFAULT 7, "V" text, id int)')
    const two = datasetOf({ id: 'int32', v: 'utf8' })
    await land(two, {}, [1, 'a'])
    await land(two, { columns: ['extra', { name: 'V', type: 'string' }] }, [2, 'b'])
    assert.deepEqual(await rows('SELECT extra, "V", id FROM orders ORDER BY 2'), [
      ['7', 'a', '1'],
      ['2', 'b', null],
    ])
    await assert.rejects(land(two, { columns: ['id'] }, [1, 'a']), { code: 'sql.column-count' })
    await assert.rejects(land(datasetOf({ nope: 'int32' }), {}, [1]), {
      code: 'sql.column-missing',
      message: /It has: extra, V, id/,
    })
  })

  test('a column that must have a value and gets none is found before the first row', async () => {
    await run('DROP TABLE IF EXISTS orders', 'CREATE TABLE orders (id int, must text NOT NULL)')
    await assert.rejects(land(datasetOf({ id: 'int32' }), {}, [1]), {
      code: 'postgres.target-not-writable',
      message: /"must" must have a value/,
    })
  })

  test('missing rights are found before the first row', async () => {
    await freshKv()
    const account = { user: 'scram_user', password: 'sluice-test' }
    await run('GRANT INSERT, SELECT ON orders TO scram_user', 'GRANT CREATE ON SCHEMA public TO scram_user')
    await assert.rejects(land(kv, { ...account, writeMode: 'update', ledgerSchema: 'mine' }, [1, 'a', 1]), {
      code: 'postgres.no-rights',
      message: /scram_user has no right to UPDATE on public\.orders/,
    })
    await run('REVOKE ALL ON orders FROM scram_user', 'REVOKE CREATE ON SCHEMA public FROM scram_user')
  })

  test('statements of users may return what they like', async () => {
    await freshKv()
    await land(kv, { preSql: "SELECT repeat('x', 1000) FROM generate_series(1, 50000)" }, [1, 'a', 1])
  })

  test('what stops a statement of users is named by its place, and is no bad row', async () => {
    await freshKv()
    const because = async (options: object) => {
      const error = await land(kv, options, [1, 'a', 1]).catch((error: unknown) => error)
      assert(SluiceError.is(error))
      return [error.code, error.fault, error.message.replace(/: [^ ]*@[^ ]*: /, ': ')]
    }
    const raise = "DO $$ BEGIN RAISE 'stock is negative'; END $$"
    assert.deepEqual(await because({ preSql: ['SELECT 1', raise] }), [
      ...['sql.statement-refused', 'usage'],
      'Statement 2 of `preSql`: stock is negative.',
    ])
    assert.deepEqual(await because({ preSql: ['VACUUM orders', 'SELECT 1 / 0'] }), [
      ...['sql.statement-refused', 'usage'],
      'Statement 2 of `preSql`: division by zero.',
    ])
    assert.deepEqual(await because({ preSql: 'COMMIT' }), [
      ...['postgres.statement-ends-transaction', 'usage'],
      'Statement 1 of `preSql`: It ends the transaction it runs in.',
    ])
    assert.deepEqual(await because({ preSql: 'DELETE FROM nowhere' }), [
      ...['postgres.table-missing', 'usage'],
      'Statement 1 of `preSql`: relation "nowhere" does not exist.',
    ])
    assert.deepEqual(await all(), [])
  })

  test('views and foreign names are refused, unlogged tables noted', async () => {
    await freshKv('CREATE VIEW a_view AS SELECT * FROM orders')
    await assert.rejects(land(kv, { tables: 'a_view' }, [1, 'a', 1]), {
      code: 'postgres.target-not-writable',
      message: /it is a view/,
    })
    await run('ALTER TABLE orders SET UNLOGGED')
    assert.match((await land(kv, {}, [1, 'a', 1])).notes.map(({ text }) => text).join(), /UNLOGGED/)
  })

  test('partitioned tables take rows like others', async () => {
    await run(
      'DROP TABLE IF EXISTS orders CASCADE',
      'CREATE TABLE orders (id int PRIMARY KEY, v text, n int) PARTITION BY HASH (id)',
      'CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 0)',
      'CREATE TABLE orders_1 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 1)',
    )
    for (const writeMode of ['insert', 'update']) {
      await land(kv, { writeMode, preSql: 'TRUNCATE orders' }, [1, 'a', 1], [2, 'b', 2])
      assert.equal((await all()).length, 2)
    }
  })

  test('names of any kind, and nothing that is not SQL by design becomes SQL', async () => {
    const table = `x"'\`; DROP TABLE victim; --\\`
    await run(
      'DROP SCHEMA IF EXISTS "s""; x" CASCADE',
      'CREATE SCHEMA "s""; x"',
      'DROP TABLE IF EXISTS victim',
      'CREATE TABLE victim (a int)',
    )
    const dataset = { ...datasetOf({ id: 'int32', [table]: 'utf8', 'select é': 'utf8' }, ['id']), comment: table }
    const options = { tables: `"s""; x"."${table.replaceAll('"', '""')}"`, createTable: true, ledgerSchema: 's"; x' }
    for (const writeMode of ['insert', 'update'])
      await land(dataset, { ...options, writeMode }, [writeMode === 'insert' ? 1 : 2, table, table])
    assert.equal((await rows(`SELECT * FROM "s""; x"."${table.replaceAll('"', '""')}"`)).length, 2)
    for (const attempt of [
      { tables: table },
      { schema: table },
      { uniqueKey: [table], writeMode: 'update' },
      { ledgerSchema: table },
      { columns: [table, 'b', 'c'] },
      { updateKey: table, writeMode: 'update' },
    ]) {
      await land(dataset, attempt, [3, 'a', 'b']).catch(() => {})
    }
    await using sink = await open(dataset, options)
    const job = table
    const record = await sink.writer.runs.begin(
      { job, run: table },
      [sink.target],
      [{ id: table, dataset: table, x: table }],
      table,
    )
    await sink.writer.join(record)
    await sink.write([4, 'a', 'b'])
    await sink.writer.commit([{ split: table, position: [table], done: true }])
    assert.deepEqual((await sink.writer.runs.find(job))?.splits, [
      { split: { id: table, dataset: table, x: table }, position: [table], done: true },
    ])
    assert.deepEqual(await rows('SELECT count(*) FROM victim'), [['0']])
  })

  test('what was written can be read back by the options of the sink', async () => {
    await freshKv()
    const options = postgresSink.options.parse({ ...place, tables: 'orders', columns: ['n', 'v', 'id'], preSql: 'SELECT 1' })
    const dataset = datasetOf({ a: 'int32', b: 'utf8', c: 'int32' })
    await using sink = await open(dataset, { tables: 'orders', columns: ['n', 'v', 'id'] })
    await sink.write([1, 'x', 2])
    await sink.commit()
    assert.deepEqual((await readAll(postgresSink.readBack!(options, sink.target))).rows, [[1, 'x', 2]])
  })
})

describe('values', { skip }, () => {
  test('what the server would cut or round is refused with its column', async () => {
    await run(
      'DROP TABLE IF EXISTS orders',
      'CREATE TABLE orders (id int, t text, s varchar(3), at timestamp(3), tod time(0), n numeric(50,2), span interval(3), j jsonb, i inet)',
    )
    const refused: [column: string, type: string, value: Value, reason: RegExp][] = [
      ['t', 'utf8', 'a\0b', /NUL/],
      ['t', 'utf8', `${'x'.repeat(500)}\0`, /NUL/],
      ['s', 'utf8', 'ab  ', /longer than 3/],
      ['at', 'timestamp', '2026-01-01 00:00:00.000100', /3 digits behind the second/],
      ['at', 'timestamp', '1900-01-01 00:00:00.000001', /3 digits behind the second/],
      ['tod', 'time', '00:00:00.5', /0 digits/],
      ['n', 'numeric', '1.005', /2 digits behind the point/],
      ['span', 'interval', { months: 0, days: 0, micros: -1n }, /3 digits/],
    ]
    for (const withText of [false, true]) {
      for (const [column, type, value, reason] of refused) {
        // The second column forces the text form of COPY.
        const dataset = datasetOf(withText ? { [column]: type, i: 'utf8' } : { [column]: type })
        const row = (one: Value) => (withText ? [one, '10.0.0.1'] : [one])
        await assert.rejects(
          land(dataset, {}, row(null), row(value)),
          (error: { code: string; message: string; detail: { column: string; row: number } }) => {
            assert.equal(error.code, 'data.value-refused', error.message)
            assert.equal(error.detail.column, column)
            assert.equal(error.detail.row, 1)
            assert.match(error.message, reason)
            return true
          },
        )
      }
    }
    assert.deepEqual(await rows('SELECT count(*) FROM orders'), [['0']])
  })

  test('what the server refuses is data, named without the value', async () => {
    await run(
      'DROP TABLE IF EXISTS orders',
      'DROP TYPE IF EXISTS shade',
      "CREATE TYPE shade AS ENUM ('dark')",
      'CREATE TABLE orders (id int NOT NULL CHECK (id > 0), s varchar(3), e shade, n numeric(3,1), d date, i inet, j json)',
    )
    const bad: [column: string, type: string, value: Value, code: string, message: RegExp][] = [
      ['id', 'int32', null, 'postgres.row-refused', /null value in column "id".*table public\.orders/],
      ['id', 'int32', -1, 'postgres.row-refused', /check constraint/],
      ['s', 'utf8', 'secret', 'postgres.value-refused', /too long.*column "s"/],
      ['e', 'utf8', 'secret', 'postgres.value-refused', /invalid input value for enum shade/],
      ['n', 'decimal(3,1)', 'NaN', '', /./],
      ['d', 'date', '5874898-01-01', 'postgres.value-refused', /out of range/],
      ['i', 'utf8', 'secret', 'postgres.value-refused', /inet.*column "i"/],
      ['j', 'json', '{secret', 'postgres.value-refused', /json/],
    ]
    for (const [column, type, value, code, message] of bad) {
      const dataset = datasetOf(column === 'id' ? { id: 'int32' } : { id: 'int32', [column]: type })
      const attempt = land(dataset, {}, column === 'id' ? [value] : [1, value])
      if (code === '') await attempt
      else {
        await assert.rejects(attempt, (error: { code: string; message: string; fault: string }) => {
          assert.equal(error.code, code, error.message)
          assert.equal(error.fault, 'data')
          assert.match(error.message, message)
          return !JSON.stringify(error).includes('secret')
        })
      }
    }
  })

  test('numbers of every width reach numeric columns as they are', async () => {
    await run(
      'DROP TABLE IF EXISTS orders',
      'CREATE TABLE orders (at int, a numeric, b numeric, c numeric(38,6), d numeric, e numeric, f numeric(12,2), g numeric(18,5), h numeric, i numeric(9,1), j numeric(10,3), k numeric(8,4))',
    )
    const dataset = datasetOf({
      at: 'int32',
      a: 'int64',
      b: 'uint64',
      c: 'decimal(38,6)',
      d: 'decimal(38,20)',
      e: 'numeric',
      f: 'decimal(12,2)',
      g: 'decimal(18,5)',
      h: 'int16',
      i: 'decimal(9,1)',
      j: 'decimal(10,3)',
      k: 'decimal(8,4)',
    })
    const digits = (most: number) =>
      fc
        .tuple(fc.integer({ min: 1, max: most }), fc.constantFrom(0, 2, 4, 6))
        .chain(([count, zeros]) =>
          fc.stringMatching(new RegExp(`^[0-9]{${count}}$`)).map(text => text.slice(0, -zeros || undefined).padEnd(count, '0')),
        )
    const decimal = (precision: number, scale: number) =>
      fc.tuple(fc.boolean(), digits(precision)).map(([negative, text]) => {
        const padded = text.padStart(scale + 1, '0')
        const plain = `${padded.slice(0, -scale).replace(/^0+(?=\d)/, '')}.${padded.slice(-scale)}`
        return /[1-9]/.test(plain) && negative ? `-${plain}` : plain
      })
    const row = fc.tuple(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      decimal(38, 6),
      decimal(38, 20),
      decimal(200, 77),
      decimal(12, 2),
      decimal(18, 5),
      fc.integer({ min: -32768, max: 32767 }),
      decimal(9, 1),
      decimal(10, 3),
      decimal(8, 4),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async samples => {
        await run('TRUNCATE orders')
        await land(dataset, {}, ...samples.map((sample, at) => [at, ...sample]))
        assert.deepEqual(
          await rows('SELECT a, b, c, d, e, f, g, h, i, j, k FROM orders ORDER BY at'),
          samples.map(sample => sample.map(String)),
        )
      }),
      { numRuns: 25 },
    )
  })

  test('texts of any content pass both forms of COPY', async () => {
    await run('DROP TABLE IF EXISTS orders', 'CREATE TABLE orders (at int, v text, b bytea, l text[], i inet)')
    const text = fc.string({ unit: 'grapheme', maxLength: 300 }).map(value => value.replaceAll('\0', ''))
    const row = fc.tuple(
      fc.option(text),
      fc.option(fc.uint8Array({ maxLength: 300 })),
      fc.option(fc.array(fc.option(text), { maxLength: 4 })),
    )
    for (const columns of [
      { at: 'int32', v: 'utf8', b: 'binary', l: 'list<utf8>' },
      { at: 'int32', v: 'utf8', b: 'binary', l: 'list<utf8>', i: 'utf8' },
    ]) {
      const dataset = datasetOf(columns)
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async samples => {
          await run('TRUNCATE orders')
          await land(dataset, {}, ...samples.map((sample, at) => [at, ...sample, ...('i' in columns ? [null] : [])] as Value[]))
          const seen = await rows('SELECT v, b::text, to_json(l)::text FROM orders ORDER BY at')
          assert.deepEqual(
            seen.map(([v, b, l]) => [v, b, l === null ? null : JSON.parse(l ?? '')]),
            samples.map(([v, b, l]) => [v, b && `\\x${Buffer.from(b).toString('hex')}`, l]),
          )
        }),
        { numRuns: 20 },
      )
    }
  })

  test('rows larger than a send buffer, and more columns than a function likes', async () => {
    await run('DROP TABLE IF EXISTS orders', 'CREATE TABLE orders (id int, v text, i inet)')
    const big = 'ü'.repeat(700_000)
    for (const columns of [
      { id: 'int32', v: 'utf8' },
      { id: 'int32', v: 'utf8', i: 'utf8' },
    ]) {
      const more = 'i' in columns ? [null] : []
      await land(
        datasetOf(columns),
        { preSql: 'TRUNCATE orders' },
        [1, 'small', ...more],
        [2, big, ...more],
        [3, 'small', ...more],
        [4, big, ...more],
      )
      assert.deepEqual(await rows('SELECT id, length(v), md5(v) FROM orders ORDER BY id'), [
        ['1', '5', md5('small')],
        ['2', '700000', md5(big)],
        ['3', '5', md5('small')],
        ['4', '700000', md5(big)],
      ])
    }
    const names = Array.from({ length: 1000 }, (_, at) => `c${at}`)
    await run(
      'DROP TABLE IF EXISTS wide, wide2',
      `CREATE TABLE wide (${names.map((name, at) => `${name} ${at % 3 === 0 ? 'int' : at % 3 === 1 ? 'text' : 'numeric(9,2)'}`).join(', ')})`,
      `INSERT INTO wide SELECT ${names.map((_, at) => (at % 7 === 0 ? 'NULL' : at % 3 === 1 ? `'v' || i` : 'i')).join(', ')} FROM generate_series(1, 50) i`,
      'CREATE TABLE wide2 (LIKE wide)',
    )
    await copy({ ...place, tables: 'wide' }, { ...place, tables: 'wide2' })
    assert.deepEqual(await rows('SELECT count(*) FROM (TABLE wide EXCEPT ALL TABLE wide2) x'), [['0']])
    assert.deepEqual(await rows('SELECT count(*) FROM wide2'), [['50']])
  })

  test('an aborted write ends at once', async () => {
    await freshKv()
    const abort = new AbortController()
    await using writer = await openLedgerSink({ ...place, tables: 'orders' }, contextOf({ signal: abort.signal }))
    const target = await writer.plan(kv)
    await writer.join(await writer.runs.begin({ job: 'job', run: 'run' }, [target], [], null))
    await run('BEGIN', 'LOCK TABLE orders')
    // The table is locked: buffers fill up, then the write waits.
    const batch = batchOf(target.schema, [[1, 'x'.repeat(200_000), 1]])
    setTimeout(() => abort.abort(new Error('stop')), 200)
    await assert.rejects(
      async () => {
        for (let i = 0; i < 1000; i++) await writer.write(target, batch)
      },
      { message: 'stop' },
    )
    await run('ROLLBACK')
  })
})

const md5 = (text: string) => createHash('md5').update(text).digest('hex')
