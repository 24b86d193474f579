/** What has been set aside, per run of a job: for `sluice dirty`, and to be copied into a table. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BadRow, BadRowHead, RunOfBadRows } from './bad-row-file.ts'
import { readState, writeState } from './durable-file.ts'
import { headOfFile, readBadRows } from './read-bad-rows.ts'

/** The rows that one run set aside. */
export interface BadRowSet extends RunOfBadRows {
  readonly folder: string
  readonly files: readonly string[]
  /** When they were written again, ISO 8601; what failed once more is in a set of its own. */
  readonly replayed: string | undefined
  /** When the job began anew instead of going on with this run, ISO 8601: the newer run has met the same rows. */
  readonly leftBehind: string | undefined
  /** Tables that hold all of them; see bad-row-table.ts. */
  readonly copied: readonly string[]
}

export const isOfRun = (set: RunOfBadRows, { job, run, began }: RunOfBadRows): boolean =>
  set.job === job && set.run === run && set.began === began

const REPLAYED = 'replayed.json'
const LEFT_BEHIND = 'left-behind.json'
const COPIED = /^copied-(\w+)\.json$/

/** The sets of a job below its folder in the state directory, oldest run first. */
export async function badRowSets(jobFolder: string): Promise<BadRowSet[]> {
  const folder = join(jobFolder, 'bad-rows')
  const sets: BadRowSet[] = []
  for (const name of (await names(folder)).sort()) {
    const inside = join(folder, name)
    const found = await names(inside)
    const files = new Map<string, BadRowHead>()
    for (const file of found.filter(one => one.endsWith('.jsonl')).sort()) {
      const head = await headOfFile(join(inside, file))
      if (head !== undefined) files.set(join(inside, file), head)
    }
    const [head] = files.values()
    if (head === undefined) continue
    const copied = found.flatMap(name => COPIED.exec(name)?.[1] ?? [])
    const replay = (await readState(join(inside, REPLAYED))) as { replayed: string } | undefined
    const left = (await readState(join(inside, LEFT_BEHIND))) as { leftBehind: string } | undefined
    const { job, run, began } = head
    const marks = { replayed: replay?.replayed, leftBehind: left?.leftBehind, copied }
    sets.push({ job, run, began, folder: inside, files: [...files.keys()], ...marks })
  }
  return sets
}

/** Rows of a set, file by file. */
export async function* rowsOfSet(set: BadRowSet): AsyncIterable<{ head: BadRowHead; row: BadRow }> {
  for (const file of set.files) {
    const { head, rows } = await readBadRows(file)
    for await (const row of rows) yield { head, row }
  }
}

export async function markReplayed(set: BadRowSet): Promise<void> {
  await writeState(join(set.folder, REPLAYED), { replayed: new Date().toISOString() })
}

/** `folder`: of a run; where it has set nothing aside, there is none. */
export async function markLeftBehind(folder: string): Promise<void> {
  if ((await names(folder)).length > 0) await writeState(join(folder, LEFT_BEHIND), { leftBehind: new Date().toISOString() })
}

/** `table`: letters and digits. */
export async function markCopied(set: BadRowSet, table: string): Promise<void> {
  await writeState(join(set.folder, `copied-${table}.json`), { copied: new Date().toISOString() })
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}
