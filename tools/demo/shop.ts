/** The databases of the demonstration, on a real PostgreSQL, and what is asked of them: all by a foreign client. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { ServerFacts } from '../servers/index.ts'
import { rowsOf, type Table, tables } from './tables.ts'

export const SOURCE = 'shop'
export const TARGET = 'warehouse'

const POLL_MS = 20

/** What two tables with the same rows have in common. */
export interface Checksum {
  readonly rows: number
  /** Sum of a 64-bit hash over each whole row, as decimal text. */
  readonly sum: string
}

export class Shop implements AsyncDisposable {
  readonly #source: pg.Client
  readonly #target: pg.Client

  private constructor(source: pg.Client, target: pg.Client) {
    this.#source = source
    this.#target = target
  }

  /** Makes both databases with their tables, all empty. */
  static async create(server: ServerFacts): Promise<Shop> {
    const admin = await connect(server, server.database)
    for (const name of [SOURCE, TARGET]) await admin.query(`CREATE DATABASE ${name}`)
    await admin.end()
    const shop = new Shop(await connect(server, SOURCE), await connect(server, TARGET))
    for (const { ddl } of tables) {
      await shop.#source.query(ddl)
      await shop.#target.query(ddl)
    }
    return shop
  }

  async fill(table: Table, total: number): Promise<void> {
    await this.#source.query(`INSERT INTO ${table.name} ${table.rows(rowsOf(table, total))}`)
    await this.#source.query(`VACUUM (ANALYZE) ${table.name}`)
  }

  /** Rows that others can see in the target: those that are committed. */
  async arrived({ name }: Table): Promise<number> {
    const { rows } = await this.#target.query<{ count: string }>(`SELECT count(*) FROM ${name}`)
    return Number(rows[0]?.count)
  }

  /** Returns when the server has noticed that Sluice is gone. What reached it before may still be committed until then. */
  async left(): Promise<void> {
    const query = `SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'sluice%'`
    while ((await this.#target.query(query)).rows.length > 0) await sleep(POLL_MS)
  }

  /** Computed inside the databases, in both at the same time. */
  async checksums({ name }: Table): Promise<readonly [source: Checksum, target: Checksum]> {
    const query = `SELECT count(*)::int AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS sum FROM ${name} AS t`
    const [source, target] = await Promise.all([this.#source, this.#target].map(client => client.query<Checksum>(query)))
    // An aggregate without GROUP BY has exactly one row.
    return [source?.rows[0] as Checksum, target?.rows[0] as Checksum]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#source.end(), this.#target.end()])
  }
}

async function connect({ host, port, user, password }: ServerFacts, database: string): Promise<pg.Client> {
  const client = new pg.Client({ host, port, user, password, database })
  await client.connect()
  return client
}
