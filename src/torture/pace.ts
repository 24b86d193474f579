import { tortureErrors } from './errors.ts'
import type { Run } from './run.ts'

/** How long an undisturbed run takes. */
export interface Pace {
  /** Milliseconds until rows move. */
  readonly startMs: number
  readonly wholeMs: number
}

/** The quicker of two undisturbed runs, each in an empty target; throws `torture.unfit` when one fails. */
export async function measurePace(pair: string, start: () => Promise<Run>): Promise<Pace> {
  const paces: Pace[] = []
  for (let i = 0; i < 2; i++) {
    const run = await start()
    const since = performance.now()
    await run.reach('begun')
    const startMs = performance.now() - since
    const { code } = await run.ended
    if (code !== 0) throw tortureErrors.unfit({ pair, reason: run.output })
    paces.push({ startMs, wholeMs: performance.now() - since })
  }
  return paces.sort((a, b) => a.wholeMs - b.wholeMs)[0]!
}
