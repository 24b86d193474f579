/** Values that systems and tools get wrong, declared once: the round-trip test sends them, and docs/reference/exactness.md lists them. */

/** How a value reads alike in PostgreSQL and in MySQL, so that the two servers can be compared directly. */
export type Alike = 'text' | 'date' | 'hex' | 'float' | 'timestamp' | 'duration' | 'bool' | 'bits' | 'bytes'

export interface Kind {
  /** Column type, as DDL has it. */
  readonly type: string
  /** SQL expression by which the source's server shows a value of column `c` exactly. */
  readonly shown?: (c: string) => string
  /** Undefined where the two servers have no spelling in common. */
  readonly alike?: Alike
  /** Whether two texts are one value to the type, though they differ. */
  readonly isEqual?: (a: string, b: string) => boolean
  /** SQL literals. */
  readonly values: readonly string[]
}

const withoutZeros = (text: string) => text.replace(/(\.\d*?)0+$/, '$1')

const hex = (c: string) => `HEX(${c})`

/** Of MySQL and MariaDB; inserted without strict mode, which lets in what older servers have in their tables. */
export const mysqlKinds: readonly Kind[] = [
  { type: 'TINYINT', alike: 'text', values: ['-128', '127', '0'] },
  { type: 'TINYINT UNSIGNED', alike: 'text', values: ['0', '255'] },
  { type: 'TINYINT(1)', alike: 'text', values: ['2', '1', '0'] },
  { type: 'SMALLINT', alike: 'text', values: ['-32768', '32767'] },
  { type: 'SMALLINT UNSIGNED', alike: 'text', values: ['65535'] },
  { type: 'MEDIUMINT', alike: 'text', values: ['-8388608', '8388607'] },
  { type: 'MEDIUMINT UNSIGNED', alike: 'text', values: ['16777215'] },
  { type: 'INT', alike: 'text', values: ['-2147483648', '2147483647'] },
  { type: 'INT UNSIGNED', alike: 'text', values: ['4294967295'] },
  { type: 'BIGINT', alike: 'text', values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'] },
  { type: 'BIGINT UNSIGNED', alike: 'text', values: ['18446744073709551615', '9223372036854775808'] },
  {
    type: 'FLOAT',
    // The text has six digits; the sum has all, but not the sign of zero.
    shown: c => `CONCAT(${c}, ' ', ${c} + 0e0)`,
    values: ['16777216', '1.17549e-38', '1e-45', '3.40282e38', '-0.0', '0.1'],
  },
  {
    type: 'DOUBLE',
    alike: 'float',
    values: ['1.7976931348623157e308', '2.2250738585072014e-308', '5e-324', '0.30000000000000004', '-0.0'],
  },
  { type: 'DECIMAL(10,2)', alike: 'text', values: ['99999999.99', '-99999999.99', '0.01'] },
  { type: 'DECIMAL(18,6)', alike: 'text', values: ['999999999999.999999', '-0.000001'] },
  { type: 'DECIMAL(38,10)', alike: 'text', values: ['9999999999999999999999999999.9999999999', '-0.0000000001'] },
  {
    type: 'DECIMAL(65,30)',
    alike: 'text',
    values: ['99999999999999999999999999999999999.999999999999999999999999999999', '-1e-30'],
  },
  { type: 'CHAR(10)', shown: hex, alike: 'hex', values: [`'ab'`, `''`, `'ÄÖ€'`] },
  {
    type: 'VARCHAR(50)',
    shown: hex,
    alike: 'hex',
    values: [
      `'trailing  '`,
      `'😀 emoji'`,
      `'back\\\\slash \\n \\r \\t "quotes", comma; '''`,
      `'\\\\N'`,
      `'NULL'`,
      `''`,
      `CONCAT('a', CHAR(0), 'b')`,
    ],
  },
  { type: 'VARCHAR(10) CHARACTER SET latin1', shown: hex, values: [`'Äö€'`] },
  { type: 'TEXT', shown: hex, alike: 'hex', values: [`REPEAT('Ω', 20000)`] },
  { type: 'LONGTEXT', shown: hex, alike: 'hex', values: [`REPEAT('long', 300000)`] },
  { type: 'BINARY(4)', shown: hex, alike: 'bytes', values: ['0x00FF', '0x01020304'] },
  { type: 'VARBINARY(20)', shown: hex, alike: 'bytes', values: ['0x00FF5C0A80', `''`, `'\\\\x41'`] },
  { type: 'BLOB', shown: hex, alike: 'bytes', values: ['0x00FF5C0A80', `REPEAT('x', 60000)`] },
  {
    type: 'DATE',
    alike: 'date',
    values: [`'0001-01-01'`, `'1000-01-01'`, `'9999-12-31'`, `'2024-02-29'`, `'0000-00-00'`, `'2024-00-00'`],
  },
  { type: 'DATETIME', alike: 'timestamp', values: [`'1000-01-01 00:00:00'`, `'9999-12-31 23:59:59'`, `'0000-00-00 00:00:00'`] },
  {
    type: 'DATETIME(6)',
    alike: 'timestamp',
    values: [`'9999-12-31 23:59:59.999999'`, `'2024-03-31 02:30:00.000001'`, `'2024-00-00 00:00:00'`],
  },
  {
    type: 'TIMESTAMP(6) NULL',
    alike: 'timestamp',
    values: [`'1970-01-01 00:00:01'`, `'2038-01-19 03:14:07.999999'`, `'0000-00-00 00:00:00'`],
  },
  {
    type: 'TIME(6)',
    alike: 'duration',
    values: [
      `'838:59:59.000000'`,
      `'-838:59:59.000000'`,
      `'838:59:59.999999'`,
      `'-838:59:59.999999'`,
      `'23:59:59.999999'`,
      `'-00:00:00.000001'`,
    ],
  },
  { type: 'YEAR', shown: c => `CONCAT(${c})`, values: ['1901', '2155', `'0000'`] },
  { type: 'BIT(1)', shown: hex, alike: 'bool', values: [`b'1'`, `b'0'`] },
  { type: 'BIT(64)', shown: hex, alike: 'bits', values: [`0xFFFFFFFFFFFFFFFF`, `b'1'`] },
  { type: `ENUM('a','Ž','with, comma')`, shown: c => `CONCAT(${c} + 0, ' ', HEX(${c}))`, values: [`'Ž'`, `'with, comma'`, '0'] },
  { type: `SET('x','y')`, shown: hex, alike: 'hex', values: [`'x,y'`, `''`] },
  {
    type: 'JSON',
    shown: c => `CONCAT(JSON_EXTRACT(${c}, '$.b'), ' ', JSON_EXTRACT(${c}, '$.a[1]'), ' ', JSON_LENGTH(${c}))`,
    values: [`'{"b": 12345678901234567890, "a": [1, "x"]}'`],
  },
  { type: 'JSON', values: [`'null'`, `'"\\\\u0000"'`] },
  { type: 'POINT', shown: c => `CONCAT(ST_AsText(${c}), ' ', ST_SRID(${c}))`, values: [`ST_GeomFromText('POINT(1.5 -2)')`] },
]

/** What only MariaDB lets in: half a surrogate pair, in three bytes. */
export const mariadbKinds: readonly Kind[] = [
  ...mysqlKinds,
  { type: 'VARCHAR(10) CHARACTER SET utf8mb3', shown: hex, values: [`CONVERT(_ucs2 0xD83D USING utf8mb3)`] },
]

export const postgresKinds: readonly Kind[] = [
  { type: 'bool', alike: 'bool', values: ['true', 'false'] },
  { type: 'int2', alike: 'text', values: ['-32768', '32767'] },
  { type: 'int4', alike: 'text', values: ['-2147483648', '2147483647'] },
  { type: 'int8', alike: 'text', values: ['-9223372036854775808', '9223372036854775807'] },
  { type: 'float4', values: [`'NaN'`, `'Infinity'`, `'-0'`, '1e-45', '3.4028235e38', '0.1'] },
  {
    type: 'float8',
    alike: 'float',
    values: [`'NaN'`, `'Infinity'`, `'-Infinity'`, `'-0'`, '5e-324', '1.7976931348623157e308', '0.30000000000000004'],
  },
  {
    type: 'numeric',
    isEqual: (a, b) => withoutZeros(a) === withoutZeros(b),
    values: [`'NaN'`, `'Infinity'`, `'-Infinity'`, '1e1000', '0.1', '1.10', '1e-1000'],
  },
  { type: 'numeric(12,2)', alike: 'text', values: [`'NaN'`, '9999999999.99', '-0.01'] },
  { type: 'numeric(38,10)', alike: 'text', values: ['9999999999999999999999999999.9999999999'] },
  { type: 'numeric(65,30)', alike: 'text', values: ['99999999999999999999999999999999999.999999999999999999999999999999'] },
  {
    type: 'text',
    alike: 'hex',
    values: [`'äöü😀'`, `''`, `E'\\\\ \\n \\t \\r "quotes", comma; '''`, `'\\N'`, `'NULL'`, `U&'\\FEFF'`, `'trailing  '`],
  },
  { type: 'varchar(20)', alike: 'hex', values: [`'x  '`] },
  { type: 'char(5)', shown: c => `encode(bpcharsend(${c}), 'hex')`, values: [`'ab'`, `''`] },
  { type: '"char"', values: [`'c'`] },
  { type: 'name', alike: 'hex', values: [`'a name'`] },
  { type: 'bytea', alike: 'bytes', values: [`'\\x00ff5c0a80'`, `''`, `'\\x5c783431'`, `'\\\\001\\\\\\\\'`] },
  {
    type: 'date',
    alike: 'date',
    values: [
      `'infinity'`,
      `'-infinity'`,
      `'4713-01-01 BC'`,
      `'0001-12-31 BC'`,
      `'0001-01-01'`,
      `'9999-12-31'`,
      `'5874897-12-31'`,
    ],
  },
  { type: 'time', values: [`'24:00'`, `'00:00:00.000001'`, `'23:59:59.999999'`] },
  { type: 'timetz', values: [`'23:59:59.999999+15:59'`, `'00:00-15:59:59'`] },
  {
    type: 'timestamp',
    alike: 'timestamp',
    values: [
      `'infinity'`,
      `'-infinity'`,
      `'4713-01-01 00:00:00 BC'`,
      `'0001-01-01 00:00:00'`,
      `'2024-03-31 02:30:00.000001'`,
      `'294276-12-31 23:59:59.999999'`,
    ],
  },
  {
    type: 'timestamptz',
    alike: 'timestamp',
    values: [
      `'infinity'`,
      `'-infinity'`,
      `'4713-01-01 00:00:00+00 BC'`,
      `'0001-01-01 00:00:00+00'`,
      `'2024-10-27 02:30:00.000001+02'`,
      `'294276-12-31 23:59:59.999999+00'`,
    ],
  },
  {
    type: 'interval',
    values: [
      `'178000000 years'`,
      `'-178000000 years -1 day -00:00:00.000001'`,
      `'1 mon -1 day 00:00:00.5'`,
      `'1 day'`,
      `'24:00:00'`,
      `'-838:59:59.999999'`,
      // The bits that mean infinity since PostgreSQL 17.
      `'178956970 years 7 mons 2147483647 days 2562047788:00:54.775807'`,
    ],
  },
  { type: 'uuid', values: [`'00000000-0000-0000-0000-000000000000'`, `'ffffffff-ffff-ffff-ffff-ffffffffffff'`] },
  { type: 'json', values: [`'{"b" : 1,  "a": [1e400], "b": 2}'`, `'null'`, `'"\\u0000"'`, `'"\\ud800"'`] },
  { type: 'jsonb', values: [`'{"b":1,"aa":[1.10, 1e400]}'`, `'{"b":1,"aa":[1.10]}'`, `'"\\u00e4"'`, `'null'`] },
  { type: 'xml', alike: 'hex', values: [`'<a>ä</a>'`] },
  { type: 'inet', alike: 'text', values: [`'192.168.0.1/24'`, `'::1'`] },
  { type: 'cidr', alike: 'text', values: [`'10.0.0.0/8'`] },
  { type: 'macaddr', alike: 'text', values: [`'08:00:2b:01:02:03'`] },
  { type: 'bit(3)', alike: 'text', values: [`B'101'`] },
  { type: 'varbit', alike: 'text', values: [`B'10101010101'`, `B''`] },
  { type: 'money', values: [`'-92233720368547758.08'`] },
  { type: 'int4range', values: [`'[1,5)'`, `'empty'`, `'(,)'`] },
  { type: 'tstzrange', values: [`'[2020-01-01 00:00+00,infinity]'`] },
  { type: 'point', values: [`'(1.5,-2)'`] },
  { type: 'polygon', values: [`'((0,0),(1,1),(2,0))'`] },
  { type: 'tsvector', values: [`'a:1 b:2'`] },
  { type: 'pg_lsn', values: [`'16/B374D848'`] },
  { type: 'oid', alike: 'text', values: ['4294967295'] },
  { type: 'mood', alike: 'hex', values: [`'with, comma'`, `'ö'`] },
  { type: 'int4[]', values: [`'{1,NULL,-2147483648}'`, `'{}'`, `'{{1,NULL},{3,4}}'`, `'[0:1]={1,2}'`] },
  { type: 'text[]', values: [`'{"a b","",NULL,"\\"q\\"","\\\\","NULL"}'`] },
  { type: 'bytea[]', values: [`'{"\\\\x00ff",NULL}'`] },
  { type: 'timestamptz[]', values: [`'{infinity,"2020-01-01 00:00:00+00"}'`] },
  { type: 'numeric[]', values: [`'{NaN,1.50}'`] },
  { type: 'mood[]', values: [`'{sad,"with, comma"}'`] },
]

/** What older servers do not have: infinite numerics before PostgreSQL 14, infinite intervals before 17. */
export const newPostgresKinds: readonly Kind[] = [
  { type: 'numeric', values: [`'Infinity'`, `'-Infinity'`, `'NaN'`] },
  { type: 'numeric[]', values: [`'{Infinity}'`] },
  { type: 'interval', values: [`'infinity'`, `'-infinity'`, `'178956970 years 7 mons 2147483647 days'`] },
  { type: 'interval(3)', values: [`'infinity'`] },
  { type: 'interval[]', values: [`'{infinity,"1 day"}'`] },
]
