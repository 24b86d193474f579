/**
 * The bytes that structure a CSV file (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180), and what PostgreSQL adds to them: a text
 * for NULL that counts only where it is not quoted (https://www.postgresql.org/docs/current/sql-copy.html, "CSV Format").
 */
import { z } from 'zod'
import type { BinaryText } from '#files'

export interface CsvDialect {
  readonly delimiter: number
  /** Undefined: fields are never quoted. */
  readonly quote: number | undefined
  /** What precedes a quote, or itself, inside quotes. The quote itself: it is doubled. */
  readonly escape: number | undefined
  /** Stands for NULL where it is not quoted. */
  readonly nullText: Uint8Array
  /** Whether a quoted field may contain line feeds. */
  readonly multiline: boolean
  readonly binary: BinaryText
}

/** Text of numbers, dates and the like is never quoted, so these cannot separate fields. */
const VALUE_CHARACTERS = /[\w+\-.:\s\\]/

const character = z.string().regex(/^[\x01-\x09\x0b\x0c\x0e-\x7f]$/, 'must be one ASCII character, and no line ending')

export const dialectShape = {
  header: z
    .boolean()
    .default(true)
    .describe('Whether the first row of a file names its columns.')
    .meta({ aliases: ['isFirstLineHeader'] }),
  delimiter: character
    .refine(
      text => text === '\t' || !VALUE_CHARACTERS.test(text),
      'cannot be a character that numbers, dates or names are made of',
    )
    .default(',')
    .describe('Character between two fields.')
    .meta({ aliases: ['fieldDelimiter'], examples: [',', ';', '\t'] }),
  nullText: z
    .string()
    .regex(/^[^\r\n]*$/, 'cannot contain a line ending')
    .default('')
    .describe('Text that stands for NULL where it is not quoted. An empty text is written `""`, so that the two stay apart.')
    .meta({ examples: ['', '\\N'] }),
  binary: z
    .enum(['hex', 'base64'])
    .default('hex')
    .describe('How bytes are written: `hex` is `\\x` and hexadecimal digits, as PostgreSQL has it.')
    .meta({ advanced: true }),
}

export const quoteOption = character.refine(
  text => !VALUE_CHARACTERS.test(text),
  'cannot be a character that numbers, dates or names are made of',
)
export const characterOption = character

export const byteOf = (text: string) => text.charCodeAt(0)

/** Whether the text for NULL, as `0` or `NaN`, may also be the text of a value. */
export const isLikeValue = (nullText: Uint8Array) => /^[\w.:+ -]+$/.test(new TextDecoder().decode(nullText))
