/**
 * Every type of MySQL with its extreme values, into a table of PostgreSQL that Sluice creates, and back into one like the first.
 * Both ends are compared by the servers' own text of the values. What has no counterpart is refused, with column and key.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = await mkdtemp(join(tmpdir(), 'sluice-trip-'))
after(() => rm(folder, { recursive: true }))

/** Column type, how MySQL shows it exactly, and SQL literals of its extremes. */
const types: readonly (readonly [type: string, shown: string, values: readonly string[]])[] = [
  ['TINYINT', 'c', ['-128', '127', '0']],
  ['TINYINT UNSIGNED', 'c', ['0', '255']],
  ['TINYINT(1)', 'c', ['2', '1', '0']],
  ['SMALLINT', 'c', ['-32768', '32767']],
  ['SMALLINT UNSIGNED', 'c', ['65535']],
  ['MEDIUMINT', 'c', ['-8388608', '8388607']],
  ['INT', 'c', ['-2147483648', '2147483647']],
  ['INT UNSIGNED', 'c', ['4294967295']],
  ['BIGINT', 'c', ['-9223372036854775808', '9223372036854775807', '9007199254740993']],
  ['BIGINT UNSIGNED', 'c', ['18446744073709551615', '9223372036854775808']],
  ['FLOAT', 'HEX(CAST(c AS CHAR)), c + 0e0', ['16777216', '1.17549e-38', '3.40282e38', '-0.0', '0.1']],
  ['DOUBLE', 'c', ['1.7976931348623157e308', '2.2250738585072014e-308', '5e-324', '0.30000000000000004', '-0.0']],
  ['DECIMAL(10,2)', 'c', ['99999999.99', '-99999999.99', '0.01']],
  ['DECIMAL(18,6)', 'c', ['999999999999.999999', '-0.000001']],
  ['DECIMAL(38,10)', 'c', ['9999999999999999999999999999.9999999999', '-0.0000000001']],
  ['DECIMAL(65,30)', 'c', ['99999999999999999999999999999999999.999999999999999999999999999999']],
  ['CHAR(10)', 'HEX(c)', [`'ab'`, `''`, `'ÄÖ€'`]],
  ['VARCHAR(50)', 'HEX(c)', [`'trailing  '`, `'😀 emoji'`, `'back\\\\slash \\n \\r \\t "quotes"'`, `'NULL'`, `''`]],
  ['TEXT', 'HEX(c)', [`REPEAT('Ω', 20000)`]],
  ['LONGTEXT', 'HEX(c)', [`REPEAT('long', 300000)`]],
  ['BINARY(4)', 'HEX(c)', ['0x00FF', '0x01020304']],
  ['VARBINARY(20)', 'HEX(c)', ['0x00FF5C0A80', `''`]],
  ['BLOB', 'HEX(c)', ['0x00FF5C0A80', `REPEAT('x', 60000)`]],
  ['DATE', 'c', [`'1000-01-01'`, `'9999-12-31'`, `'2024-02-29'`]],
  ['DATETIME', 'c', [`'1000-01-01 00:00:00'`, `'9999-12-31 23:59:59'`]],
  ['DATETIME(6)', 'c', [`'9999-12-31 23:59:59.999999'`, `'2024-03-31 02:30:00.000001'`]],
  ['TIMESTAMP(6) NULL', 'c', [`'1970-01-01 00:00:01'`, `'2038-01-19 03:14:07.999999'`]],
  ['TIME(6)', 'c', [`'838:59:59.000000'`, `'-838:59:59.000000'`, `'23:59:59.999999'`, `'-00:00:00.000001'`]],
  ['YEAR', 'c', ['1901', '2155', '0000']],
  ['BIT(1)', 'HEX(c)', [`b'1'`, `b'0'`]],
  ['BIT(64)', 'HEX(c)', [`b'1111111111111111111111111111111111111111111111111111111111111111'`, `b'1'`]],
  [`ENUM('a','Ž','with, comma')`, 'HEX(c)', [`'Ž'`, `'with, comma'`]],
  [`SET('x','y')`, 'HEX(c)', [`'x,y'`, `''`]],
  [
    'JSON',
    `JSON_EXTRACT(c, '$.b'), JSON_EXTRACT(c, '$.a[1]'), JSON_LENGTH(c)`,
    [`'{"b": 12345678901234567890, "a": [1, "x"]}'`, `'{}'`],
  ],
]

/** What PostgreSQL has no bits for. */
const refused: readonly (readonly [type: string, value: string, names: RegExp])[] = [
  ['VARCHAR(10)', `CONCAT('a', CHAR(0), 'b')`, /column "c", row id=1/],
  ['DATE', `'0000-00-00'`, /column "c"/],
  ['DATETIME', `'2024-00-00 00:00:00'`, /column "c"/],
]

