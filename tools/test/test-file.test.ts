import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { PASSWORD } from '../servers/recipe.ts'
import { runTestFile } from './test-file.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-test-file-'))
after(() => rm(folder, { recursive: true, force: true }))
const TIMEOUT_MS = 60_000

async function outcomesOf(body: string, timeoutMs = TIMEOUT_MS) {
  const file = join(folder, `${Math.random()}.test.ts`)
  await writeFile(file, `import assert from 'node:assert/strict'\nimport { describe, test } from 'node:test'\n${body}\n`)
  const { outcomes, output } = await runTestFile(file, timeoutMs)
  return { output, told: outcomes.map(({ result, path }) => `${result} ${path.join(' › ').replace(file, 'file')}`), outcomes }
}

test('tells each test once, with the names around it', async () => {
  const { told } = await outcomesOf(`
    describe('outer', () => {
      test('good', () => {})
      test('bad', () => assert.equal(1, 2))
      test('left out', { skip: 'no server' }, () => {})
      describe('none of it', { skip: true }, () => test('unseen', () => {}))
    })
    test('parent', async t => { await t.test('child', () => {}) })`)
  assert.deepEqual(told, [
    'passed outer › good',
    'failed outer › bad',
    'skipped outer › left out',
    'skipped outer › none of it',
    'passed parent › child',
    'passed parent',
  ])
})

test('tells what a failure was, without the frames of Node', async () => {
  const { outcomes, output } = await outcomesOf(
    "test('bad', () => { console.log('seen'); assert.deepEqual({ a: 1 }, { a: 2 }) })",
  )
  assert.match(outcomes[0]?.detail ?? '', /\+ +a: 1\n- +a: 2/)
  assert.doesNotMatch(outcomes[0]?.detail ?? '', /node:/)
  assert.equal(output, 'seen\n')
})

test('fails a file that cannot be loaded, ends early, has no test, or never ends', async () => {
  assert.deepEqual((await outcomesOf("import './nowhere.ts'")).told, ['failed file'])
  assert.deepEqual((await outcomesOf("test('good', () => {}); process.on('exit', () => { process.exitCode = 3 })")).told, [
    'passed good',
    'failed file',
  ])
  assert.deepEqual((await outcomesOf('')).told, ['failed file'])
  const { outcomes } = await outcomesOf("test('good', () => {}); setInterval(() => {}, 1000)", 1000)
  assert.match(outcomes.at(-1)?.detail ?? '', /did not end in time/)
})

test('fails a file that prints the password of the test servers, or starts a sluice that does', async () => {
  const main = join(folder, 'cli', 'main.ts')
  await mkdir(join(folder, 'cli'), { recursive: true })
  await writeFile(main, "process.stderr.write('password: ' + process.argv[2] + '\\n')\n")
  const start = (word: string) =>
    outcomesOf(`
      import { execFileSync } from 'node:child_process'
      test('good', () => void execFileSync(process.execPath, [${JSON.stringify(main)}, '${word}'], { stdio: 'pipe' }))`)
  assert.deepEqual((await start('harmless')).told, ['passed good'])
  assert.deepEqual((await start(PASSWORD)).told, ['passed good', 'failed file › shows no password'])
  const own = (word: string) => outcomesOf(`test('good', () => console.log('${word}'))`)
  assert.deepEqual((await own(PASSWORD)).told, ['passed good', 'failed file › shows no password'])
  assert.deepEqual((await own(`/tmp/${PASSWORD}-x1`)).told, ['passed good'])
})
