/**
 * One transaction at a time: BEGIN with the first row, COPY into the targets or their stages, and an end that the caller names.
 *
 * Round trips per transaction and target: one to begin, one to end.
 */
import type { Batch } from '#columnar'
import type { Target } from '#connector'
import { SendPool } from '#wire'
import { CopyIn } from './copy-in.ts'
import type { KeptOut } from './kept-out.ts'
import { PreparedTargets, type PreparedTarget } from './prepared-target.ts'
import type { Connection } from './protocol/connection.ts'
import { copyStatement, mergeStatement, stageStatement } from './target-detail.ts'

export class TableWriter {
  readonly #session: Connection
  readonly #pool: SendPool
  readonly #keptOut: KeptOut
  readonly #prepared = new PreparedTargets()
  /** Whose COPY is open. */
  #open: { readonly copy: CopyIn; readonly into: PreparedTarget } | undefined
  /** Targets with staged rows. */
  readonly #staged = new Set<PreparedTarget>()
  #isBegun = false

  constructor(session: Connection, keptOut: KeptOut) {
    this.#session = session
    this.#keptOut = keptOut
    this.#pool = new SendPool(session.stream)
  }

  async write(target: Target, batch: Batch): Promise<void> {
    const into = this.#prepared.get(target)
    if (this.#open?.into !== into) await this.#switchTo(into)
    await this.#open?.copy.write(batch, into.encode, into.state, into.refuse)
  }

  /** Moves staged rows to their targets, executes `last` and commits; all of it or nothing. */
  async commit(last?: string): Promise<void> {
    const merges = [...this.#staged].map(({ detail }) => mergeStatement(detail, detail.key ?? []))
    const statements = [...merges, ...(last === undefined ? [] : [last]), 'COMMIT']
    this.#staged.clear()
    if (this.#open === undefined && !this.#isBegun) {
      if (last !== undefined) await this.#session.query(`BEGIN; ${statements.join('; ')}`)
      return
    }
    this.#isBegun = false
    if (this.#open === undefined) await this.#session.query(statements.join('; '))
    else await this.#endCopy(statements.join('; '))
  }

  async #endCopy(then?: string): Promise<void> {
    if (this.#open === undefined) return
    const { copy, into } = this.#open
    this.#open = undefined
    this.#keptOut.compare(into.name, copy.sent, await copy.end(then))
  }

  async #switchTo(into: PreparedTarget): Promise<void> {
    await this.#endCopy()
    const before = [...(this.#isBegun ? [] : ['BEGIN']), ...(into.detail.key === null ? [] : [stageStatement(into.detail)])]
    const copy = new CopyIn(this.#session, this.#pool, [...before, copyStatement(into.detail)].join('; '), into.format)
    await copy.start()
    this.#isBegun = true
    this.#open = { copy, into }
    if (into.detail.key === null) return
    into.state.order = this.#staged.has(into) ? into.state.order : 0
    this.#staged.add(into)
  }
}
