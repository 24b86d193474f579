/** The suites of #conformance, run against the connector. */
import { sourceSuite } from '#conformance'
import { fileServer } from '../../../tools/servers/index.ts'
import { filePlayground } from './postgres.test-support.ts'
import { postgresSource } from './source.ts'

const { server, skip } = await fileServer('postgres-15')
const { place, run } = await filePlayground(server, skip)

if (skip === false) {
  await run(
    'CREATE TABLE keyed (id bigint PRIMARY KEY, name text, price numeric(10,2))',
    "INSERT INTO keyed SELECT i * 3, CASE WHEN i % 7 = 0 THEN NULL ELSE 'name ' || i END, i / 4.0 FROM generate_series(1, 60) i",
    'CREATE TABLE loose (n int, at timestamp)',
    "INSERT INTO loose SELECT i, timestamp '2026-01-01' + i * interval '1 hour' FROM generate_series(1, 25) i",
    'CREATE TABLE composite (a text, b uuid, c int[], PRIMARY KEY (b, a))',
    "INSERT INTO composite SELECT 'x' || i, ('00000000-0000-0000-0000-0000000000' || lpad((i % 5)::text, 2, '0'))::uuid, ARRAY[i, NULL] FROM generate_series(10, 39) i",
    'ANALYZE',
  )
  const options = { ...place, tables: ['keyed', 'composite', 'loose'], splitRows: 10 }
  sourceSuite({
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
