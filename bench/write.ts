/** Puts results into docs/benchmarks.md, and their table into README.md too. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { costTable, extrasTable, type Results, summaryTable } from './report.ts'

const root = join(import.meta.dirname, '..')
const BEGIN = '<!-- Written by `npm run bench -- --write`. -->'
const END = '<!-- End of what is written. -->'

export async function writeDocuments(results: Results): Promise<void> {
  const page = join(root, 'docs/benchmarks.md')
  await writeFile(page, benchmarksPage(results))
  const readme = join(root, 'README.md')
  await writeFile(readme, withTable(await readFile(readme, 'utf8'), tableIn(await readFile(page, 'utf8'))))
}

/** What stands between the marks of a document; empty when there are none. */
export function tableIn(text: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  return begin === -1 || end === -1 ? '' : text.slice(begin + BEGIN.length, end).trim()
}

/** The document with another table between its marks. */
export function withTable(text: string, table: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  return begin === -1 || end === -1 ? text : `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`
}

function benchmarksPage(results: Results): string {
  const { date, machine, load, cores, rounds, seconds } = results
  return `# Benchmarks

\`\`\`sh
npm run bench -- --write    # what made this page: ${(seconds / 60).toFixed(0)} minutes
npm run bench quick         # the same on small tables
\`\`\`

${date}; ${machine}; load average at the end ${load.toFixed(1)} on ${cores} cores. Databases and clients share them.

${BEGIN}

${summaryTable(results)}

${END}

${extrasTable(results)}

## How it is measured

* Sluice is the package as it is published: \`sluice run JOB\` on a FlinkX job file, with ledger and \`isRestore\`, one channel, all else at its default;
  starting the process counts. CSV files are named by a native job file.
* MariaDB 10.11 (buffer pool 2 GiB, binary log on, \`innodb_flush_log_at_trx_commit=2\`) and PostgreSQL 15 (\`shared_buffers\` 1 GiB, fsync on,
  \`wal_level=logical\`), over loopback without TLS. Everything fits into memory.
* \`narrow\` is (id bigint key, k int, name varchar(20), ts timestamp, amount decimal(12,2)), 3 M rows, 2 % of the names NULL and 10 % not ASCII;
  \`lineitem\` is the table of TPC-H, 16 columns, 2 M rows. Both are the same in every run. The target exists, with its key.
* After one run to warm up, each of ${rounds} rounds runs the first rival, Sluice, the first rival, Sluice; the drivers, being slow, run once. Before each
  run the target is emptied and PostgreSQL writes a checkpoint; after each run the target's count and sum of row hashes must be the source's.
* *Speed* is the rival's time divided by Sluice's: of the best runs, and in brackets the median of the rounds. *Noise* is the first rival's time
  divided by its own time in the same round: a difference that is not larger than this says nothing.
* CPU is user and system time of whole process trees, from /proc. *CPU of the rival* is what the rival and both servers burn, as a multiple of what
  Sluice and both servers do: the figure that suffers least when others use the machine. *Of all CPU* is the share of Sluice in what the copy took, servers included.
  *Peak memory* is the largest resident set of the process in any run.
* Compare ratios, not seconds: on another day the same machine is a third slower. Others used the cores that each run's brackets name.

## Every run

${costTable(results)}
`
}
