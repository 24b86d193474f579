/**
 * `npm run demo`: moves more than a million rows between two databases of a real PostgreSQL, kills the run half way, runs it
 * again, and proves that the target has what the source has.
 *
 *   npm run demo -- --rows N   so many rows, 1.6 million by default
 *   npm run demo -- --keep     leaves server, databases and job files, and says how to reach them
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, styleText } from 'node:util'
import { SluiceError } from '#errors'
import { errors } from './demo/errors.ts'
import { writeJobFile } from './demo/job-file.ts'
import { Shop, SOURCE, TARGET } from './demo/shop.ts'
import { type Outcome, sluice } from './demo/sluice.ts'
import { customers, events, orders, rowsOf, type Table, tables } from './demo/tables.ts'
import { type ServerFacts, startServer } from './servers/index.ts'
import { startDetached } from './servers/start.ts'

const ROWS = 1_600_000
/** Commits of the table that is interrupted: enough for the run to lose little, few enough to cost nothing. */
const COMMITS = 16
const POLL_MS = 20

const { values } = parseArgs({ options: { rows: { type: 'string' }, keep: { type: 'boolean' } } })
const total = Number(values.rows ?? ROWS)
const isKept = values.keep === true
const started = performance.now()
let step = 0

const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
process.on('exit', () => {
  if (!isKept) rmSync(folder, { recursive: true, force: true })
})
// The server ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

try {
  await main()
} catch (error) {
  const { message, hint } = SluiceError.from(error)
  process.stderr.write(`${message}\n${hint === undefined ? '' : `${hint}\n`}`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const options = { durable: true, bufferMiB: 256, settings: { max_wal_size: '4GB' } }
  if (isKept) {
    const server = await startDetached('postgres-18', options)
    // Also after a failure: somebody wants to look.
    sayHowToReach(server)
    await demonstrate(server)
  } else {
    await using server = await startServer('postgres-18', options)
    await demonstrate(server)
  }
  sayWhatNext()
}

async function demonstrate(server: ServerFacts): Promise<void> {
  await using shop = await Shop.create(server)
  await fill(shop, server)
  await copy(shop, server)
}

async function fill(shop: Shop, server: ServerFacts): Promise<void> {
  title(`PostgreSQL 18 runs on port ${server.port}. Filling database "${SOURCE}" with ${count(total)} rows`)
  for (const table of tables) {
    const began = performance.now()
    await shop.fill(table, total)
    say(`  ${table.name.padEnd(10)} ${count(rowsOf(table, total)).padStart(11)} rows  ${seconds(performance.now() - began)}`)
  }
}

async function copy(shop: Shop, server: ServerFacts): Promise<void> {
  const commitRows = Math.ceil(rowsOf(events, total) / COMMITS)
  const jobs = new Map<Table, string>()
  for (const table of tables) jobs.set(table, await writeJobFile(folder, table, server, commitRows))
  const jobOf = (table: Table) => [jobs.get(table) ?? '', '--state-dir', join(folder, 'state')]

  title(`A FlinkX job file for each table, into database "${TARGET}". What the first one would do`)
  await succeed(['plan', ...jobOf(customers)])

  title(`Running ${customers.name}.json`)
  const outcomes = [await succeed(['run', ...jobOf(customers)])]

  title(`Running ${events.name}.json, until kill -9 half way`)
  const half = total / 2 - rowsOf(customers, total)
  const killed = await sluice(['run', ...jobOf(events)], signal => waitForRows(shop, events, half, signal))
  if (killed.end !== 'SIGKILL') throw errors.notKilled({ end: killed.end })
  outcomes.push(killed)
  await shop.left()
  say(
    `\n${styleText('red', 'Killed with -9.')} ${count(await shop.arrived(events))} of ${count(rowsOf(events, total))} rows are committed.`,
  )

  title('The same command again')
  outcomes.push(await succeed(['run', ...jobOf(events)]))

  title(`Running ${orders.name}.json`)
  outcomes.push(await succeed(['run', ...jobOf(orders)]))

  title('Is everything there, once? Rows and the sum of their hashes, computed inside both databases')
  await verify(shop)
  summarize(outcomes)
}

async function succeed(args: readonly string[]): Promise<Outcome> {
  const outcome = await sluice(args)
  if (outcome.end !== 0) throw errors.sluiceFailed({ command: args[0] ?? '', end: outcome.end })
  return outcome
}

/** Returns when so many rows are committed, or when nobody waits any more, by an error. */
async function waitForRows(shop: Shop, table: Table, rows: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await shop.arrived(table)) < rows) await sleep(POLL_MS)
}

async function verify(shop: Shop): Promise<void> {
  for (const table of tables) {
    const [source, target] = await shop.checksums(table)
    const isEqual = source.rows === target.rows && source.sum === target.sum
    const mark = isEqual ? styleText('green', 'equal') : styleText('red', 'DIFFERENT')
    for (const [name, { rows, sum }] of [
      [SOURCE, source],
      [TARGET, target],
    ] as const) {
      say(
        `  ${`${name}.${table.name}`.padEnd(20)} ${count(rows).padStart(11)} rows  sum ${sum.padStart(24)}  ${name === TARGET ? mark : ''}`,
      )
    }
    if (!isEqual) throw errors.different({ table: table.name })
  }
}

function summarize(outcomes: readonly Outcome[]): void {
  const time = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0)
  const peak = Math.max(...outcomes.map(({ peakBytes }) => peakBytes)) / 2 ** 20
  title(
    `${count(total)} rows in ${time.toFixed(1)} s of copying, the killed run included: ${count(Math.round(total / time))} rows/s, ` +
      `peak memory ${peak.toFixed(0)} MiB. The whole demonstration took ${seconds(performance.now() - started)}`,
  )
}

function sayHowToReach({ host, port, user, password }: ServerFacts): void {
  const url = (database: string) => `postgres://${user}:${password}@${host}:${port}/${database}`
  say(`
Left for you: ${url(SOURCE)}
              ${url(TARGET)}
Job files:    ${folder}
Stop:         npm run servers -- stop postgres-18`)
}

function sayWhatNext(): void {
  const job = isKept ? join(folder, 'orders.json') : 'YOUR-JOB.json'
  say(`
Next:
  bin/sluice validate ${job}   is the file right? FlinkX and ChunJun files are read as they are
  bin/sluice plan ${job}       what would it do? Connects, changes nothing
  bin/sluice ${isKept ? `verify ${job}     are source and target equal?` : `run ${job}        does it; after a crash, --resume goes on`}`)
}

function title(text: string): void {
  say(`\n${styleText('bold', `${++step}. ${text}.`)}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** `1 600 000`, in any locale. */
function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
