/** The shop whose tables the demonstration copies: many types, one composite key. Rows follow from their number alone. */
export interface Table {
  readonly name: string
  /** Of all rows of the demonstration. */
  readonly share: number
  /** The same in source and target. */
  readonly ddl: string
  /** SELECT for the rows with the numbers 1 to `rows`. */
  rows(rows: number): string
}

const series = (rows: number) => `FROM generate_series(1, ${rows}) AS n`

export const customers: Table = {
  name: 'customers',
  share: 0.15,
  ddl: `CREATE TABLE customers (
    id int PRIMARY KEY, reference uuid NOT NULL, name text NOT NULL, email varchar(80) NOT NULL, born date,
    is_active boolean NOT NULL, credit numeric(12,2), tags text[], profile jsonb, created_at timestamptz NOT NULL)`,
  rows: rows => `SELECT n, md5('customer ' || n)::uuid, (ARRAY['Ana','Böhm','Chloé','Дмитрий','英子'])[n % 5 + 1] || ' ' || n,
    'customer' || n || '@example.com', CASE WHEN n % 7 > 0 THEN date '1940-01-01' + n % 24000 END,
    n % 3 > 0, (n % 200001 - 100000) / 100.0, CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY['vip', 'since ' || n % 30] END,
    jsonb_build_object('city', 'c' || n % 500, 'visits', n % 97), timestamptz '2015-01-01 00:00Z' + n * interval '7 minutes'
    ${series(rows)}`,
}

export const orders: Table = {
  name: 'orders',
  share: 0.25,
  ddl: `CREATE TABLE orders (
    region smallint, number bigint, customer int NOT NULL, status text NOT NULL, total numeric(14,2) NOT NULL, discount real,
    placed_at timestamp NOT NULL, shipped_on date, promised interval, lines int[] NOT NULL, note text, PRIMARY KEY (region, number))`,
  rows: rows => `SELECT n * 5 / ${rows + 1}, n, n * 7919::bigint % 100000, (ARRAY['new','paid','sent','done','void'])[n % 5 + 1],
    (n * 104729::bigint % 10000000) / 100.0, CASE WHEN n % 10 > 0 THEN n % 30 / 100.0 END,
    timestamp '2019-01-01' + n * interval '61.5 seconds', CASE WHEN n % 5 > 1 THEN date '2019-01-02' + n / 1400 END,
    n % 14 * interval '1 day' + n % 24 * interval '1 hour', ARRAY[n, n % 12, n % 3], CASE WHEN n % 6 = 0 THEN E'two\\nlines \\t' || n END
    ${series(rows)}`,
}

export const events: Table = {
  name: 'events',
  share: 0.6,
  ddl: `CREATE TABLE events (
    id bigint PRIMARY KEY, session uuid NOT NULL, kind varchar(16) NOT NULL, customer int, at timestamptz NOT NULL,
    seconds double precision, is_mobile boolean NOT NULL, payload jsonb, digest bytea)`,
  rows: rows => `SELECT n, md5('session ' || n / 9)::uuid, (ARRAY['view','search','cart','pay'])[n % 4 + 1], CASE WHEN n % 3 > 0 THEN n * 31 % 100000 END,
    timestamptz '2023-01-01 00:00Z' + n * interval '12.345678 seconds', n % 1000 / 7.0, n % 2 = 0,
    CASE WHEN n % 5 > 0 THEN jsonb_build_object('page', '/p/' || n % 1000, 'n', n % 10) END, CASE WHEN n % 4 = 0 THEN decode(md5(n::text), 'hex') END
    ${series(rows)}`,
}

/** In the order in which they are copied. The one in the middle is the one that is interrupted. */
export const tables: readonly Table[] = [customers, events, orders]

export function rowsOf({ share }: Table, total: number): number {
  return Math.round(share * total)
}
