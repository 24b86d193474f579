import type { Dataset, Json, Target } from '#connector'

/** One end of a job: a connector of the catalog and its validated options. */
export interface EndSpec {
  readonly connector: string
  /** What the connector's options schema made of the job file; plain data. May hold secrets: never print it. */
  readonly options: Readonly<Record<string, unknown>>
}

/** A job as the engine takes it: resolved, validated, independent of the dialect it was written in. */
export interface JobSpec {
  /** Stable identity: the job's name, or a digest of source and target. */
  readonly id: string
  readonly source: EndSpec
  readonly sink: EndSpec
  /** Workers that read and workers that write; equal numbers mean chains with both ends in one thread. */
  readonly readers: number
  readonly writers: number
  /** Column that the job names for resuming. */
  readonly resumeColumn?: string
  readonly limits: Limits
  readonly restart: RestartPolicy
  /** Seconds between checkpoints for sinks without a ledger of their own. */
  readonly checkpointSeconds: number
  readonly stateDir: string
  /** Most bytes for rows: queues, batches and protocol buffers of all workers. Undefined: as much as the limits below need. */
  readonly memory?: number
  /** Undefined: the first bad row stops the run. */
  readonly badRows?: ErrorLimits
  /** Where {@link copyBadRows} copies what was set aside. */
  readonly badRowTable?: BadRowTable
}

export interface BadRowTable {
  /** Letters and digits; another one for another table. */
  readonly id: string
  readonly sink: EndSpec
}

export type BadRowKind = 'conversion' | 'duplicate' | 'constraint'

/** How many rows may be bad before the run stops, and which kinds may be set aside at all. */
export interface ErrorLimits {
  /** Null: no limit. The share is in percent of the rows read. */
  readonly limit: { readonly record: number | null; readonly percentage: number | null }
  readonly kinds: Readonly<Record<BadRowKind, 'quarantine' | 'fail'>>
  /** Folder that holds those of all jobs; the state directory when absent. */
  readonly baseFolder?: string
  /** Every so many rows of a worker, one is printed with its values. Undefined: none. */
  readonly logEvery?: number
}

/** What a worker must know of it. */
export interface BadRowPolicy extends ErrorLimits {
  /** Where the rows are stored. */
  readonly folder: string
  /** Rows that were set aside before this attempt. */
  readonly before: number
  /** What earlier attempts of this process have met. What other processes have read is not known, so the share is that of this one. */
  readonly met: { readonly bad: number; readonly read: number }
}

/** When a worker ends a batch and when it commits: whichever bound is reached first. */
export interface Limits {
  readonly batchRows: number
  readonly batchBytes: number
  /** Largest row that the memory of the job allows; undefined: any. */
  readonly rowBytes?: number
  readonly commitRows: number
  readonly commitBytes: number
  readonly commitMs: number
  /** Of the whole job in a spec, of one worker in a message. */
  readonly rowsPerSecond?: number
  /** Payload: the values as they lie in memory. */
  readonly bytesPerSecond?: number
}

export interface RestartPolicy {
  /** The run gives up after so many attempts in a row without any progress… */
  readonly attempts: number
  /** …but not before so long a time without any. */
  readonly leastMs: number
  /** Failed attempts of so long a time count instead, with progress or without. */
  readonly withinMs?: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
}

export const DEFAULT_LIMITS: Limits = {
  batchRows: 16_384,
  batchBytes: 2 * 1024 * 1024,
  commitRows: 262_144,
  commitBytes: 64 * 1024 * 1024,
  commitMs: 5_000,
}

/** Outlasts a server that restarts for minutes, and goes on soon after it is back. */
export const DEFAULT_RESTART: RestartPolicy = { attempts: 6, leastMs: 300_000, firstDelayMs: 500, maxDelayMs: 10_000 }

/** Every failure ends the run. */
export const NO_RESTART: RestartPolicy = { attempts: 1, leastMs: 0, firstDelayMs: 0, maxDelayMs: 0 }

/** A dataset with the place where its rows go; what workers need to know of the plan. */
export interface Route {
  readonly dataset: Dataset
  readonly target: Target
}

/** What a run remembers of its plan, to tell whether the job has changed since. */
export type Memo = {
  readonly digest: string
  readonly routes: readonly { readonly dataset: string; readonly target: string }[]
} & {
  readonly [key: string]: Json
}
