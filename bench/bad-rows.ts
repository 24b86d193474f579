/** What bad rows cost: the same job where all rows are good, where one in a million is refused by the target, and where one in a hundred is. */
import { readFile, writeFile } from 'node:fs/promises'
import type { Comparison } from './comparison.ts'
import { sluiceCommand } from './contest.ts'
import { ends } from './ends.ts'
import { errors } from './errors.ts'
import { type Command, type Cost, measure } from './measure.ts'
import { narrow } from './narrow.ts'
import { type Session, TARGET } from './session.ts'

export interface BadRowsCost {
  readonly strict: readonly Cost[]
  readonly oneInAMillion: readonly Cost[]
  readonly oneInAHundred: readonly Cost[]
}

const comparison: Comparison = { source: 'mariadb', target: 'postgres', dataset: narrow, rivals: [] }
const CHECK = 'sluice_bench_check'

/** `rows` of the table narrow; the target's CHECK is there in all runs, so that it costs all of them the same. */
export async function measureBadRows(
  session: Session,
  rows: number,
  rounds: number,
  say: (text: string) => void,
): Promise<BadRowsCost> {
  await session.load(narrow, rows)
  const strict = await sluiceCommand(session, comparison)
  const tolerant = await withErrorLimit(strict, rows)
  const cost: { [variant in keyof BadRowsCost]: Cost[] } = { strict: [], oneInAMillion: [], oneInAHundred: [] }
  const run = async (variant: keyof BadRowsCost, every: number) => {
    await ends.postgres.reset(session, narrow)
    const condition = every === 0 ? 'id <> -1' : `id % ${every} <> ${every - 1}`
    await session.postgresQuery(TARGET, `ALTER TABLE ${narrow.name} ADD CONSTRAINT ${CHECK} CHECK (${condition})`)
    try {
      const measured = await measure(every === 0 ? strict : tolerant, session.servers)
      const wanted = rows - (every === 0 ? 0 : Math.floor((rows + 1) / every))
      const [found] = await session.postgresQuery<{ count: string }>(TARGET, `SELECT count(*) FROM ${narrow.name}`)
      if (Number(found?.count) !== wanted)
        throw errors.wrongRows({ run: variant, wanted: `${wanted} rows`, found: `${found?.count} rows` })
      cost[variant].push(measured)
      say(`bad rows, ${variant}: ${measured.wall.toFixed(2)} s`)
    } finally {
      await session.postgresQuery(TARGET, `ALTER TABLE ${narrow.name} DROP CONSTRAINT ${CHECK}`)
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (let time = 0; time < 2; time++) {
      await run('strict', 0)
      await run('oneInAMillion', 1_000_000)
    }
    if (round === 0) await run('oneInAHundred', 100)
  }
  return cost
}

/** The same command on a job file that allows bad rows. */
async function withErrorLimit({ argv }: Command, record: number): Promise<Command> {
  const words = typeof argv === 'string' ? [argv] : argv
  const at = words.findIndex(word => word.endsWith('.json'))
  const file = words[at] ?? ''
  const job = JSON.parse(await readFile(file, 'utf8')) as { job: { setting: object } }
  const tolerant = file.replace(/\.json$/, '-tolerant.json')
  const setting = { ...job.job.setting, errorLimit: { record } }
  await writeFile(tolerant, JSON.stringify({ job: { ...job.job, setting } }))
  return { argv: words.with(at, tolerant) }
}
