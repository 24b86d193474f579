/** A Python with the packages that tests need as foreign readers, installed once into the cache of test servers. */
import { join } from 'node:path'
import { buildOnce, cacheSubfolder, digest } from '../servers/cache.ts'
import { run } from '../servers/run.ts'

const PACKAGES: Readonly<Record<string, string>> = { pyarrow: 'pyarrow==26.0.1' }

/** Environment in which a test finds the interpreter; empty when none of the needs is a package, or it cannot be had here. */
export async function pythonFor(needs: readonly string[]): Promise<Record<string, string>> {
  const packages = needs.flatMap(need => PACKAGES[need] ?? [])
  if (packages.length === 0) return {}
  const place = join(await cacheSubfolder('software'), `python-${digest(packages.join(' '))}`)
  try {
    await buildOnce(place, async folder => {
      await run(['python3', '-m', 'venv', '--copies', folder])
      await run([join(folder, 'bin/python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
    })
    return { SLUICE_PYTHON: join(place, 'bin/python') }
  } catch {
    // The test says that it is skipped, and why.
    return {}
  }
}
