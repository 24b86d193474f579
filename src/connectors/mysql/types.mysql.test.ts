/**
 * Every type with its extreme values, on the oldest and the newest server and on MariaDB: decoded, and copied to another table that the
 * server compares byte by byte.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { typeName, type Value } from '#columnar'
import { fileServer } from '../../../tools/servers/index.ts'
import { copy, filePlayground, readAll } from './mysql.test-support.ts'

type Sample = readonly [literal: string, expected: Value]
type Case = readonly [type: string, ours: string, samples: readonly Sample[]]

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const nines = (count: number) => '9'.repeat(count)
const hours = (text: string, micros = 0n) => {
  const [h = 0n, m = 0n, s = 0n] = text.split(':').map(BigInt)
  return ((h * 60n + m) * 60n + s) * 1_000_000n + micros
}

/** Limits as the manual has them (https://dev.mysql.com/doc/refman/8.4/en/data-types.html). */
const everywhere: readonly Case[] = [
  [
    'tinyint',
    'int8',
    [
      ['-128', -128],
      ['127', 127],
    ],
  ],
  [
    'tinyint(1)',
    'int8',
    [
      ['2', 2],
      ['-1', -1],
    ],
  ],
  [
    'tinyint unsigned',
    'uint8',
    [
      ['255', 255],
      ['0', 0],
    ],
  ],
  [
    'smallint',
    'int16',
    [
      ['-32768', -32768],
      ['32767', 32767],
    ],
  ],
  ['smallint unsigned', 'uint16', [['65535', 65535]]],
  [
    'mediumint',
    'int32',
    [
      ['-8388608', -8388608],
      ['8388607', 8388607],
    ],
  ],
  ['mediumint unsigned', 'int32', [['16777215', 16777215]]],
  [
    'int',
    'int32',
    [
      ['-2147483648', -2147483648],
      ['2147483647', 2147483647],
    ],
  ],
  [
    'int unsigned zerofill',
    'uint32',
    [
      ['4294967295', 4294967295],
      ['7', 7],
    ],
  ],
  [
    'bigint',
    'int64',
    [
      ['-9223372036854775808', -(2n ** 63n)],
      ['9223372036854775807', 2n ** 63n - 1n],
      ['4294967296', 2n ** 32n],
      ['-1', -1n],
    ],
  ],
  [
    'bigint unsigned',
    'uint64',
    [
      ['18446744073709551615', 2n ** 64n - 1n],
      ['9223372036854775808', 2n ** 63n],
      ['0', 0n],
    ],
  ],
  [
    'float',
    'float32',
    [
      ['16777216', 16777216],
      ['3.402823e38', Math.fround(3.402823e38)],
      ['-1.17549e-38', Math.fround(-1.17549e-38)],
      ['0.1', Math.fround(0.1)],
    ],
  ],
  [
    'double',
    'float64',
    [
      ['1.7976931348623157e308', Number.MAX_VALUE],
      ['2.2250738585072014e-308', 2.2250738585072014e-308],
      ['0.30000000000000004', 0.30000000000000004],
      ['-0.1', -0.1],
    ],
  ],
  [
    'decimal(5,2)',
    'decimal(5,2)',
    [
      ['-999.99', '-999.99'],
      ['0.01', '0.01'],
      ['-0.5', '-0.50'],
    ],
  ],
  [
    'decimal(15,0)',
    'decimal(15,0)',
    [
      [nines(15), nines(15)],
      [`-${nines(15)}`, `-${nines(15)}`],
    ],
  ],
  [
    'decimal(18,6)',
    'decimal(18,6)',
    [
      [`${nines(12)}.999999`, `${nines(12)}.999999`],
      [`-${nines(12)}.999999`, `-${nines(12)}.999999`],
      ['4294.967296', '4294.967296'],
      ['-4294.967296', '-4294.967296'],
      ['-0.000001', '-0.000001'],
    ],
  ],
  [
    'decimal(19,0)',
    'decimal(19,0)',
    [
      [nines(19), nines(19)],
      ['-9223372036854775809', '-9223372036854775809'],
    ],
  ],
  [
    'decimal(38,10)',
    'decimal(38,10)',
    [
      [`${nines(28)}.${nines(10)}`, `${nines(28)}.${nines(10)}`],
      ['-0.0000000001', '-0.0000000001'],
      ['-18446744073709551616', '-18446744073709551616.0000000000'],
    ],
  ],
  ['decimal(10,3) unsigned zerofill', 'decimal(10,3)', [['12.5', '12.500']]],
  [
    'decimal(65,30)',
    'numeric',
    [
      [`-${nines(35)}.${nines(30)}`, `-${nines(35)}.${nines(30)}`],
      ['0', `0.${'0'.repeat(30)}`],
    ],
  ],
  [
    'decimal(40,2) unsigned zerofill',
    'numeric',
    [
      ['1.5', '1.50'],
      ['0', '0.00'],
    ],
  ],
  [
    'bit(1)',
    'bool',
    [
      ["b'1'", true],
      ["b'0'", false],
    ],
  ],
  ['bit(8)', 'uint64', [["b'10000001'", 129n]]],
  [
    'bit(64)',
    'uint64',
    [
      [`b'${'1'.repeat(64)}'`, 2n ** 64n - 1n],
      ["b'1'", 1n],
    ],
  ],
  [
    'date',
    'date',
    [
      ["'1000-01-01'", '1000-01-01'],
      ["'9999-12-31'", '9999-12-31'],
      ["'2000-02-29'", '2000-02-29'],
      ["'0000-01-01'", '0001-01-01 BC'],
      ["'0001-01-01'", '0001-01-01'],
      ["'1969-12-31'", '1969-12-31'],
    ],
  ],
  [
    'datetime',
    'timestamp',
    [
      ["'1000-01-01 00:00:00'", '1000-01-01 00:00:00'],
      ["'9999-12-31 23:59:59'", '9999-12-31 23:59:59'],
      ["'1969-12-31 23:59:59'", '1969-12-31 23:59:59'],
      ["'2024-03-31 02:30:00'", '2024-03-31 02:30:00'],
    ],
  ],
  [
    'timestamp',
    'timestamptz',
    [
      ["'1970-01-01 00:00:01'", '1970-01-01 00:00:01Z'],
      ["'2038-01-19 03:14:07'", '2038-01-19 03:14:07Z'],
    ],
  ],
  [
    'time',
    'duration',
    [
      ["'-838:59:59'", -hours('838:59:59')],
      ["'838:59:59'", hours('838:59:59')],
      ["'00:00:00'", 0n],
      ["'-00:00:01'", -1_000_000n],
    ],
  ],
  [
    'year',
    'int16',
    [
      ['1901', 1901],
      ['2155', 2155],
      ["'0000'", 0],
    ],
  ],
  [
    'char(5)',
    'utf8',
    [
      ["'Ž€😀'", 'Ž€😀'],
      ["''", ''],
    ],
  ],
  [
    'varchar(20)',
    'utf8',
    [
      ["'a b  '", 'a b  '],
      ["'NULL'", 'NULL'],
      ["'\\\\\\'\\\"\\n\\r\\t\\0'", '\\\'"\n\r\t\0'],
      ["''", ''],
    ],
  ],
  [
    'varchar(300)',
    'utf8',
    [
      ["REPEAT('é', 300)", 'é'.repeat(300)],
      ["REPEAT('x', 128)", 'x'.repeat(128)],
      ["REPEAT('x', 251)", 'x'.repeat(251)],
    ],
  ],
  ['varchar(20) character set latin1', 'utf8', [["'é ü'", 'é ü']]],
  ['longtext', 'utf8', [["REPEAT('ab', 40000)", 'ab'.repeat(40_000)]]],
  [
    'binary(4)',
    'binary',
    [
      ["x'00ff5c0a'", bytes('00ff5c0a')],
      ["x'61'", bytes('61000000')],
    ],
  ],
  [
    'varbinary(10)',
    'binary',
    [
      ["x'00ff5c0a80'", bytes('00ff5c0a80')],
      ["''", bytes('')],
    ],
  ],
  ['longblob', 'binary', [["REPEAT(x'00ff', 40000)", bytes('00ff'.repeat(40_000))]]],
  [
    "enum('a','Ž','2')",
    'utf8',
    [
      ["'Ž'", 'Ž'],
      ["'2'", '2'],
    ],
  ],
  [
    "set('x','y','1')",
    'utf8',
    [
      ["'x,y'", 'x,y'],
      ["''", ''],
      ["'1'", '1'],
    ],
  ],
]

