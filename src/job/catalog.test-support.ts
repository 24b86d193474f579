/** Connectors that are only declarations, shaped like the real ones, for the tests of this layer. */
import { z } from 'zod'
import type { Declaration, DeclaringCatalog } from './load.ts'

const column = z.union([
  z.string(),
  z.strictObject({ name: z.string(), type: z.string().optional(), format: z.string().optional(), value: z.string().optional() }),
])

const account = {
  username: z
    .string()
    .optional()
    .describe('Account.')
    .meta({ aliases: ['user'] }),
  password: z.string().optional().describe('Its password.').meta({ secret: true }),
}

const mysqlSource = z.strictObject({
  ...account,
  connection: z
    .array(z.strictObject({ jdbcUrl: z.union([z.string(), z.array(z.string())]), table: z.array(z.string()).min(1) }))
    .min(1)
    .describe('Where the rows are.'),
  column: z.array(column).min(1).describe('What is read.'),
  where: z.string().default('').describe('Filter.'),
  customSql: z.string().default('').describe('Query instead of tables.'),
  splitPk: z.string().optional().describe('Column to split by.'),
  fetchSize: z.int().min(1).default(1024).describe('Rows per round trip.').meta({ unit: 'rows', advanced: true }),
  queryTimeOut: z
    .int()
    .min(0)
    .default(0)
    .describe('Longest query.')
    .meta({ unit: 's', aliases: ['queryTimeout'] }),
  startLocation: z.string().default('').describe('Where to begin.'),
  requestAccumulatorInterval: z.int().default(2).describe('Has no counterpart.'),
  useMaxFunc: z.boolean().default(false).describe('Read up to the greatest value.'),
})

const mysqlSink = z.strictObject({
  ...account,
  connection: z
    .array(
      z.strictObject({ jdbcUrl: z.string().regex(/^jdbc:/, 'a URL that begins with jdbc:'), table: z.array(z.string()).min(1) }),
    )
    .min(1)
    .describe('Where the rows go.'),
  column: z.array(column).min(1).describe('What is written.'),
  writeMode: z
    .enum(['insert', 'replace', 'update'])
    .default('insert')
    .describe('What happens to rows that exist.')
    .meta({ aliases: ['mode'] }),
  updateKey: z.record(z.string(), z.array(z.string())).optional().describe('Unique keys.'),
  preSql: z.array(z.string()).default([]).describe('Statements before the first row.'),
  postSql: z.array(z.string()).default([]).describe('Statements after the last row.'),
  batchSize: z.int().min(1).max(100_000).default(1024).describe('Rows per statement.').meta({ unit: 'rows' }),
})

const declarations: readonly (readonly [kind: 'source' | 'sink', Declaration])[] = [
  [
    'source',
    {
      name: 'mysql',
      options: mysqlSource,
      refused: { polling: 'Endless reading comes with a later version.', 'connection.schema': 'Put it into the URL.' },
      ignored: ['increColumn'],
    },
  ],
  ['sink', { name: 'mysql', options: mysqlSink, refused: { allReplace: 'Comes later.' } }],
  ['source', { name: 'postgres', options: mysqlSource }],
  ['sink', { name: 'postgres', options: mysqlSink }],
  [
    'source',
    {
      name: 'stream',
      options: z.strictObject({
        column: z.array(z.looseObject({ name: z.string() })).default([]),
        rows: z.int().min(0).default(10),
      }),
    },
  ],
  ['sink', { name: 'stream', options: z.strictObject({ print: z.boolean().default(false) }) }],
  ['sink', { name: 'discard', options: z.strictObject({}) }],
]

const find = (kind: string, name: string) =>
  declarations.find(([of, declaration]) => of === kind && declaration.name === name)?.[1]

export const testCatalog: DeclaringCatalog = {
  names: () => [...new Set(declarations.map(([, { name }]) => name))],
  has: (kind, name) => find(kind, name) !== undefined,
  load: async (kind, name) => find(kind, name)!,
}
