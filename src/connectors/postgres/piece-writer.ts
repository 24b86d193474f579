/**
 * Rows in pieces behind savepoints, for jobs that set bad rows aside: one COPY per piece, sent without waiting for the one before.
 *
 * A server that refuses a COPY throws away the rows that follow it and answers all further statements with an error, so what was
 * sent in advance does no harm, and the savepoint is still the one at the start of the refused piece.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
import type { Batch } from '#columnar'
import type { Savepoints, Target } from '#connector'
import { SluiceError } from '#errors'
import { SendPool } from '#wire'
import { CopyIn } from './copy-in.ts'
import type { KeptOut } from './kept-out.ts'
import { PreparedTargets, type PreparedTarget } from './prepared-target.ts'
import type { Connection } from './protocol/connection.ts'
import { copyStatement, mergeStatement, stageStatement, truncateStatement } from './target-detail.ts'

const SAVEPOINT = 'sluice_piece'
/** What comes before the rows of a piece, by what became of the piece before it. */
const BEFORE = {
  none: ['BEGIN', `SAVEPOINT ${SAVEPOINT}`],
  sent: [`RELEASE SAVEPOINT ${SAVEPOINT}`, `SAVEPOINT ${SAVEPOINT}`],
  // The savepoint stays.
  refused: [`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`],
}

/** Statements that are not answered; of a COPY, with its rows. */
interface Due {
  readonly sql: string
  readonly copied?: { readonly copy: CopyIn; readonly into: PreparedTarget }
}

export class PieceWriter implements Savepoints {
  accepted = 0
  readonly #session: Connection
  readonly #pool: SendPool
  readonly #keptOut: KeptOut
  readonly #prepared = new PreparedTargets()
  /** The COPY of the piece that has not ended. */
  #open: { readonly copy: CopyIn; readonly into: PreparedTarget } | undefined
  /** Per piece that has ended and is not accepted, oldest first. */
  #due: Due[][] = []
  /** The last piece of the transaction. */
  #last: keyof typeof BEFORE = 'none'

  constructor(session: Connection, keptOut: KeptOut) {
    this.#session = session
    this.#keptOut = keptOut
    this.#pool = new SendPool(session.stream)
  }

  async write(target: Target, batch: Batch): Promise<void> {
    // Whatever follows would be thrown away.
    if (this.#session.hasRefused()) await this.#break()
    this.#open ??= await this.#start(this.#prepared.get(target))
    const { copy, into } = this.#open
    try {
      await copy.post(batch, into.encode, into.state, into.refuse)
    } catch (error) {
      throw await this.#giveUp(error)
    }
  }

  async end(): Promise<void> {
    if (this.#open === undefined) return
    const { copy, into } = this.#open
    this.#open = undefined
    await copy.postEnd()
    const merge = into.detail.key === null ? [] : [{ sql: this.#merge(into, into.detail.key) }]
    this.#due.push([{ sql: copy.sql, copied: { copy, into } }, ...merge])
  }

  async settle(pending: number): Promise<void> {
    while (this.#due.length > pending) {
      try {
        for (let next = this.#due[0]?.shift(); next !== undefined; next = this.#due[0]?.shift()) {
          const { tag } = await this.#session.answer(next.sql)
          if (next.copied) this.#keptOut.compare(next.copied.into.name, next.copied.copy.sent, tag)
        }
      } catch (error) {
        if (SluiceError.is(error) && error.fault === 'data') await this.#forgetPieces()
        throw error
      }
      this.#due.shift()
      this.accepted++
    }
  }

  /** After `settle(0)`. */
  async commit(last?: string): Promise<void> {
    if (this.#last === 'none' && last === undefined) return
    const before = { none: ['BEGIN'], sent: [], refused: BEFORE.refused }[this.#last]
    await this.#session.query([...before, ...(last === undefined ? [] : [last]), 'COMMIT'].join('; '))
    this.#last = 'none'
  }

  async #start(into: PreparedTarget): Promise<{ copy: CopyIn; into: PreparedTarget }> {
    const { detail, format, state } = into
    const stage = detail.key === null ? [] : [stageStatement(detail)]
    const sql = [...BEFORE[this.#last], ...stage, copyStatement(detail)].join('; ')
    this.#last = 'sent'
    const copy = new CopyIn(this.#session, this.#pool, sql, format)
    state.order = 0
    await copy.start()
    return { copy, into }
  }

  #merge({ detail }: PreparedTarget, key: readonly string[]): string {
    const sql = `${mergeStatement(detail, key)}; ${truncateStatement(detail)}`
    this.#session.sendQuery(sql)
    return sql
  }

  /** A row of the open piece cannot be encoded. What the server says of older ones comes first. */
  async #giveUp(error: unknown): Promise<unknown> {
    if (!SluiceError.is(error) || error.fault !== 'data') return error
    await this.#drop('a row cannot be sent')
    try {
      await this.settle(1)
    } catch (earlier) {
      return earlier
    }
    await this.#forgetPieces()
    return error
  }

  /** The server has refused a piece: throws what it said. */
  async #break(): Promise<void> {
    await this.#drop('a row was refused')
    await this.settle(0)
  }

  /** Has the server forget the rows of the open piece. */
  async #drop(why: string): Promise<void> {
    if (this.#open === undefined) return
    const { copy } = this.#open
    this.#open = undefined
    await copy.postEnd(why)
    this.#due.push([{ sql: copy.sql }])
  }

  /** Takes the answers that are still due, which say nothing new. The next statement returns to the start of the oldest piece. */
  async #forgetPieces(): Promise<void> {
    for (const { sql } of this.#due.flat()) {
      await this.#session.answer(sql).catch((failure: unknown) => {
        if (!this.#session.stream.isOpen) throw failure
      })
    }
    this.#due = []
    this.#last = 'refused'
  }
}
