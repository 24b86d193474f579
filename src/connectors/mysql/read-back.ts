import type { Target } from '#connector'
import { mysqlDialect, printTableName } from '#sql'
import type { SinkOptions } from './sink.ts'
import { detailOf } from './target.ts'

/** Source options that read what was written to a target, columns in the order of the source. */
export function readBackOptions(options: SinkOptions, target: Target): Record<string, unknown> {
  const { host, port, user, password, database, connection, properties, connectTimeOut, queryTimeOut } = options
  const { sslMode, sslCa, sslCert, sslKey } = options
  const entries = [connection ?? []]
    .flat()
    .map(({ jdbcUrl, username, password: own }) => defined({ jdbcUrl, username, password: own }))
  return defined({
    ...{ host, port, user, password, database, properties, connectTimeOut, queryTimeOut, sslMode, sslCa, sslCert, sslKey },
    connection: entries.length === 0 ? undefined : entries,
    tables: [printTableName(detailOf(target).table, mysqlDialect)],
    columns: target.schema.fields.map(({ name }) => name),
  })
}

const defined = (object: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
