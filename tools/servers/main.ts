/** `npm run servers`: the test servers, for people. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { SluiceError } from '#errors'
import { errors } from './errors.ts'
import { installServer, isInstalled } from './install.ts'
import { parseServerName, type ServerName, serverNames } from './names.ts'
import { runningServers, stopDetached } from './running.ts'
import type { ServerFacts } from './server.ts'
import { shareServers } from './shared.ts'
import { startDetached, type StartOptions } from './start.ts'

const USAGE = `Usage: npm run servers -- COMMAND

  start NAME [OPTION]...  start a server that stays until you stop it
    --port N              on this port; a free one by default
    --tls                 offer TLS
    --durable             write to the disk as in production
    --buffer MIB          memory for pages, 64 by default
    --data FOLDER         keep the data in this folder
    --set NAME=VALUE      a setting of the server, as on its command line; may be repeated
  stop NAME|all           stop what start has started
  status                  what runs, servers of tests included
  list                    the names, and which are installed
  install NAME|all        fetch and prepare, so that the first start is quick
  with NAME,... COMMAND   run a command; its tests share these servers

Names: ${serverNames.join(', ')}; postgres, mysql and mariadb mean the ones that most tests use.
`

const commands: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  start,
  stop,
  status,
  list,
  install,
  with: runWith,
}

const [name = '', ...args] = process.argv.slice(2)
try {
  const command = commands[name]
  if (command === undefined) process.stdout.write(USAGE)
  else await command(args)
  process.exitCode ??= command === undefined && name !== '' && name !== '--help' ? 2 : 0
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  const { message, hint } = isUsage ? { message: error.message, hint: USAGE } : SluiceError.from(error)
  process.stderr.write(`${message}\n${hint === undefined ? '' : `${hint}\n`}`)
  process.exitCode = isUsage ? 2 : 1
}

async function start(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      tls: { type: 'boolean' },
      durable: { type: 'boolean' },
      buffer: { type: 'string' },
      data: { type: 'string' },
      set: { type: 'string', multiple: true },
    },
  })
  const server = parseServerName(positionals[0] ?? '')
  const earlier = (await startedByPeople(server))[0]
  if (earlier !== undefined) return describe(earlier.facts, 'runs already')
  const options: StartOptions = {
    ...(values.port === undefined ? {} : { port: wholeNumber('port', values.port) }),
    ...(values.buffer === undefined ? {} : { bufferMiB: wholeNumber('buffer', values.buffer) }),
    ...(values.data === undefined ? {} : { dataDir: resolve(values.data) }),
    tls: values.tls === true,
    durable: values.durable === true,
    settings: Object.fromEntries((values.set ?? []).map(parseSetting)),
  }
  if (!(await isInstalled(server))) process.stdout.write(`Installing ${server} ...\n`)
  describe(await startDetached(server, options), 'runs')
}

function wholeNumber(option: string, value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw errors.badOption({ option, value, expected: 'a whole number' })
  return Number(value)
}

function parseSetting(text: string): [name: string, value: string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw errors.badOption({ option: 'set', value: text, expected: 'NAME=VALUE' })
  return [name, value]
}

async function stop([text = '']: string[]): Promise<void> {
  const wanted = text === 'all' ? undefined : parseServerName(text)
  const found = await startedByPeople(wanted)
  if (found.length === 0 && wanted !== undefined) throw errors.notRunning({ name: wanted })
  for (const record of found) {
    await stopDetached(record)
    process.stdout.write(`${record.facts.name} on port ${record.facts.port} has stopped.\n`)
  }
}

async function status(): Promise<void> {
  const records = await runningServers()
  if (records.length === 0) process.stdout.write('No test server is running.\n')
  for (const { facts, isDetached } of records) {
    const owner = isDetached ? 'until you stop it' : 'for a test run'
    process.stdout.write(
      `${facts.name.padEnd(14)} ${facts.host}:${String(facts.port).padEnd(6)} pid ${String(facts.pid).padEnd(8)} ${owner}\n`,
    )
  }
}

async function list(): Promise<void> {
  for (const server of serverNames) {
    process.stdout.write(
      `${server.padEnd(14)} ${(await isInstalled(server)) ? 'installed' : 'will be installed at the first start'}\n`,
    )
  }
}

async function install([text = '']: string[]): Promise<void> {
  const wanted = text === 'all' ? serverNames : [parseServerName(text)]
  for (const server of wanted) {
    const started = performance.now()
    await installServer(server)
    process.stdout.write(`${server.padEnd(14)} is installed (${((performance.now() - started) / 1000).toFixed(1)} s)\n`)
  }
}

async function runWith([names = '', ...command]: string[]): Promise<void> {
  await using shared = await shareServers(names.split(',').map(parseServerName))
  const [program = process.execPath, ...rest] = command[0] === '--' ? command.slice(1) : command
  const child = spawn(program, rest, { stdio: 'inherit', env: { ...process.env, ...shared.env } })
  const [code] = (await once(child, 'close')) as [number | null]
  process.exitCode = code ?? 1
}

async function startedByPeople(server: ServerName | undefined) {
  const records = await runningServers()
  return records.filter(({ isDetached, facts }) => isDetached && (server === undefined || facts.name === server))
}

function describe(facts: ServerFacts, state: string): void {
  const { name, host, port, user, password, database, bin, ca, log, accounts } = facts
  const others = accounts.filter(account => account.user !== user).map(account => `${account.user} (${account.auth})`)
  process.stdout.write(`${name} ${state}.
  host      ${host}
  port      ${port}
  user      ${user}
  password  ${password}
  database  ${database}
  others    ${others.join(', ')}; same password${ca === undefined ? '' : `\n  CA        ${ca}`}
  log       ${log}
Connect:  ${clientCommand(facts, bin)}
Stop:     npm run servers -- stop ${name}
`)
}

/** The server's own client if it has one; otherwise the machine's. */
function clientCommand({ kind, host, port, user, password, database, ca }: ServerFacts, bin: string): string {
  const client = ['psql', 'mariadb', 'mysql'].map(name => join(bin, name)).find(path => existsSync(path))
  if (kind === 'postgres') return `PGPASSWORD=${password} ${client ?? 'psql'} -h ${host} -p ${port} -U ${user} ${database}`
  const place = `-h ${host} -P ${port} -u ${user} -p${password} ${database}`
  if (client === undefined) return `mysql ${place}`
  // Without TLS, MariaDB's client insists on it, and MySQL's wants the key to hide the password with.
  const plain = client.endsWith('mariadb') ? '--skip-ssl' : '--get-server-public-key'
  return `${client} ${ca === undefined ? plain : `--ssl-ca=${ca}`} ${place}`
}
