/** Debian packages of any release, unpacked into a folder and runnable there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { digest } from './cache.ts'
import { run } from './run.ts'

const script = join(import.meta.dirname, 'deb-folder.sh')

/** Fills the folder with the packages and all they depend on. Needs apt, but no rights. */
export async function debFolder(suite: string, folder: string, packages: readonly string[]): Promise<void> {
  await run(['sh', script, suite, folder, ...packages])
}

/** What `debFolder` makes, as text: another script makes another folder. */
export function debOrigin(suite: string, packages: readonly string[]): string {
  return [suite, ...packages, digest(readFileSync(script, 'utf8'))].join(' ')
}
