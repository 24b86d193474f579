/**
 * Tricky values of every type through pairs of systems and back. A value arrives exactly as its server showed it before, or its column is
 * refused by the plan, or its row is set aside; anything else is a failure. docs/exactness.json holds what happens to each value;
 * `SLUICE_UPDATE_GOLDEN=1` writes it anew, and `npm run docs` makes docs/reference/exactness.md of it.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileServer } from '../../tools/servers/index.ts'
import { endOf, fileEnd, roundTrip, type ExactnessRow } from './round-trip.test-support.ts'
import { mariadbKinds, mysqlKinds, newPostgresKinds, postgresKinds } from './tricky-values.test-support.ts'

const TABLE = new URL('../../docs/exactness.json', import.meta.url)
const isUpdate = process.env['SLUICE_UPDATE_GOLDEN'] === '1'

const folder = await mkdtemp(join(tmpdir(), 'sluice-trip-'))
after(() => rm(folder, { recursive: true }))

const postgres = await fileServer('postgres-15')
const oldPostgres = await fileServer('postgres-12')
const newPostgres = await fileServer('postgres-18')
const mysql = await fileServer('mysql-9')
const maria = await fileServer('mariadb-10.11')

const routes = [
  { source: postgres, kinds: postgresKinds, through: undefined, name: 'PostgreSQL → PostgreSQL' },
  { source: postgres, kinds: postgresKinds, through: mysql, name: 'PostgreSQL → MySQL → PostgreSQL' },
  { source: postgres, kinds: postgresKinds, through: 'csv', name: 'PostgreSQL → CSV → PostgreSQL' },
  { source: postgres, kinds: postgresKinds, through: 'jsonl', name: 'PostgreSQL → JSON Lines → PostgreSQL' },
  { source: newPostgres, kinds: newPostgresKinds, through: oldPostgres, name: 'PostgreSQL 18 → PostgreSQL 12 → PostgreSQL 18' },
  { source: newPostgres, kinds: newPostgresKinds, through: postgres, name: 'PostgreSQL 18 → PostgreSQL 15 → PostgreSQL 18' },
  { source: newPostgres, kinds: newPostgresKinds, through: mysql, name: 'PostgreSQL 18 → MySQL → PostgreSQL 18' },
  { source: newPostgres, kinds: newPostgresKinds, through: 'csv', name: 'PostgreSQL 18 → CSV → PostgreSQL 18' },
  { source: postgres, kinds: postgresKinds, through: newPostgres, name: 'PostgreSQL 15 → PostgreSQL 18 → PostgreSQL 15' },
  { source: mysql, kinds: mysqlKinds, through: undefined, name: 'MySQL → MySQL' },
  { source: mysql, kinds: mysqlKinds, through: postgres, name: 'MySQL → PostgreSQL → MySQL' },
  { source: mysql, kinds: mysqlKinds, through: 'csv', name: 'MySQL → CSV → MySQL' },
  { source: mysql, kinds: mysqlKinds, through: 'jsonl', name: 'MySQL → JSON Lines → MySQL' },
  { source: maria, kinds: mariadbKinds, through: postgres, name: 'MariaDB → PostgreSQL → MariaDB' },
] as const

describe('tricky values', { concurrency: 1 }, () => {
  let table: Record<string, readonly ExactnessRow[]> = {}
  before(async () => {
    table = JSON.parse(await readFile(TABLE, 'utf8').catch(() => '{}')) as typeof table
  })
  after(async () => {
    if (isUpdate) await writeFile(TABLE, render(table))
  })

  for (const [index, { source, kinds, through, name }] of routes.entries()) {
    const skip = source.skip || (typeof through === 'object' && through.skip)
    test(name, { skip }, async () => {
      const own = await mkdtemp(join(folder, `${index}-`))
      await using from = await endOf(source.server)
      await using middle =
        through === undefined
          ? undefined
          : typeof through === 'string'
            ? fileEnd(through, join(own, 'files'))
            : await endOf(through.server)
      const rows = await roundTrip(from, kinds, middle, own)
      if (isUpdate) table[name] = rows
      assert.deepEqual(rows, table[name])
    })
  }
})

/** One value per line, routes in the order above. */
function render(table: Readonly<Record<string, readonly ExactnessRow[]>>): string {
  const lines = (rows: readonly ExactnessRow[]) => rows.map(row => `    ${JSON.stringify(row)}`).join(',\n')
  const parts = routes.flatMap(({ name }) =>
    table[name] === undefined ? [] : [`  ${JSON.stringify(name)}: [\n${lines(table[name])}\n  ]`],
  )
  return `{\n${parts.join(',\n')}\n}\n`
}
