/** The first bytes of a file, for its head and for samples; and the place of a fault in it. */
import type { SluiceError } from '#errors'
import { openBytes, type Storage } from './byte-source.ts'
import { fileErrors } from './errors.ts'
import { RowFault, type Beginning, type Head, type RowFormat } from './row-format.ts'
import { RowWindow } from './row-window.ts'

const LINE_FEED = 0x0a
const COUNT_BYTES = 1024 * 1024
/** Usually enough for the head of a file. */
const HEAD_BYTES = 64 * 1024
/** EF BB BF, U+FEFF in UTF-8. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** A file as it is stored, and how to give up on it. */
export interface StoredFile {
  readonly path: string
  readonly storage: Storage
  readonly signal: AbortSignal
  readonly maxRowBytes: number
  /** Rows that are no UTF-8 are set aside: they do not stop whoever looks at the beginning. */
  readonly quarantine: boolean
}

export interface FileBeginning {
  readonly beginning: Beginning
  readonly head: Head
  /** Offset in the file of its first row, and of a byte of the beginning. */
  readonly rowsAt: number
  readonly offsetOf: (at: number) => number
}

/** What is in front of the rows of a file, and at least its first `bytes`. */
export async function readBeginning(file: StoredFile, format: RowFormat, bytes: number): Promise<FileBeginning> {
  await using window = new RowWindow(await openBytes(file.path, file.storage, 0, file.signal), 0, {
    readBytes: Math.max(bytes, HEAD_BYTES),
  })
  const offsetOf = (at: number) => at - window.start
  try {
    for (;;) {
      await window.fill()
      const { buffer, start, end, isLast } = window
      if (end - start < bytes && !isLast) continue
      const invalid = window.check()
      if (invalid !== undefined && !file.quarantine) throw invalid
      // A control character makes a line no JSON, and no column a number.
      for (let at = invalid; at !== undefined; at = window.check()) buffer[at.at] = 0
      const hasMark = BYTE_ORDER_MARK.every((byte, at) => at < end - start && buffer[start + at] === byte)
      const beginning = { bytes: buffer, start: hasMark ? start + BYTE_ORDER_MARK.length : start, end, isWhole: isLast }
      const head = format.head(beginning)
      if (head !== undefined && invalid !== undefined && invalid.at < beginning.start + head.length) throw invalid
      if (head !== undefined) return { beginning, head, rowsAt: offsetOf(beginning.start + head.length), offsetOf }
      refuseLongRow(window, file.maxRowBytes)
    }
  } catch (error) {
    throw error instanceof RowFault ? await locate(error, file, offsetOf(error.at)) : error
  }
}

/** Throws {@link RowFault} when the row that begins the window is longer than allowed and still has no end. */
export function refuseLongRow(window: RowWindow, maxRowBytes: number): void {
  if (window.end - window.start <= maxRowBytes) return
  const hint = 'Look for a quote that is never closed, or raise `maxRowBytes`.'
  throw new RowFault(window.start, undefined, `the row is longer than ${maxRowBytes} bytes`, hint)
}

/** Names file, line and column. Lines are counted only now, when somebody wants to know. */
export async function locate(fault: RowFault, file: StoredFile, offset: number): Promise<SluiceError> {
  const line = `line ${await lineAt(file, offset)}`
  const column = fault.column === undefined ? {} : { column: fault.column }
  return fileErrors.badRow({ file: file.path, line, offset, ...column, reason: fault.message, hint: fault.hint })
}

async function lineAt({ path, storage, signal }: StoredFile, offset: number): Promise<number> {
  await using source = await openBytes(path, storage, 0, signal)
  const buffer = new Uint8Array(COUNT_BYTES)
  let line = 1
  for (let left = offset; left > 0;) {
    const bytes = await source.read(buffer, 0, Math.min(left, buffer.length))
    if (bytes === 0) break
    for (let at = 0; at < bytes; at++) if (buffer[at] === LINE_FEED) line++
    left -= bytes
    signal.throwIfAborted()
  }
  return line
}
