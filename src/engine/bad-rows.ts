/** Rows that cannot be written: set aside, counted, and the end of the run when there are too many. */
import { cellToJson, type Batch } from '#columnar'
import type { Dataset, Json } from '#connector'
import type { SluiceError } from '#errors'
import { BadRowFile, headOf, namedValues, type BadRow, type RunOfBadRows } from './bad-row-file.ts'
import { engineErrors } from './errors.ts'
import type { Assignment } from './messages.ts'
import type { ChainMeter } from './meter.ts'
import { rowKey } from './row-key.ts'
import type { BadRowPolicy } from './spec.ts'

/** Rows as they were read, with what is needed to name one of them. */
export interface ReadRows {
  readonly dataset: Dataset
  readonly split: string
  /** Position behind the rows. */
  readonly position: Json | undefined
  /** Rows of the split that were read before. */
  readonly rowsBefore: number
}

export interface BadRowAt {
  readonly batch: Batch
  /** Its index in the batch. */
  readonly at: number
  /** Its index among the rows that were read together. */
  readonly number: number
  /** The bad value as the source shows it, where the batch cannot hold it. */
  readonly text?: string | undefined
}

export class BadRows implements AsyncDisposable {
  readonly #policy: BadRowPolicy
  readonly #run: RunOfBadRows
  readonly #meter: ChainMeter
  readonly #warn: (message: string) => void
  readonly #files = new Map<string, BadRowFile>()

  constructor(policy: BadRowPolicy, run: RunOfBadRows, meter: ChainMeter, warn: (message: string) => void) {
    this.#policy = policy
    this.#run = run
    this.#meter = meter
    this.#warn = warn
  }

  /** Before the rows of a split are read. */
  async open({ split, bad = 0 }: Assignment, dataset: Dataset): Promise<void> {
    const file = new BadRowFile(this.#policy.folder, headOf(this.#run, split.id, dataset), bad)
    this.#files.set(split.id, file)
    const missing = await file.cut()
    if (missing > 0)
      this.#warn(
        `${missing} of the ${bad} rows of split ${split.id} that were set aside before are not in ${this.#policy.folder}: the run began with another state directory. They count, but only that one can show and replay them.`,
      )
  }

  countOf(split: string): number {
    return this.#files.get(split)?.count ?? 0
  }

  /** Throws when a row of this kind may not be set aside, or too many were. */
  async setAside(from: ReadRows, { batch, at, number, text }: BadRowAt, cause: SluiceError): Promise<void> {
    if (this.#policy.kinds[kindOf(cause)] === 'fail') throw cause
    const file = this.#files.get(from.split)
    if (file === undefined) throw new Error(`split ${from.split} was not opened`)
    const { column } = cause.detail
    const row: BadRow = {
      key: rowKey(from.dataset, batch, at, from.split, from.rowsBefore + number - at),
      code: cause.code,
      message: cause.message,
      ...(typeof column === 'string' && column !== '' ? { column } : {}),
      ...(text === undefined ? {} : { text }),
      ...(from.position === undefined ? {} : { position: from.position }),
      time: new Date().toISOString(),
      row: batch.columns.map(values => cellToJson(values, at)),
    }
    await file.append(row)
    this.#meter.rowsBad++
    if (this.#meter.rowsBad % (this.#policy.logEvery ?? Infinity) === 0)
      this.#warn(`Set aside: ${row.message} Its values: ${JSON.stringify(namedValues(from.dataset.schema.fields, row))}`)
    checkLimit(this.#policy, this.#policy.before + this.#meter.rowsBad, { cause })
  }

  async sync(): Promise<void> {
    for (const file of this.#files.values()) await file.sync()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#files.values()].map(file => file[Symbol.asyncDispose]()))
  }
}

/** Throws when there are more bad rows than the job allows; the share counts where `met` is given. */
export function checkLimit(
  { limit }: BadRowPolicy,
  bad: number,
  { met = { bad: 0, read: 0 }, cause }: { met?: { bad: number; read: number }; cause?: SluiceError },
): void {
  const last = cause === undefined ? '' : ` The last one: ${cause.message}`
  if (limit.record !== null && bad > limit.record)
    throw engineErrors.tooManyBadRows({ bad, limit: `${limit.record}`, last }, cause)
  if (limit.percentage !== null && met.bad > (met.read * limit.percentage) / 100)
    throw engineErrors.tooManyBadRows({ bad: met.bad, limit: `${limit.percentage} % of ${met.read} rows read`, last }, cause)
}

/** Kinds that a job can treat differently. */
function kindOf({ code }: SluiceError): keyof BadRowPolicy['kinds'] {
  if (code.endsWith('.duplicate-key')) return 'duplicate'
  return code === 'postgres.row-refused' || code === 'mysql.value-rejected' ? 'constraint' : 'conversion'
}
