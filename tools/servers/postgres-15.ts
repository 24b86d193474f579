/** PostgreSQL 15 of Debian 12: the machine's own when it is installed, otherwise its packages in a folder. */
import { existsSync } from 'node:fs'
import { debFolder } from './deb.ts'
import { postgresRecipe } from './postgres.ts'

const bin = 'usr/lib/postgresql/15/bin'

export const postgres15 = postgresRecipe({
  name: 'postgres-15',
  origin: 'bookworm postgresql-15',
  bin,
  findInstalled: () => (existsSync(`/${bin}/initdb`) && existsSync(`/${bin}/psql`) ? '/' : undefined),
  install: folder => debFolder('bookworm', folder, ['postgresql-15', 'postgresql-client-15']),
})
