/** Runs `bin/sluice` on the terminal of this process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { peakBytes } from '../../bench/proc.ts'

const program = join(import.meta.dirname, '../../bin/sluice')
const SAMPLE_MS = 50

export interface Outcome {
  /** Exit code, or the name of the signal that ended it. */
  readonly end: number | string
  readonly seconds: number
  readonly peakBytes: number
}

/** Runs it to its end, unless `until` is fulfilled before: then it is killed with -9. */
export async function sluice(args: readonly string[], until?: (signal: AbortSignal) => Promise<void>): Promise<Outcome> {
  const started = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  let peak = 0
  const sampler = setInterval(() => void peakBytes(child.pid ?? 0).then(bytes => (peak = Math.max(peak, bytes))), SAMPLE_MS)
  const stop = new AbortController()
  const watch = until?.(stop.signal).then(() => child.kill('SIGKILL'))
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return { end: signal ?? code ?? 1, seconds: (performance.now() - started) / 1000, peakBytes: peak }
  } finally {
    clearInterval(sampler)
    stop.abort()
    await watch
  }
}
