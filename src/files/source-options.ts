/** Options of every source that reads text files. */
import { z } from 'zod'
import { parseTypeName, typeName, type Type } from '#columnar'
import { declaredType } from '#sql'
import type { Storage } from './byte-source.ts'

const MiB = 1024 * 1024
const KiB = 1024

/** Words for text; any other word that means text to `declaredType` is none that it knows. */
const TEXT_WORDS = /^(utf8|string|text|tinytext|mediumtext|longtext|clob|n?varchar2?|n?char|character)\b/i

/** The type a word means, in our words or else in FlinkX's; undefined for a word that means none. */
function columnType(word: string): Type | undefined {
  const type = parseTypeName(word) ?? declaredType(word)
  return type.kind === 'utf8' && !TEXT_WORDS.test(word.trim()) ? undefined : type
}

const column = z.strictObject({
  name: z.string().min(1).describe('Name of the column; with a header or in JSON, the name it has in the file.'),
  type: z
    .string()
    .refine(
      word => columnType(word) !== undefined,
      'is no type; known are e.g. int64, decimal(12,2), float64, utf8, bool, date, timestamp',
    )
    .optional()
    .describe('Type of the column, in the words of Sluice or of FlinkX; found out from a sample when left out.')
    .meta({ examples: ['int64', 'decimal(12,2)', 'BIGINT', 'STRING'] }),
})

export const sourceShape = {
  path: z
    .string()
    .min(1)
    .describe('File, directory or pattern. `**` goes into subdirectories; of a directory its own files are read.')
    .meta({ examples: ['/data/orders.csv', '/data/orders-*.csv.gz'] }),
  datasets: z
    .enum(['one', 'per-file'])
    .default('one')
    .describe(
      '`one`: all files together are one dataset, named after the path. `per-file`: each file is one, named after the file.',
    ),
  columns: z
    .array(z.union([z.string().min(1), column]))
    .min(1)
    .optional()
    .describe(
      'Columns to read, as names or as objects with `name` and `type`; all of them, with types from a sample, when left out.',
    )
    .meta({
      aliases: ['column'],
      examples: [
        [
          { name: 'id', type: 'int64' },
          { name: 'amount', type: 'decimal(12,2)' },
        ],
      ],
    }),
  sampleRows: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Most rows of each of up to 16 files that are looked at to find out types.')
    .meta({ unit: 'rows', advanced: true }),
  splitBytes: z
    .int()
    .min(1)
    .default(64 * MiB)
    .describe('Target size of one split of a file that can be divided.')
    .meta({ unit: 'bytes', advanced: true }),
  compression: z
    .enum(['auto', 'none', 'gzip', 'zstd'])
    .default('auto')
    .describe('How the files are compressed; `auto` goes by the name (`.gz`, `.zst`). A compressed file is one split.'),
  encoding: z
    .string()
    .default('utf-8')
    .refine(isEncoding, 'is no encoding; known are the labels of the WHATWG Encoding Standard, e.g. utf-8, gb18030, windows-1252')
    .describe('Encoding of the files. A file in another encoding than UTF-8 is one split.'),
  maxRowBytes: z
    .int()
    .min(KiB)
    .default(64 * MiB)
    .describe('Longest row; a longer one is refused. It bounds the memory that a missing quote can cost.')
    .meta({ unit: 'bytes', advanced: true }),
}

export type SourceSettings = z.output<z.ZodObject<typeof sourceShape>>

/** A column that the options name; its type may have to be found out. */
export interface NamedColumn {
  readonly name: string
  readonly type: Type | undefined
}

export function namedColumns(columns: SourceSettings['columns']): NamedColumn[] | undefined {
  return columns?.map(entry => {
    const { name, type } = typeof entry === 'string' ? { name: entry, type: undefined } : entry
    return { name, type: type === undefined ? undefined : columnType(type) }
  })
}

export function storageOf(path: string, { compression, encoding }: Pick<SourceSettings, 'compression' | 'encoding'>): Storage {
  const byName = /\.gz$/i.test(path) ? 'gzip' : /\.zst$/i.test(path) ? 'zstd' : 'none'
  return { compression: compression === 'auto' ? byName : compression, encoding: new TextDecoder(encoding).encoding }
}

/** A field as `columns` writes it: what reads a file back as it was written. */
export const columnOption = ({ name, type }: { name: string; type: Type }) => ({ name, type: typeName(type) })

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== ''
  } catch {
    return false
  }
}
