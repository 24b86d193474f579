/** Programs and libraries for tests of faults, from Debian, in a folder of the cache like the servers. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce, cacheSubfolder, digest } from './cache.ts'
import { debFolder, debOrigin } from './deb.ts'
import { errors } from './errors.ts'

const SUITE = 'bookworm'

/** The folder with the package and all it depends on; throws `servers.not-installable` with the reason when it cannot be had. */
export async function installTool(name: string): Promise<string> {
  if (process.platform !== 'linux') throw errors.wrongPlatform({ platform: process.platform })
  try {
    const folder = join(await cacheSubfolder('software'), `${name}-${digest(debOrigin(SUITE, [name]))}`)
    return await buildOnce(folder, partial => debFolder(SUITE, partial, [name]))
  } catch (error) {
    throw errors.notInstallable({ name, reason: error instanceof Error ? error.message : String(error) }, error)
  }
}

/** The one file below the folder that the pattern matches: names of folders differ between processors. */
export function fileOf(folder: string, pattern: string): string {
  const [found] = globSync(pattern, { cwd: folder })
  if (found === undefined) throw errors.notInstallable({ name: pattern, reason: `${folder} does not have it` })
  return join(folder, found)
}
