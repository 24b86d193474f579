/** The package as it is published: what is measured and tortured. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packSluice } from './pack.ts'

/** Builds the package and unpacks it; returns the beginning of a command line. */
export async function unpackSluice(folder: string): Promise<readonly string[]> {
  const tarball = await packSluice(folder)
  await promisify(execFile)('tar', ['-xzf', tarball, '-C', folder])
  return [process.execPath, join(folder, 'package/dist/cli/main.js')]
}
