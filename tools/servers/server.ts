/** One running test server. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from './errors.ts'
import type { Keeper } from './keeper.ts'
import type { ServerName } from './names.ts'
import { identify, killTree, type ProcessId, waitForEnd } from './processes.ts'
import type { Account } from './recipe.ts'

/** What a client needs to know; plain data. */
export interface ServerFacts {
  readonly name: ServerName
  /** Family of wire protocol. */
  readonly kind: 'postgres' | 'mysql'
  readonly host: string
  readonly port: number
  /** The superuser, with rights to everything. */
  readonly user: string
  readonly password: string
  /** A database that exists from the start, for those who need none of their own. */
  readonly database: string
  /** Everybody who can log in, one for each authentication method of the server. */
  readonly accounts: readonly Account[]
  readonly pid: number
  /** Folder with its client programs, such as psql or mariadb; some servers come without. */
  readonly bin: string
  /** File with the certificate authority to trust; undefined when the server was started without TLS. */
  readonly ca?: string | undefined
  /** The server's data directory. */
  readonly data: string
  /** The file that the server's messages go to. */
  readonly log: string
}

export interface Server extends ServerFacts, AsyncDisposable {
  /** Stops it and removes its data directory, unless that was given. Nothing happens when it is shared with other tests. */
  stop(): Promise<void>
  /** Kills it with -9, as a crash would; `restart` brings it back on the same data. Throws `servers.not-own` when shared. */
  kill(): Promise<void>
  /** Stops it, if it runs, and starts it on the same port and data. Throws `servers.not-own` when shared. */
  restart(): Promise<void>
}

/** What we remember on disk about a server we started, for `npm run servers`, and to find what nobody looks after. */
export interface ServerRecord {
  readonly facts: ServerFacts
  readonly keeper: ProcessId
  /** Started by a person and left running. */
  readonly isDetached: boolean
}

const RESTART_PAUSE_MS = 1000

/** Name of the file with the record in the home folder. */
export const RECORD = 'server.json'

/** A server of our own. `waitUntilReady` throws when the process that `restart` started does not answer. */
export function ownServer(
  start: ServerFacts & { readonly home: string },
  keeper: Keeper,
  waitUntilReady: (pid: number) => Promise<void>,
): Server {
  let { pid } = start
  const { home, ...facts } = start
  const stop = () => keeper.stop()
  return {
    ...facts,
    get pid() {
      return pid
    },
    stop,
    async kill() {
      const server = await identify(pid)
      await killTree(pid)
      if (server !== undefined) await waitForEnd(server, 10_000)
    },
    async restart() {
      pid = await keeper.restart()
      try {
        await waitUntilReady(pid)
      } catch {
        // The kernel may still be taking down children of a killed server, whose shared memory then stands in the way.
        await sleep(RESTART_PAUSE_MS)
        pid = await keeper.restart()
        await waitUntilReady(pid)
      }
      await writeRecord(home, { facts: { ...facts, pid }, keeper: keeper.id, isDetached: false })
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** Name of the environment variable with the servers that the processes of a run share: JSON, facts by name. */
export const SHARED_SERVERS = 'SLUICE_SERVERS'

/** The server of that name that somebody else started for us and will stop; undefined when there is none. */
export function sharedServer(name: ServerName): Server | undefined {
  const all = JSON.parse(process.env[SHARED_SERVERS] ?? '{}') as Partial<Record<ServerName, ServerFacts>>
  const facts = all[name]
  if (facts === undefined) return undefined
  const refuse = (action: string) => () => Promise.reject(errors.notOwn({ name, action }))
  const stop = async () => {}
  return { ...facts, stop, kill: refuse('killed'), restart: refuse('restarted'), [Symbol.asyncDispose]: stop }
}

export async function writeRecord(home: string, record: ServerRecord): Promise<void> {
  await writeFile(join(home, RECORD), JSON.stringify(record))
}
