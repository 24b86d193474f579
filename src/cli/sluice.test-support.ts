/** Runs the program of the clone, as people do. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

const program = join(import.meta.dirname, '../../bin/sluice')
/** Longer than any test takes. */
const MOST_MS = 900_000

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Process {
  readonly pid: number
  /** Null while it runs. */
  readonly exitCode: number | null
  readonly stderr: Readable
  kill(signal: NodeJS.Signals): boolean
}

interface Options {
  readonly cwd?: string
  /** Beside those of the test. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the program; `outcome` is what it comes to. */
export function start(args: readonly string[], { cwd, env }: Options = {}): { child: Process; outcome: Promise<Outcome> } {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MOST_MS,
    killSignal: 'SIGKILL',
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const outcome = new Promise<Outcome>(resolve => child.on('close', code => resolve({ code, out, err })))
  return { child: child as typeof child & { pid: number }, outcome }
}

export const sluice = (args: readonly string[], options: Options = {}): Promise<Outcome> => start(args, options).outcome

/** Waits until something is so; false: the program has ended before. */
export async function untilSo(child: Process, isSo: () => Promise<boolean>): Promise<boolean> {
  while (child.exitCode === null && !(await isSo())) await sleep(5)
  return child.exitCode === null
}

/** Kills the program as soon as it is time; false: it had ended before. */
export async function killWhen(args: readonly string[], isTime: () => Promise<boolean>, options: Options = {}): Promise<boolean> {
  const { child, outcome } = start(args, options)
  const wasRunning = await untilSo(child, isTime)
  child.kill('SIGKILL')
  await outcome
  return wasRunning
}
