/** The few things that are done to a directory of published files, each of them complete or not done at all. */
import { open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { makeFolder } from '#connector'
import { fileErrors, reasonOf } from './errors.ts'

export interface Disk {
  /** Also those above it; durable. */
  makeFolder(path: string): Promise<void>
  /** Names in a folder, sorted; none when it does not exist. */
  list(path: string): Promise<string[]>
  /** Undefined: it does not exist. */
  readText(path: string): Promise<string | undefined>
  /** Bytes of a file; undefined: it does not exist. */
  size(path: string): Promise<number | undefined>
  /** Afterwards the file holds the text, even if the power fails; before, what it held. */
  replace(path: string, text: string): Promise<void>
  /** Not durable before `sync` of both folders. */
  rename(from: string, to: string): Promise<void>
  /** A file; nothing happens when it does not exist. */
  remove(path: string): Promise<void>
  removeFolder(path: string): Promise<void>
  /** Makes names in a folder durable. */
  sync(folder: string): Promise<void>
}

export const disk: Disk = {
  makeFolder: path => guard(path, () => makeDurably(path)),
  list: path => guard(path, async () => (await readdir(path).catch(absent)) ?? []).then(names => names.sort()),
  readText: path => guard(path, () => readFile(path, 'utf8').catch(absent)),
  size: path => guard(path, async () => (await stat(path).catch(absent))?.size),
  replace: (path, text) => guard(path, () => replace(path, text)),
  rename: (from, to) => guard(to, () => rename(from, to)),
  remove: path => guard(path, () => unlink(path).catch(absent)),
  removeFolder: path => guard(path, () => rm(path, { recursive: true, force: true })),
  sync: folder => guard(folder, () => syncFolder(folder)),
}

async function makeDurably(path: string): Promise<void> {
  const first = await makeFolder(path)
  if (first === undefined) return
  const top = dirname(resolve(first))
  for (let made = dirname(resolve(path)); made.length >= top.length; made = dirname(made)) {
    await syncFolder(made)
    if (made === dirname(made)) break
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.new`
  {
    await using file = await open(beside, 'w')
    await file.writeFile(text)
    await file.sync()
  }
  await rename(beside, path)
  await syncFolder(dirname(path))
}

async function syncFolder(path: string): Promise<void> {
  // Windows has no such call; there, the file system does it.
  if (process.platform === 'win32') return
  await using folder = await open(path)
  await folder.sync()
}

/** Turns "does not exist" into undefined. */
function absent(cause: unknown): undefined {
  if (reasonOf(cause) === 'ENOENT') return undefined
  throw cause
}

async function guard<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    throw fileErrors.unwritable({ path, reason: reasonOf(cause) }, cause)
  }
}
