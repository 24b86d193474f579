/** The part of the reference server that the reference sinks write to: rows, a ledger behind one lock, staged files. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json, Progress, RunRecord } from '#connector'
import type { Handler, JsonObject, Session } from './reference-server.test-support.ts'
import type { Row } from './rows.ts'

/** A transaction takes its time between its check and its commit, so that others can come in between. */
const WORK_MS = 3

/** A transaction of one connection: what it will add when it is committed. */
interface Transaction {
  rows: Row[]
  progress: Progress[]
  release: (() => void) | undefined
}

interface Published {
  run: string
  finished: boolean
  marks: Record<string, Progress>
  names: string[]
}

export class ReferenceStore {
  tables: Record<string, Row[]> = {}
  /** The newest run of each job; undefined when the ledger has been dropped. */
  ledger: Record<string, RunRecord> | undefined = {}
  staged: Record<string, readonly Row[]> = {}
  published: Record<string, Published> = {}
  #lock: Promise<void> = Promise.resolve()
  readonly #transactions = new Map<Session, Transaction>()

  clear(): void {
    this.tables = {}
    this.ledger = {}
    this.staged = {}
    this.published = {}
  }

  readonly handle: Handler = async function* (this: ReferenceStore, request: JsonObject, session: Session): AsyncIterable<Json> {
    try {
      yield { done: (await this.#answer(request, session)) ?? null }
    } catch (error) {
      yield { error: (error as Error).message }
    }
  }.bind(this)

  async #answer({ op, ...request }: JsonObject, session: Session): Promise<Json | undefined> {
    const transaction = this.#transactionOf(session)
    switch (op) {
      case 'create':
        this.tables['target'] ??= []
        return
      case 'insert':
        transaction.rows.push(...(request['rows'] as unknown as Row[]))
        return
      case 'insert-now':
        this.#table().push(...(request['rows'] as unknown as Row[]))
        return
      case 'clear':
        this.tables = {}
        return
      case 'update':
        transaction.rows.push(...(request['rows'] as unknown as Row[]))
        return this.#forget(request['key'] as string, request['rows'] as unknown as Row[])
      case 'lock':
        return this.#acquire(transaction)
      case 'unlock':
        transaction.release?.()
        return
      case 'progress':
        transaction.progress.push(...(request['progress'] as unknown as Progress[]))
        return this.#checkHolder(transaction, request)
      case 'commit':
        return this.#commit(transaction, request)
      case 'get':
        return (this.ledger?.[request['job'] as string] ?? null) as Json
      case 'put':
        if (this.ledger !== undefined || request['create'] === true)
          (this.ledger ??= {})[request['job'] as string] = request['record'] as unknown as RunRecord
        return
      case 'stage':
        this.staged[request['name'] as string] = request['rows'] as unknown as Row[]
        return
      case 'unstage':
        for (const name of Object.keys(this.staged))
          if (!(request['keep'] as readonly string[]).includes(name)) delete this.staged[name]
        return
      case 'publish':
        return this.#publish(request)
      case 'marks':
        return (this.published[request['job'] as string] ?? null) as unknown as Json
      case 'close-run':
        this.#publishedOf(request).finished = true
        return
      default:
        return true
    }
  }

  #table(): Row[] {
    this.tables['target'] ??= []
    return this.tables['target']
  }

  #transactionOf(session: Session): Transaction {
    const known = this.#transactions.get(session)
    if (known) return known
    const fresh: Transaction = { rows: [], progress: [], release: undefined }
    this.#transactions.set(session, fresh)
    session.onEnd = () => {
      this.#transactions.delete(session)
      fresh.release?.()
    }
    return fresh
  }

  /** Waits for whoever holds the ledger, as a row lock would. */
  async #acquire(transaction: Transaction): Promise<undefined> {
    if (transaction.release !== undefined) return
    const before = this.#lock
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lock = promise
    transaction.release = () => {
      transaction.release = undefined
      resolve()
    }
    await before
  }

  /** Compares and keeps the lock; a transaction that fails here is rolled back. */
  async #checkHolder(transaction: Transaction, { job, run, epoch }: JsonObject): Promise<undefined> {
    await sleep(WORK_MS)
    const held = this.ledger?.[job as string]
    if (held?.run === run && held?.epoch === epoch) return
    transaction.rows = []
    transaction.release?.()
    throw new Error(held === undefined ? 'missing' : 'fenced')
  }

  async #commit(transaction: Transaction, { job }: JsonObject): Promise<undefined> {
    await sleep(WORK_MS)
    const { rows, progress } = transaction
    transaction.rows = []
    transaction.progress = []
    this.#table().push(...rows)
    const record = this.ledger?.[job as string]
    if (record !== undefined) this.ledger![job as string] = withProgress(record, progress)
    transaction.release?.()
  }

  #forget(key: string, rows: readonly Row[]): undefined {
    const keys = new Set(rows.map(row => row[key]))
    this.tables['target'] = this.#table().filter(row => !keys.has(row[key]))
  }

  #publish(request: JsonObject): undefined {
    const published = this.#publishedOf(request)
    const names = request['all'] === true ? Object.keys(this.staged) : (request['names'] as readonly string[])
    for (const name of names) {
      if (published.names.includes(name) && request['again'] !== true) continue
      published.names.push(name)
      this.#table().push(...(this.staged[name] ?? []))
      if (request['again'] !== true) delete this.staged[name]
    }
    for (const mark of request['marks'] as unknown as Progress[]) published.marks[mark.split] = mark
  }

  #publishedOf({ job, run }: JsonObject): Published {
    const known = this.published[job as string]
    if (known !== undefined && known.run === run) return known
    const fresh = { run: run as string, finished: false, marks: {}, names: [] }
    this.published[job as string] = fresh
    return fresh
  }
}

function withProgress(record: RunRecord, progress: readonly Progress[]): RunRecord {
  const news = new Map(progress.map(item => [item.split, item]))
  const splits = record.splits.map(known => {
    const { position, done } = news.get(known.split.id) ?? known
    return { split: known.split, done, ...(position === undefined ? {} : { position }) }
  })
  return { ...record, splits }
}
