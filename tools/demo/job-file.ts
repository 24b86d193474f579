/** Job files as FlinkX users have them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerFacts } from '../servers/index.ts'
import { SOURCE, TARGET } from './shop.ts'
import type { Table } from './tables.ts'

/** Writes the job that copies a table and returns its path. */
export async function writeJobFile(folder: string, { name }: Table, server: ServerFacts, commitRows: number): Promise<string> {
  const { host, port, user, password } = server
  const url = (database: string) => `jdbc:postgresql://${host}:${port}/${database}`
  const login = { username: user, password, column: ['*'] }
  const job = {
    job: {
      content: [
        {
          reader: { name: 'postgresqlreader', parameter: { ...login, connection: [{ jdbcUrl: [url(SOURCE)], table: [name] }] } },
          writer: {
            name: 'postgresqlwriter',
            parameter: { ...login, connection: [{ jdbcUrl: url(TARGET), table: [name] }], writeMode: 'insert' },
          },
        },
      ],
      setting: {
        speed: { channel: 1, bytes: 0 },
        errorLimit: { record: 0 },
        restore: { isRestore: true, maxRowNumForCheckpoint: commitRows },
      },
    },
  }
  const file = join(folder, `${name}.json`)
  await writeFile(file, `${JSON.stringify(job, undefined, 2)}\n`)
  return file
}
