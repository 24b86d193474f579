import type { Target } from '#connector'
import { postgresDialect, printTableName } from '#sql'
import type { SinkOptions } from './sink.ts'
import { detailOf } from './target-detail.ts'

/** Source options that read what was written to a target, columns in the order of the source. */
export function readBackOptions(options: SinkOptions, target: Target): Record<string, unknown> {
  const { host, port, user, password, database, connection, properties, connectTimeOut, queryTimeOut } = options
  const { sslMode, sslRootCert, sslCert, sslKey } = options
  const { schema, table } = detailOf(target)
  const entries = [connection ?? []].flat().map(({ jdbcUrl, username, password: own }) => ({ jdbcUrl, username, password: own }))
  return defined({
    host,
    port,
    user,
    password,
    database,
    properties,
    connectTimeOut,
    queryTimeOut,
    sslMode,
    sslRootCert,
    sslCert,
    sslKey,
    connection: entries.length === 0 ? undefined : entries.map(defined),
    tables: [printTableName({ ...(schema === null ? {} : { schema }), name: table }, postgresDialect)],
    columns: target.schema.fields.map(({ name }) => name),
  })
}

const defined = (object: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
