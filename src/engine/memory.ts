/** How the memory of a job is divided: a number that the user sets, or the sum of what the parts need (Invariant 5). */
import type { Reader, Writer } from '#connector'
import { engineErrors } from './errors.ts'
import { BATCHES_KEPT } from './piece-queue.ts'
import type { JobSpec, Limits } from './spec.ts'

export interface MemoryPlan {
  /** Bound for batches and protocol buffers of all workers, without the runtime itself. */
  readonly bytes: number
  readonly parts: readonly { readonly name: string; readonly bytes: number; readonly count: number }[]
}

type Sized = Pick<JobSpec, 'readers' | 'writers' | 'limits' | 'memory' | 'badRows'>
type Buffered = Pick<Reader | Writer, 'bufferBytes'>

/** Batches a chain holds: the reader's, and the one the casts make of it. */
const BATCHES_FUSED = 2
/** Split chains hold the reader's batch, slabs in flight and the cast. */
const BATCHES_APART = 5
/** Columns grow by doubling, so a full batch may own twice its payload. */
const GROWTH = 2
/** Smaller batches cost more than they save. */
const LEAST_BATCH_BYTES = 32 * 1024
/** One large row is in the receive buffer, in a column that may have doubled, in its cast and in a send buffer. */
const COPIES_OF_A_ROW = 6

export function planMemory(spec: Sized, reader: Buffered, writer: Buffered): MemoryPlan {
  const { chains, batches } = shape(spec)
  const parts = [
    { name: 'read buffers', bytes: reader.bufferBytes, count: spec.readers },
    { name: 'write buffers', bytes: writer.bufferBytes, count: spec.writers },
    { name: 'batches', bytes: spec.limits.batchBytes * GROWTH, count: chains * batches },
    ...(spec.badRows
      ? [{ name: 'batches until they are accepted', bytes: spec.limits.batchBytes, count: chains * BATCHES_KEPT }]
      : []),
  ]
  return { bytes: parts.reduce((sum, { bytes, count }) => sum + bytes * count, 0), parts }
}

/** The limits of the job, with batches as small as its memory demands. Throws when not even small ones fit. */
export function limitsFor(spec: Sized, reader: Buffered, writer: Buffered): Limits {
  const { memory, limits } = spec
  if (memory === undefined) return limits
  const { chains, batches } = shape(spec)
  const fixed = reader.bufferBytes * spec.readers + writer.bufferBytes * spec.writers
  const perBatchByte = chains * (batches * GROWTH + (spec.badRows ? BATCHES_KEPT : 0))
  const batchBytes = Math.min(limits.batchBytes, Math.floor((memory - fixed) / perBatchByte))
  if (batchBytes < LEAST_BATCH_BYTES) {
    throw engineErrors.memoryTooSmall({ memory, needed: fixed + perBatchByte * LEAST_BATCH_BYTES, channels: chains })
  }
  return { ...limits, batchBytes, rowBytes: Math.max(batchBytes, Math.floor((memory - fixed) / (chains * COPIES_OF_A_ROW))) }
}

function shape({ readers, writers }: Sized): { chains: number; batches: number } {
  return { chains: Math.max(readers, writers), batches: readers === writers ? BATCHES_FUSED : BATCHES_APART }
}
