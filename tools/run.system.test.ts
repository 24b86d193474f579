/** What `tools/run.mjs` and `bin/sluice` do for a person who just cloned the repository. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'sluice clone-'))
after(() => rm(folder, { recursive: true, force: true }))
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }

/** With the Node of the machine, old as it may be, instead of the pinned one that runs this test. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter(place => !place.startsWith(root))
  .join(delimiter)
const env = { ...process.env, PATH }

test('two first commands in a fresh clone install once and both answer', async () => {
  const clone = join(folder, 'clone')
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'bin', 'tools/run.mjs', 'src/cli']) {
    await cp(join(root, name), join(clone, name), { recursive: true })
  }
  // By a link in another folder, as a person who has it in ~/bin.
  await symlink('clone/bin/sluice', join(folder, 'link'))
  const answers = await Promise.all([
    run(join(folder, 'link'), ['--version'], { cwd: '/', env }),
    run('./sluice', ['--version'], { cwd: join(clone, 'bin'), env }),
  ])
  assert.deepEqual(
    answers.map(({ stdout }) => stdout),
    [`${version}\n`, `${version}\n`],
  )
  assert.equal(answers.filter(({ stderr }) => stderr.includes('Installed in')).length, 1)

  // What is installed is not what the lock file says: it is put right before anything else runs.
  const installed = join(clone, 'node_modules/zod/package.json')
  const lock = join(clone, 'node_modules/.package-lock.json')
  await writeFile(lock, (await readFile(lock, 'utf8')).replace(/("node_modules\/zod": \{\s*"version": ")[^"]+/, '$10.0.1'))
  await rm(installed)
  await run('node', ['tools/run.mjs', '--install'], { cwd: clone, env })
  assert.match(await readFile(installed, 'utf8'), /"version"/)
})

test('says what to do when the registry cannot be reached', async () => {
  const clone = join(folder, 'offline')
  for (const name of ['package.json', 'package-lock.json', 'tools/run.mjs']) await cp(join(root, name), join(clone, name))
  const offline = { ...env, npm_config_offline: 'true', npm_config_cache: join(folder, 'empty-cache') }
  await assert.rejects(run('node', ['tools/run.mjs', 'tools/test.ts'], { cwd: clone, env: offline }), {
    code: 1,
    stderr: /npm ci failed\. Check that this machine reaches its npm registry/,
  })
})

test('sluice --version costs at most 2.5 times what Node itself costs', () => {
  const sluice = () => execFileSync(join(root, 'bin/sluice'), ['--version'])
  const bare = () => execFileSync(process.execPath, ['-e', '0'])
  sluice()
  let [bareMs, sluiceMs] = [Infinity, Infinity]
  const isDear = () => sluiceMs > 2.5 * bareMs
  // What it takes on a machine that does nothing else; where that is rare, more have to be tried.
  for (let i = 0; i < 15 || (i < 150 && isDear()); i++) {
    bareMs = Math.min(bareMs, timeOf(bare))
    sluiceMs = Math.min(sluiceMs, timeOf(sluice))
  }
  assert(!isDear(), `${sluiceMs.toFixed(1)} ms against ${bareMs.toFixed(1)} ms`)
})

function timeOf(action: () => unknown): number {
  const started = performance.now()
  action()
  return performance.now() - started
}
