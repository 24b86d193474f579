/**
 * `npm run bench`: how fast Sluice is, as a multiple of what else people use, on real servers.
 *
 *   npm run bench                        everything, in less than 25 minutes
 *   npm run bench quick                  everything on small tables, in less than 3 minutes
 *   npm run bench mariadb-postgres       one path; or mariadb-postgres/lineitem, bad-rows, growth, startup, first-row
 *   npm run bench -- --write             everything, into docs/benchmarks.md and README.md
 *
 *   --rows N     rows of the table narrow (lineitem has two thirds of them); growth goes from a third of them to ten thirds
 *   --rounds N   rounds of each comparison
 *   --json       the result as one line of JSON
 */
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { SluiceError } from '#errors'
import { measureBadRows } from './bad-rows.ts'
import { type Comparison, comparisons, pathOf } from './comparison.ts'
import { compete, type Contest } from './contest.ts'
import { errors } from './errors.ts'
import { measureFirstRow, measureGrowth, measureStartup } from './extras.ts'
import { narrow } from './narrow.ts'
import { describeMachine } from './proc.ts'
import { renderReport, type Results } from './report.ts'
import { Session } from './session.ts'
import { writeDocuments } from './write.ts'

const ROUNDS = 3
const QUICK = { rows: 200_000, rounds: 2 }
const STARTS = 20
const FIRST_ROWS = 5
const EXTRAS = ['bad-rows', 'growth', 'startup', 'first-row'] as const

try {
  await main()
} catch (error) {
  const { message, hint } = SluiceError.from(error)
  process.stderr.write(`${message}\n${hint === undefined ? '' : `${hint}\n`}`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, rows: { type: 'string' }, rounds: { type: 'string' }, write: { type: 'boolean' } },
  })
  const isQuick = positionals.includes('quick')
  const names = positionals.filter(name => name !== 'quick')
  checkNames(names)
  if (values.write === true && (isQuick || names.length > 0 || values.rows !== undefined || values.rounds !== undefined)) {
    throw errors.partialWrite({})
  }
  const rows = Number(values.rows ?? (isQuick ? QUICK.rows : narrow.rows))
  const rounds = Number(values.rounds ?? (isQuick ? QUICK.rounds : ROUNDS))
  const results = await runAll(names, rows, rounds)
  process.stdout.write(values.json === true ? `${JSON.stringify(results)}\n` : `${renderReport(results)}\n`)
  if (values.write === true) await writeDocuments(results)
}

async function runAll(names: readonly string[], rows: number, rounds: number): Promise<Results> {
  const started = performance.now()
  const date = new Date().toISOString().slice(0, 10)
  const wants = (...any: readonly string[]) => names.length === 0 || any.some(name => names.includes(name))
  await using session = await Session.open()
  const contests: Contest[] = []
  for (const comparison of comparisons.filter(each => wants(...namesOf(each)))) {
    const share = comparison.dataset.rows / narrow.rows
    contests.push(await compete(session, comparison, Math.round(rows * share), rounds, say))
  }
  const badRows = wants('bad-rows') ? await measureBadRows(session, rows, rounds, say) : undefined
  const growth = wants('growth') ? await measureGrowth(session, Math.round(rows / 3), rounds, say) : undefined
  const startup = wants('startup') ? measureStartup(session, STARTS) : undefined
  const firstRowMs = wants('first-row') ? await measureFirstRow(session, rows, FIRST_ROWS) : undefined
  return {
    ...{ date, rows, rounds, contests, badRows, growth, startup, firstRowMs },
    machine: await describeMachine(),
    load: loadavg()[0] ?? 0,
    cores: availableParallelism(),
    seconds: (performance.now() - started) / 1000,
  }
}

function namesOf(comparison: Comparison): readonly [path: string, one: string] {
  return [pathOf(comparison), `${pathOf(comparison)}/${comparison.dataset.name}`]
}

function checkNames(names: readonly string[]): void {
  const known = new Set([...comparisons.flatMap(namesOf), ...EXTRAS])
  const unknown = names.find(name => !known.has(name))
  if (unknown !== undefined) throw errors.unknownName({ name: unknown, known: ['quick', ...known].join(', ') })
}

/** What happens meanwhile goes to standard error, so that the result stands alone. */
function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
