import { loadPg } from './drivers.ts'
import { PG_HASH, PG_ROWS, PG_TABLE, type Fingerprint } from './rows.ts'
import { LEDGER, waitFor, type DatabaseAddress, type Role, type Side } from './side.ts'

export async function postgresSide(address: DatabaseAddress, table: string, role: Role): Promise<Side> {
  const { host, port, user, password, database } = address
  const pg = await loadPg()
  const connect = async () => {
    const opened = new pg.Client({ host, port, user, password, database })
    await opened.connect()
    return opened
  }
  const client = await connect()
  const key = role === 'source' ? ', PRIMARY KEY (id)' : '' // Without a key a repeated row shows instead of failing.
  await client.query(`CREATE TABLE ${table} (${PG_TABLE}${key})`)
  if (role === 'source') await client.query(`INSERT INTO ${table} ${PG_ROWS}`)
  await client.query(`ANALYZE ${table}`)
  return {
    name: 'PostgreSQL',
    options: { connector: 'postgres', host, port, user, password, database, tables: [table] },
    endpoint: { host, port },
    fingerprint: async () => {
      const { rows } = await client.query<Fingerprint>(
        `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS keys, coalesce(${PG_HASH}, '0') AS hash FROM ${table}`,
      )
      return rows[0]!
    },
    reset: async () => {
      await client.query(`TRUNCATE ${table}; DROP TABLE IF EXISTS ${LEDGER}`)
    },
    holdCommits: async () => {
      const locker = await connect()
      await waitFor('the ledger', async () => {
        const { rows } = await client.query<{ oid: string | null }>(`SELECT to_regclass('${LEDGER}') AS oid`)
        return rows[0]?.oid !== null
      })
      await locker.query(`BEGIN; SELECT 1 FROM ${LEDGER} FOR UPDATE`)
      return () => locker.end()
    },
    close: () => client.end(),
  }
}
