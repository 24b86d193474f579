/**
 * Asks a server about a session that is silent.
 *
 * https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW: everybody sees the sessions of his own role.
 */
import type { Activity, Witness } from '#wire'
import type { Connection } from './connection.ts'

/** `serverStart` tells the server from others behind the same address, which know nothing of the session. */
export function witness(reach: (signal: AbortSignal) => Promise<Connection>, processId: number, serverStart: string): Witness {
  return {
    async ask(signal) {
      await using other = await reach(signal)
      const { rows } = await other.query(
        `SELECT extract(epoch FROM pg_postmaster_start_time()), a.pid, a.state, a.wait_event_type, a.wait_event
           FROM (SELECT) AS one LEFT JOIN pg_stat_activity AS a ON a.pid = ${processId}`,
      )
      const [server, pid, state, waitType, waitEvent] = rows[0] ?? []
      if (server !== serverStart) return 'unknown'
      return pid === null ? 'gone' : activityOf(state ?? '', waitType === 'Client' ? waitEvent : null)
    },
    async end(signal) {
      await using other = await reach(signal)
      await other.query(`SELECT pg_terminate_backend(${processId})`)
    },
  }
}

function activityOf(state: string, waitsForClient: string | null | undefined): Activity {
  if (state.startsWith('idle')) return 'reads'
  // Without `track_activities` the state is "disabled".
  if (state !== 'active' && state !== 'fastpath function call') return 'unknown'
  if (waitsForClient === 'ClientRead') return 'reads'
  return waitsForClient === 'ClientWrite' ? 'writes' : 'works'
}
