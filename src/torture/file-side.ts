/** Folders of CSV and JSON Lines files, judged by a reader that knows these rows only: no quotes, no escapes, no other order. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { allRows, COLUMNS, fingerprintOf, type RowText } from './rows.ts'
import type { Role, Side } from './side.ts'

export async function csvSide(folder: string, role: Role): Promise<Side> {
  await mkdir(folder, { recursive: true })
  const header = COLUMNS.map(({ name }) => name).join(',')
  if (role === 'source') {
    const lines = allRows().map(row => row.map(value => value ?? '').join(','))
    await writeFile(join(folder, 'rows.csv'), `${[header, ...lines].join('\n')}\n`)
  }
  return fileSide('CSV', folder, 'csv', {
    options:
      role === 'source'
        ? { connector: 'csv', path: join(folder, '*.csv'), header: true, columns: COLUMNS }
        : { connector: 'csv', path: folder, header: true },
    rows: text => {
      const [first, ...lines] = text.trimEnd().split('\n')
      if (first !== header) throw new Error(`a CSV file begins with "${first}"`)
      return lines.map(csvRow)
    },
  })
}

export async function jsonlSide(folder: string): Promise<Side> {
  await mkdir(folder, { recursive: true })
  return fileSide('JSON Lines', folder, 'jsonl', {
    options: { connector: 'jsonl', path: folder, integers: 'string', decimals: 'string' },
    rows: text => text.trimEnd().split('\n').map(jsonRow),
  })
}

function fileSide(
  name: string,
  folder: string,
  ending: string,
  { options, rows }: { options: Side['options']; rows: (text: string) => RowText[] },
): Side {
  return {
    name,
    options,
    folder,
    fingerprint: async () => {
      const all: RowText[][] = []
      for (const file of await visibleFiles(folder, ending)) all.push(rows(await readFile(file, 'utf8')))
      return fingerprintOf(all.flat())
    },
    reset: async () => {
      await rm(folder, { recursive: true })
      await mkdir(folder)
    },
  }
}

/** What a reader of the folder would take: not what is being written, which hides behind a dot. */
async function visibleFiles(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith(`.${ending}`))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => !/(^|\/)\./.test(path.slice(folder.length)))
}

function csvRow(line: string): RowText {
  const [id, k, name, ts, amount, more] = line.split(',')
  if (id === undefined || k === undefined || ts === undefined || amount === undefined || more !== undefined)
    throw new Error(`a line of CSV has not ${COLUMNS.length} fields: ${line}`)
  return [id, k, name === '' || name === undefined ? null : name, fullTime(ts), amount]
}

function jsonRow(line: string): RowText {
  const { id, k, name, ts, amount } = JSON.parse(line) as Record<string, string | number | null>
  return [String(id), String(k), name === null || name === undefined ? null : String(name), fullTime(String(ts)), String(amount)]
}

/** Files leave out the zeros at the end of a second's fraction. */
function fullTime(text: string): string {
  const [seconds = '', fraction = ''] = text.replace('T', ' ').replace(/Z$/, '').split('.')
  return `${seconds}.${fraction.padEnd(6, '0')}`
}
