import { z } from 'zod'
import { constantValue } from './constant.ts'
import { parseWord, SOME_WORDS } from './words.ts'

const column = z
  .strictObject({
    name: z.string().min(1).optional().describe('Name of the column; `column1` and so on when left out.'),
    type: z
      .string()
      .refine(text => parseWord(text) !== undefined, `must be a type, such as ${SOME_WORDS.join(', ')}`)
      .describe('Type of the column, in the words of Sluice or of FlinkX. `id` counts the rows from 1.')
      .meta({ examples: ['id', 'int64', 'decimal(12,2)', 'BIGINT', 'varchar(20)', 'int[]'] }),
    value: z
      .union([z.string(), z.number(), z.boolean()])
      .optional()
      .describe('The same value for every row, in the form of the type; the text `null` is NULL. Without it the rows differ.')
      .meta({ examples: ['2024-01-31', 42, true] }),
  })
  .superRefine(({ type, value }, context) => {
    const word = parseWord(type)
    if (word === undefined || value === undefined) return
    const constant = constantValue(word.type, String(value))
    if ('refused' in constant)
      context.addIssue({ code: 'custom', path: ['value'], message: `must be a ${type}: ${constant.refused}` })
  })

export const sourceOptions = z.strictObject({
  columns: z
    .array(column)
    .min(1)
    .describe('The columns, in order.')
    .meta({
      aliases: ['column'],
      examples: [
        [
          { name: 'id', type: 'id' },
          { name: 'city', type: 'string', value: 'Oslo' },
        ],
      ],
    }),
  rows: z
    .union([z.int().min(1), z.array(z.int().min(1)).min(1)])
    .describe(
      "Rows to make. A list makes one split per element, of so many rows: FlinkX's `sliceRecordCount`, which has one element per channel. There is no endless run.",
    )
    .meta({ aliases: ['sliceRecordCount'], unit: 'rows', examples: [1_000_000, [100, 100]] }),
  seed: z
    .int()
    .min(0)
    .default(1)
    .describe('Another number makes other rows; the same number the same rows, however they are split.'),
  rowsPerSecond: z
    .number()
    .min(0)
    .default(0)
    .describe('Most rows per second of one split that is being read; 0 is no limit.')
    .meta({ aliases: ['permitsPerSecond'], unit: 'rows/s' }),
  splitRows: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe('Rows of one split when `rows` is one number.')
    .meta({ unit: 'rows', advanced: true }),
})

export type SourceOptions = z.output<typeof sourceOptions>
export type ColumnOption = SourceOptions['columns'][number]

export const sinkOptions = z.strictObject({
  print: z.boolean().default(false).describe('Write every row to standard output, as one JSON object per line.'),
  collect: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Hand the rows to the `Collector` of this name in the same process; for tests and programs that use Sluice as a library.',
    )
    .meta({ advanced: true }),
})

export type SinkOptions = z.output<typeof sinkOptions>