const postgres = await fileServer('postgres-15')

for (const name of ['mysql-9', 'mariadb-10.11'] as const) {
  const { server, skip } = await fileServer(name)
  describe(`${name} → PostgreSQL → ${name}`, { skip: skip || postgres.skip, concurrency: 1 }, () => {
    for (const [index, [type, shown, values]] of types.entries()) {
      test(type, async () => {
        await withTables(server, async ({ my, client, pgOptions, myOptions }) => {
          const [source, back] = [`source${index}`, `back${index}`]
          await client.query(`CREATE TABLE ${source} (id int PRIMARY KEY, c ${type}) CHARACTER SET utf8mb4`)
          await client.query(`CREATE TABLE ${back} LIKE ${source}`)
          const rows = [...values, 'NULL'].map((value, i) => `(${i}, ${value})`)
          await client.query(`INSERT INTO ${source} VALUES ${rows.join(', ')}`)
          await sluice({ ...myOptions, tables: [source] }, { ...pgOptions, tables: [source], createTable: true })
          await sluice({ ...pgOptions, tables: [source] }, { ...myOptions, tables: [back] })
          const text = async (table: string) =>
            (await client.query({ sql: `SELECT id, ${shown}, c IS NULL FROM ${table} ORDER BY id`, rowsAsArray: true }))[0]
          assert.deepEqual(await text(back), await text(source), `${type} through ${my.database}`)
        })
      })
    }

    for (const [type, value, names] of refused) {
      test(`${type} ${value} is refused by name`, async () => {
        await withTables(server, async ({ client, pgOptions, myOptions }) => {
          await client.query(`SET sql_mode = ''`)
          await client.query(`CREATE TABLE odd (id int PRIMARY KEY, c ${type}) CHARACTER SET utf8mb4`)
          await client.query(`INSERT INTO odd VALUES (0, NULL), (1, ${value})`)
          const { code, stderr } = await run(
            { ...myOptions, tables: ['odd'] },
            { ...pgOptions, tables: ['odd'], createTable: true },
          )
          assert.equal(code, 65, stderr)
          assert.match(stderr, names)
        })
      })
    }
  })

  interface World {
    readonly my: Database
    readonly client: mysql.Connection
    readonly pgOptions: object
    readonly myOptions: object
  }

  async function withTables(facts: typeof server, use: (world: World) => Promise<void>): Promise<void> {
    await using my = await freshDatabase(facts)
    await using target = await freshDatabase(postgres.server)
    const optionsOf = (connector: string, { host, port, user, password, database }: Database) => ({
      connector,
      host,
      port,
      user,
      password,
      database,
    })
    const client = await mysql.createConnection({
      ...optionsOf('', my),
      connector: undefined,
      dateStrings: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
    } as mysql.ConnectionOptions)
    try {
      await client.query(`SET time_zone = '+00:00'`)
      await use({ my, client, pgOptions: optionsOf('postgres', target), myOptions: optionsOf('mysql', my) })
    } finally {
      await client.end()
    }
  }
}

describe('PostgreSQL → PostgreSQL', { skip: postgres.skip }, () => {
  test('every type with extreme values', async () => {
    await using from = await freshDatabase(postgres.server)
    await using to = await freshDatabase(postgres.server)
    const connect = async ({ host, port, user, password, database }: Database) => {
      const client = new pg.Client({ host, port, user, password, database })
      await client.connect()
      return client
    }
    const [source, target] = [await connect(from), await connect(to)]
    try {
      for (const client of [source, target]) {
        await client.query(`CREATE TYPE mood AS ENUM ('sad', 'with, comma', 'ö')`)
        await client.query(`CREATE TABLE every (id int PRIMARY KEY, ${pgTypes.map(([type], i) => `c${i} ${type}`).join(', ')})`)
      }
      const most = Math.max(...pgTypes.map(([, values]) => values.length))
      for (let row = 0; row <= most; row++) {
        await source.query(`INSERT INTO every VALUES (${row}, ${pgTypes.map(([, values]) => values[row] ?? 'NULL').join(', ')})`)
      }
      const optionsOf = ({ host, port, user, password, database }: Database) => ({
        connector: 'postgres',
        host,
        port,
        user,
        password,
        database,
        tables: ['every'],
      })
      await sluice(optionsOf(from), optionsOf(to))
      const text = async (client: pg.Client) =>
        (await client.query(`SELECT id, ${pgTypes.map((_, i) => `c${i}::text AS c${i}`).join(', ')} FROM every ORDER BY id`))
          .rows as unknown[]
      assert.deepEqual(await text(target), await text(source))
    } finally {
      await source.end()
      await target.end()
    }
  })
})

