/** The rows that every round moves. They follow from their number, so each side is judged by the formula and not by the other side. */
import { hash } from 'node:crypto'

export const ROWS = 150_000

/** What one side holds: rows, distinct keys, and the sum of a hash over all columns, as text. */
export interface Fingerprint {
  readonly rows: number
  readonly keys: number
  readonly hash: string
}

export const COLUMNS = [
  { name: 'id', type: 'int64' },
  { name: 'k', type: 'int32' },
  { name: 'name', type: 'utf8' },
  { name: 'ts', type: 'timestamp' },
  { name: 'amount', type: 'decimal(12,2)' },
] as const

/** The columns of a row as text. */
export type RowText = readonly [id: string, k: string, name: string | null, ts: string, amount: string]

const EPOCH_MS = Date.UTC(2020, 0, 1)

function rowText(g: number): RowText {
  const micros = g * 1_000_001
  const ts = new Date(EPOCH_MS + Math.floor(micros / 1000)).toISOString().replace('T', ' ').slice(0, -1)
  const name = g % 50 === 0 ? null : `näme ${digest(String(g)).slice(0, 32)}`
  return [
    String(g),
    String((g * 7919) % 100_003),
    name,
    ts + String(micros % 1000).padStart(3, '0'),
    ((g % 999_983) / 100).toFixed(2),
  ]
}

export function* allRows(): Generator<RowText> {
  for (let g = 1; g <= ROWS; g++) yield rowText(g)
}

const pgDigest = (text: string) => `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`

export const PG_TABLE = 'id bigint, k int, name varchar(40), ts timestamp, amount numeric(12,2)'
export const PG_ROWS = `SELECT g, (g * 7919) % 100003, CASE WHEN g % 50 = 0 THEN NULL ELSE 'näme ' || substr(${pgDigest('g::text')}, 1, 32) END,
  timestamp '2020-01-01' + g * interval '1.000001 second', (g % 999983) / 100.0 FROM generate_series(1, ${ROWS}) g`

export const MY_TABLE = 'id bigint NOT NULL, k int, name varchar(40), ts datetime(6), amount decimal(12,2)'
const DIGITS = `(SELECT 0 d ${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(digit => `UNION ALL SELECT ${digit}`).join(' ')})`
const PLACES = [0, 1, 2, 3, 4, 5]
export const MY_ROWS = `SELECT g, (g * 7919) % 100003, IF(g % 50 = 0, NULL, CONCAT('näme ', SUBSTR(SHA2(g, 256), 1, 32))),
  TIMESTAMP('2020-01-01') + INTERVAL (g * 1000001) MICROSECOND, ROUND((g % 999983) / 100, 2)
  FROM (SELECT 1 + ${PLACES.map(place => `${10 ** place} * p${place}.d`).join(' + ')} AS g
  FROM ${PLACES.map(place => `${DIGITS} p${place}`).join(', ')}) series WHERE g <= ${ROWS}`

// 13 hexadecimal digits of each row's SHA-256: every system can add up numbers of 52 bits.
const HASH_DIGITS = 13
export const PG_HASH = `sum(('x' || substr(${pgDigest("concat_ws('|', id, k, coalesce(name, '~'), to_char(ts, 'YYYY-MM-DD HH24:MI:SS.US'), amount)")}, 1, ${HASH_DIGITS}))::bit(52)::bigint)::text`
export const MY_HASH = `CAST(SUM(CAST(CONV(SUBSTR(SHA2(CONCAT_WS('|', id, k, COALESCE(name, '~'), DATE_FORMAT(ts, '%Y-%m-%d %H:%i:%s.%f'), amount), 256), 1, ${HASH_DIGITS}), 16, 10) AS UNSIGNED)) AS CHAR)`

/** What a side holds when it holds every row once. */
export const expectedFingerprint = () => (expected ??= fingerprintOf(allRows()))
let expected: Fingerprint | undefined

/** The same sum in JavaScript. */
export function fingerprintOf(rows: Iterable<RowText>): Fingerprint {
  const keys = new Set<string>()
  let count = 0
  let sum = 0n
  for (const [id, k, name, ts, amount] of rows) {
    count++
    keys.add(id)
    sum += BigInt(`0x${digest([id, k, name ?? '~', ts, amount].join('|')).slice(0, HASH_DIGITS)}`)
  }
  return { rows: count, keys: keys.size, hash: String(sum) }
}

const digest = (text: string) => hash('sha256', text)
