/** The suites of #conformance, run against the connector on every server that it supports. */
import {
  binary,
  bool,
  date,
  decimalType,
  duration,
  type Field,
  float,
  int,
  json,
  timestamp,
  type Type,
  utf8,
  uuid,
  type Value,
} from '#columnar'
import { type Row, sinkSuite, sourceSuite } from '#conformance'
import { fileServer } from '../../../tools/servers/index.ts'
import { filePlayground, type Playground } from './mysql.test-support.ts'
import { mysqlSink } from './sink.ts'
import { mysqlSource } from './source.ts'

const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ')
/** 0 to 99,999, on servers that have neither sequences nor recursion. */
const numbers = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i FROM (${digits}) a, (${digits}) b, (${digits}) c, (${digits}) e, (${digits}) f)`
const upTo = (count: number) => `(SELECT i FROM ${numbers} AS n WHERE i BETWEEN 1 AND ${count}) AS n`

for (const name of ['mysql-9', 'mariadb-10.11', 'mysql-5.5', 'mariadb-11.8'] as const) {
  const { server, skip } = await fileServer(name)
  const { place, run, rows } = await filePlayground(server, skip)
  if (skip !== false) continue

  await run(
    'CREATE TABLE keyed (id BIGINT PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2)) ENGINE = InnoDB',
    `INSERT INTO keyed SELECT i * 3, IF(i % 7 = 0, NULL, CONCAT('name ', i)), i / 4 FROM ${upTo(60)}`,
    'CREATE TABLE loose (n INT, at DATETIME) ENGINE = InnoDB',
    `INSERT INTO loose SELECT i, '2026-01-01' + INTERVAL i HOUR FROM ${upTo(25)}`,
    'CREATE TABLE composite (a VARCHAR(10), b BINARY(2), c INT UNSIGNED, PRIMARY KEY (b, a)) ENGINE = InnoDB',
    `INSERT INTO composite SELECT CONCAT('x', i + 9), UNHEX(LPAD(i % 5, 4, '0')), 4294967295 - i FROM ${upTo(30)}`,
    'ANALYZE TABLE keyed, loose, composite',
  )
  const options = { ...place, tables: ['keyed', 'composite', 'loose'], splitRows: 10 }
  sourceSuite({
    title: name,
    source: mysqlSource,
    options,
    brokenOptions: { ...options, port: 1 },
    rows: {
      keyed: Array.from({ length: 60 }, (_, at) => ({
        id: BigInt(at + 1) * 3n,
        name: (at + 1) % 7 === 0 ? null : `name ${at + 1}`,
        price: ((at + 1) / 4).toFixed(2),
      })),
      composite: Array.from({ length: 30 }, (_, at) => ({
        a: `x${at + 10}`,
        b: Uint8Array.of(0, (at + 1) % 5),
        c: 4_294_967_295 - (at + 1),
      })),
      loose: Array.from({ length: 25 }, (_, at) => ({
        n: at + 1,
        at: `2026-01-0${1 + Math.floor((at + 1) / 24)} ${String((at + 1) % 24).padStart(2, '0')}:00:00`,
      })),
    },
    endpoint: {
      host: place.host,
      port: place.port,
      viaProxy: (host, port) => ({ ...options, host, port }),
      large: (host, port) => ({ ...place, host, port, customSql: `SELECT i, REPEAT('x', 1000) AS filling FROM ${numbers} AS n` }),
    },
  })

  sinkSuite(sinkFixture(name, place, run, rows, name !== 'mysql-5.5'))
}

function sinkFixture(
  title: string,
  place: Playground['place'],
  run: Playground['run'],
  rows: Playground['rows'],
  hasFractions: boolean,
) {
  const field = (name: string, type: Type, rest: Partial<Field> = {}): Field => ({ name, type, nullable: name !== 'id', ...rest })
  const fraction = hasFractions ? 6 : 0
  const fields = [
    field('id', int(64)),
    field('small', int(16)),
    field('big', int(64, false)),
    field('price', decimalType(12, 2)),
    field('wide', decimalType(38, 10)),
    field('ratio', float(64)),
    field('name', utf8, { length: 40 }),
    field('raw', binary),
    field('day', date),
    field('at', timestamp(false), { fraction }),
    field('instant', timestamp(true), { fraction }),
    field('span', duration, { fraction }),
    field('flag', bool),
    field('doc', json),
    field('ref', uuid),
  ]
  const options = { ...place, tables: ['made'], createTable: true }
  const micros = (text: string) => (hasFractions ? text : '')
  const given = rowsOf(micros)
  const [first = {}, second = {}, third = {}] = given
  const changed: Row = { ...first, name: 'changed', price: null }
  return {
    title,
    sink: mysqlSink,
    options,
    brokenOptions: { ...options, port: 1 },
    dataset: { id: 'made', schema: { fields }, primaryKey: ['id'] },
    rows: given,
    reset: () => run('DROP TABLE IF EXISTS made, sluice_ledger'),
    async read() {
      const [found] = await rows(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'made'",
      )
      if (found?.[0] !== '1') return []
      const selected = fields.map(({ name, type }) => (type.kind === 'binary' ? `HEX(${name})` : `\`${name}\``))
      const read = await rows(`SELECT ${selected.join(', ')} FROM made`)
      return read.map(row => Object.fromEntries(fields.map(({ name, type }, at) => [name, valueOf(row[at] ?? null, type)])))
    },
    list: async () => (await rows('SHOW TABLES')).map(([table]) => table ?? ''),
    dropLedger: () => run('DROP TABLE sluice_ledger'),
    endpoint: { host: place.host, port: place.port, viaProxy: (host: string, port: number) => ({ ...options, host, port }) },
    modes: [
      {
        title: 'update',
        options: { ...options, writeMode: 'update' },
        before: [first, second],
        rows: [changed, third],
        after: [changed, second, third],
      },
      {
        title: 'update that keeps what the source has no value for',
        options: { ...options, writeMode: 'update', allReplace: false },
        before: [first, second],
        rows: [changed, third],
        after: [{ ...changed, price: first['price'] ?? null }, second, third],
      },
      {
        title: 'replace',
        options: { ...options, writeMode: 'replace' },
        before: [first, second],
        rows: [changed, third],
        after: [changed, second, third],
      },
    ],
  }
}

