import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { installServer } from './servers/install.ts'
import { runningServers } from './servers/running.ts'

/** What is left of them half way takes longer than it takes to see that it is half way. */
const ROWS = 600_000
const run = promisify(execFile)
const demos = async () => (await readdir(tmpdir())).filter(name => name.startsWith('sluice-demo-'))

test('the demonstration kills a run, goes on, and finds the same rows on both sides', async t => {
  try {
    await installServer('postgres-18')
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return t.skip(String(error))
  }
  const before = await demos()
  const { stdout, stderr } = await run(process.execPath, [join(import.meta.dirname, 'demo.ts'), '--rows', String(ROWS)])
  assert.match(stdout, /Killed with -9\. (?!0 of )[\d ]+ of 360 000 rows are committed/)
  assert.match(stdout + stderr, /resuming run/)
  assert.equal(stdout.match(/rows {2}sum +\S+ {2}equal/g)?.length, 3)
  assert.match(stdout, /600 000 rows in [\d.]+ s of copying.* rows\/s, peak memory \d+ MiB/)
  assert.deepEqual(await demos(), before, 'its folder is left')
  const left = (await runningServers()).filter(
    ({ facts }) => facts.name === 'postgres-18' && stdout.includes(`on port ${facts.port}.`),
  )
  assert.deepEqual(left, [], 'its server is left')
})
