import { createHash } from 'node:crypto'

/** A file name may have 255 bytes; ours get a suffix of some 40. */
const MOST_BYTES = 180

/**
 * A file name for any text: letters, digits, `_`, `-` and `.` stay, every other character becomes `%` and hexadecimal digits.
 * Never a path, never hidden, never a pattern; different for different texts.
 */
export function safeName(text: string): string {
  const safe = text.replace(/^[._]|[^\p{L}\p{N}_.-]/gu, escape) || '%'
  if (Buffer.byteLength(safe) <= MOST_BYTES) return safe
  // A character takes up to 4 bytes, each up to 3 characters when it is written out.
  const beginning = Array.from(text)
    .slice(0, MOST_BYTES / 12)
    .join('')
  return `${safeName(beginning)}~${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

const escape = (character: string) =>
  Buffer.from(character).reduce((text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, '')

/** Eight hexadecimal digits that stand for a run in the names of files. */
export const shortRun = (run: string) => createHash('sha256').update(run).digest('hex').slice(0, 8)
