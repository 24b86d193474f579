import { SluiceError } from '#errors'
import { sqlErrors } from './errors.ts'

/** The options that hold statements. */
export type StatementOption = 'preSql' | 'postSql'

/** Executes the statements of `preSql` or `postSql` in their order. Failures say which one it was. */
export async function executeStatements(
  option: StatementOption,
  statements: readonly string[],
  execute: (sql: string) => Promise<unknown>,
): Promise<void> {
  for (const [index, sql] of statements.entries()) {
    try {
      await execute(sql)
    } catch (cause) {
      const error = SluiceError.wrap(`Statement ${index + 1} of \`${option}\``, cause)
      // What it stumbled over is in the database already: no row of the job, and none that could be set aside.
      throw error.fault === 'data' ? sqlErrors.statementRefused({ message: error.message, code: error.code }, error) : error
    }
  }
}
