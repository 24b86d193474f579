/** Starts test servers. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { copyFolder, cacheSubfolder } from './cache.ts'
import { errors } from './errors.ts'
import { installServer } from './install.ts'
import { Keeper } from './keeper.ts'
import type { ServerName } from './names.ts'
import { freePort, identify, isAlive, listensOn } from './processes.ts'
import { recipes } from './recipes.ts'
import type { Launch, Recipe } from './recipe.ts'
import { removeAbandoned } from './running.ts'
import { unprivileged } from './run.ts'
import { ownServer, type Server, type ServerFacts, sharedServer, writeRecord } from './server.ts'
import { certificateAuthority, placeCertificate } from './tls.ts'

/** A start that recovers a crashed, big data directory takes its time. */
const START_TIMEOUT_MS = 180_000
const LOG_CHARS = 2000
/** Between finding a free port and using it somebody else may take it. */
const ATTEMPTS = 3

export interface StartOptions {
  /** Server settings by name, as on its command line: `{ wal_level: 'logical' }`, `{ 'log-bin': 'bin' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Offer TLS with a certificate for 127.0.0.1 and localhost, signed by `server.ca`. */
  readonly tls?: boolean
  /** Write to the disk as a production server does. Off: survives kill -9 of the server, not a power cut. */
  readonly durable?: boolean
  /** Size of shared_buffers or of the InnoDB buffer pool. 64 by default. */
  readonly bufferMiB?: number
  /** A free one by default. */
  readonly port?: number
  /**
   * Keep the data in this folder; its content is used if it has any. By default a new folder, removed in the end.
   * When root starts the server it runs as `nobody`, who must be able to get to the folder.
   */
  readonly dataDir?: string
  /** A server that nobody else uses, to kill or to restart. Every other option has the same effect. */
  readonly own?: boolean
}

/**
 * Starts a server, installing it first if need be, and returns when it answers. Without options it may be one that
 * already runs for this test run (see shared.ts). It dies with the process that started it, at the latest.
 *
 * Throws `servers.not-installable`, `servers.port-taken`, `servers.start-failed`, `servers.no-tls`.
 */
export async function startServer(name: ServerName, options: StartOptions = {}): Promise<Server> {
  const shared = Object.keys(options).length === 0 ? sharedServer(name) : undefined
  return shared ?? (await startOwn(name, options, false))
}

/** Starts a server that stays when this process ends; `stopDetached` stops it. Throws what `startServer` throws. */
export async function startDetached(name: ServerName, options: StartOptions = {}): Promise<ServerFacts> {
  return await startOwn(name, options, true)
}

async function startOwn(name: ServerName, options: StartOptions, isDetached: boolean): Promise<Server> {
  const recipe = recipes[name]
  if (options.tls === true && !recipe.hasTls) throw errors.noTls({ name })
  const { software, template } = await installServer(name)
  await removeAbandoned()
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(options.port)
    if (port === undefined) throw errors.portTaken({ name, port: options.port ?? 0 })
    try {
      return await startOnce(recipe, { software, template, port, options, isDetached })
    } catch (error) {
      const isRace = options.port === undefined && (await freePort(port)) === undefined
      if (!isRace || attempt === ATTEMPTS) throw error
    }
  }
}

interface Attempt {
  readonly software: string
  readonly template: string
  readonly port: number
  readonly options: StartOptions
  readonly isDetached: boolean
}

async function startOnce(recipe: Recipe, { software, template, port, options, isDetached }: Attempt): Promise<Server> {
  const { name, kind, accounts, database } = recipe
  const [{ user, password } = { user: '', password: '' }] = accounts
  const home = await mkdtemp(join(await cacheSubfolder('running'), `${name}-`))
  // Readable for the server's user, who is not ours when we are root.
  await chmod(home, 0o755)
  const data = options.dataDir ?? join(home, 'data')
  if (await isMissingOrEmpty(data)) await copyFolder(template, data)
  const certificate = options.tls === true ? await placeCertificate(join(home, 'tls')) : undefined
  const launch: Launch = {
    software,
    data,
    port,
    bufferMiB: options.bufferMiB ?? 64,
    isDurable: options.durable === true,
    certificate,
    settings: options.settings ?? {},
  }
  const [keeper, pid] = await Keeper.start(unprivileged(recipe.command(launch)), {
    home,
    stopSignal: recipe.stopSignal,
    isDetached,
  })
  const facts: ServerFacts = {
    ...{ name, kind, host: '127.0.0.1', port, user, password, database, accounts, pid },
    ...{ bin: recipe.binOf(software), data, log: join(home, 'log') },
    ca: certificate && (await certificateAuthority()),
  }
  await writeRecord(home, { facts, keeper: keeper.id, isDetached })
  const waitUntilReady = (pid: number) => untilReady(recipe, { ...facts, pid })
  try {
    await waitUntilReady(pid)
  } catch (error) {
    await keeper.stop()
    throw error
  }
  return ownServer({ ...facts, home }, keeper, waitUntilReady)
}

/** An empty folder is removed, because a template can only be copied to a new name. */
async function isMissingOrEmpty(folder: string): Promise<boolean> {
  const content = await readdir(folder).catch(() => undefined)
  if (content?.length === 0) await rmdir(folder)
  await mkdir(dirname(folder), { recursive: true })
  return content === undefined || content.length === 0
}

/** Returns once the server takes connections and the one that listens on the port is ours. */
async function untilReady(recipe: Recipe, { name, pid, port, data, log }: ServerFacts): Promise<void> {
  const server = await identify(pid)
  const fail = async (reason: string) =>
    errors.startFailed({ name, reason, log: (await readFile(log, 'utf8').catch(() => '')).trim().slice(-LOG_CHARS) })
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end; await sleep(10)) {
    if (server === undefined || !(await isAlive(server))) throw await fail('it ended by itself')
    if ((await listensOn(pid, port)) && (await recipe.answers(data, port))) return
  }
  throw await fail(`no answer within ${START_TIMEOUT_MS / 1000} seconds`)
}
