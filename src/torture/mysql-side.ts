import { loadMysql } from './drivers.ts'
import { MY_HASH, MY_ROWS, MY_TABLE } from './rows.ts'
import { LEDGER, LEDGER_MS, waitFor, type DatabaseAddress, type Role, type Side } from './side.ts'

export async function mysqlSide(address: DatabaseAddress, table: string, role: Role): Promise<Side> {
  const { host, port, user, password, database } = address
  const mysql = await loadMysql()
  const connect = () => mysql.createConnection({ host, port, user, password, database, timezone: 'Z', dateStrings: true })
  // No connection stays open: the server may be killed at any time.
  const ask = async (...statements: readonly string[]) => {
    const client = await connect()
    try {
      let rows: unknown
      for (const statement of statements) [rows] = await client.query(statement)
      return rows
    } finally {
      await client.end()
    }
  }
  const key = role === 'source' ? ', PRIMARY KEY (id)' : ''
  await ask(`CREATE TABLE ${table} (${MY_TABLE}${key}) CHARACTER SET utf8mb4`)
  if (role === 'source') await ask(`INSERT INTO ${table} ${MY_ROWS}`)
  return {
    name: 'MySQL',
    options: { connector: 'mysql', host, port, user, password, database, tables: [table] },
    endpoint: { host, port },
    fingerprint: async () => {
      const rows = await ask(
        `SELECT COUNT(*) AS \`rows\`, COUNT(DISTINCT id) AS \`keys\`, COALESCE(${MY_HASH}, '0') AS hash FROM ${table}`,
      )
      const [row] = rows as { rows: number; keys: number; hash: string }[]
      return { rows: Number(row?.rows), keys: Number(row?.keys), hash: String(row?.hash) }
    },
    reset: async () => {
      await ask(`TRUNCATE ${table}`)
      await ask(`DROP TABLE IF EXISTS ${LEDGER}`)
    },
    sql: { system: 'mysql', table, ask: async (...statements) => void (await ask(...statements)) },
    holdCommits: async () => {
      const locker = await connect()
      await waitFor('the ledger', LEDGER_MS, async () => {
        const [rows] = await locker.query(`SHOW TABLES LIKE '${LEDGER}'`)
        return (rows as unknown[]).length > 0
      })
      await locker.beginTransaction()
      await locker.query(`SELECT 1 FROM ${LEDGER} FOR UPDATE`)
      return async () => locker.destroy()
    },
  }
}
