/** That the benchmarks run and that everybody copies all rows; what they measure on such small tables means nothing. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { installServer } from '../tools/servers/install.ts'
import { comparisons, pathOf } from './comparison.ts'
import type { Results } from './report.ts'

const ROWS = 20_000
const main = join(import.meta.dirname, 'main.ts')
const run = promisify(execFile)

test('every path and every rival copies the same rows', async t => {
  try {
    await installServer('mariadb-10.11')
    await installServer('postgres-15')
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return t.skip(String(error))
  }
  const { stdout } = await run(process.execPath, [main, '--json', '--rows', String(ROWS), '--rounds', '1'])
  const { contests, growth, startup, firstRowMs } = JSON.parse(stdout) as Results
  const wanted = comparisons.map(each => `${pathOf(each)} ${each.dataset.name} ${each.rivals.length}`)
  assert.deepEqual(
    contests.map(({ path, dataset, rivals }) => `${path} ${dataset} ${rivals.length}`),
    wanted,
  )
  for (const { path, sluice, rivals } of contests) {
    assert.ok(
      sluice.every(({ wall, client, peakBytes }) => wall > 0 && client > 0 && peakBytes > 2 ** 20),
      path,
    )
    assert.ok(
      rivals.every(({ best }) => best > 0),
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