const withFractions: readonly Case[] = [
  [
    'datetime(6)',
    'timestamp',
    [
      ["'9999-12-31 23:59:59.999999'", '9999-12-31 23:59:59.999999'],
      ["'1000-01-01 00:00:00.000001'", '1000-01-01 00:00:00.000001'],
      ["'1969-12-31 23:59:59.5'", '1969-12-31 23:59:59.500000'],
    ],
  ],
  ['timestamp(6)', 'timestamptz', [["'2024-07-01 00:00:00.000001'", '2024-07-01 00:00:00.000001Z']]],
  [
    'time(6)',
    'duration',
    [
      ["'-838:59:59'", -hours('838:59:59')],
      ["'838:59:58.999999'", hours('838:59:58', 999_999n)],
      ["'-00:00:00.000001'", -1n],
      ["'23:59:59.999999'", hours('23:59:59', 999_999n)],
    ],
  ],
  [
    'json',
    'json',
    [
      ['\'{"a": 12345678901234567890}\'', '{"a": 12345678901234567890}'],
      ["'[]'", '[]'],
      ["'null'", 'null'],
    ],
  ],
  ['point', 'binary', [["ST_GeomFromText('POINT(1 2)')", bytes('0101000000000000000000f03f0000000000000040')]]],
  [
    'geometry',
    'binary',
    [
      [
        "ST_GeomFromText('LINESTRING(0 0, 1 1)', 0)",
        bytes(`010200000002000000${'00'.repeat(16)}000000000000f03f000000000000f03f`),
      ],
    ],
  ],
]

