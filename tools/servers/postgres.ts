/** What the PostgreSQL servers of every version have in common. */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerName } from './names.ts'
import { type Account, DATABASE, type Launch, PASSWORD, type Recipe } from './recipe.ts'
import { run, environment, unprivileged } from './run.ts'

const accounts: readonly Account[] = [
  { user: 'postgres', password: PASSWORD, auth: 'trust', isAdmin: true },
  { user: 'app', password: PASSWORD, auth: 'scram-sha-256', isAdmin: false },
  { user: 'scram_user', password: PASSWORD, auth: 'scram-sha-256', isAdmin: false },
  { user: 'md5_user', password: PASSWORD, auth: 'md5', isAdmin: false },
]

/** One line per account: each logs in over TCP by its own method, and nobody else does. */
const hostBasedAuth = accounts
  .flatMap(({ user, auth }) => [`host all ${user} 127.0.0.1/32 ${auth}`, `host replication ${user} 127.0.0.1/32 ${auth}`])
  .join('\n')

// The single-user server takes one statement per line.
const sql = [
  ...accounts.flatMap(({ user, password, auth }) => [
    `SET password_encryption = '${auth === 'md5' ? 'md5' : 'scram-sha-256'}';`,
    `${user === 'postgres' ? 'ALTER' : 'CREATE'} ROLE ${user} LOGIN PASSWORD '${password}';`,
  ]),
  `CREATE DATABASE ${DATABASE};`,
].join('\n')

const configuration = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n"

/** Where a version's programs come from. */
export interface PostgresOrigin {
  readonly name: ServerName
  readonly origin: string
  /** Folder of the programs below the installed folder. */
  readonly bin: string
  readonly findInstalled?: () => string | undefined
  readonly install: (folder: string) => Promise<void>
}

export function postgresRecipe({ bin, ...where }: PostgresOrigin): Recipe {
  const binOf = (software: string) => join(software, bin)
  return {
    ...where,
    kind: 'postgres',
    preparation: [where.origin, hostBasedAuth, sql, configuration].join('\n'),
    accounts,
    database: DATABASE,
    hasTls: true,
    stopSignal: 'INT',
    binOf,
    prepare: (software, data) => prepare(binOf(software), data),
    command: launch => command(binOf(launch.software), launch),
    answers,
  }
}

async function prepare(bin: string, data: string): Promise<void> {
  const initdb = [join(bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C', '-E', 'UTF8', '--no-sync']
  await run(unprivileged(initdb), { env: environment })
  const single = [join(bin, 'postgres'), '--single', '-D', data, '-c', 'fsync=off', 'postgres']
  await run(unprivileged(single), { env: environment, input: sql })
  await writeFile(join(data, 'pg_hba.conf'), `${hostBasedAuth}\n`)
  await appendFile(
    join(data, 'postgresql.conf'),
    "unix_socket_directories = ''\nlisten_addresses = '127.0.0.1'\nmax_connections = 200\n",
  )
}

function command(bin: string, { data, port, bufferMiB, isDurable, certificate, settings }: Launch): string[] {
  const all = {
    port: String(port),
    shared_buffers: `${bufferMiB}MB`,
    ...(isDurable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...(certificate === undefined
      ? {}
      : { ssl: 'on', ssl_ca_file: certificate.ca, ssl_cert_file: certificate.cert, ssl_key_file: certificate.key }),
    ...settings,
  }
  return [join(bin, 'postgres'), '-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/**
 * The server writes its port and its state into its own data directory, so this cannot be another server's answer.
 * https://www.postgresql.org/docs/current/storage-file-layout.html (postmaster.pid; since version 10 its eighth line is the state).
 */
async function answers(data: string, port: number): Promise<boolean> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'latin1').catch(() => '')).split('\n').map(line => line.trim())
  return lines[3] === String(port) && lines[7] === 'ready'
}
