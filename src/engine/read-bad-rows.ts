/** Reads what bad-row-file.ts wrote. */
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { parseTypeName } from '#columnar'
import { BAD_ROWS_FORMAT, type BadRow, type BadRowHead } from './bad-row-file.ts'
import { engineErrors } from './errors.ts'

const headShape = z.object({
  ...{ format: z.literal(BAD_ROWS_FORMAT), job: z.string(), run: z.string(), began: z.string() },
  ...{ split: z.string(), dataset: z.string(), primaryKey: z.array(z.string()) },
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string().refine(name => parseTypeName(name) !== undefined),
      nullable: z.boolean(),
    }),
  ),
})
const rowShape = z.object({
  ...{ key: z.string(), code: z.string(), message: z.string(), time: z.string(), row: z.array(z.unknown()) },
  ...{ column: z.string().optional(), text: z.string().optional() },
})

/** Head and rows of a file that has a head; it is open only while `rows` is read. */
export async function readBadRows(file: string): Promise<{ head: BadRowHead; rows: AsyncIterable<BadRow> }> {
  const head = await headOfFile(file)
  if (head === undefined) throw engineErrors.stateTorn({ file, reason: 'it has no complete line' })
  return { head, rows: rowsOfFile(file) }
}

/** Undefined where not even the head has been written: whoever was about to is at it, or was killed. */
export async function headOfFile(file: string): Promise<BadRowHead | undefined> {
  for await (const line of linesOf(file)) {
    const head = parse(line)
    if (headShape.safeParse(head).success) return head as BadRowHead
    throw engineErrors.stateTorn({ file, reason: 'it does not begin with its format' })
  }
  return undefined
}

async function* rowsOfFile(file: string): AsyncIterable<BadRow> {
  let number = 0
  for await (const line of linesOf(file)) {
    if (number++ === 0 || line === '') continue
    const row = parse(line)
    if (!rowShape.safeParse(row).success) throw engineErrors.stateTorn({ file, reason: `line ${number} is not a row` })
    yield row as BadRow
  }
}

/** A line ends with a line feed and nothing else: readline would divide values at U+2028, too. One without its end is torn, and is none. */
async function* linesOf(file: string): AsyncGenerator<string, undefined> {
  await using handle = await open(file)
  let line: string[] = []
  for await (const text of handle.createReadStream({ encoding: 'utf8', autoClose: false }) as AsyncIterable<string>) {
    const [rest = '', ...others] = text.split('\n')
    line.push(rest)
    for (const other of others) {
      yield line.join('')
      line = [other]
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
