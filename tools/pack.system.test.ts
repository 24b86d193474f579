/** The published package, installed where nothing else is. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { packSluice } from './pack.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'sluice-package-'))
after(() => rm(folder, { recursive: true, force: true }))

before(async () => {
  const tarball = await packSluice(folder)
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  // The tarball needs no network. Its dependencies are in npm's cache since the clone was installed.
  await run('npm', ['install', tarball, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
})

const sluice = (...args: string[]) => run(join(folder, 'node_modules/.bin/sluice'), args, { cwd: folder })

test('installs nothing but itself and zod, whose types the contract has', async () => {
  const installed = await readdir(join(folder, 'node_modules'), { recursive: true })
  const packages = installed.filter(name => /^(@[^/]+\/)?[^/.@][^/]*$/.test(name) && !/^@[^/]+$/.test(name))
  assert.deepEqual(packages.sort(), ['sluice', 'zod'])
})

test('holds compiled code with types and licences, and neither source nor tests', async () => {
  const files = await readdir(join(folder, 'node_modules/sluice'), { recursive: true })
  assert(files.includes('LICENSE') && files.includes('README.md') && files.includes('dist/connector/index.d.ts'))
  const licences = await readFile(join(folder, 'node_modules/sluice/THIRD-PARTY-LICENCES'), 'utf8')
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  assert.deepEqual(licences.match(/^\S+(?= \d+\.\d+\.\d+, )/gm), Object.keys(dependencies).sort())
  assert.deepEqual(
    files.filter(file => /(?<!\.d)\.ts$|\.test[.-]|^src|^tools/.test(file)),
    [],
  )
})

test('says its version', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.equal((await sluice('--version')).stdout, `${version}\n`)
})

test('runs a job with worker threads', async () => {
  const column = [{ name: 'id', type: 'bigint' }]
  const reader = { name: 'streamreader', parameter: { column, sliceRecordCount: ['1000'] } }
  const writer = { name: 'streamwriter', parameter: { print: false } }
  await writeFile(
    join(folder, 'job.json'),
    JSON.stringify({ job: { content: [{ reader, writer }], setting: { speed: { channel: 2 } } } }),
  )
  assert.match((await sluice('run', 'job.json')).stderr, /finished: 1,000 rows/)
})

test('gives the author of a connector the contract and its types', async () => {
  await writeFile(
    join(folder, 'author.ts'),
    "import { defineSource, type Reader } from 'sluice/connector'\nexport type { Reader }\nexport default defineSource\n",
  )
  const compilerOptions = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] }
  const typeRoots = [join(root, 'node_modules/@types')]
  const settings = { compilerOptions: { ...compilerOptions, typeRoots }, files: ['author.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch((error: unknown) =>
    assert.fail((error as { stdout: string }).stdout),
  )
  const { stdout } = await run(process.execPath, ['-e', "console.log(typeof (await import('sluice/connector')).defineSource)"], {
    cwd: folder,
  })
  assert.equal(stdout, 'function\n')
})

test(
  'tells a Node that is too old what it needs',
  { skip: oldNode() === undefined && 'this machine has no old Node' },
  async () => {
    const main = join(folder, 'node_modules/sluice/dist/cli/main.js')
    await assert.rejects(run(oldNode() ?? '', [main, '--version']), {
      code: 1,
      stderr: /needs Node 22\.18 or newer, this is Node/,
    })
  },
)

/** A Node before 22 among the usual places; the PATH of a test begins with the pinned one. */
function oldNode(): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .map(place => join(place, 'node'))
    .find(node => {
      try {
        return Number(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]) < 22
      } catch {
        return false
      }
    })
}
