/** PostgreSQL 12.22, the oldest version we support, from the jar that the zonky project publishes for embedding. */
import { join } from 'node:path'
import { fetchJar, unpack } from './maven.ts'
import { postgresRecipe } from './postgres.ts'
import { run } from './run.ts'

const architecture = process.arch === 'arm64' ? 'arm64v8' : 'amd64'
const artifact = `io.zonky.test.postgres:embedded-postgres-binaries-linux-${architecture}:12.22.0`

export const postgres12 = postgresRecipe({
  name: 'postgres-12',
  origin: artifact,
  bin: 'bin',
  install: async folder => {
    await fetchJar(artifact, async jar => {
      const [archive = ''] = await unpack(jar, folder, name => name.endsWith('.txz'))
      await run(['tar', '-xJf', join(folder, archive), '-C', folder, '--no-same-owner'])
      await run(['rm', join(folder, archive)])
    })
  },
})
