/** Runs one command and measures what it costs: time, CPU of everybody who took part, memory. */
import { spawn } from 'node:child_process'
import type { ServerFacts } from '../tools/servers/index.ts'
import { errors } from './errors.ts'
import { endedChildrenSeconds, machineSeconds, peakBytes, treeSeconds } from './proc.ts'

export interface Command {
  /** Program and arguments, or the text of a pipeline for bash. */
  readonly argv: readonly string[] | string
  readonly env?: Readonly<Record<string, string>>
}

/** Seconds, unless the name says otherwise. */
export interface Cost {
  readonly wall: number
  /** CPU of the command and all its children. */
  readonly client: number
  /** CPU of each server during the run, by its kind. */
  readonly servers: Readonly<Record<ServerFacts['kind'], number>>
  /** Cores that others used meanwhile, time stolen by the host included. */
  readonly foreignCores: number
  /** Largest resident set of the command's first process. */
  readonly peakBytes: number
  /** What it printed to standard output. */
  readonly output: string
}

const SAMPLE_MS = 25
const OUTPUT_CHARS = 2000

/** Throws `bench.command-failed` unless it ends with 0. */
export async function measure(command: Command, servers: readonly ServerFacts[]): Promise<Cost> {
  const before = await totals(servers)
  const started = performance.now()
  const { output, peak } = await execute(command)
  const wall = (performance.now() - started) / 1000
  const after = await totals(servers)
  const client = after.client - before.client
  const used = { postgres: 0, mysql: 0 }
  for (const [i, { kind }] of servers.entries()) used[kind] += (after.servers[i] ?? 0) - (before.servers[i] ?? 0)
  const ours = client + used.postgres + used.mysql + after.self - before.self
  const others = after.machine.busy + after.machine.stolen - before.machine.busy - before.machine.stolen - ours
  return { wall, client, servers: used, foreignCores: Math.max(0, others / wall), peakBytes: peak, output }
}

async function totals(servers: readonly ServerFacts[]) {
  const { user, system } = process.cpuUsage()
  return {
    client: await endedChildrenSeconds(),
    servers: await Promise.all(servers.map(({ pid }) => treeSeconds(pid))),
    machine: await machineSeconds(),
    self: (user + system) / 1e6,
  }
}

/** Runs a command to its end; its time does not count. */
export async function execute({ argv, env }: Command): Promise<{ output: string; peak: number }> {
  const [program = '', ...args] = typeof argv === 'string' ? ['bash', '-c', `set -euo pipefail; ${argv}`] : argv
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let [output, problems, peak] = ['', '', 0]
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems = (problems + text).slice(-OUTPUT_CHARS)))
  const sampler = setInterval(() => {
    void peakBytes(child.pid ?? 0).then(bytes => (peak = Math.max(peak, bytes)))
  }, SAMPLE_MS)
  try {
    const code = await new Promise<number | string>((done, failed) => {
      child.on('error', failed)
      child.on('close', (exit, signal) => done(signal ?? exit ?? 1))
    })
    if (code === 0) return { output, peak }
    const words = (problems + output.slice(-OUTPUT_CHARS)).trim()
    throw errors.commandFailed({ command: typeof argv === 'string' ? argv : argv.join(' '), code, output: words })
  } finally {
    clearInterval(sampler)
  }
}
