/**
 * What a job keeps beside the files that it publishes, so that a crash anywhere leaves each row published once:
 *
 *   <path>/.sluice/<job>/run.json              the newest run, its holder and epoch; the marks of a finished run
 *   <path>/.sluice/<job>/<run>/<writer>.marks  the redo log of a writer: what it publishes, and how far that goes
 *   <path>/.sluice/<job>/<run>/<other names>   staged files
 *
 * Each job has a folder of its own: what one job cleans up is never another's.
 */
import { dirname, isAbsolute, join, relative } from 'node:path'
import type { Progress, RunId } from '#connector'
import { fileErrors } from './errors.ts'
import { disk as realDisk, type Disk } from './disk.ts'
import { safeName, shortRun } from './safe-name.ts'

export interface KnownRun extends RunId {
  readonly holder: string
  /** Raised by whoever takes the run over; a writer with a lower one may publish nothing any more. */
  readonly epoch: number
  /** What the options ask for at the start has been done. */
  readonly ready: boolean
  readonly finished: boolean
  /** Only of a finished run; else they stand in the logs of the writers. */
  readonly marks: readonly Progress[]
}

/** A file that waits for its name. Both paths are relative to the folder that is published to. */
export type StagedFile = { readonly staged: string; readonly published: string }

/** A mark, and the number of the commit that it came with: of two marks for a split the higher one counts. */
export interface Mark extends Progress {
  readonly commit: number
}

/** What one writer has published in a run, and what it is publishing. */
export interface WriterLog {
  /** Number of the newest commit in it. */
  readonly commit: number
  readonly marks: readonly Mark[]
  /** Files of the newest commit. The log is written before they get their names; until then, it says what is left to do. */
  readonly publishing: readonly StagedFile[]
}

const LOG = '.marks'
const RUN_FILE = 'run.json'

export class JobFolder {
  /** Where files are published. */
  readonly path: string
  readonly #folder: string
  readonly #disk: Disk

  constructor(path: string, job: string, disk: Disk = realDisk) {
    this.path = path
    this.#folder = join('.sluice', safeName(job))
    this.#disk = disk
  }

  /** Folder of the staged files of a run, relative to `path`. */
  staging(run: string): string {
    return join(this.#folder, shortRun(run))
  }

  async readRun(): Promise<KnownRun | undefined> {
    return (await this.#read(join(this.#folder, RUN_FILE))) as KnownRun | undefined
  }

  async writeRun(run: KnownRun): Promise<void> {
    await this.#disk.makeFolder(join(this.path, this.staging(run.run)))
    await this.#write(join(this.#folder, RUN_FILE), run)
  }

  async readLog(run: string, writer: string): Promise<WriterLog | undefined> {
    return (await this.#read(join(this.staging(run), writer + LOG))) as WriterLog | undefined
  }

  async writeLog(run: string, writer: string, log: WriterLog): Promise<void> {
    await this.#write(join(this.staging(run), writer + LOG), log)
  }

  async readLogs(run: string): Promise<WriterLog[]> {
    const logs: WriterLog[] = []
    for (const name of await this.#disk.list(join(this.path, this.staging(run)))) {
      const log = name.endsWith(LOG) ? await this.readLog(run, name.slice(0, -LOG.length)) : undefined
      if (log !== undefined) logs.push(log)
    }
    return logs
  }

  /** Removes what earlier runs of this job have staged. */
  async removeOtherRuns(run: string): Promise<void> {
    const own = shortRun(run)
    for (const name of await this.#disk.list(join(this.path, this.#folder))) {
      if (name !== own && name !== RUN_FILE) await this.#disk.removeFolder(join(this.path, this.#folder, name))
    }
  }

  /** Removes all that a finished run needed. */
  removeStagingOf(run: string): Promise<void> {
    return this.#disk.removeFolder(join(this.path, this.staging(run)))
  }

  /** Removes staged files of a run that nobody will publish. Logs stay. */
  async removeStaged(run: string, keep: ReadonlySet<string>): Promise<void> {
    const folder = this.staging(run)
    for (const name of await this.#disk.list(join(this.path, folder))) {
      const staged = join(folder, name)
      if (!name.endsWith(LOG) && !keep.has(staged)) await this.#disk.remove(join(this.path, staged))
    }
  }

  /**
   * Gives files their names, and makes that durable. `mayBeDone`: a log says that this was begun; a file that is staged no longer
   * has got its name then, even if somebody has moved it on since.
   */
  async publish(files: readonly StagedFile[], mayBeDone: boolean): Promise<void> {
    for (const { staged, published } of files) {
      const [from, to] = [this.#inside(staged), this.#inside(published)]
      const isWaiting = (await this.#disk.size(from)) !== undefined
      if (!isWaiting && !mayBeDone) throw fileErrors.stagedLost({ file: from, published: to })
      if (!isWaiting) continue
      if ((await this.#disk.size(to)) !== undefined) throw fileErrors.nameTaken({ file: to })
      await this.#disk.rename(from, to)
    }
    const folders = new Set(files.flatMap(({ staged, published }) => [dirname(published), dirname(staged)]))
    for (const folder of folders) await this.#disk.sync(join(this.path, folder))
  }

  /** What a log names: whoever may write into the target folder must not have us move files elsewhere. */
  #inside(name: string): string {
    const path = join(this.path, name)
    if (isAbsolute(name) || relative(this.path, path).startsWith('..'))
      throw fileErrors.marksTorn({ file: join(this.path, this.#folder), reason: `it names ${name}, which lies outside` })
    return path
  }

  async #read(file: string): Promise<unknown> {
    const path = join(this.path, file)
    const text = await this.#disk.readText(path)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text) as unknown
    } catch (cause) {
      throw fileErrors.marksTorn({ file: path, reason: 'it is no JSON' }, cause)
    }
  }

  #write(file: string, content: object): Promise<void> {
    return this.#disk.replace(join(this.path, file), `${JSON.stringify(content)}\n`)
  }
}
