/** Reads what bad-row-file.ts wrote. */
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { parseTypeName } from '#columnar'
import { BAD_ROWS_FORMAT, type BadRow, type BadRowHead } from './bad-row-file.ts'
import { engineErrors } from './errors.ts'

const headShape = z.object({
  ...{ format: z.literal(BAD_ROWS_FORMAT), job: z.string(), run: z.string(), split: z.string(), dataset: z.string() },
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

/** Head and rows of a file, which is open only while `rows` is read. A last line that is torn is not a row. */
export async function readBadRows(file: string): Promise<{ head: BadRowHead; rows: AsyncIterable<BadRow> }> {
  return { head: await headOfFile(file), rows: rowsOfFile(file) }
}

async function headOfFile(file: string): Promise<BadRowHead> {
  for await (const line of linesOf(file)) {
    const head = parse(line)
    if (!headShape.safeParse(head).success) break
    return head as BadRowHead
  }
  throw engineErrors.stateTorn({ file, reason: 'it does not begin with its format' })
}

async function* rowsOfFile(file: string): AsyncIterable<BadRow> {
  let number = 0
  let isTorn = false
  for await (const line of linesOf(file)) {
    if (number++ === 0) continue
    const row = parse(line)
    if (isTorn || (row !== undefined && !rowShape.safeParse(row).success))
      throw engineErrors.stateTorn({ file, reason: 'one of its lines is not a row' })
    if (row === undefined) isTorn = true
    else yield row as BadRow
  }
}

/** A line ends with a line feed and nothing else: readline would divide values at U+2028, too. */
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
  if (line.some(part => part !== '')) yield line.join('')
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
