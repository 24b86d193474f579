import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it; the topmost that was made, undefined when all were there. Unlike Node's recursive `mkdir` it ends where
 * nothing can be made: below /proc the system says that the parent does not exist although it does, and Node tries for ever.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    return (await makeOne(path, mode)) ? path : undefined
  } catch (cause) {
    const parent = dirname(path)
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw cause
    const first = await makeFolder(parent, mode)
    await makeOne(path, mode)
    return first ?? path
  }
}

/** False: it was there already. */
async function makeOne(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, mode)
    return true
  } catch (cause) {
    const isFolder =
      (cause as NodeJS.ErrnoException).code !== 'ENOENT' && (await stat(path).catch(() => undefined))?.isDirectory()
    if (isFolder !== true) throw cause
    return false
  }
}
