/** Every type with its extreme values: decoded, and copied to another table that the server compares. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { typeName, type Value } from '#columnar'
import { fileServer } from '../../../tools/servers/index.ts'
import { copy, filePlayground, readAll } from './postgres.test-support.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, rows, run } = await filePlayground(server, skip)

type Sample = readonly [literal: string, expected: Value]

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const nines = (count: number) => '9'.repeat(count)

/** Values as the manual gives the limits of the types; what they decode to follows from the conventions of #columnar. */
const types: readonly (readonly [type: string, ours: string, samples: readonly Sample[]])[] = [
  [
    'boolean',
    'bool',
    [
      ['true', true],
      ['false', false],
    ],
  ],
  [
    'smallint',
    'int16',
    [
      ['-32768', -32768],
      ['32767', 32767],
      ['0', 0],
    ],
  ],
  [
    'integer',
    'int32',
    [
      ['-2147483648', -2147483648],
      ['2147483647', 2147483647],
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
    'oid',
    'uint32',
    [
      ['0', 0],
      ['4294967295', 4294967295],
    ],
  ],
  [
    'real',
    'float32',
    [
      ['3.4028235e38', 3.4028234663852886e38],
      ['1e-45', 1.401298464324817e-45],
      ['-0', -0],
      ['NaN', NaN],
      ['-Infinity', -Infinity],
    ],
  ],
  [
    'double precision',
    'float64',
    [
      ['1.7976931348623157e308', Number.MAX_VALUE],
      ['5e-324', 5e-324],
      ['-0', -0],
      ['NaN', NaN],
      ['Infinity', Infinity],
      ['0.1', 0.1],
    ],
  ],
  [
    'numeric(12,2)',
    'decimal(12,2)',
    [
      ['9999999999.99', '9999999999.99'],
      ['-9999999999.99', '-9999999999.99'],
      ['0.01', '0.01'],
      ['-0.01', '-0.01'],
      ['0', '0.00'],
      ['NaN', 'NaN'],
      ['10000', '10000.00'],
      ['100.5', '100.50'],
    ],
  ],
  [
    'numeric(15,1)',
    'decimal(15,1)',
    [
      ['99999999999999.9', '99999999999999.9'],
      ['-0.1', '-0.1'],
    ],
  ],
  [
    'numeric(18,0)',
    'decimal(18,0)',
    [
      [nines(18), nines(18)],
      [`-${nines(18)}`, `-${nines(18)}`],
      ['10000000000000000', '10000000000000000'],
      ['NaN', 'NaN'],
    ],
  ],
  [
    'numeric(18,18)',
    'decimal(18,18)',
    [
      [`0.${nines(18)}`, `0.${nines(18)}`],
      ['-0.000000000000000001', '-0.000000000000000001'],
    ],
  ],
  [
    'numeric(17,7)',
    'decimal(17,7)',
    [
      [`${nines(10)}.${nines(7)}`, `${nines(10)}.${nines(7)}`],
      [`-${nines(10)}.0000001`, `-${nines(10)}.0000001`],
    ],
  ],
  [
    'numeric(38,0)',
    'decimal(38,0)',
    [
      [nines(38), nines(38)],
      [`-${nines(38)}`, `-${nines(38)}`],
      ['NaN', 'NaN'],
      [`1${'0'.repeat(36)}`, `1${'0'.repeat(36)}`],
    ],
  ],
  [
    'numeric(38,38)',
    'decimal(38,38)',
    [
      [`0.${nines(38)}`, `0.${nines(38)}`],
      [`-0.${'0'.repeat(37)}1`, `-0.${'0'.repeat(37)}1`],
    ],
  ],
  [
    'numeric(38,19)',
    'decimal(38,19)',
    [
      [`${nines(19)}.${nines(19)}`, `${nines(19)}.${nines(19)}`],
      [`-18446744073709551616.5`.slice(0, 20), '-1844674407370955161.0000000000000000000'],
    ],
  ],
  [
    'numeric(60,5)',
    'numeric',
    [
      [`${nines(55)}.${nines(5)}`, `${nines(55)}.${nines(5)}`],
      ['-0.00001', '-0.00001'],
    ],
  ],
  [
    'numeric(3,5)',
    'numeric',
    [
      ['0.00999', '0.00999'],
      ['-0.00001', '-0.00001'],
    ],
  ],
  [
    'numeric(3,-2)',
    'numeric',
    [
      ['99900', '99900'],
      ['-99900', '-99900'],
    ],
  ],
  [
    'numeric',
    'numeric',
    [
      ['1e-1000', `0.${'0'.repeat(999)}1`],
      ['1e1000', `1${'0'.repeat(1000)}`],
      ['NaN', 'NaN'],
      ['Infinity', 'Infinity'],
      ['-Infinity', '-Infinity'],
      ['0', '0'],
      ['0.00', '0.00'],
      ['-12345.6789', '-12345.6789'],
      ['100020003.0004', '100020003.0004'],
      ['0.00010000', '0.00010000'],
    ],
  ],
  [
    'text',
    'utf8',
    [
      ['', ''],
      ['x'.repeat(100_000), 'x'.repeat(100_000)],
      ['ñandú 🦤\t\n\\', 'ñandú 🦤\t\n\\'],
      ['x'.repeat(128), 'x'.repeat(128)],
      ['\uFEFFx', '\uFEFFx'],
    ],
  ],
  [
    'character varying(5)',
    'utf8',
    [
      ['ab   ', 'ab   '],
      ['🦤🦤🦤🦤🦤', '🦤🦤🦤🦤🦤'],
    ],
  ],
  [
    'character(5)',
    'utf8',
    [
      ['ab', 'ab   '],
      ['', '     '],
    ],
  ],
  ['name', 'utf8', [['pg_class', 'pg_class']]],
  [
    'bytea',
    'binary',
    [
      ['\\x', bytes('')],
      ['\\x00ff80', bytes('00ff80')],
      [`\\x${'ab'.repeat(1000)}`, bytes('ab'.repeat(1000))],
    ],
  ],
  [
    'date',
    'date',
    [
      ['infinity', 'infinity'],
      ['-infinity', '-infinity'],
      ['4714-11-24 BC', '4714-11-24 BC'],
      ['5874897-12-31', '5874897-12-31'],
      ['1970-01-01', '1970-01-01'],
      ['2000-02-29', '2000-02-29'],
    ],
  ],
  [
    'time',
    'time',
    [
      ['00:00', '00:00:00'],
      ['24:00', '24:00:00'],
      ['23:59:59.999999', '23:59:59.999999'],
    ],
  ],
  [
    'timestamp',
    'timestamp',
    [
      ['infinity', 'infinity'],
      ['-infinity', '-infinity'],
      ['4714-11-24 00:00:00 BC', '4714-11-24 00:00:00 BC'],
      ['294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999'],
      ['1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999'],
      ['2026-01-02 03:04:05.000001', '2026-01-02 03:04:05.000001'],
    ],
  ],
  [
    'timestamp with time zone',
    'timestamptz',
    [
      ['infinity', 'infinity'],
      ['2026-01-02 03:04:05.6+02', '2026-01-02 01:04:05.600000Z'],
      ['0001-01-01 00:00:00+00 BC', '0001-01-01 00:00:00Z BC'],
    ],
  ],
  [
    'interval',
    'interval',
    [
      ['1 year 2 months -3 days 04:05:06.000007', { months: 14, days: -3, micros: 14_706_000_007n }],
      ['-178000000 years', { months: -2136000000, days: 0, micros: 0n }],
      ['2147483647 days', { months: 0, days: 2147483647, micros: 0n }],
    ],
  ],
  [
    'json',
    'json',
    [
      ['{"b": 1, "a":[ ]}', '{"b": 1, "a":[ ]}'],
      ['null', 'null'],
    ],
  ],
  [
    'jsonb',
    'json',
    [
      ['{"b": 1, "a":[ ]}', '{"a": [], "b": 1}'],
      ['1e3', '1000'],
    ],
  ],
  [
    'uuid',
    'uuid',
    [
      ['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'],
      ['ffffffff-ffff-ffff-ffff-ffffffffffff', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
      ['01234567-89ab-cdef-0123-456789abcdef', '01234567-89ab-cdef-0123-456789abcdef'],
    ],
  ],
  [
    'mood',
    'utf8',
    [
      ['so-so', 'so-so'],
      ['happy 🦤', 'happy 🦤'],
    ],
  ],
  [
    'positive',
    'int32',
    [
      ['1', 1],
      ['2147483647', 2147483647],
    ],
  ],
  [
    'price',
    'decimal(10,3)',
    [
      ['0.001', '0.001'],
      ['9999999.999', '9999999.999'],
    ],
  ],
  [
    'integer[]',
    'list<int32>',
    [
      ['{}', []],
      ['{1,NULL,-2147483648}', [1, null, -2147483648]],
    ],
  ],
  ['text[]', 'list<utf8>', [['{"",NULL,"NULL","a,\\"b\\\\"}', ['', null, 'NULL', 'a,"b\\']]]],
  ['numeric(12,2)[]', 'list<decimal(12,2)>', [['{1.5,NaN,NULL}', ['1.50', 'NaN', null]]]],
  ['numeric[]', 'list<numeric>', [['{1.5,Infinity,NULL,1e-100}', ['1.5', 'Infinity', null, `0.${'0'.repeat(99)}1`]]]],
  ['timestamptz[]', 'list<timestamptz>', [['{"2026-01-01 00:00:00+00",infinity}', ['2026-01-01 00:00:00Z', 'infinity']]]],
  ['boolean[]', 'list<bool>', [['{t,f,NULL}', [true, false, null]]]],
  ['bytea[]', 'list<binary>', [['{"\\\\x00ff",NULL}', [bytes('00ff'), null]]]],
  ['uuid[]', 'list<uuid>', [['{01234567-89ab-cdef-0123-456789abcdef}', ['01234567-89ab-cdef-0123-456789abcdef']]]],
  ['jsonb[]', 'list<json>', [['{"{\\"a\\":1}"}', ['{"a": 1}']]]],
  ['mood[]', 'list<utf8>', [['{so-so,NULL}', ['so-so', null]]]],
  ['interval[]', 'list<interval>', [['{"1 day"}', [{ months: 0, days: 1, micros: 0n }]]]],
  [
    'inet',
    'utf8',
    [
      ['10.0.0.1/8', '10.0.0.1/8'],
      ['::1', '::1/128'],
    ],
  ],
  ['cidr', 'utf8', [['10.0.0.0/8', '10.0.0.0/8']]],
  ['macaddr', 'utf8', [['08:00:2b:01:02:03', '08:00:2b:01:02:03']]],
  ['macaddr8', 'utf8', [['08:00:2b:01:02:03:04:05', '08:00:2b:01:02:03:04:05']]],
  ['money', 'utf8', [['-92233720368547758.08', '-$92,233,720,368,547,758.08']]],
  ['time with time zone', 'utf8', [['23:59:59.5+14:30', '23:59:59.5+14:30']]],
  ['bit(5)', 'utf8', [['10101', '10101']]],
  [
    'bit varying',
    'utf8',
    [
      ['', ''],
      ['1', '1'],
    ],
  ],
  ['point', 'utf8', [['(1.5,-2)', '(1.5,-2)']]],
  ['polygon', 'utf8', [['((0,0),(1,1),(1,0))', '((0,0),(1,1),(1,0))']]],
  [
    'int4range',
    'utf8',
    [
      ['[1,5)', '[1,5)'],
      ['empty', 'empty'],
      ['(,)', '(,)'],
    ],
  ],
  ['int4multirange', 'utf8', [['{[1,5),[7,9)}', '{[1,5),[7,9)}']]],
  ['tsvector', 'utf8', [["'a':1 'b':2A", "'a':1 'b':2A"]]],
  ['tsquery', 'utf8', [["'a' & !'b'", "'a' & !'b'"]]],
  ['pg_lsn', 'utf8', [['16/B374D848', '16/B374D848']]],
  ['xml', 'utf8', [['<a>ü</a>', '<a>ü</a>']]],
  ['jsonpath', 'utf8', [['$."a"', '$."a"']]],
  ['pair', 'utf8', [['(1,"x y")', '(1,"x y")']]],
  ['inet[]', 'utf8', [['{10.0.0.1,NULL}', '{10.0.0.1,NULL}']]],
  ['"char"', 'utf8', [['x', 'x']]],
  ['int2vector', 'utf8', [['1 2', '1 2']]],
  ['regclass', 'utf8', [['pg_class', 'pg_class']]],
  ['xid', 'utf8', [['4294967295', '4294967295']]],
  ['hstore', 'utf8', [['"a"=>"1", "b"=>NULL', '"a"=>"1", "b"=>NULL']]],
  ['citext', 'utf8', [['ABC', 'ABC']]],
]

const quoteText = (text: string) => `'${text.replaceAll("'", "''")}'`

// The server of the tests may come without contrib modules.
const available =
  skip === false
    ? (await rows("SELECT name FROM pg_available_extensions WHERE name IN ('hstore', 'citext')")).map(([name]) => name)
    : []
const isAvailable = (type: string) => !['hstore', 'citext'].includes(type) || available.includes(type)

const TEXTS = /^(text|varchar.*|character.*|char\(.*|bpchar|name|citext|mood)$/

/** Types that a table may have to be copied without a look at its values. */
const passedOn: string[] = []

describe('types', { skip }, () => {
  test('set up', async () => {
    await run(
      "CREATE TYPE mood AS ENUM ('sad', 'so-so', 'happy 🦤')",
      'CREATE DOMAIN positive AS integer CHECK (VALUE > 0)',
      'CREATE DOMAIN price AS numeric(10,3)',
      'CREATE TYPE pair AS (a integer, b text)',
      ...available.map(name => `CREATE EXTENSION ${name}`),
    )
  })

  for (const [type, ours, samples] of types) {
    test(`${type} is ${ours}`, { skip: !isAvailable(type) && 'the server has no such extension' }, async () => {
      const values = [...samples.map(([literal]) => quoteText(literal)), 'NULL']
      const inserted = values.map((value, id) => `(${id}, ${value}::${type})`).join(', ')
      await run(
        'DROP TABLE IF EXISTS source, target, sluice_ledger',
        `CREATE TABLE source (id int PRIMARY KEY, v ${type})`,
        'CREATE TABLE target (LIKE source INCLUDING ALL)',
        `INSERT INTO source VALUES ${inserted}`,
      )
      const { datasets, rows: read } = await readAll({ ...place, tables: 'source' })
      assert.equal(typeName(datasets[0]!.schema.fields[1]!.type), ours)
      assert.deepEqual(
        read,
        [...samples.map(([, expected]) => expected), null].map((expected, id) => [id, expected]),
      )
      const wanted = await rows('SELECT id, v::text FROM source ORDER BY id')
      for (const encoded of [false, true]) {
        const { target } = await copy({ ...place, tables: 'source' }, { ...place, tables: 'target' }, encoded)
        if (encoded && target.takesEncoded === true) passedOn.push(type)
        assert.deepEqual(await rows('SELECT id, v::text FROM target ORDER BY id'), wanted)
        await run('TRUNCATE target')
      }
    })
  }

  test('values are passed on undecoded unless they are read as text or may have a shape that is no list', () => {
    const decoded = types.filter(([type]) => isAvailable(type) && !passedOn.includes(type))
    assert.deepEqual(
      decoded.map(([type]) => type),
      types
        .filter(([type, ours]) => isAvailable(type) && (ours.startsWith('list') || (ours === 'utf8' && !TEXTS.test(type))))
        .map(([type]) => type),
    )
  })
})
