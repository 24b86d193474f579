/** Sink for JSON Lines files (https://jsonlines.org). */
import { z } from 'zod'
import { defineSink, type Target } from '#connector'
import { columnOption, sinkShape, StagedWriter } from '#files'
import { jsonlEncoding } from './encoder.ts'
import { binaryOption } from './options.ts'

const options = z.strictObject({
  ...sinkShape,
  integers: z
    .enum(['number', 'string'])
    .default('number')
    .describe('How 64-bit integers are written. Readers that use doubles, as JavaScript does, round numbers beyond 2^53.'),
  decimals: z.enum(['number', 'string']).default('number').describe('How decimals are written; see `integers`.'),
  nonFinite: z
    .enum(['refuse', 'string'])
    .default('refuse')
    .describe(
      'What becomes of NaN and infinities, which JSON does not have: the row is refused, or they are written as strings.',
    ),
  jsonNull: z
    .enum(['refuse', 'null'])
    .default('refuse')
    .describe(
      'What becomes of the value `null` in a JSON column, which is not NULL but would be read as NULL: the row is refused, or it is written.',
    ),
  binary: binaryOption,
})

export const jsonlSink = defineSink({
  name: 'jsonl',
  title: 'JSON Lines files',
  summary: 'Writes files with one JSON object per line that appear complete, each row once, whatever happens in between.',
  stability: 'beta',
  options,
  capabilities: { delivery: 'two-phase', accepts: ['append'] },
  async open(settings, context) {
    return new StagedWriter(settings, jsonlEncoding(settings), context)
  },
  readBack({ binary }: z.output<typeof options>, target: Target) {
    return { path: target.name, columns: target.schema.fields.map(columnOption), binary }
  },
})
