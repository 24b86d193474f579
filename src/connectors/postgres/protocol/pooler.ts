/** A pooler that gives every transaction another session cannot be worked with: what we set would reach others, as theirs would reach us. */
import { randomUUID } from 'node:crypto'
import { postgresErrors } from '../errors.ts'
import type { Connection } from './connection.ts'

/** A setting that no server knows, by which a session is recognized. */
const MARK = 'sluice.session'
const MARK_MS = 2000

/** Throws when `reach`, which opens another connection, gets the session that we hold. */
export async function refuseSharedSession(
  session: Connection,
  reach: (signal: AbortSignal) => Promise<Connection>,
): Promise<void> {
  const mark = randomUUID()
  await session.query(`SET ${MARK} = '${mark}'`)
  // A pooler hands out first what was used last. In a pool by session that is used up, the question would have to wait for one of us to leave.
  const seen = await markSeen(reach).catch(() => undefined)
  if (seen === mark) throw postgresErrors.transactionPooling({ place: session.place })
}

async function markSeen(reach: (signal: AbortSignal) => Promise<Connection>): Promise<string | null | undefined> {
  await using other = await reach(AbortSignal.timeout(MARK_MS))
  const { rows } = await other.query(`SELECT current_setting('${MARK}', true)`)
  return rows[0]?.[0]
}
