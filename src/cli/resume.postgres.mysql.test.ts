/** A run goes on with the rows that it was begun with, or not at all: a job whose condition or query is another one is refused. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execute, fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import { sluice } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-resume-'))
after(() => rm(folder, { recursive: true }))

const postgres = await fileServer('postgres-15')
const mysql = await fileServer('mysql-9')

describe('an unfinished run', { skip: postgres.skip || mysql.skip, concurrency: 1 }, () => {
  const databases: Database[] = []
  let [pg, my] = [{}, {}]
  const inPostgres = (sql: string) => execute({ ...postgres.server, ...pg }, [sql])

  before(async () => {
    for (const server of [postgres.server, mysql.server]) {
      const database = await freshDatabase(server)
      databases.push(database)
      await execute({ ...server, ...loginOf(database) }, [
        'CREATE TABLE days (id int PRIMARY KEY, day varchar(10))',
        "INSERT INTO days VALUES (1, 'monday'), (2, 'tuesday'), (3, 'tuesday')",
      ])
    }
    ;[pg, my] = databases.map(loginOf) as [object, object]
  })
  after(async () => {
    for (const database of databases) await database.drop()
  })

  for (const [connector, option, first, second] of [
    ['postgres', { tables: ['days'] }, { where: "day = 'monday'" }, { where: "day = 'tuesday'" }],
    ['postgres', {}, { customSql: 'SELECT * FROM days' }, { customSql: 'SELECT * FROM days WHERE id > 1' }],
    ['mysql', { tables: ['days'], increColumn: 'id' }, { startLocation: '0' }, { startLocation: '1' }],
    ['mysql', {}, { customSql: 'SELECT * FROM days' }, { customSql: 'SELECT * FROM days WHERE id > 1' }],
  ] as const) {
    const changed = Object.keys(second).join()
    test(`of ${connector} does not go on with another ${changed}`, async () => {
      const name = `${connector}-${changed}`
      await inPostgres(`CREATE TABLE "${name}" (id int PRIMARY KEY, day text CONSTRAINT closed CHECK (day <> 'monday'))`)
      const run = async (choice: object) => {
        const file = join(folder, `${name}.json`)
        const source = { connector, ...(connector === 'mysql' ? my : pg), ...option, ...choice }
        const sink = { connector: 'postgres', ...pg, tables: [name] }
        await writeFile(file, JSON.stringify({ name, source, sink, settings: { stateDir: join(folder, 'state') } }))
        return sluice(['run', file, '--resume'])
      }
      assert.match((await run(first)).err, /postgres\.row-refused/)
      const { code, err } = await run(second)
      assert.equal(code, 64)
      assert.match(err, /engine\.job-changed/)
      await inPostgres(`ALTER TABLE "${name}" DROP CONSTRAINT closed`)
      assert.equal((await run(first)).code, 0)
    })
  }
})

const loginOf = ({ host, port, user, password, database }: Database) => ({ host, port, user, password, database })
