/** Finds the files that a path, a directory or a pattern names. */
import { glob, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, parse, resolve, sep } from 'node:path'
import { fileErrors, reasonOf } from './errors.ts'

export interface InputFile {
  readonly path: string
  /** Bytes on disk. */
  readonly size: number
  readonly modifiedMs: number
}

/** A name made of letters that no pattern has. */
const PATTERN = /[*?[\]{}]/

/**
 * The files that are meant, each once, in order of their names: a file, the files directly inside a directory, or what a pattern
 * matches (`*`, `**`, `?`, `[ab]`, `{a,b}`). Names that begin with a dot or an underscore are bookkeeping and left out, unless the
 * path is the name of just that file.
 */
export async function listFiles(path: string): Promise<InputFile[]> {
  const whole = resolve(path)
  const found = await inputFile(whole)
  if (found !== undefined && found !== 'directory') return [found]
  const names = found === 'directory' ? await filesInside(whole) : PATTERN.test(path) ? await Array.fromAsync(glob(whole)) : []
  const files: InputFile[] = []
  for (const name of new Set(names.filter(isVisible).sort())) {
    const file = await inputFile(name)
    if (file !== undefined && file !== 'directory') files.push(file)
  }
  if (files.length === 0) throw fileErrors.nothingFound({ path })
  return files
}

/** What to call the rows of a path: `/data/orders-*.csv.gz` holds `orders`, `/data/*.csv` holds `data`. */
export function nameOfPath(path: string): string {
  let place = resolve(path)
  for (; place !== dirname(place); place = dirname(place)) {
    const name = stemOf(place)
      .replace(/\{[^}]*\}|\[[^\]]*\]|[*?[\]{}]/g, '')
      .replace(/^[\s._-]+|[\s._-]+$/g, '')
    if (name !== '') return name
  }
  return 'files'
}

/** The name of a file without folder and without extensions that say how it is written. */
export function stemOf(path: string): string {
  const name = basename(path).replace(/\.(gz|zst)$/i, '')
  return /\.(csv|tsv|txt|json|jsonl|ndjson)$/i.test(name) ? parse(name).name : name
}

const isVisible = (path: string) => !/^[._]/.test(basename(path)) && !path.split(sep).includes('.sluice')

async function filesInside(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).map(name => join(folder, name))
  } catch (cause) {
    throw fileErrors.unreadable({ path: folder, reason: reasonOf(cause) }, cause)
  }
}

/** Undefined: there is nothing of that name, or it is neither a file nor a directory. */
async function inputFile(path: string): Promise<InputFile | 'directory' | undefined> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return 'directory'
    return found.isFile() ? { path, size: found.size, modifiedMs: found.mtimeMs } : undefined
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(reasonOf(cause))) return undefined
    throw fileErrors.unreadable({ path, reason: reasonOf(cause) }, cause)
  }
}
