/** A server is killed while a job runs, and started again on its data. */
import { isDatabase } from './pairs.ts'
import { midway, RECOVERY_SECONDS, recovered, type Fault } from './round.ts'

export const restart = (end: 'source' | 'sink'): Fault => ({
  name: `${end}-restart`,
  title: `server of the ${end}: kill -9, then started again`,
  needs: 'servers',
  recoversWithinSeconds: RECOVERY_SECONDS,
  obstacle: (pair, { restartable }) => {
    const system = pair[end]
    if (!isDatabase(system)) return 'files have no server'
    if (end === 'source' && pair.source === pair.sink) return 'one server is both ends: see sink-restart'
    return restartable.has(system) ? undefined : `no --${system}-restart, so the server is not ours to kill`
  },
  act: async round => {
    // A quick job has read everything before a server of the source goes. What lies in buffers by then arrives even so.
    const run = round.start({ isSlow: end === 'source' })
    await midway(round, run)
    // Returns when a server answers that has been up for less time than that.
    await round.field.restarts[end]?.()
    const fired = !run.isOver
    return { fired, ...(await recovered(run)) }
  },
})