/** A point whose first axis is the longitude on both: MySQL would swap them for this SRID if it were asked for WKB. */
const withSrid: Case = ['geometry', 'binary', [['', bytes('0101000020e6100000000000000000f03f0000000000000040')]]]
const onMysql9: readonly Case[] = [
  [withSrid[0], withSrid[1], [["ST_GeomFromText('POINT(1 2)', 4326, 'axis-order=long-lat')", withSrid[2][0]![1]]]],
  ['vector(2)', 'binary', [["STRING_TO_VECTOR('[1,2]')", bytes('0000803f00000040')]]],
]
const onMariaDb: readonly Case[] = [
  [withSrid[0], withSrid[1], [["ST_GeomFromText('POINT(1 2)', 4326)", withSrid[2][0]![1]]]],
  ['uuid', 'uuid', [["'123e4567-e89b-12d3-a456-426655440000'", '123e4567-e89b-12d3-a456-426655440000']]],
  ['inet6', 'utf8', [["'2001:db8::ff00:42:8329'", '2001:db8::ff00:42:8329']]],
  ['inet4', 'utf8', [["'192.0.2.1'", '192.0.2.1']]],
]

for (const [name, cases] of [
  ['mysql-5.5', everywhere],
  ['mysql-9', [...everywhere, ...withFractions, ...onMysql9]],
  ['mariadb-10.11', [...everywhere, ...withFractions, ...onMariaDb]],
] as const) {
  const { server, skip } = await fileServer(name)
  const { place, rows, run } = await filePlayground(server, skip)

  describe(`types of ${name}`, { skip }, () => {
    for (const [at, [type, ours, samples]] of cases.entries()) {
      test(type, async () => {
        const table = `t${at}`
        await run(`CREATE TABLE ${table} (id INT PRIMARY KEY, v ${type} NULL) ENGINE = InnoDB`)
        for (const [id, [literal]] of samples.entries()) await run(`INSERT INTO ${table} VALUES (${id}, ${literal})`)
        await run(`INSERT INTO ${table} VALUES (${samples.length}, NULL)`)
        const read = await readAll({ ...place, tables: [table] })
        assert.equal(typeName(read.datasets[0]!.schema.fields[1]!.type), ours)
        assert.deepEqual(
          read.rows.map(([, value]) => value),
          [...samples.map(([, expected]) => expected), null],
        )
        await copy({ ...place, tables: [table] }, { ...place, tables: [`${table}_copy`], createTable: true })
        assert.deepEqual(
          await rows(
            `SELECT COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE '${table}\\_copy' AND COLUMN_NAME = 'v'`,
          ),
          await rows(
            `SELECT COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}' AND COLUMN_NAME = 'v'`,
          ),
        )
        const differing = await rows(
          `SELECT a.id FROM ${table} AS a LEFT JOIN ${table}_copy AS b ON a.id = b.id WHERE b.id IS NULL OR NOT (HEX(CAST(a.v AS CHAR CHARACTER SET binary)) <=> HEX(CAST(b.v AS CHAR CHARACTER SET binary)))`,
        )
        assert.deepEqual(differing, [])
      })
    }
  })
}
