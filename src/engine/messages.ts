/**
 * What coordinator and workers say to each other. The same messages go over a MessagePort (embedded) and over a pair of byte
 * streams (a worker process; see frames.ts). Barrier ids are 64-bit.
 *
 * Order of a worker's life: init → [commit …] → open → limits → splits … ⇄ need, positions, barrier … → end of splits → finished → close.
 * After it has answered a barrier a worker reads nothing until it is told to `resume`: rows that a savepoint does not know
 * must not be committed by a later checkpoint (measured on Flink: reference/flink-verified.md, section 3).
 */
import type { MessagePort } from 'node:worker_threads'
import type { Committable, Dataset, Progress, RefusedRow, RunRecord, Split } from '#connector'
import type { ErrorJson } from '#errors'
import type { BadRowPolicy, EndSpec, Limits, Route } from './spec.ts'

export interface Assignment {
  readonly split: Split
  readonly position?: Progress['position']
  /** Rows of the split that are already set aside. */
  readonly bad?: number
}

/** Where a worker stands in the chain. `fused` has both ends; the others are joined by ports that carry whole batches. */
export type Role = 'fused' | 'reader' | 'writer'

export type ToWorker =
  /** First message. Opens nothing. */
  | {
      readonly kind: 'init'
      readonly worker: number
      readonly job: string
      readonly source: EndSpec
      readonly sink: EndSpec
      readonly readers: number
      readonly writers: number
      readonly resumeColumn?: string
      readonly limits: Limits
      readonly badRows?: BadRowPolicy
    }
  /** Publishes what an earlier attempt prepared. May come before `open`. */
  | { readonly kind: 'commit'; readonly id: bigint; readonly committables: readonly Committable[] }
  | {
      readonly kind: 'open'
      readonly role: Role
      readonly run: RunRecord
      readonly routes: readonly Route[]
      /** Streams that a writer pulls at the same time; 1 when fused. */
      readonly lanes: number
      /** One per peer of the other role. */
      readonly ports: readonly MessagePort[]
    }
  | { readonly kind: 'limits'; readonly limits: Limits }
  /** Answer to `need`. `last`: no more will come. */
  | { readonly kind: 'splits'; readonly splits: readonly Assignment[]; readonly last: boolean }
  /** Make everything so far durable and tell how far that is. `end`: the run stops here, do not wait for `resume`. */
  | { readonly kind: 'barrier'; readonly id: bigint; readonly end: boolean }
  | { readonly kind: 'resume'; readonly id: bigint }
  /** Leave at once; nothing that is not durable is kept. */
  | { readonly kind: 'abort' }
  | { readonly kind: 'close' }

export type FromWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'need' }
  /** These positions are durable in the sink, without a barrier (transactional sinks). */
  | { readonly kind: 'positions'; readonly progress: readonly Progress[]; readonly meter: Meter }
  | {
      readonly kind: 'barrier-done'
      readonly id: bigint
      readonly progress: readonly Progress[]
      readonly committables: readonly Committable[]
      readonly meter: Meter
    }
  | { readonly kind: 'committed'; readonly id: bigint }
  | { readonly kind: 'metrics'; readonly meter: Meter }
  /** For the user; may hold values of rows where the job asks for them. */
  | { readonly kind: 'warning'; readonly message: string }
  /** All splits that it was given are written; what a ledger can hold is committed. */
  | { readonly kind: 'finished'; readonly meter: Meter }
  | { readonly kind: 'failed'; readonly error: ErrorJson }
  | { readonly kind: 'closed' }

/** Counters of a worker since it was opened. Times are milliseconds of its one thread. */
export interface Meter {
  readonly rowsRead: number
  readonly bytesRead: number
  readonly rowsWritten: number
  readonly bytesWritten: number
  /** Rows that were set aside. */
  readonly rowsBad: number
  readonly commits: number
  /** Per dataset: rows handed to the writer. */
  readonly rowsByDataset: Readonly<Record<string, number>>
  readonly waitSourceMs: number
  readonly decodeMs: number
  readonly encodeMs: number
  readonly waitSinkMs: number
  readonly commitMs: number
}

export const NO_METER: Meter = {
  rowsRead: 0,
  bytesRead: 0,
  rowsWritten: 0,
  bytesWritten: 0,
  rowsBad: 0,
  commits: 0,
  rowsByDataset: {},
  waitSourceMs: 0,
  decodeMs: 0,
  encodeMs: 0,
  waitSinkMs: 0,
  commitMs: 0,
}

/** Between a writer worker and a reader worker: one read of one split, batch by batch, at most `credit` of them ahead. */
export type ToReader =
  | {
      readonly kind: 'read'
      readonly stream: number
      readonly dataset: Dataset
      readonly assignment: Assignment
      readonly credit: number
    }
  | { readonly kind: 'more'; readonly stream: number }
  | { readonly kind: 'stop'; readonly stream: number }

export type FromReader =
  | {
      readonly kind: 'slab'
      readonly stream: number
      readonly slab: ArrayBuffer
      readonly position?: Progress['position']
      readonly refused?: readonly RefusedRow[]
    }
  | { readonly kind: 'end'; readonly stream: number }
  | { readonly kind: 'failed'; readonly stream: number; readonly error: ErrorJson }
