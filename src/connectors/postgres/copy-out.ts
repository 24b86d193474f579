/** Takes the rows of one COPY … TO STDOUT from the stream, batch by batch. */
import type { Column } from '#columnar'
import { dataErrors } from '#connector'
import { BATCH_FULL, NEED_BYTES, type Decode, type DecodeState, type Refuse } from './decode.ts'
import type { Connection } from './protocol/connection.ts'
import { COPY_DATA, MESSAGE_HEAD } from './protocol/messages.ts'

export interface CopyOutOptions {
  readonly session: Connection
  readonly sql: string
  readonly columns: readonly Column[]
  readonly decode: Decode
  readonly limits: { readonly maxRows: number; readonly maxBytes: number; readonly rowBytes: number | undefined }
  readonly dataset: string
  /** Throws; what is wrong, and the index of the column or -1. */
  readonly fail: (what: string, column: number) => never
  /** Throws, or takes note of the row. */
  readonly refuse: Refuse
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
/** Signature, flags, length of the extension. */
const HEADER = SIGNATURE.length + 8

export class CopyOut {
  readonly #options: CopyOutOptions
  readonly #state: DecodeState = { rows: 0, bytes: 0, need: 0 }
  #isComplete = false

  constructor(options: CopyOutOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { session, sql } = this.#options
    await session.copyOut(sql)
    await this.#skipHeader()
  }

  /** Fills the columns anew; the number of rows, 0 at the end. */
  async next(): Promise<number> {
    const { session, columns, decode, limits, fail, refuse } = this.#options
    const { stream } = session
    if (this.#isComplete) return 0
    for (const column of columns) column.reset()
    this.#state.rows = 0
    this.#state.bytes = 0
    for (;;) {
      const status = decode(stream, this.#state, limits.maxRows, limits.maxBytes, fail, refuse)
      if (status === BATCH_FULL) return this.#state.rows
      if (status !== NEED_BYTES) return this.#end()
      if (this.#isTooLarge(this.#state.need)) return this.#state.rows
      await stream.fill(this.#state.need)
    }
  }

  /** True: the rows before it are handed out first. Throws when there are none. */
  #isTooLarge(bytes: number): boolean {
    const { limits, dataset } = this.#options
    if (limits.rowBytes === undefined || bytes <= limits.rowBytes) return false
    if (this.#state.rows > 0) return true
    throw dataErrors.rowTooLarge({ dataset, bytes, limit: limits.rowBytes })
  }

  /** CopyDone, or an error. Rows that came before an error are not given out: nobody could tell them from a complete read. */
  async #end(): Promise<number> {
    const { session, sql } = this.#options
    await session.endCopyOut(sql)
    this.#isComplete = true
    return this.#state.rows
  }

  /** The header stands in front of the first tuple, in the same message. The message is made to begin behind it. */
  async #skipHeader(): Promise<void> {
    const { stream } = this.#options.session
    await stream.fill(MESSAGE_HEAD)
    if (stream.buffer[stream.start] !== COPY_DATA) return
    const length = stream.buffer.readInt32BE(stream.start + 1)
    await stream.fill(Math.min(length + 1, MESSAGE_HEAD + HEADER))
    const { buffer, start } = stream
    const body = start + MESSAGE_HEAD
    const isHeader = length - 4 >= HEADER && buffer.subarray(body, body + SIGNATURE.length).equals(SIGNATURE)
    if (!isHeader) this.#options.fail('no header of a binary COPY', -1)
    const skipped = HEADER + buffer.readInt32BE(body + HEADER - 4)
    if (buffer.readInt32BE(body + SIGNATURE.length) !== 0 || skipped > length - 4)
      this.#options.fail('a header of a binary COPY that is not understood', -1)
    stream.start += skipped
    buffer[stream.start] = COPY_DATA
    buffer.writeInt32BE(length - skipped, stream.start + 1)
    if (length - skipped === 4) stream.start += MESSAGE_HEAD
  }
}
