import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

export interface RunEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Event {
  readonly event: string
  readonly [key: string]: unknown
}

/** Many runs are looked at by one process, which has their bytes to forward, too. */
const POLL_MS = 5

/** One `sluice run` as a process of its own. */
export class Run {
  readonly events: Event[] = []
  readonly ended: Promise<RunEnd>
  isOver = false
  readonly #child
  #errors = ''

  /** `command` is the program and its first arguments: everything before `run`. */
  constructor(command: readonly string[], args: readonly string[], { hasThreadKiller = false } = {}) {
    const [program = '', ...first] = command
    const env = hasThreadKiller
      ? { ...process.env, NODE_OPTIONS: `--import=${import.meta.resolve('#thread-killer')}` }
      : process.env
    // In a process group of its own: Ctrl-C is meant for the torture, which lets its jobs come to their ends.
    this.#child = spawn(program, [...first, 'run', ...args, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    createInterface(this.#child.stdout).on('line', line => this.#take(line))
    this.#child.stderr.on('data', (text: Buffer) => (this.#errors += String(text)))
    this.ended = new Promise(resolve => {
      this.#child.once('close', (code, signal) => {
        this.isOver = true
        resolve({ code, signal })
      })
    })
  }

  #take(line: string): void {
    try {
      this.events.push(JSON.parse(line) as Event)
    } catch {
      // A process that was killed may leave half a line.
    }
  }

  /** Whether there was still a process to take it. */
  signal(name: NodeJS.Signals): boolean {
    return this.#child.kill(name)
  }

  /** The code of the error it ended with. */
  get errorCode(): string | undefined {
    const code = this.events.findLast(({ event }) => event === 'error')?.['code']
    return typeof code === 'string' ? code : undefined
  }

  /** Codes of the errors after which it began again by itself. */
  get restartCodes(): string[] {
    return this.events.flatMap(({ event, error }) => (event === 'restarting' ? [(error as { code: string }).code] : []))
  }

  get errorText(): string {
    return this.#errors
  }

  /** What it said of its failures. */
  get output(): string {
    const problems = this.events.filter(({ event }) => event === 'error' || event === 'restarting')
    return [this.#errors, ...problems.slice(-3).map(problem => JSON.stringify(problem))].join('\n').trim()
  }

  /** Returns when it has told of such an event, or has ended. */
  async reach(name: string): Promise<void> {
    await this.until(() => this.events.some(({ event }) => event === name))
  }

  async until(condition: () => boolean): Promise<void> {
    while (!this.isOver && !condition()) await sleep(POLL_MS)
  }
}
