/**
 * The state directory: runs and positions of sinks that have no ledger, and the history of all runs.
 *
 *   <state-dir>/<job>/lock           who runs the job here
 *   <state-dir>/<job>/run.json       the newest run: splits, positions, committables that wait for their commit
 *   <state-dir>/<job>/history.jsonl  one line per finished run
 *   <state-dir>/<job>/bad-rows/<run>@<began>/  rows that were set aside (bad-row-file.ts)
 */
import { appendFile, rm } from 'node:fs/promises'
import { createHash, randomUUID } from 'node:crypto'
import { basename, join } from 'node:path'
import { z } from 'zod'
import {
  ledgerErrors,
  makeFolder,
  type Committable,
  type Json,
  type Progress,
  type RunId,
  type RunRecord,
  type Split,
} from '#connector'
import { PATIENCE_MS, inTime, readState, writeState } from './durable-file.ts'
import { engineErrors } from './errors.ts'
import { lockJob } from './job-lock.ts'

export interface Stored extends RunRecord {
  readonly committables: readonly Committable[]
}

/** What is relied on; everything else is handed on as it is. */
const storedShape = z.object({
  ...{ job: z.string(), run: z.string(), finished: z.boolean(), epoch: z.int(), began: z.string() },
  splits: z.array(z.object({ split: z.object({ id: z.string(), dataset: z.string() }), done: z.boolean() })),
  committables: z.array(z.object({ marks: z.array(z.object({ split: z.string(), done: z.boolean() })) })),
})

export class StateStore {
  readonly folder: string
  readonly #file: string
  readonly #patienceMs: number
  #stored: Stored | undefined

  constructor(stateDir: string, job: string, patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs
    this.folder = jobFolder(stateDir, job)
    this.#file = join(this.folder, 'run.json')
  }

  /** Rows of a run that were set aside, a file per split. A run that is given the id of an earlier one does not mix with it. */
  badRowsFolder({ run, began }: RunRecord, baseFolder?: string): string {
    const folder = baseFolder === undefined ? this.folder : join(baseFolder, basename(this.folder))
    return join(folder, 'bad-rows', `${folderName(run)}@${began.replace(/\D/g, '')}`)
  }

  lock(job: string): Promise<AsyncDisposable> {
    return lockJob(join(this.folder, 'lock'), job)
  }

  /** The newest run that is recorded here, with what it had prepared but perhaps not published. */
  async find(): Promise<Stored | undefined> {
    const state = await readState(this.#file)
    if (state !== undefined && !storedShape.safeParse(state).success)
      throw engineErrors.stateTorn({ file: this.#file, reason: 'it does not describe a run' })
    this.#stored = state as Stored | undefined
    return this.#stored
  }

  async begin({ job, run }: RunId, splits: readonly Split[], memo: Json): Promise<RunRecord> {
    return this.#store({
      job,
      run,
      finished: false,
      holder: randomUUID(),
      epoch: 1,
      began: new Date().toISOString(),
      memo,
      splits: splits.map(split => ({ split, done: false })),
      committables: [],
    })
  }

  /** For a new holder. */
  async claim(run: RunId): Promise<Stored> {
    const stored = await this.#found(run)
    return this.#store({ ...stored, holder: randomUUID(), epoch: stored.epoch + 1 })
  }

  /** For its holder, from the epoch that it last went on with: however often it tries, it gets ahead of nobody who has a copy of the state. */
  async reclaim(run: RunRecord): Promise<Stored> {
    const stored = await this.#found(run)
    if (stored.holder !== run.holder) throw ledgerErrors.fenced({ job: run.job, run: run.run })
    return this.#store({ ...stored, epoch: run.epoch + 1 })
  }

  /** One durable checkpoint: positions and, for two-phase sinks, what must be published for them. */
  async checkpoint(progress: readonly Progress[], committables: readonly Committable[]): Promise<void> {
    const stored = await this.#held()
    const news = new Map(progress.map(item => [item.split, item]))
    const splits = stored.splits.map(known => {
      const item = news.get(known.split.id)
      return item === undefined
        ? known
        : { split: known.split, ...positionOf(item), done: item.done, ...(item.bad === undefined ? {} : { bad: item.bad }) }
    })
    await this.#store({ ...stored, splits, committables })
  }

  /** All rows are published by now, so a file that says so is enough: a failure behind its rename must not make a finished run begin again. */
  async finish(): Promise<void> {
    if (this.#stored === undefined) return
    const { run } = this.#stored
    try {
      await this.#store({ ...this.#stored, finished: true, committables: [] })
    } catch (error) {
      const found = await this.find().catch(() => undefined)
      if (found?.run !== run || !found.finished) throw error
    }
  }

  /** Forgets the run, e.g. when the ledger holds it or it is begun afresh. */
  async forget(): Promise<void> {
    this.#stored = undefined
    await rm(this.#file, { force: true })
  }

  async record(entry: object): Promise<void> {
    const file = join(this.folder, 'history.jsonl')
    try {
      await makeFolder(this.folder)
      await appendFile(file, `${JSON.stringify(entry)}\n`)
    } catch (cause) {
      throw engineErrors.stateUnwritable({ file, reason: (cause as NodeJS.ErrnoException).code ?? String(cause) }, cause)
    }
  }

  /** The run, unless somebody else has claimed it here. A file that is gone or cannot be read does not say so. */
  async #held(): Promise<Stored> {
    const stored = this.#stored
    if (stored === undefined) throw new Error('a checkpoint without a run')
    const { job, run, holder, epoch } = stored
    const reading = inTime(this.#file, this.#patienceMs, readState(this.#file))
    const found = (await reading.catch(() => undefined)) as Partial<Stored> | undefined
    if (found !== undefined && (found.run !== run || found.holder !== holder || found.epoch !== epoch))
      throw ledgerErrors.fenced({ job, run })
    return stored
  }

  async #found({ job, run }: RunId): Promise<Stored> {
    const stored = await this.find()
    if (stored?.run !== run) throw engineErrors.runUnknown({ job, run, newest: stored?.run ?? 'none' })
    return stored
  }

  async #store(stored: Stored): Promise<Stored> {
    await writeState(this.#file, stored, this.#patienceMs)
    this.#stored = stored
    return stored
  }
}

const positionOf = ({ position }: { readonly position?: Json }) => (position === undefined ? {} : { position })

/** Where everything of a job is kept. */
export const jobFolder = (stateDir: string, job: string) => join(stateDir, folderName(job))

/** A folder name for any job id: readable, unique even where case does not count, and never a path of its own. */
export function folderName(job: string): string {
  const readable = job
    .replace(/[^\w.-]+/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, 60)
  return readable === job && job === job.toLowerCase() && job !== ''
    ? job
    : `${readable}-${createHash('sha256').update(job).digest('hex').slice(0, 8)}`
}
