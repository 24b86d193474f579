/** Which files belong to which dataset, and whether they still are what they were. */
import { stat } from 'node:fs/promises'
import { fileErrors, reasonOf } from './errors.ts'
import { listFiles, nameOfPath, stemOf, type InputFile } from './listing.ts'
import type { SourceSettings } from './source-options.ts'

/** A byte range of a file. It owns the rows that start in `[start, end)`, wherever they end. */
export type FileSplit = {
  readonly id: string
  readonly dataset: string
  readonly file: string
  readonly start: number
  readonly end: number
  /** What the file was when the run was planned. */
  readonly size: number
  readonly modifiedMs: number
}

/** The files of each dataset, in order of its id. */
export async function listDatasets({
  path,
  datasets,
}: Pick<SourceSettings, 'path' | 'datasets'>): Promise<Map<string, InputFile[]>> {
  const files = await listFiles(path)
  if (datasets === 'one') return new Map([[nameOfPath(path), files]])
  const byStem = Map.groupBy(files, file => stemOf(file.path))
  const named = files.map((file): [string, InputFile[]] => {
    const stem = stemOf(file.path)
    return [byStem.get(stem)?.length === 1 ? stem : file.path, [file]]
  })
  return new Map(named.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * A file that was written anew holds other rows at the recorded offsets. One that has grown is read up to where it ended when
 * the run was planned.
 */
export async function refuseChanged({ file, size, modifiedMs }: FileSplit): Promise<void> {
  const now = await stat(file).catch(cause => {
    throw fileErrors.unreadable({ path: file, reason: reasonOf(cause) }, cause)
  })
  if (now.size < size) throw fileErrors.changed({ file, reason: `it had ${size} bytes and has ${now.size}` })
  if (now.size === size && now.mtimeMs !== modifiedMs) throw fileErrors.changed({ file, reason: 'it has been written since' })
}
