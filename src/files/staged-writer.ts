/**
 * The writer of every text format. Rows go to staged files; at a barrier these are made durable and closed; a commit records in a
 * redo log what it publishes and how far that goes, then gives the files their names. A crash before the log leaves nothing
 * visible; after it, the commit is finished by whoever comes next.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { json, type Batch } from '#columnar'
import {
  ledgerErrors,
  type Committable,
  type Context,
  type Dataset,
  type Progress,
  type RefusedRow,
  type RunRecord,
  type Target,
  type TwoPhaseWriter,
} from '#connector'
import { disk as realDisk, type Disk } from './disk.ts'
import { fileErrors } from './errors.ts'
import { filesAt, patternOf, placeOf, publishedName, type FilePlace } from './file-place.ts'
import { JobFolder, type KnownRun, type Mark, type StagedFile, type WriterLog } from './job-folder.ts'
import type { RowEncoding } from './row-encoding.ts'
import { RowFiles } from './row-files.ts'
import type { SinkSettings } from './sink-options.ts'
import { WRITE_BUFFERS, WRITE_BYTES } from './staged-file.ts'

/** What a commit publishes: a writer's files since the one before. */
type FileCommittable = Committable & {
  readonly run: string
  readonly writer: string
  /** Number of the commit, higher than that of any commit before in the run. */
  readonly commit: number
  readonly files: readonly StagedFile[]
}

export class StagedWriter implements TwoPhaseWriter {
  readonly delivery = 'two-phase'
  readonly bufferBytes = WRITE_BUFFERS * WRITE_BYTES
  readonly #settings: SinkSettings
  readonly #encoding: RowEncoding
  readonly #context: Context
  readonly #disk: Disk
  readonly #folder: JobFolder
  /** Where a run has been joined. */
  #joined: { readonly run: RunRecord; readonly writer: string; readonly files: RowFiles } | undefined
  #commit = 0

  constructor(settings: SinkSettings, encoding: RowEncoding, context: Context, disk: Disk = realDisk) {
    this.#settings = settings
    this.#encoding = encoding
    this.#context = context
    this.#disk = disk
    this.#folder = new JobFolder(settings.path, context.job, disk)
  }

