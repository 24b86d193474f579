/** Runs the program of the clone, as people do. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

const program = join(import.meta.dirname, '../../bin/sluice')
/** Longer than any test takes. */
const MOST_MS = 180_000

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
  /** Is told the process as soon as there is one. */
  readonly started?: (child: Process) => void
}

export async function sluice(args: readonly string[], { cwd, env, started }: Options = {}): Promise<Outcome> {
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
  started?.(child as typeof child & { pid: number })
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, out, err }
}

/** Kills the program as soon as it is time; false: it had ended before. */
export async function killWhen(args: readonly string[], isTime: () => Promise<boolean>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<Process>()
  const ended = sluice(args, { started: resolve })
  const child = await promise
  while (child.exitCode === null && !(await isTime())) await sleep(5)
  const wasRunning = child.exitCode === null
  child.kill('SIGKILL')
  await ended
  return wasRunning
}
