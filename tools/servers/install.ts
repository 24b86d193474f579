/** Makes what a server needs before its first start: programs, data template, certificate. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '#errors'
import { buildOnce, cacheSubfolder, digest } from './cache.ts'
import { errors } from './errors.ts'
import type { ServerName } from './names.ts'
import { recipes } from './recipes.ts'
import type { Recipe } from './recipe.ts'
import { giveAway } from './run.ts'

/** What an installed server consists of. */
export interface Installed {
  /** Folder of the programs. */
  readonly software: string
  /** Folder of the data directory that each start copies. */
  readonly template: string
}

/** Installs the server unless that is done already; throws `servers.not-installable` with the reason when it cannot be. */
export async function installServer(name: ServerName): Promise<Installed> {
  if (process.platform !== 'linux') throw errors.wrongPlatform({ platform: process.platform })
  const recipe = recipes[name]
  try {
    const software = recipe.findInstalled?.() ?? (await buildOnce(await pathOf('software', name, recipe.origin), recipe.install))
    const folder = await buildOnce(await pathOf('templates', name, recipe.preparation), partial =>
      makeTemplate(recipe, software, partial),
    )
    return { software, template: join(folder, 'data') }
  } catch (error) {
    if (SluiceError.is(error, 'servers.not-installable')) throw error
    throw errors.notInstallable({ name, reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

/** Whether a start needs no more installing. */
export async function isInstalled(name: ServerName): Promise<boolean> {
  const { origin, preparation, findInstalled } = recipes[name]
  const hasSoftware = findInstalled?.() !== undefined || existsSync(await pathOf('software', name, origin))
  return hasSoftware && existsSync(await pathOf('templates', name, preparation))
}

async function makeTemplate(recipe: Recipe, software: string, folder: string): Promise<void> {
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  await giveAway(data)
  await recipe.prepare(software, data)
}

async function pathOf(kind: string, name: ServerName, content: string): Promise<string> {
  return join(await cacheSubfolder(kind), `${name}-${digest(content)}`)
}
