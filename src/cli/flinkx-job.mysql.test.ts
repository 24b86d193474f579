/** A FlinkX job file runs unmodified, host, port and account apart, on MySQL and on MariaDB. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import mysql from 'mysql2/promise'
import { fileServer, freshDatabase } from '../../tools/servers/index.ts'
import { sluice } from './sluice.test-support.ts'

const template = await readFile(new URL('./testdata/flinkx-mysql.json', import.meta.url), 'utf8')

for (const name of ['mysql-9', 'mariadb-10.11'] as const) {
  const { server, skip } = await fileServer(name)
  describe(`FlinkX job on ${name}`, { skip }, () => {
    test('-mode local -job: reads what it selects, replaces by key, leaves the rest', async t => {
      await using database = await freshDatabase(server)
      const folder = await mkdtemp(join(tmpdir(), 'sluice-flinkx-'))
      t.after(() => rm(folder, { recursive: true }))
      const { host, port, user, password } = database
      const client = await mysql.createConnection({ host, port, user, password, database: database.database, dateStrings: true })
      t.after(() => client.end())
      for (const table of ['tableTest', 'tableSink']) {
        await client.query(
          `CREATE TABLE ${table} (id bigint PRIMARY KEY, user_id bigint, name varchar(64), created datetime(6)) CHARACTER SET utf8mb4`,
        )
      }
      const rows = Array.from({ length: 3000 }, (_, i) => [
        i + 1,
        i % 97,
        i % 13 === 0 ? null : `名字 ${i}`,
        `2024-02-29 23:59:59.${String(i).padStart(6, '0')}`,
      ])
      await client.query('INSERT INTO tableTest VALUES ?', [rows])
      await client.query(
        `INSERT INTO tableSink VALUES (5, 5, 'stays', NULL), (50, 50, 'is replaced', NULL), (100001, 1, 'is deleted by preSql', NULL)`,
      )
      const job = join(folder, 'job.json')
      const text = template
        .replaceAll('0.0.0.1:3306/database', `${host}:${port}/${database.database}`)
        .replaceAll('"username": "username"', `"username": ${JSON.stringify(user)}`)
        .replaceAll('"password": "password"', `"password": ${JSON.stringify(password)}`)
      await writeFile(job, text)

      const { code, err } = await sluice(['-mode', 'local', '-job', job], { cwd: folder })
      assert.equal(code, 0, err)
      assert(password === '' || !err.includes(password), 'the password was printed')

      const [copied] = await client.query({ sql: 'SELECT * FROM tableSink ORDER BY id', rowsAsArray: true })
      const expected = [[5, 5, 'stays', null], ...rows.filter(([id]) => Number(id) > 20 && Number(id) < 2900)]
      assert.deepEqual(copied, expected)
    })
  })
}
