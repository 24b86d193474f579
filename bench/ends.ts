/** The two ends of a copy: how they appear in job files, how a target is emptied and how it is judged. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerFacts } from '../tools/servers/index.ts'
import type { Column, Dataset } from './dataset.ts'
import { execute } from './measure.ts'
import { type Session, SOURCE, TARGET } from './session.ts'

export type EndName = 'mariadb' | 'postgres' | 'csv'

export interface End {
  readonly title: string
  /** One half of a FlinkX job file; undefined for what FlinkX has no name for. */
  flinkx?(session: Session, dataset: Dataset, role: 'reader' | 'writer', where?: string): object
  /** One half of a native job file. */
  native(session: Session, dataset: Dataset, role: 'reader' | 'writer'): object
  /** Empties the target. */
  reset(session: Session, dataset: Dataset): Promise<void>
  fingerprint(session: Session, dataset: Dataset): Promise<string>
}

export const ends: Readonly<Record<EndName, End>> = {
  mariadb: database('MariaDB', 'mysql'),
  postgres: database('PostgreSQL', 'postgres'),
  csv: {
    title: 'CSV',
    native: (session, dataset, role) =>
      role === 'reader'
        ? { connector: 'csv', path: session.csv(dataset), header: false, columns: dataset.columns.map(fileColumn) }
        : { connector: 'csv', path: csvFolder(session), header: false },
    reset: async session => {
      await rm(csvFolder(session), { recursive: true, force: true })
      await mkdir(csvFolder(session))
    },
    fingerprint: async (session, dataset) => {
      // PostgreSQL judges: it reads the files back.
      await session.reset('postgres', dataset.name)
      const copy = `${session.psql(TARGET)} -c "\\copy ${dataset.name} from pstdin csv"`
      await execute({ argv: `find ${csvFolder(session)} -name '*.csv' -print0 | sort -z | xargs -0 cat | ${copy}` })
      return await session.fingerprint(dataset, 'postgres', TARGET)
    },
  },
}

/** Where CSV files are written. */
export function csvFolder(session: Session): string {
  return join(session.folder, 'csv')
}

function fileColumn({ name, type }: Column) {
  const types: Readonly<Record<string, string>> = { bigint: 'int64', int: 'int32', timestamp: 'timestamp', date: 'date' }
  return { name, type: types[type] ?? (type.startsWith('decimal') ? type : 'utf8') }
}

function database(title: string, kind: ServerFacts['kind']): End {
  const server = (session: Session) => (kind === 'mysql' ? session.mariadb : session.postgres)
  const nameOf = (role: 'reader' | 'writer') => (role === 'reader' ? SOURCE : TARGET)
  return {
    title,
    flinkx(session, { name }, role, where) {
      const { host, port, user, password } = server(session)
      const url = `jdbc:${kind === 'mysql' ? 'mysql' : 'postgresql'}://${host}:${port}/${nameOf(role)}`
      const jdbcUrl = role === 'reader' ? [url] : url
      const connection = [{ jdbcUrl, table: [name] }]
      const filter = where === undefined ? {} : { where }
      const parameter = { username: user, password, connection, column: ['*'], ...filter }
      const mode = role === 'writer' ? { writeMode: 'insert' } : {}
      return { name: `${kind === 'mysql' ? 'mysql' : 'postgresql'}${role}`, parameter: { ...parameter, ...mode } }
    },
    native(session, { name }, role) {
      const { host, port, user, password } = server(session)
      return { connector: kind, host, port, user, password, database: nameOf(role), tables: [name] }
    },
    reset: (session, { name }) => session.reset(kind, name),
    fingerprint: (session, dataset) => session.fingerprint(dataset, kind, TARGET),
  }
}
