/** Source for CSV files: RFC 4180, with the dialects that are common. */
import { z } from 'zod'
import { defineSource } from '#connector'
import { FileReader, namedColumns, sourceShape } from '#files'
import { byteOf, characterOption, dialectShape, quoteOption, type CsvDialect } from './dialect.ts'
import { CsvFormat } from './format.ts'

const options = z.strictObject({
  ...sourceShape,
  ...dialectShape,
  quote: z
    .union([z.literal(''), quoteOption])
    .default('"')
    .describe('Character around fields that contain delimiters, quotes or line endings; empty when there are no quotes.'),
  escape: characterOption
    .optional()
    .describe('Character before a quote, or before itself, inside quotes; when left out, a quote is doubled.')
    .meta({ examples: ['\\'] }),
  multiline: z
    .boolean()
    .default(true)
    .describe('Whether quoted fields may contain line feeds. `false` lets several workers read one file.'),
})

export const csvSource = defineSource({
  name: 'csv',
  title: 'CSV files',
  summary: 'Reads CSV files (RFC 4180 and its dialects), plain or compressed, resumable at any row.',
  stability: 'beta',
  options,
  capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
  async open(settings, context) {
    const { header, sampleRows } = settings
    const { quarantine = false } = context
    const columns = namedColumns(settings.columns)
    const format = new CsvFormat({ dialect: dialectOf(settings), header, columns, sampleRows, quarantine })
    return new FileReader(settings, format, context)
  },
})

function dialectOf(settings: z.output<typeof options>): CsvDialect {
  const quote = settings.quote === '' ? undefined : byteOf(settings.quote)
  return {
    delimiter: byteOf(settings.delimiter),
    quote,
    escape: quote === undefined || settings.escape === undefined ? quote : byteOf(settings.escape),
    nullText: new TextEncoder().encode(settings.nullText),
    multiline: settings.multiline,
    binary: settings.binary,
  }
}
