/** What is compared: a path through Sluice and the rivals that people use for the same copy. */
import { join } from 'node:path'
import type { Dataset } from './dataset.ts'
import { csvFolder, type EndName, ends } from './ends.ts'
import { lineitem } from './lineitem.ts'
import type { Command } from './measure.ts'
import { narrow } from './narrow.ts'
import { type Session, SOURCE, TARGET } from './session.ts'

export interface Comparison {
  readonly source: EndName
  readonly target: EndName
  readonly dataset: Dataset
  /** The first is the one that also runs against itself, to show the noise. */
  readonly rivals: readonly Rival[]
}

export interface Rival {
  readonly title: string
  /** Least speed of Sluice, as a multiple of the rival's. */
  readonly goal: number
  /** So slow that one run has to do, in the first round. */
  readonly isSlow?: boolean
  command(session: Session, dataset: Dataset): Command
}

const mysqlPipe = (goal: number): Rival => ({
  title: '`mariadb --quick -N \\| psql \\copy`',
  goal,
  command: (session, { name }) => {
    const read = [...session.mariadbCommand(SOURCE), '--quick', '-N', '-e', `'SELECT * FROM ${name}'`].join(' ')
    return { argv: `${read} | ${session.psql(TARGET)} -c "\\copy ${name} from pstdin (null 'NULL')"` }
  },
})

const drivers: Rival = {
  title: 'mysql2 rows → pg, 1000 rows per INSERT',
  goal: 5,
  isSlow: true,
  command: ({ mariadb, postgres }, { name }) => ({
    argv: [process.execPath, join(import.meta.dirname, 'drivers.ts'), name],
    env: {
      BENCH_SOURCE: JSON.stringify({
        host: mariadb.host,
        port: mariadb.port,
        user: mariadb.user,
        password: mariadb.password,
        database: SOURCE,
      }),
      BENCH_TARGET: JSON.stringify({
        host: postgres.host,
        port: postgres.port,
        user: postgres.user,
        password: postgres.password,
        database: TARGET,
      }),
    },
  }),
}

const binaryPipe: Rival = {
  title: '`psql \\copy to \\| psql \\copy from`, binary',
  goal: 1,
  command: (session, { name }) => {
    const read = `${session.psql(SOURCE)} -c "\\copy ${name} to pstdout (format binary)"`
    return { argv: `${read} | ${session.psql(TARGET)} -c "\\copy ${name} from pstdin (format binary)"` }
  },
}

const loadData: Rival = {
  title: '`psql \\copy \\| mariadb LOAD DATA`',
  goal: 0.9,
  command: (session, { name }) => {
    const load = `LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE ${name} CHARACTER SET utf8mb4`
    const write = [...session.mariadbCommand(TARGET), '-e', `"${load}"`].join(' ')
    return { argv: `${session.psql(SOURCE)} -c "\\copy ${name} to pstdout" | ${write}` }
  },
}

const dump: Rival = {
  title: '`mariadb-dump \\| mariadb`',
  goal: 1.5,
  command: (session, { name }) => {
    const read = [...session.mariadbCommand(SOURCE, 'mariadb-dump'), '--single-transaction', '--no-create-info', name]
    return { argv: `${read.join(' ')} | ${session.mariadbCommand(TARGET).join(' ')}` }
  },
}

const copyFrom: Rival = {
  title: '`psql \\copy from`',
  goal: 0.9,
  command: (session, dataset) => ({
    argv: `${session.psql(TARGET)} -c "\\copy ${dataset.name} from '${session.csv(dataset)}' csv"`,
  }),
}

const copyTo: Rival = {
  title: '`psql \\copy to`',
  goal: 0.9,
  command: (session, { name }) => ({
    argv: `${session.psql(SOURCE)} -c "\\copy ${name} to '${join(csvFolder(session), 'rival.csv')}' csv"`,
  }),
}

export const comparisons: readonly Comparison[] = [
  { source: 'mariadb', target: 'postgres', dataset: narrow, rivals: [mysqlPipe(1.35), drivers] },
  { source: 'mariadb', target: 'postgres', dataset: lineitem, rivals: [mysqlPipe(1.25), drivers] },
  { source: 'postgres', target: 'postgres', dataset: narrow, rivals: [binaryPipe] },
  { source: 'postgres', target: 'postgres', dataset: lineitem, rivals: [binaryPipe] },
  { source: 'postgres', target: 'mariadb', dataset: narrow, rivals: [loadData] },
  { source: 'postgres', target: 'mariadb', dataset: lineitem, rivals: [loadData] },
  { source: 'mariadb', target: 'mariadb', dataset: narrow, rivals: [dump] },
  { source: 'csv', target: 'postgres', dataset: narrow, rivals: [copyFrom] },
  { source: 'postgres', target: 'csv', dataset: narrow, rivals: [copyTo] },
]

/** `mariadb-postgres`, for people who want only some of them. */
export function pathOf({ source, target }: Comparison): string {
  return `${source}-${target}`
}

export function titleOf({ source, target }: Comparison): string {
  return `${ends[source].title} → ${ends[target].title}`
}
