/** Sink for CSV files that any reader of RFC 4180 understands. */
import { z } from 'zod'
import { defineSink, type Target } from '#connector'
import { columnOption, sinkShape, StagedWriter } from '#files'
import { byteOf, dialectShape, quoteOption } from './dialect.ts'
import { csvEncoding } from './encoder.ts'

const options = z.strictObject({
  ...sinkShape,
  ...dialectShape,
  header: dialectShape.header.describe('Whether each file begins with a row that names the columns.'),
  quote: quoteOption.default('"').describe('Character around fields that need it; inside, it is doubled.'),
  quotes: z
    .enum(['minimal', 'all'])
    .default('minimal')
    .describe('Which fields are quoted: those that need it, or all that are not NULL.'),
  lineEnding: z
    .enum(['lf', 'crlf'])
    .default('lf')
    .describe('What ends a row. RFC 4180 says `crlf`; nearly everybody writes `lf`.'),
})

export const csvSink = defineSink({
  name: 'csv',
  title: 'CSV files',
  summary: 'Writes CSV files (RFC 4180) that appear complete, each row once, whatever happens in between.',
  stability: 'beta',
  options,
  capabilities: { delivery: 'two-phase', accepts: ['append'] },
  async open(settings, context) {
    const [delimiter, quote] = [byteOf(settings.delimiter), byteOf(settings.quote)]
    const nullText = new TextEncoder().encode(settings.nullText)
    return new StagedWriter(settings, csvEncoding({ ...settings, delimiter, quote, nullText }), context)
  },
  readBack({ header, delimiter, nullText, binary, quote }: z.output<typeof options>, target: Target) {
    return { path: target.name, columns: target.schema.fields.map(columnOption), header, delimiter, nullText, binary, quote }
  },
})
