/**
 * Asks a server about a session that is silent.
 *
 * https://dev.mysql.com/doc/refman/8.4/en/information-schema-processlist-table.html: everybody sees the sessions of his own account.
 */
import type { Activity, Witness } from '#wire'
import type { Connection } from './connection.ts'

/** An expression that tells a server from others behind the same address, which know nothing of the session. */
export const SERVER_NAME = `CONCAT(@@hostname, ':', @@port)`

export function witness(reach: (signal: AbortSignal) => Promise<Connection>, connectionId: number, server: string): Witness {
  return {
    async ask(signal) {
      await using other = await reach(signal)
      const [row] = await other.objects<'server' | 'id' | 'command' | 'state'>(
        `SELECT ${SERVER_NAME} AS server, p.ID AS id, p.COMMAND AS command, p.STATE AS state
           FROM (SELECT 1) AS one LEFT JOIN information_schema.PROCESSLIST AS p ON p.ID = ${connectionId}`,
      )
      if (row?.server !== server) return 'unknown'
      return row.id === null ? 'gone' : activityOf(row.command ?? '', row.state ?? '')
    },
    async end(signal) {
      await using other = await reach(signal)
      await other.query(`KILL CONNECTION ${connectionId}`)
    },
  }
}

/** https://dev.mysql.com/doc/refman/8.4/en/general-thread-states.html; before 5.7.8 and in MariaDB the states of the network have other names. */
function activityOf(command: string, state: string): Activity {
  if (command === 'Sleep' || state === 'Receiving from client' || state === 'Reading from net') return 'reads'
  return state === 'Sending to client' || state === 'Writing to net' ? 'writes' : 'works'
}
