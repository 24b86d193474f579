/** Servers that the processes of one run share: tests find them in the environment instead of starting their own. */
import type { ServerName } from './names.ts'
import { type Server, SHARED_SERVERS } from './server.ts'
import { startServer } from './start.ts'

/** Environment for processes that share the servers, and the end of the servers. */
export interface SharedServers extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
}

/**
 * Starts the servers, one after the other; all or none. Their names are then enough for `startServer` in any process
 * with `env`.
 */
export async function shareServers(names: readonly ServerName[]): Promise<SharedServers> {
  const servers: Server[] = []
  const stop = async () => void (await Promise.all(servers.map(server => server.stop())))
  try {
    for (const name of names) servers.push(await startServer(name))
  } catch (error) {
    await stop()
    throw error
  }
  const env = { [SHARED_SERVERS]: JSON.stringify(Object.fromEntries(servers.map(server => [server.name, server]))) }
  return { env, [Symbol.asyncDispose]: stop }
}
