/** The servers that run on this machine, by the records they leave in the cache folder. */
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheSubfolder } from './cache.ts'
import { identify, isAlive, killTree, signal, waitForEnd } from './processes.ts'
import { RECORD, type ServerRecord } from './server.ts'

/** Longer than keeper.sh gives the server. */
const STOP_TIMEOUT_MS = 15_000
/** A folder without a record that is older than this belongs to a start that never came to its end. */
const START_MS = 5 * 60_000

/** All servers whose keeper is alive. */
export async function runningServers(): Promise<ServerRecord[]> {
  const records = await Promise.all((await homes()).map(readRecord))
  const found = records.filter(record => record !== undefined)
  const alive = await Promise.all(found.map(({ keeper }) => isAlive(keeper)))
  return found.filter((_, i) => alive[i])
}

/** Stops a server that was started to stay, whoever started it. */
export async function stopDetached({ keeper, facts }: ServerRecord): Promise<void> {
  const server = await identify(facts.pid)
  if (!(await isAlive(keeper))) return
  signal(keeper.pid, 'SIGTERM')
  if (await waitForEnd(keeper, STOP_TIMEOUT_MS)) return
  if (server !== undefined) await killTree(server.pid)
  await killTree(keeper.pid)
}

/** Removes the folders of servers whose keeper was killed and could not do so itself; their servers died with it. */
export async function removeAbandoned(): Promise<void> {
  for (const home of await homes()) {
    const record = await readRecord(home)
    const isAbandoned = record === undefined ? await isOld(home) : !(await isAlive(record.keeper))
    if (isAbandoned) await rm(home, { recursive: true, force: true })
  }
}

async function homes(): Promise<string[]> {
  const folder = await cacheSubfolder('running')
  return (await readdir(folder)).map(name => join(folder, name))
}

async function readRecord(home: string): Promise<ServerRecord | undefined> {
  const text = await readFile(join(home, RECORD), 'utf8').catch(() => '')
  // Empty while it is being written.
  return text === '' ? undefined : (JSON.parse(text) as ServerRecord)
}

async function isOld(home: string): Promise<boolean> {
  const changed = await stat(home).catch(() => undefined)
  return changed !== undefined && Date.now() - changed.mtimeMs > START_MS
}
