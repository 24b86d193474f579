/** preSql and postSql: what users want executed around the rows. */
import { executeStatements, type StatementOption } from '#sql'
import { postgresErrors } from './errors.ts'
import type { Connection } from './protocol/connection.ts'

/** https://www.postgresql.org/docs/current/sql-commands.html: those that say they cannot be executed inside a transaction block. */
const OUTSIDE =
  /^\s*(?:VACUUM|(?:CREATE|DROP|REINDEX)\s+(?:DATABASE|TABLESPACE|SYSTEM)|ALTER\s+SYSTEM|(?:CREATE(?:\s+UNIQUE)?|DROP)\s+INDEX\s+CONCURRENTLY|REINDEX\s+.*\bCONCURRENTLY|CLUSTER\s*(?:;|$)|CREATE\s+SUBSCRIPTION|DROP\s+SUBSCRIPTION|REFRESH\s+MATERIALIZED\s+VIEW\s+CONCURRENTLY)\b/i

const withoutComments = (sql: string) => sql.replace(/^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, '')

/** Whether some statement cannot share a transaction. Then none of the list does, so that their order is kept. */
export const needsNoTransaction = (statements: readonly string[]): boolean =>
  statements.some(sql => OUTSIDE.test(withoutComments(sql)))

/** Executes statements in the open transaction, which none of them may end. */
export async function executeInside(session: Connection, option: StatementOption, statements: readonly string[]): Promise<void> {
  await executeStatements(option, statements, async sql => {
    await session.run(sql)
    if (session.transaction !== 'T') throw postgresErrors.statementEndsTransaction({})
  })
}

/** Executes statements one by one, each durable at once. */
export async function executeOutside(session: Connection, option: StatementOption, statements: readonly string[]): Promise<void> {
  await executeStatements(option, statements, sql => session.run(sql))
}
