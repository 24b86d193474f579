/** Artifacts of Maven repositories, by the machine's own `mvn` and its settings. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

/** Fetches the jar `group:artifact:version`, hands its path to `use` and removes it. */
export async function fetchJar(artifact: string, use: (jar: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-maven-'))
  try {
    await run(['mvn', '-q', '-B', 'dependency:copy', `-Dartifact=${artifact}:jar`, `-DoutputDirectory=${folder}`], {
      cwd: folder,
    })
    const [, name, version] = artifact.split(':')
    await use(join(folder, `${name}-${version}.jar`))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Unpacks the entries of a jar that are wanted, without their folders, and returns their names. */
export async function unpack(jar: string, folder: string, isWanted: (entry: string) => boolean): Promise<string[]> {
  const entries = (await run(['unzip', '-Z1', jar])).split('\n').filter(entry => entry !== '' && isWanted(entry))
  await run(['unzip', '-q', '-o', '-j', jar, ...entries, '-d', folder])
  return entries.map(entry => entry.slice(entry.lastIndexOf('/') + 1))
}
