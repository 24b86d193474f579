/** PostgreSQL 15 of Debian 12: the machine's own when it is installed, otherwise its packages in a folder. */
import { existsSync } from 'node:fs'
import { debFolder, debOrigin } from './deb.ts'
import { postgresRecipe } from './postgres.ts'

const packages = ['postgresql-15', 'postgresql-client-15']
const bin = 'usr/lib/postgresql/15/bin'

export const postgres15 = postgresRecipe({
  name: 'postgres-15',
  origin: debOrigin('bookworm', packages),
  bin,
  findInstalled: () => (existsSync(`/${bin}/initdb`) && existsSync(`/${bin}/psql`) ? '/' : undefined),
  install: folder => debFolder('bookworm', folder, packages),
})
