import { loadPg } from './drivers.ts'
import { PG_HASH, PG_ROWS, PG_TABLE, type Fingerprint } from './rows.ts'
import { LEDGER, LEDGER_MS, waitFor, type DatabaseAddress, type Role, type Side } from './side.ts'

export async function postgresSide(address: DatabaseAddress, table: string, role: Role): Promise<Side> {
  const { host, port, user, password, database } = address
  const pg = await loadPg()
  const connect = async () => {
    const opened = new pg.Client({ host, port, user, password, database })
    await opened.connect()
    return opened
  }
  // No connection stays open: the server may be killed at any time.
  const ask = async <T extends object>(...statements: readonly string[]): Promise<T[]> => {
    const client = await connect()
    try {
      let rows: T[] = []
      for (const statement of statements) rows = (await client.query<T>(statement)).rows
      return rows
    } finally {
      await client.end()
    }
  }
  const key = role === 'source' ? ', PRIMARY KEY (id)' : '' // Without a key a repeated row shows instead of failing.
  await ask(`CREATE TABLE ${table} (${PG_TABLE}${key})`)
  if (role === 'source') await ask(`INSERT INTO ${table} ${PG_ROWS}`)
  await ask(`ANALYZE ${table}`)
  return {
    name: 'PostgreSQL',
    options: { connector: 'postgres', host, port, user, password, database, tables: [table] },
    endpoint: { host, port },
    fingerprint: async () => {
      const [row] = await ask<Fingerprint>(
        `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS keys, coalesce(${PG_HASH}, '0') AS hash FROM ${table}`,
      )
      return row!
    },
    reset: async () => {
      await ask(`TRUNCATE ${table}; DROP TABLE IF EXISTS ${LEDGER}`)
    },
    sql: { system: 'postgres', table, ask: async (...statements) => void (await ask(...statements)) },
    holdCommits: async () => {
      const locker = await connect()
      await waitFor('the ledger', LEDGER_MS, async () => {
        const { rows } = await locker.query<{ oid: string | null }>(`SELECT to_regclass('${LEDGER}') AS oid`)
        return rows[0]?.oid !== null
      })
      await locker.query(`BEGIN; SELECT 1 FROM ${LEDGER} FOR UPDATE`)
      return () => locker.end()
    },
  }
}