function rowsOf(micros: (text: string) => string): Row[] {
  const usual = (at: number): Row => ({
    id: BigInt(at),
    small: at,
    big: BigInt(at) << 40n,
    price: `${at}.25`,
    wide: `${at}.0000000001`,
    ratio: at / 8,
    name: `name ${at}`,
    raw: Uint8Array.of(at, 0, 255),
    day: '2024-02-29',
    at: `2024-02-29 23:59:59${micros('.000001')}`,
    instant: `2024-02-29 23:59:59${micros('.999999')}Z`,
    span: BigInt(at) * 1_000_000n,
    flag: at % 2 === 0,
    doc: `{"a": ${at}}`,
    ref: '123e4567-e89b-12d3-a456-426655440000',
  })
  const nothing = Object.fromEntries(Object.keys(usual(0)).map(name => [name, null]))
  return [
    {
      ...usual(1),
      id: 2n ** 63n - 1n,
      small: 32767,
      big: 2n ** 64n - 1n,
      price: '9999999999.99',
      wide: `${'9'.repeat(28)}.${'9'.repeat(10)}`,
      ratio: Number.MAX_VALUE,
    },
    { ...usual(2), id: -(2n ** 63n), small: -32768, big: 0n, price: '-9999999999.99', wide: '-0.0000000001', ratio: 5e-324 },
    { ...usual(3), name: 'it\'s \\ "quoted" \n\r\t\0 Ž€😀  ', raw: Uint8Array.of() },
    {
      ...usual(4),
      name: '',
      day: '0001-01-01',
      at: '1000-01-01 00:00:00',
      instant: '1970-01-01 00:00:01Z',
      span: -3_020_399_000_000n,
    },
    {
      ...usual(5),
      day: '9999-12-31',
      at: `9999-12-31 23:59:59${micros('.999999')}`,
      instant: '2038-01-19 03:14:07Z',
      span: 3_020_399_000_000n,
    },
    // Zero is a key like any other, not the next number.
    { ...usual(6), id: 0n, name: 'x'.repeat(40), doc: '"text"' },
    { ...nothing, id: 7n },
    ...[8, 9, 10, 11, 12, 13].map(usual),
    { ...nothing, id: 14n, name: 'NULL' },
  ]
}

/** A value as the server writes it, in the form of `readValue`. */
function valueOf(text: string | null, type: Type): Value {
  if (text === null) return null
  switch (type.kind) {
    case 'int':
      return BigInt(text)
    case 'float':
      return Number(text)
    case 'bool':
      return text === '1'
    case 'binary':
      return Uint8Array.from(Buffer.from(text, 'hex'))
    case 'timestamp':
      return `${text.replace(/\.000000$/, '')}${type.zone ? 'Z' : ''}`
    case 'duration': {
      const [, sign, h = '', m = '', s = '', us = ''] = /^(-?)(\d+):(\d+):(\d+)(?:\.(\d+))?$/.exec(text) ?? []
      const size = ((BigInt(h) * 60n + BigInt(m)) * 60n + BigInt(s)) * 1_000_000n + BigInt(us || 0)
      return sign === '-' ? -size : size
    }
    default:
      return text
  }
}
