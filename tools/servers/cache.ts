/**
 * The folder in which test servers live, made on first use:
 *
 *   software/NAME-HASH    programs, unpacked
 *   templates/NAME-HASH   a prepared data directory, copied for each start
 *   running/NAME-XXXXXX   data, log and facts of one running server; gone when it stops
 *   tls/                  a certificate authority and a server certificate
 *   locks/                one file for each thing that only one process may make
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { run } from './run.ts'

/** Where everything is kept. Set XDG_CACHE_HOME to move it. */
export const cacheFolder = join(chooseBase(), 'sluice-test-servers')

/** Root's servers run as `nobody`, who cannot pass through root's home folder when that is closed, as it usually is. */
function chooseBase(): string {
  const configured = process.env['XDG_CACHE_HOME']
  if (configured !== undefined && configured !== '') return configured
  const home = homedir()
  const isClosed = process.getuid?.() === 0 && existsSync(home) && (statSync(home).mode & 0o001) === 0
  return isClosed ? '/var/cache' : join(home, '.cache')
}

/** The path of a subfolder of the cache, which exists afterwards. */
export async function cacheSubfolder(name: string): Promise<string> {
  const folder = join(cacheFolder, name)
  await mkdir(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** A short name for a long description. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10)
}

/**
 * The folder, built first if it is missing. It appears complete or not at all, and two processes never build it at once.
 * `build` fills the empty folder it is given, which has another name until it is complete.
 */
export async function buildOnce(folder: string, build: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder
  await withLock(basename(folder), async () => {
    if (existsSync(folder)) return
    const partial = `${folder}.partial`
    const discard = () => rm(partial, { recursive: true, force: true })
    await discard()
    await mkdir(partial, { recursive: true, mode: 0o755 })
    await build(partial).catch(async (error: unknown) => {
      await discard()
      throw error
    })
    await rename(partial, folder)
  })
  return folder
}

/** Runs `action` while no other process holds the lock of that name. The kernel frees it when the holder dies. */
async function withLock(name: string, action: () => Promise<void>): Promise<void> {
  const file = join(await cacheSubfolder('locks'), name)
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const failed = once(holder, 'error').then(([error]) => Promise.reject(error as Error))
  try {
    await Promise.race([once(holder.stdout, 'data'), failed])
    await action()
  } finally {
    holder.stdin.end()
  }
}

/** Copies a folder with owners and times, without a byte more on the disk than needed. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await run(['cp', '-a', '--reflink=auto', '--sparse=always', from, to])
}