const pgTypes: readonly (readonly [type: string, values: readonly string[]])[] = [
  ['bool', ['true', 'false']],
  ['int2', ['-32768', '32767']],
  ['int4', ['-2147483648', '2147483647']],
  ['int8', ['-9223372036854775808', '9223372036854775807']],
  ['float4', [`'NaN'`, `'Infinity'`, `'-0'`, '1e-45']],
  ['float8', [`'NaN'`, `'-Infinity'`, `'-0'`, '5e-324', '1.7976931348623157e308']],
  ['numeric', [`'NaN'`, `'Infinity'`, `'-Infinity'`, '1e1000', '0.1', '1e-1000']],
  ['numeric(12,2)', [`'NaN'`, '9999999999.99', '-0.01']],
  ['numeric(38,10)', ['9999999999999999999999999999.9999999999']],
  ['text', [`'äöü😀'`, `''`, `E'\\\\ \\n \\t \\r'`]],
  ['varchar(20)', [`'x  '`]],
  ['char(5)', [`'ab'`]],
  ['"char"', [`'c'`]],
  ['name', [`'a name'`]],
  ['bytea', [`'\\x00ff5c0a80'`, `''`]],
  ['date', [`'infinity'`, `'-infinity'`, `'4713-01-01 BC'`, `'5874897-12-31'`, `'0001-01-01'`]],
  ['time', [`'24:00'`, `'00:00:00.000001'`]],
  ['timetz', [`'23:59:59.999999+15:59'`]],
  ['timestamp', [`'infinity'`, `'-infinity'`, `'4713-01-01 00:00:00 BC'`, `'294276-12-31 23:59:59.999999'`]],
  ['timestamptz', [`'infinity'`, `'4713-01-01 00:00:00+00 BC'`, `'294276-12-31 23:59:59.999999+00'`]],
  ['interval', [`'178000000 years'`, `'-178000000 years -1 day -00:00:00.000001'`, `'1 mon -1 day 00:00:00.5'`]],
  ['uuid', [`'00000000-0000-0000-0000-000000000000'`, `'ffffffff-ffff-ffff-ffff-ffffffffffff'`]],
  ['json', [`'{"b" : 1,  "a": [1e400]}'`, `'null'`]],
  ['jsonb', [`'{"b":1,"a":[1e400]}'`, `'"\\u00e4"'`]],
  ['xml', [`'<a>ä</a>'`]],
  ['inet', [`'192.168.0.1/24'`, `'::1'`]],
  ['cidr', [`'10.0.0.0/8'`]],
  ['macaddr', [`'08:00:2b:01:02:03'`]],
  ['bit(3)', [`B'101'`]],
  ['varbit', [`B'10101010101'`, `B''`]],
  ['money', [`'-92233720368547758.08'`]],
  ['int4range', [`'[1,5)'`, `'empty'`, `'(,)'`]],
  ['tstzrange', [`'[2020-01-01 00:00+00,infinity]'`]],
  ['point', [`'(1.5,-2)'`]],
  ['polygon', [`'((0,0),(1,1),(2,0))'`]],
  ['tsvector', [`'a:1 b:2'`]],
  ['pg_lsn', [`'16/B374D848'`]],
  ['oid', ['4294967295']],
  ['mood', [`'with, comma'`, `'ö'`]],
  ['int4[]', [`'{1,NULL,-2147483648}'`, `'{}'`]],
  ['text[]', [`'{"a b","",NULL,"\\"q\\"","\\\\"}'`]],
  ['timestamptz[]', [`'{infinity,"2020-01-01 00:00:00+00"}'`]],
  ['numeric[]', [`'{NaN,1.50}'`]],
  ['mood[]', [`'{sad}'`]],
]

async function sluice(source: object, sink: object): Promise<void> {
  const { code, stderr } = await run(source, sink)
  assert.equal(code, 0, stderr)
}

let jobs = 0

async function run(source: object, sink: object): Promise<{ code: number | null; stderr: string }> {
  const file = join(folder, `job${jobs++}.json`)
  await writeFile(file, JSON.stringify({ source, sink, settings: { stateDir: join(folder, 'state') } }))
  const child = spawn(join(root, 'bin/sluice'), ['run', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let stderr = ''
  child.stderr.on('data', (bytes: Buffer) => (stderr += String(bytes)))
  return new Promise(resolve => child.once('close', code => resolve({ code, stderr })))
}
