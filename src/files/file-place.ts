/** What the files of a dataset are called. */
import { basename, join } from 'node:path'
import { disk as realDisk, type Disk } from './disk.ts'
import { safeName, shortRun } from './safe-name.ts'
import type { SinkSettings } from './sink-options.ts'

/** Digits of a file's number, and of run and writer in hexadecimal. */
const NUMBER_DIGITS = 6
const ID_DIGITS = 8
const IDS = new RegExp(`^[0-9a-f]{${ID_DIGITS}}-[0-9a-f]{${ID_DIGITS}}-\\d{${NUMBER_DIGITS},}$`)

/** Where the files of a dataset go; part of the target that is sent to the workers. */
export type FilePlace = {
  /** Relative to the path of the sink; `.` is that path itself. */
  readonly folder: string
  readonly prefix: string
}

export function placeOf({ layout, fileName }: Pick<SinkSettings, 'layout' | 'fileName'>, dataset: string): FilePlace {
  const name = safeName(fileName ?? dataset)
  return layout === 'folders' ? { folder: name, prefix: 'part' } : { folder: '.', prefix: name }
}

/** `orders-1f0c9a3e-77ab01cd-000001.csv`: run, writer, number. */
export function publishedName(place: FilePlace, run: string, writer: string, number: number, extension: string): string {
  return join(
    place.folder,
    `${place.prefix}-${shortRun(run)}-${writer}-${String(number).padStart(NUMBER_DIGITS, '0')}${extension}`,
  )
}

/** What matches the files of a dataset and no others: no character of a safe name means anything in a pattern. */
export function patternOf(path: string, place: FilePlace, extension: string): string {
  return join(path, place.folder, `${place.prefix}-${any(ID_DIGITS)}-${any(ID_DIGITS)}-${any(NUMBER_DIGITS)}${extension}`)
}

const any = (characters: number) => '?'.repeat(characters)

/** The files in the folder of a dataset, by whether we published them. */
export async function filesAt(
  path: string,
  { folder, prefix }: FilePlace,
  extension: string,
  disk: Disk = realDisk,
): Promise<{ ours: string[]; others: string[] }> {
  const names = (await disk.list(join(path, folder))).filter(name => name !== '.sluice').map(name => join(folder, name))
  const isOurs = (name: string) =>
    name.startsWith(`${prefix}-`) && name.endsWith(extension) && IDS.test(name.slice(prefix.length + 1, -extension.length))
  const { ours = [], others = [] } = Object.groupBy(names, name => (isOurs(basename(name)) ? 'ours' : 'others'))
  return { ours, others }
}
