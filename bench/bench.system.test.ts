/** That the benchmarks run and that everybody copies all rows; what they measure on such small tables means nothing. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { installServer } from '../tools/servers/install.ts'
import type { Results } from './report.ts'

const ROWS = 20_000
/** One for each kind of end; that the others work is a matter of other tests. */
const PATHS = ['mariadb-postgres/narrow', 'csv-postgres/narrow', 'postgres-csv/narrow']
const main = join(import.meta.dirname, 'main.ts')
const run = promisify(execFile)

test('everybody copies the same rows, and everything is measured', async t => {
  try {
    await installServer('mariadb-10.11')
    await installServer('postgres-15')
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return t.skip(String(error))
  }
  const names = [...PATHS, 'growth', 'startup', 'first-row']
  const { stdout } = await run(process.execPath, [main, ...names, '--json', '--rows', String(ROWS), '--rounds', '1'])
  const { contests, growth, startup, firstRowMs } = JSON.parse(stdout) as Results
  assert.deepEqual(
    contests.map(({ path, dataset }) => `${path}/${dataset}`),
    PATHS,
  )
  for (const { path, rows, sluice, rivals } of contests) {
    assert.equal(rows, ROWS, path)
    assert.ok(
      sluice.every(({ wall, client, peakBytes }) => wall > 0 && client > 0 && peakBytes > 2 ** 20),
      path,
    )
    assert.ok(
      rivals.every(({ best, median }) => best > 0 && median > 0),
      path,
    )
  }
  assert.ok((growth?.timeFactor ?? 0) > 0 && (startup?.sluice ?? 0) > 0 && (firstRowMs ?? 0) > 0)
})

test('a name that is none is refused with the names there are', async () => {
  await assert.rejects(run(process.execPath, [main, 'mariadb-oracle']), /no benchmark called "mariadb-oracle".*mariadb-postgres/s)
})

test('a part is not written as if it were the whole', async () => {
  await assert.rejects(run(process.execPath, [main, 'startup', '--write']), /Only a whole run/)
})
