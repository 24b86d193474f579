/** Test servers as tests use them: started when needed, stopped at the end, skipped with the reason where they cannot be had. */
import { after, type TestContext } from 'node:test'
import { SluiceError } from '#errors'
import type { ServerName } from './names.ts'
import type { Server } from './server.ts'
import { startServer, type StartOptions } from './start.ts'

/**
 * The server, for one test, which ends when the test ends. Where it cannot be had, the test is skipped with the reason
 * and the result is undefined: `const server = await testServer(t, 'mysql-9'); if (!server) return`. In CI it throws.
 */
export async function testServer(t: TestContext, name: ServerName, options: StartOptions = {}): Promise<Server | undefined> {
  try {
    const server = await startServer(name, options)
    t.after(() => server.stop())
    return server
  } catch (error) {
    t.skip(reasonToSkip(error))
    return undefined
  }
}

/** What a test file gets: a server, or the reason why all its tests are skipped. */
export interface FileServer {
  /** For the options of `describe` and `test`: false, or the reason. */
  readonly skip: string | false
  /** Do not touch it unless `skip` is false. */
  readonly server: Server
}

/**
 * The server, for all tests of a file, which ends after the last one. Call it at the top of the file:
 *
 *   const { server, skip } = await fileServer('postgres-15')
 *   describe('…', { skip }, () => { … })
 *
 * In CI it throws instead of skipping.
 */
export async function fileServer(name: ServerName, options: StartOptions = {}): Promise<FileServer> {
  try {
    const server = await startServer(name, options)
    after(() => server.stop())
    return { server, skip: false }
  } catch (error) {
    // A skipped test never looks at it, and this way the tests that do run need no assertion.
    return { server: undefined as unknown as Server, skip: reasonToSkip(error) }
  }
}

/** Something on a server for all tests of a file, which ends after the last one. Do not touch it unless `skip` is false. */
export async function forFile<T extends AsyncDisposable>(skip: string | false, make: () => Promise<T>): Promise<T> {
  if (skip !== false) return undefined as unknown as T
  const made = await make()
  // A server that was started for the file has ended by then, with everything on it.
  after(() => Promise.resolve(made[Symbol.asyncDispose]()).catch(() => {}))
  return made
}

/** Only what this machine lacks is a reason to skip. A server that is there and does not start is a failure. */
export function reasonToSkip(error: unknown): string {
  const isLacking = SluiceError.is(error, 'servers.not-installable') || SluiceError.is(error, 'servers.wrong-platform')
  if (!isLacking || isSet(process.env['CI'])) throw error
  return error.message
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0'
}
