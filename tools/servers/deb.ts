/** Debian packages of any release, unpacked into a folder and runnable there. */
import { join } from 'node:path'
import { run } from './run.ts'

/** Fills the folder with the packages and all they depend on. Needs apt, but no rights. */
export async function debFolder(suite: string, folder: string, packages: readonly string[]): Promise<void> {
  await run(['sh', join(import.meta.dirname, 'deb-folder.sh'), suite, folder, ...packages])
}
