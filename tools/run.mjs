/**
 * Runs a tool of this repository in the Node that the repository brings along, and installs what is missing first.
 *
 *   node tools/run.mjs tools/test.ts --quick     install if needed, then run the tool
 *   node tools/run.mjs --install                 install if needed, nothing else
 *
 * This file is the only one that an old Node has to understand (20 is enough), so it is plain JavaScript without dependencies.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What ends this with one sentence for a person. */
class Refusal extends Error {}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lockFile = join(root, 'package-lock.json')

/** Names the Node to use, relative to the root where possible. `bin/sluice` reads it, so that it need not search. */
const stamp = join(root, 'node_modules', '.cache', 'sluice', 'node')

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error)
  process.exitCode = 1
}

async function main([target, ...args]) {
  if (target === undefined) throw new Refusal('usage: node tools/run.mjs --install | FILE [ARGUMENT...]')
  await install()
  const node = pinnedNode()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, `${node}\n`)
  if (target !== '--install') goOn(resolve(root, node), [join(root, target), ...args])
}

/** Installs what the lock file says, unless it is there. Two at the same time wait for each other. */
async function install() {
  if (isInstalled()) return
  const release = await takeInstallLock()
  try {
    if (!isInstalled()) npmCi()
  } finally {
    release()
  }
}

/** Compares the lock file with the copy npm keeps of what it installed. */
function isInstalled() {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return false
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true
    const found = installed.packages[path]
    // A package for another platform is optional and absent.
    return found === undefined ? optional === true : found.version === version && existsSync(join(root, path, 'package.json'))
  })
}

function npmCi() {
  const started = Date.now()
  console.error('Installing the packages of package-lock.json (npm ci), once.')
  // npm names its own entry point when it started us; that also works where `npm` is a .cmd file.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm']
  const done = spawnSync(npm[0], [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // The output of the tool is what belongs on standard output.
    stdio: ['ignore', 2, 2],
    shell: npm.length === 1 && process.platform === 'win32',
  })
  if (done.error !== undefined)
    stop(`npm cannot be started (${done.error.message}). Install npm 10 or newer, it comes with Node.`)
  if (done.status !== 0)
    throw new Refusal(`npm ci failed. Check that this machine reaches its npm registry (npm ping), then try again.`)
  console.error(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`)
}

/** A directory outside node_modules, because npm ci removes that one. It holds the process id of its owner. */
async function takeInstallLock() {
  const lock = join(tmpdir(), `sluice-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`)
  const owner = join(lock, 'pid')
  for (let waits = 0; ; waits++) {
    try {
      mkdirSync(lock)
      writeFileSync(owner, String(process.pid))
      return () => rmSync(lock, { recursive: true, force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (waits === 0) console.error('Another process is installing. Waiting for it.')
    await sleep(500)
    // Its owner writes the id right after creating the directory; without one after half a second, it died in between.
    if (!isAlive(Number(readText(owner)))) rmSync(lock, { recursive: true, force: true })
  }
}

function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The Node of this repository, or where npm has none for the platform, the one that runs this, if it is new enough. */
function pinnedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node_modules/node-${platform}-${process.arch}/bin/node${platform === 'win' ? '.exe' : ''}`
  if (existsSync(join(root, name))) return name
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath
  throw new Refusal(
    `No package brings Node 24 for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}. ` +
      'Install Node 22.18 or newer and try again.',
  )
}

/** Runs the tool, hands signals on to it, and ends as it ends. */
function goOn(node, args) {
  const env = {
    ...process.env,
    PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    // Keeps the compiled form of the source, which saves stripping its types on each start.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'node'),
  }
  const child = spawn(node, args, { cwd: process.cwd(), env, stdio: 'inherit' })
  child.on('error', error => {
    console.error(`${node} cannot be started: ${error.message}`)
    process.exitCode = 1
  })
  // Ctrl-C reaches the child by the terminal; waiting for it here lets it finish its work.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function readJson(path) {
  const text = readText(path)
  return text === '' ? undefined : JSON.parse(text)
}
