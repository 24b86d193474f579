/** What processes and the machine have used, from /proc; see proc(5). Times are CPU seconds, with a grain of 10 ms. */
import { readFile } from 'node:fs/promises'
import { treeOf } from '../tools/servers/processes.ts'

/** Clock ticks per second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100

/** Of a process and its descendants, those that have ended included. */
export async function treeSeconds(pid: number): Promise<number> {
  const all = await Promise.all((await treeOf(pid)).map(each => stat(each)))
  return all.reduce((sum, { own, ended }) => sum + own + ended, 0)
}

/** Of all children of this process that have ended, with theirs. */
export async function endedChildrenSeconds(): Promise<number> {
  return (await stat(process.pid)).ended
}

async function stat(pid: number): Promise<{ own: number; ended: number }> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (text === undefined) return { own: 0, ended: 0 }
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
  return { own: (user + system) / TICKS, ended: (endedUser + endedSystem) / TICKS }
}

/** Of the whole machine: what ran, and what the host of a virtual machine took away. */
export async function machineSeconds(): Promise<{ busy: number; stolen: number }> {
  const line = (await readFile('/proc/stat', 'latin1')).split('\n', 1)[0] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, stolen = 0] = line.split(/\s+/).slice(1).map(Number)
  return { busy: (user + nice + system + irq + softIrq) / TICKS, stolen: stolen / TICKS }
}

/** The largest resident set that the process has had so far, in bytes; 0 when it is gone. */
export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}

/** The machine in a few words: processor, cores, memory. */
export async function describeMachine(): Promise<string> {
  const [cpu, memory] = await Promise.all([readFile('/proc/cpuinfo', 'utf8'), readFile('/proc/meminfo', 'utf8')])
  const models = [...cpu.matchAll(/^model name\s*:\s*(.+)$/gm)].map(([, model]) => model)
  const gib = Number(/^MemTotal:\s+(\d+)/.exec(memory)?.[1] ?? 0) / 1024 ** 2
  return `${models.length} × ${models[0] ?? process.arch}, ${gib.toFixed(0)} GiB memory, Linux, Node ${process.versions.node}`
}
