/** One engine per job and state directory: a lock file with the process that holds it. Fencing across machines is the ledger's business. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFolder } from '#connector'
import { SluiceError } from '#errors'
import { engineErrors } from './errors.ts'

export async function lockJob(file: string, job: string): Promise<AsyncDisposable> {
  try {
    await makeFolder(dirname(file))
    await using _turn = await takeTurn(`${file}.turn`)
    const holder = await readHolder(file)
    if (holder && (await startOf(holder.pid)) === holder.started) throw engineErrors.locked({ job, pid: holder.pid, place: file })
    await rm(file, { force: true }) // Its holder is dead: killed, or the machine went down.
    const own = { pid: process.pid, started: await startOf(process.pid) }
    await writeFile(file, JSON.stringify(own), { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if (SluiceError.is(cause)) throw cause
    throw engineErrors.stateUnwritable({ file, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) }, cause)
  }
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
}

/** A turn takes milliseconds: one that lasts was left by a process that was killed in it. */
const LONGEST_TURN_MS = 5_000

/** Who looks for a holder and takes its place is alone meanwhile, or several would take it. */
async function takeTurn(file: string): Promise<AsyncDisposable> {
  let seen = { turn: '', since: 0 }
  for (;;) {
    try {
      await writeFile(file, '', { flag: 'wx', mode: 0o600 })
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
    const turn = await stat(file).then(
      ({ ino, mtimeMs }) => `${ino} ${mtimeMs}`,
      () => '',
    )
    if (turn !== seen.turn) seen = { turn, since: performance.now() }
    if (performance.now() - seen.since > LONGEST_TURN_MS) await rm(file, { force: true })
    else await sleep(10)
  }
}

async function readHolder(file: string): Promise<{ pid: number; started: string } | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as { pid: number; started: string }
  } catch {
    return undefined
  }
}

/** What tells a process from a later one with the same id; undefined when there is none. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    // Field 22 of /proc/<pid>/stat (proc(5)); the name in field 2 may contain spaces and ends with the last parenthesis.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const state = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state[0] === 'Z' ? undefined : state[19]
  } catch {
    if (process.platform === 'linux') return undefined
    try {
      process.kill(pid, 0)
      return 'alive'
    } catch {
      return undefined
    }
  }
}
