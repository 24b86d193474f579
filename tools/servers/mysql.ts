/** What the MySQL and MariaDB servers of every version have in common. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerName } from './names.ts'
import { type Account, type Certificate, DATABASE, type Launch, PASSWORD, type Recipe } from './recipe.ts'

/** An account with the password of all test servers. */
export function account(user: string, auth: string): Account {
  return { user, password: PASSWORD, auth, isAdmin: user === 'root' }
}

/** What a version adds to the common part. */
export interface MysqlOrigin {
  readonly name: ServerName
  readonly origin: string
  readonly accounts: readonly Account[]
  readonly hasTls: boolean
  /** The server program and the folder of the client programs, below the installed folder. */
  readonly server: string
  readonly bin: string
  /** Where the server finds its parts and what this version needs, on every start and when the data directory is made. */
  readonly options: (software: string) => string[]
  /** Only on a start. */
  readonly startOptions: readonly string[]
  /** Without a certificate of ours: some versions make one of their own and offer TLS unless told not to. */
  readonly noTlsOptions: readonly string[]
  /** Statements, one a line, that make accounts and database in a fresh data directory. */
  readonly sql: string
  readonly install: (folder: string) => Promise<void>
  /** `base` is the server's command with the data directory. */
  readonly prepare: (base: readonly string[], data: string, software: string) => Promise<void>
}

export function mysqlRecipe({ options, server, bin, startOptions, noTlsOptions, prepare, ...where }: MysqlOrigin): Recipe {
  // Without --no-defaults the machine's own configuration files would take part.
  const base = (software: string) => [join(software, server), '--no-defaults', ...options(software)]
  return {
    ...where,
    kind: 'mysql',
    preparation: [where.origin, where.sql, ...options('')].join('\n'),
    database: DATABASE,
    stopSignal: 'TERM',
    binOf: software => join(software, bin),
    prepare: (software, data) => prepare([...base(software), `--datadir=${data}`], data, software),
    command: launch => [
      ...base(launch.software),
      ...startOptions,
      ...(launch.certificate === undefined ? noTlsOptions : tlsOptions(launch.certificate)),
      ...launchOptions(launch),
    ],
    answers: (_data, port) => greets(port),
  }
}

function tlsOptions({ ca, cert, key }: Certificate): string[] {
  return [`--ssl-ca=${ca}`, `--ssl-cert=${cert}`, `--ssl-key=${key}`]
}

function launchOptions({ data, port, bufferMiB, isDurable, settings }: Launch): string[] {
  return [
    `--datadir=${data}`,
    // Relative to the data directory: a socket's full path may have no more than 107 bytes.
    '--socket=server.sock',
    '--pid-file=server.pid',
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--server-id=1',
    '--skip-name-resolve',
    '--max-connections=200',
    '--max-allowed-packet=64M',
    '--local-infile=ON',
    '--skip-log-bin',
    `--innodb-buffer-pool-size=${bufferMiB}M`,
    // 2 survives the death of the process, which is all that tests inflict; only a power cut would lose transactions.
    ...(isDurable
      ? ['--innodb-flush-log-at-trx-commit=1', '--sync-binlog=1']
      : ['--innodb-flush-log-at-trx-commit=2', '--skip-innodb-doublewrite']),
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ]
}

/**
 * Whether the server sends its first packet: four bytes of header, then protocol version 10.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
 */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const greeting = once(socket, 'data').then(([bytes]) => (bytes as Buffer)[4] === 10)
    return await Promise.race([greeting, sleep(1000, false, { ref: false })])
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
