/** The servers of one run of the benchmarks, with the rows that are copied. They end with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { type Server, type ServerFacts, startServer } from '../tools/servers/index.ts'
import { createTable, type Dataset, fingerprintQuery, writeCsv } from './dataset.ts'
import { execute } from './measure.ts'
import { unpackSluice } from '../tools/unpack.ts'

/** Databases of each server. */
export const SOURCE = 'bench_source'
export const TARGET = 'bench_target'

type Kind = ServerFacts['kind']
type DatabaseName = typeof SOURCE | typeof TARGET

export class Session implements AsyncDisposable {
  readonly mariadb: Server
  readonly postgres: Server
  /** For job files, CSV files and state. */
  readonly folder: string
  /** Beginning of the command line. */
  readonly sluice: readonly string[]
  readonly #pg: Readonly<Record<DatabaseName, pg.Client>>
  readonly #mysql: mysql.Connection
  /** Fingerprint of each dataset that is loaded, by its name. */
  readonly #loaded = new Map<string, Promise<string>>()

  private constructor(parts: {
    mariadb: Server
    postgres: Server
    folder: string
    sluice: readonly string[]
    source: pg.Client
    target: pg.Client
    mysql: mysql.Connection
  }) {
    this.mariadb = parts.mariadb
    this.postgres = parts.postgres
    this.folder = parts.folder
    this.sluice = parts.sluice
    this.#pg = { [SOURCE]: parts.source, [TARGET]: parts.target }
    this.#mysql = parts.mysql
  }

  static async open(): Promise<Session> {
    const [mariadb, postgres] = [await startMariadb(), await startPostgres()]
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
    const sluice = await unpackSluice(folder)
    const connection = await mysql.createConnection({ ...loginOf(mariadb), multipleStatements: true })
    const admin = await postgresClient(postgres, postgres.database)
    for (const name of [SOURCE, TARGET]) {
      await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
      await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`)
    }
    await admin.end()
    const [source, target] = [await postgresClient(postgres, SOURCE), await postgresClient(postgres, TARGET)]
    return new Session({ mariadb, postgres, folder, sluice, source, target, mysql: connection })
  }

  get servers(): readonly Server[] {
    return [this.mariadb, this.postgres]
  }

  /** The file with the rows of a dataset. */
  csv({ name }: Dataset): string {
    return join(this.folder, `${name}.csv`)
  }

  /** Puts the rows into a file and into the source of the systems, once, and makes empty targets; returns the fingerprint. */
  load(dataset: Dataset, rows: number, sources: readonly Kind[] = ['postgres', 'mysql']): Promise<string> {
    const loaded = this.#loaded.get(dataset.name) ?? this.#load(dataset, rows, sources)
    this.#loaded.set(dataset.name, loaded)
    return loaded
  }

  async #load(dataset: Dataset, rows: number, sources: readonly Kind[]): Promise<string> {
    const { name } = dataset
    await writeCsv(dataset, rows, this.csv(dataset))
    for (const database of [SOURCE, TARGET] as const) {
      await this.#mysql.query(`USE ${database}; ${createTable(dataset, 'mysql')}`)
      await this.#pg[database].query(createTable(dataset, 'postgres'))
      // Nothing of ours may run beside a run that is measured.
      await this.#pg[database].query(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`)
    }
    if (sources.includes('postgres')) await this.#loadPostgres(dataset)
    await this.#loadMariadb(dataset)
    return await this.fingerprint(dataset, 'mysql', SOURCE)
  }

  async #loadPostgres(dataset: Dataset): Promise<void> {
    await execute({ argv: `${this.psql(SOURCE)} -c "\\copy ${dataset.name} from '${this.csv(dataset)}' csv"` })
    await this.#pg[SOURCE].query(`VACUUM (FREEZE, ANALYZE) ${dataset.name}`)
  }

  async #loadMariadb(dataset: Dataset): Promise<void> {
    const { name, columns } = dataset
    const fields = columns.map(column => (column.isNullable ? `@${column.name}` : column.name)).join(', ')
    const nulls = columns.filter(column => column.isNullable).map(column => `${column.name} = nullif(@${column.name}, '')`)
    const load = `LOAD DATA LOCAL INFILE '${this.csv(dataset)}' INTO TABLE ${name} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','
      (${fields}) ${nulls.length > 0 ? `SET ${nulls.join(', ')}` : ''}`
    await execute({ argv: [...this.mariadbCommand(SOURCE), '-e', load] })
    await this.#mysql.query(`ANALYZE TABLE ${SOURCE}.${name}; RESET MASTER`)
  }

  async fingerprint(dataset: Dataset, kind: Kind, database: DatabaseName): Promise<string> {
    if (kind === 'postgres') {
      const { rows } = await this.#pg[database].query<{ concat: string }>(fingerprintQuery(dataset, kind, dataset.name))
      return rows[0]?.concat ?? ''
    }
    const [rows] = await this.#mysql.query({
      sql: fingerprintQuery(dataset, kind, `${database}.${dataset.name}`),
      rowsAsArray: true,
    })
    return String((rows as unknown[][])[0]?.[0])
  }

  /** Empties a target and lets the server write down what it still has to, so that each run begins alike. */
  async reset(kind: Kind, table: string): Promise<void> {
    if (kind === 'postgres') await this.#pg[TARGET].query(`TRUNCATE ${table}`)
    else await this.#mysql.query(`TRUNCATE ${TARGET}.${table}; RESET MASTER`)
    await this.#pg[TARGET].query('CHECKPOINT')
  }

  async postgresQuery<T extends pg.QueryResultRow>(database: DatabaseName, sql: string): Promise<T[]> {
    return (await this.#pg[database].query<T>(sql)).rows
  }

  /** The beginning of a command line. */
  psql(database: string): string {
    const { host, port, user, bin } = this.postgres
    return `${join(bin, 'psql')} -X -q -h ${host} -p ${port} -U ${user} -d ${database}`
  }

  mariadbCommand(database: string, program: 'mariadb' | 'mariadb-dump' = 'mariadb'): string[] {
    const { host, port, user, password, bin } = this.mariadb
    const login = [`-h${host}`, `-P${port}`, `-u${user}`, `-p${password}`, '--skip-ssl', '--default-character-set=utf8mb4']
    const local = program === 'mariadb' ? ['--local-infile=1'] : []
    return [join(bin, program), '--no-defaults', ...login, ...local, database]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#mysql.end(), ...Object.values(this.#pg).map(client => client.end())])
    await Promise.all([this.mariadb.stop(), this.postgres.stop(), rm(this.folder, { recursive: true, force: true })])
  }
}

/** As a server in production is set, but for its size; the binary log is on, because without it nobody runs one. */
function startMariadb(): Promise<Server> {
  const settings = { 'log-bin': 'bin', 'innodb-flush-log-at-trx-commit': '2', 'sync-binlog': '0', 'innodb-log-file-size': '1G' }
  return startServer('mariadb-10.11', { durable: true, bufferMiB: 2048, settings })
}

function startPostgres(): Promise<Server> {
  const settings = { wal_level: 'logical', max_wal_size: '8GB', checkpoint_timeout: '1h', autovacuum: 'off' }
  return startServer('postgres-15', { durable: true, bufferMiB: 1024, settings })
}

function loginOf({ host, port, user, password }: Server) {
  return { host, port, user, password }
}

async function postgresClient(server: Server, database: string): Promise<pg.Client> {
  const client = new pg.Client({ ...loginOf(server), database })
  await client.connect()
  return client
}
