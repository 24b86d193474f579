/** Sends the rows of one COPY … FROM STDIN, in large messages. */
import { EncodedBatch, type Batch } from '#columnar'
import { SEND_BYTES, type SendPool } from '#wire'
import { copyRows } from './copy-data.ts'
import type { Encode, EncodeState } from './encode.ts'
import type { Connection } from './protocol/connection.ts'
import { COPY_DATA, MESSAGE_HEAD } from './protocol/messages.ts'

/** What stands before the first row and behind the last one. */
export interface CopyFormat {
  readonly header: Buffer
  readonly trailer: Buffer
}

/** Signature, no flags, no extension; the trailer is a tuple of -1 fields. */
export const BINARY: CopyFormat = {
  header: Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'),
  trailer: Buffer.from([0xff, 0xff]),
}
export const TEXT: CopyFormat = { header: Buffer.alloc(0), trailer: Buffer.alloc(0) }

export class CopyIn {
  readonly sql: string
  /** Rows so far. */
  sent = 0
  readonly #session: Connection
  readonly #format: CopyFormat
  readonly #pool: SendPool
  #out: Buffer<ArrayBuffer> | undefined
  #end = 0
  #isStarted = false

  constructor(session: Connection, pool: SendPool, sql: string, format: CopyFormat) {
    this.#session = session
    this.#pool = pool
    this.sql = sql
    this.#format = format
  }

  async start(): Promise<void> {
    this.#session.startCopyIn(this.sql)
    await this.#buffer(this.#format.header.length)
    this.#append(this.#format.header)
  }

  /** Sends a batch. Returns late when the server is slow. */
  async write(batch: Batch, encode: Encode, state: EncodeState, refuse: Parameters<Encode>[5]): Promise<void> {
    if (await this.#session.checkCopyIn(this.sql)) this.#isStarted = true
    await this.post(batch, encode, state, refuse)
  }

  /** Sends a batch without a look at what the server says. What was encoded is sent even when the batch has a row that is refused. */
  async post(batch: Batch, encode: Encode, state: EncodeState, refuse: Parameters<Encode>[5]): Promise<void> {
    state.row = 0
    state.at = 0
    for (;;) {
      const out = this.#out ?? (await this.#buffer(0))
      this.#end =
        batch instanceof EncodedBatch
          ? copyRows(batch, out, this.#end, state)
          : encode(batch.columns, batch.rows, out, this.#end, state, refuse)
      if (state.row === batch.rows) {
        this.sent += batch.rows
        return
      }
      this.#flush()
      await this.#buffer(state.need)
    }
  }

  /** Sends what is left and the end, and does not wait. With a reason, the server forgets the rows. */
  async postEnd(failure?: string): Promise<void> {
    if (failure === undefined) await this.#finishRows()
    else if (this.#out !== undefined) {
      this.#end = MESSAGE_HEAD
      this.#flush()
    }
    this.#session.sendCopyEnd(failure)
  }

  async #finishRows(): Promise<void> {
    const { trailer } = this.#format
    if (this.#out !== undefined && this.#end + trailer.length > this.#out.length) this.#flush()
    if (this.#out === undefined) await this.#buffer(trailer.length)
    this.#append(trailer)
    this.#flush()
  }

  /** Sends what is left and the end; `then` is executed behind it, in the same round trip. Returns what the server says of the COPY. */
  async end(then?: string): Promise<string> {
    await this.#finishRows()
    // Where the COPY was refused, `then` must not be executed without it.
    if (!this.#isStarted) await this.#session.copyInStarted(this.sql)
    return (await this.#session.endCopyIn(this.sql, then)).tag
  }

  async #buffer(bytes: number): Promise<Buffer<ArrayBuffer>> {
    const needed = bytes + MESSAGE_HEAD
    this.#out = await (needed > SEND_BYTES ? this.#pool.acquire(needed) : this.#pool.acquire())
    this.#out[0] = COPY_DATA
    this.#end = MESSAGE_HEAD
    return this.#out
  }

  #append(bytes: Buffer): void {
    this.#out?.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #flush(): void {
    if (this.#out === undefined) return
    this.#out.writeInt32BE(this.#end - 1, 1)
    this.#pool.send(this.#out, this.#end === MESSAGE_HEAD ? 0 : this.#end)
    this.#out = undefined
  }
}
