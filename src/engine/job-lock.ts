/** One engine per job and state directory: a lock file with the process that holds it. Fencing across machines is the ledger's business. */
import { open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '#connector'
import { engineErrors } from './errors.ts'

export async function lockJob(file: string, job: string): Promise<AsyncDisposable> {
  await makeFolder(dirname(file)).catch(cause => {
    throw engineErrors.stateUnwritable({ file, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) }, cause)
  })
  for (;;) {
    try {
      await using handle = await open(file, 'wx', 0o600)
      await handle.writeFile(JSON.stringify({ pid: process.pid, started: await startOf(process.pid) }))
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'EEXIST') throw engineErrors.stateUnwritable({ file, reason: code ?? String(cause) }, cause)
      const holder = await readHolder(file)
      if (holder && (await startOf(holder.pid)) === holder.started)
        throw engineErrors.locked({ job, pid: holder.pid, place: file })
      await rm(file, { force: true }) // Its holder is dead: killed, or the machine went down.
    }
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
