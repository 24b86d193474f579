/** Reads what bad-row-file.ts wrote. */
import { createReadStream } from 'node:fs'
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

/** Head and rows of a file; `rows` is read line by line and may be read once. A last line that is torn is not a row. */
export async function readBadRows(file: string): Promise<{ head: BadRowHead; rows: AsyncIterable<BadRow> }> {
  const lines = linesOf(file)
  const first = await lines.next()
  const head = first.done === true ? undefined : parse(first.value)
  if (!headShape.safeParse(head).success) throw engineErrors.stateTorn({ file, reason: 'it does not begin with its format' })
  const rows = async function* () {
    for (let line = await lines.next(); line.done !== true;) {
      const row = parse(line.value)
      const next = await lines.next()
      if (row === undefined && next.done === true) return
      if (!rowShape.safeParse(row).success) throw engineErrors.stateTorn({ file, reason: 'one of its lines is not a row' })
      yield row as BadRow
      line = next
    }
  }
  return { head: head as BadRowHead, rows: rows() }
}

/** A line ends with a line feed and nothing else: readline would divide values at U+2028, too. */
async function* linesOf(file: string): AsyncGenerator<string, undefined> {
  let line: string[] = []
  for await (const text of createReadStream(file, 'utf8') as AsyncIterable<string>) {
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
