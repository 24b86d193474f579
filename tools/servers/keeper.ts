/** The process that holds one server and cleans up after it, whatever happens to us; see keeper.sh. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { identify, killTree, type ProcessId, signal, waitForEnd } from './processes.ts'
import { environment } from './run.ts'

/** Longer than keeper.sh gives the server. */
const STOP_TIMEOUT_MS = 15_000

export interface KeeperOptions {
  /** Removed when the server has stopped. */
  readonly home: string
  readonly stopSignal: string
  /** The server outlives this process. */
  readonly isDetached: boolean
}

export class Keeper {
  readonly id: ProcessId
  readonly #pipes: readonly [input: Socket, output: Socket]
  readonly #lines: Interface
  readonly #isDetached: boolean

  private constructor(id: ProcessId, pipes: readonly [Socket, Socket], lines: Interface, isDetached: boolean) {
    this.id = id
    this.#pipes = pipes
    this.#lines = lines
    this.#isDetached = isDetached
  }

  /** Starts the command; returns its keeper and its process id. */
  static async start(command: readonly string[], options: KeeperOptions): Promise<[Keeper, number]> {
    const mode = options.isDetached ? 'detached' : 'attached'
    const args = [join(import.meta.dirname, 'keeper.sh'), mode, options.stopSignal, options.home, ...command]
    // A session of its own: Ctrl-C in a terminal must reach us first, and a server only through its keeper.
    const child = spawn('sh', args, { detached: true, cwd: '/', env: environment, stdio: ['pipe', 'pipe', 'ignore'] })
    const lines = createInterface(child.stdout)
    const [pid] = (await Promise.race([
      once(lines, 'line'),
      once(child, 'error').then(([error]) => Promise.reject(error as Error)),
    ])) as [string]
    const id = (await identify(child.pid ?? 0)) ?? { pid: child.pid ?? 0, startTicks: '' }
    // Nobody who forgets to stop a server should wait for it at the end. When we are gone, the keeper stops it.
    child.unref()
    const pipes = [child.stdin, child.stdout] as unknown as Socket[] // which is what they are
    for (const pipe of pipes) pipe.unref()
    return [new Keeper(id, pipes as [Socket, Socket], lines, options.isDetached), Number(pid)]
  }

  /** Stops the server if it runs, starts it anew and returns its process id. */
  async restart(): Promise<number> {
    const [input, output] = this.#pipes
    input.write('restart\n')
    output.ref()
    const [pid] = (await once(this.#lines, 'line')) as [string]
    output.unref()
    return Number(pid)
  }

  /** Stops the server and waits until it, the keeper and the home folder are gone. */
  async stop(): Promise<void> {
    if (this.#isDetached) signal(this.id.pid, 'SIGTERM')
    else this.#pipes[0].end()
    if (!(await waitForEnd(this.id, STOP_TIMEOUT_MS))) await killTree(this.id.pid)
  }
}
