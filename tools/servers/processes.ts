/** Looks at processes and listening ports through /proc; see proc(5). */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number
  /** Clock ticks between boot and the start of the process. */
  readonly startTicks: string
}

/** Identifies a running process; undefined when there is none of that number, or only its zombie. */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  // The second field, the program's name in brackets, may itself contain spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields?.[0], fields?.[19]]
  return state === undefined || startTicks === undefined || state === 'Z' ? undefined : { pid, startTicks }
}

export async function isAlive({ pid, startTicks }: ProcessId): Promise<boolean> {
  return (await identify(pid))?.startTicks === startTicks
}

/** The process and all that descend from it. */
export async function treeOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    threads.map(thread => readFile(`/proc/${pid}/task/${thread}/children`, 'latin1').catch(() => '')),
  )
  const children = lists.flatMap(list => list.split(' ').filter(Boolean).map(Number))
  return [pid, ...(await Promise.all(children.map(treeOf))).flat()]
}

/** Sends SIGKILL to the process and all that descend from it. */
export async function killTree(pid: number): Promise<void> {
  for (const each of await treeOf(pid)) signal(each, 'SIGKILL')
}

/** Sends a signal; a process that is gone already does not matter. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until the process is gone; false when it still runs after `timeoutMs`. */
export async function waitForEnd(process: ProcessId, timeoutMs: number): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; await isAlive(process); await sleep(10)) if (Date.now() > end) return false
  return true
}

/** A port of 127.0.0.1 that nobody listens on, chosen by the kernel; the given one when that is free; otherwise undefined. */
export async function freePort(wanted = 0): Promise<number | undefined> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  server.on('error', () => resolve(undefined))
  server.listen(wanted, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
  })
  return promise
}

/** Whether `pid` or a process below it listens on the TCP port. */
export async function listensOn(pid: number, port: number): Promise<boolean> {
  const sockets = (await Promise.all(['tcp', 'tcp6'].map(table => listeners(table, port)))).flat()
  if (sockets.length === 0) return false
  for (const each of await treeOf(pid)) {
    const files = await openFiles(each)
    // A container may forbid even root to look into a process of another user. Then the start itself has to be the
    // proof: it would have failed on a port that somebody else listens on.
    if (files === undefined || sockets.some(socket => files.includes(socket))) return true
  }
  return false
}

/** What the process has open, as the targets of the links in /proc/PID/fd; undefined when we may not know. */
async function openFiles(pid: number): Promise<string[] | undefined> {
  try {
    const names = await readdir(`/proc/${pid}/fd`)
    return await Promise.all(names.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(refusedOnly)))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : []
  }
}

/** A file that is closed in the meantime is of no interest; one that we are refused is. */
function refusedOnly(error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES') throw error
  return ''
}

/** Listening sockets of a port in the form in which /proc/PID/fd names them. */
async function listeners(table: string, port: number): Promise<string[]> {
  const lines = (await readFile(`/proc/net/${table}`, 'latin1').catch(() => '')).split('\n').slice(1)
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const LISTEN = '0A'
  const rows = lines.map(line => line.trim().split(/\s+/))
  return rows.filter(row => row[1]?.endsWith(suffix) && row[3] === LISTEN).map(row => `socket:[${row[9]}]`)
}