  async plan(dataset: Dataset): Promise<Target> {
    const { path, writeMode } = this.#settings
    const { extension } = this.#encoding
    const place = placeOf(this.#settings, dataset.id)
    const pattern = patternOf(path, place, extension)
    const { ours, others } = await filesAt(path, place, extension, this.#disk)
    const removal =
      writeMode === 'overwrite' && ours.length > 0 ? [`remove ${ours.length} files ${pattern} (when a run begins)`] : []
    const isRefused = writeMode === 'nonconflict' && ours.length + others.length > 0
    return {
      dataset: dataset.id,
      name: pattern,
      schema: { fields: dataset.schema.fields.map(field => (field.type.kind === 'list' ? { ...field, type: json } : field)) },
      statements: [...removal, `write ${pattern}`],
      guarantee: { delivery: 'exactly-once', why: 'Files are staged out of sight and get their names at a commit, once.' },
      notes: isRefused
        ? [
            {
              level: 'warning',
              text: `${join(path, place.folder)} is not empty: a new run will be refused (\`writeMode: nonconflict\`).`,
            },
          ]
        : [],
      detail: place,
    }
  }

  async marks(): ReturnType<TwoPhaseWriter['marks']> {
    const known = await this.#folder.readRun()
    if (known === undefined) return undefined
    if (known.finished) return { run: known.run, finished: true, marks: known.marks }
    return { run: known.run, finished: false, marks: await this.#redo(known.run) }
  }

  async prepare(run: RunRecord, targets: readonly Target[], fresh: boolean, keep: readonly Committable[]): Promise<void> {
    const known = await this.#folder.readRun()
    const isKnown = known?.run === run.run
    if (!fresh && !isKnown && hasProgress(run))
      throw ledgerErrors.missing({ job: run.job, run: run.run, table: this.#settings.path })
    if (isKnown && !fresh) {
      refuseLate(known, run)
      // Its logs are gone: what it has published stands in the marks of its end.
      if (known.finished) return await this.#folder.writeRun({ ...known, holder: run.holder, epoch: run.epoch })
    }
    const isNew = fresh || !isKnown || !known.ready
    const { writeMode } = this.#settings
    const places = targets.map(target => target.detail as FilePlace)
    if (isNew && writeMode === 'nonconflict') await this.#refuseAnyFile(places)
    // Invariant 10: from here on no earlier run can publish anything.
    await this.#writeRun(run, !isNew)
    await this.#folder.removeOtherRuns(run.run)
    if (isNew && writeMode === 'overwrite') await this.#removePublished(places)
    for (const { folder } of places) await this.#disk.makeFolder(join(this.#settings.path, folder))
    await this.#folder.removeStaged(
      run.run,
      new Set((keep as readonly FileCommittable[]).flatMap(({ files }) => files.map(({ staged }) => staged))),
    )
    if (isNew) await this.#writeRun(run, true)
  }

  async join(run: RunRecord): Promise<void> {
    const known = await this.#folder.readRun()
    if (known?.run !== run.run || !known.ready) throw ledgerErrors.fenced({ job: run.job, run: run.run })
    refuseOther(known, run)
    // Nobody else may have the name: neither a writer of another thread, nor one of an earlier attempt.
    const writer = randomBytes(4).toString('hex')
    const { path, maxFileBytes } = this.#settings
    const nameFile = (place: FilePlace, number: number): StagedFile => {
      const published = publishedName(place, run.run, writer, number, this.#encoding.extension)
      return { staged: join(this.#folder.staging(run.run), `${writer}-${number}`), published }
    }
    this.#joined = {
      run,
      writer,
      files: new RowFiles({ path, maxFileBytes, encoding: this.#encoding, nameFile, meter: this.#context.meter }),
    }
  }

  async write(target: Target, batch: Batch): Promise<readonly RefusedRow[]> {
    this.#context.signal.throwIfAborted()
    return await this.#own().files.write(target, batch, this.#context.quarantine === true)
  }

  async prepareCommit(progress: readonly Progress[]): Promise<readonly Committable[]> {
    const { run, writer, files } = this.#own()
    const closed = await files.finish()
    if (closed.length === 0 && progress.length === 0) return []
    await this.#disk.sync(join(this.#settings.path, this.#folder.staging(run.run)))
    // Another writer may have committed marks of a split that has come here since.
    const logs = await this.#folder.readLogs(run.run)
    this.#commit = 1 + Math.max(this.#commit, ...logs.map(log => log.commit))
    const committable: FileCommittable = { run: run.run, writer, commit: this.#commit, files: closed, marks: progress }
    return [committable]
  }

  async commit(committables: readonly Committable[]): Promise<void> {
    for (const committable of committables as readonly FileCommittable[]) await this.#publish(committable)
  }

  async finish(run: RunRecord): Promise<void> {
    const known = await this.#folder.readRun()
    if (known?.run !== run.run) throw ledgerErrors.fenced({ job: run.job, run: run.run })
    refuseOther(known, run)
    const marks = known.finished ? known.marks : await this.#redo(run.run)
    await this.#folder.writeRun({ ...known, finished: true, marks })
    await this.#folder.removeStagingOf(run.run)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#joined?.files.abandon()
  }

  async #publish({ run, writer, commit, files, marks }: FileCommittable): Promise<void> {
    const { job } = this.#context
    const known = await this.#folder.readRun()
    if (known === undefined) throw ledgerErrors.missing({ job, run, table: this.#settings.path })
    if (known.run !== run) throw ledgerErrors.fenced({ job, run })
    if (this.#joined) refuseOther(known, this.#joined.run)
    if (known.finished) return
    const log = await this.#folder.readLog(run, writer)
    // An older checkpoint than the newest: what it prepared was published before the next one was prepared.
    if (log !== undefined && log.commit > commit) return
    const isLogged = log?.commit === commit
    if (!isLogged)
      await this.#folder.writeLog(run, writer, {
        commit,
        publishing: files,
        marks: newest([...(log?.marks ?? []), ...numbered(marks, commit)]),
      })
    await this.#folder.publish(files, isLogged)
  }

  /** Finishes what logs say was begun; returns the marks. */
  async #redo(run: string): Promise<Progress[]> {
    const logs: WriterLog[] = await this.#folder.readLogs(run)
    for (const { publishing } of logs) await this.#folder.publish(publishing, true)
    return newest(logs.flatMap(({ marks }) => marks)).map(({ commit: _, ...progress }) => progress)
  }

  #writeRun({ job, run, holder, epoch }: RunRecord, ready: boolean): Promise<void> {
    return this.#folder.writeRun({ job, run, holder, epoch, ready, finished: false, marks: [] })
  }

  async #removePublished(places: readonly FilePlace[]): Promise<void> {
    const { path } = this.#settings
    for (const place of places) {
      const { ours } = await filesAt(path, place, this.#encoding.extension, this.#disk)
      for (const file of ours) await this.#disk.remove(join(path, file))
    }
  }

  async #refuseAnyFile(places: readonly FilePlace[]): Promise<void> {
    const { path } = this.#settings
    for (const place of places) {
      const { ours, others } = await filesAt(path, place, this.#encoding.extension, this.#disk)
      refuseFiles(join(path, place.folder), [...ours, ...others])
    }
  }

  #own() {
    if (this.#joined === undefined) throw new Error('a writer was used before it joined a run')
    return this.#joined
  }
}

function refuseFiles(path: string, [found]: readonly string[]): void {
  if (found !== undefined) throw fileErrors.notEmpty({ path, found })
}

/** Two engines with copies of one state directory come to the same epoch: the first that gets here has the run. */
function refuseLate(known: KnownRun, { job, run, holder, epoch }: RunRecord): void {
  if (known.epoch > epoch || (known.epoch === epoch && known.holder !== holder)) throw ledgerErrors.fenced({ job, run })
}

function refuseOther(known: KnownRun, { job, run, holder, epoch }: RunRecord): void {
  if (known.epoch > epoch || known.holder !== holder) throw ledgerErrors.fenced({ job, run })
}

const hasProgress = ({ splits }: RunRecord) => splits.some(({ position, done }) => done || position !== undefined)

const numbered = (marks: readonly Progress[], commit: number): Mark[] => marks.map(mark => ({ ...mark, commit }))

/** The mark of the newest commit for each split. */
function newest(marks: readonly Mark[]): Mark[] {
  const bySplit = new Map<string, Mark>()
  for (const mark of marks) {
    if (mark.commit >= (bySplit.get(mark.split)?.commit ?? 0)) bySplit.set(mark.split, mark)
  }
  return [...bySplit.values()]
}
