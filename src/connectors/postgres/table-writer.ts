/**
 * One transaction at a time: BEGIN with the first row, COPY into the targets or their stages, and an end that the caller names.
 *
 * Round trips per transaction and target: one to begin, one to end.
 */
import type { Batch } from '#columnar'
import { dataErrors, type Target } from '#connector'
import { SendPool } from '#wire'
import { BINARY, CopyIn, TEXT } from './copy-in.ts'
import { compileTextEncoder } from './encode-text.ts'
import { compileEncoder, type Encode, type EncodeState } from './encode.ts'
import type { Connection } from './protocol/connection.ts'
import { copyStatement, detailOf, encodedColumns, mergeStatement, stageStatement, type TargetDetail } from './target-detail.ts'

interface Prepared {
  readonly target: Target
  readonly detail: TargetDetail
  readonly encode: Encode
  readonly state: EncodeState
}

export class TableWriter {
  readonly #session: Connection
  readonly #pool: SendPool
  readonly #prepared = new Map<string, Prepared>()
  /** Whose COPY is open. */
  #open: { readonly copy: CopyIn; readonly into: Prepared } | undefined
  /** Targets with staged rows. */
  readonly #staged = new Set<Prepared>()
  #isBegun = false

  constructor(session: Connection) {
    this.#session = session
    this.#pool = new SendPool(session.stream)
  }

  async write(target: Target, batch: Batch): Promise<void> {
    const into = this.#prepare(target)
    if (this.#open?.into !== into) await this.#switchTo(into)
    await this.#open?.copy.write(batch, into.encode, into.state, (reason, column, row) => {
      const name = into.detail.columns[column]?.name ?? ''
      throw dataErrors.valueRefused({ dataset: target.dataset, column: name, reason, row })
    })
  }

  /** Moves staged rows to their targets, executes `last` and commits; all of it or nothing. */
  async commit(last?: string): Promise<void> {
    const merges = [...this.#staged].map(({ detail }) => mergeStatement(detail, detail.key ?? []))
    const statements = [...merges, ...(last === undefined ? [] : [last]), 'COMMIT']
    const open = this.#open
    this.#open = undefined
    this.#staged.clear()
    if (open === undefined && !this.#isBegun) {
      if (last !== undefined) await this.#session.query(`BEGIN; ${statements.join('; ')}`)
      return
    }
    this.#isBegun = false
    if (open === undefined) await this.#session.query(statements.join('; '))
    else await open.copy.end(statements.join('; '))
  }

  async #switchTo(into: Prepared): Promise<void> {
    await this.#open?.copy.end()
    this.#open = undefined
    const before = [...(this.#isBegun ? [] : ['BEGIN']), ...(into.detail.key === null ? [] : [stageStatement(into.detail)])]
    const copy = new CopyIn(
      this.#session,
      this.#pool,
      [...before, copyStatement(into.detail)].join('; '),
      into.detail.isBinary ? BINARY : TEXT,
    )
    await copy.start()
    this.#isBegun = true
    this.#open = { copy, into }
    if (into.detail.key === null) return
    into.state.order = this.#staged.has(into) ? into.state.order : 0
    this.#staged.add(into)
  }

  #prepare(target: Target): Prepared {
    const known = this.#prepared.get(target.dataset)
    if (known) return known
    const detail = detailOf(target)
    const columns = encodedColumns(target)
    const indexes = detail.columns.map(({ index }) => index)
    const compile = detail.isBinary ? compileEncoder : compileTextEncoder
    const encode = compile(columns, indexes, detail.key !== null)
    const prepared = { target, detail, encode, state: { row: 0, need: 0, order: 0 } }
    this.#prepared.set(target.dataset, prepared)
    return prepared
  }
}
