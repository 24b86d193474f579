/**
 * A source and three sinks in memory, for tests of the engine: what the real ones do, without a server and with faults on demand.
 * A `Store` outlives the engine that writes to it, as a database would.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { Batch, int, utf8, writeValue, type Schema } from '#columnar'
import {
  defineSink,
  defineSource,
  ledgerErrors,
  type Json,
  type Progress,
  type RunRecord,
  type RunStore,
  type Split,
  type Target,
  type Writer,
} from '#connector'
import { defineErrors } from '#errors'
import type { Connectors } from './worker.ts'

const errors = defineErrors('memory', {
  cut: { fault: 'transient', message: (d: { where: string }) => `The connection was cut (${d.where}).` },
})

const schema: Schema = {
  fields: [
    { name: 'id', type: int(64), nullable: false },
    { name: 'name', type: utf8, nullable: true },
  ],
}

/** A database: committed rows, the ledger, published files. */
export class Store {
  rows: string[] = []
  run: RunRecord | undefined
  staged = new Map<string, string[]>()
  published = new Map<string, readonly Progress[]>()
  marks: Map<string, Progress> = new Map()
  marksRun: RunRecord | undefined
  preSql = 0
  postSql = 0
  commits = 0
}

/** What a test wants to happen: called at named points, may throw or wait. */
export type Faults = (
  point: 'read' | 'write' | 'before-commit' | 'after-commit' | 'prepared' | 'begin' | 'claim' | 'reclaim' | 'after-reclaim',
) => void | Promise<void>

export interface World {
  readonly store: Store
  readonly rows: number
  readonly splits: number
  /** Whether chunks carry positions. */
  readonly resumable: boolean
  readonly faults: Faults
}

export const cut = (where: string) => errors.cut({ where })

export function memoryConnectors(world: World): Connectors {
  return {
    source: async () => memorySource(world),
    sink: async name =>
      name === 'transactional' ? ledgerSink(world) : name === 'two-phase' ? stagingSink(world) : plainSink(world),
  }
}

type Range = Split & { from: number; to: number }

const memorySource = ({ rows, splits, resumable, faults }: World) =>
  defineSource({
    name: 'memory',
    title: 'Memory',
    summary: 'Numbers.',
    stability: 'stable',
    options: z.object({}),
    capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
    open: async (_, { batchRows, signal }) => ({
      bufferBytes: 1024,
      discover: async () => [{ id: 'numbers', schema, primaryKey: ['id'] }],
      explain: async () => ({ statements: ['count'], resume: { by: 'position' as const, why: 'by number' }, notes: [] }),
      async *enumerate() {
        const size = Math.ceil(rows / splits)
        for (let from = 0; from < rows; from += size) {
          yield { id: `numbers#${from}`, dataset: 'numbers', from, to: Math.min(from + size, rows) }
        }
      },
      async *read(_dataset, split: Range, position: Json | undefined) {
        const batch = new Batch(schema, batchRows)
        for (let next = typeof position === 'number' ? position : split.from; next < split.to;) {
          signal.throwIfAborted()
          await faults('read')
          batch.reset()
          for (; next < split.to && batch.rows < batchRows; next++, batch.rows++) {
            writeValue(batch.columns[0]!, batch.rows, BigInt(next))
            writeValue(batch.columns[1]!, batch.rows, next % 7 === 0 ? null : `row ${next}`)
          }
          yield { batch, position: resumable ? next : undefined }
        }
      },
      async [Symbol.asyncDispose]() {},
    }),
  })

const planTarget = async (dataset: { id: string; schema: Schema }): Promise<Target> => ({
  dataset: dataset.id,
  name: 'memory',
  schema: dataset.schema,
  statements: [],
  guarantee: { delivery: 'exactly-once', why: 'It is a test.' },
  notes: [],
  detail: null,
})

const rowsOf = (batch: Batch) => Array.from({ length: batch.rows }, (_, row) => batch.row(row).join('|'))

const sinkFacts = { title: 'Memory', summary: 'An array.', stability: 'stable', options: z.object({}) } as const

const ledgerSink = ({ store, faults }: World) =>
  defineSink({
    ...sinkFacts,
    name: 'transactional',
    capabilities: { delivery: 'transactional', accepts: ['append'] },
    open: async (): Promise<Writer> => {
      let pending: string[] = []
      let joined: RunRecord | undefined
      return {
        delivery: 'transactional',
        bufferBytes: 1024,
        runs: ledgerOf(store, faults),
        plan: planTarget,
        join: async run => void (joined = run),
        write: async (_, batch) => {
          await faults('write')
          pending.push(...rowsOf(batch))
        },
        commit: async progress => {
          await faults('before-commit')
          const { run } = store
          if (run === undefined || joined === undefined || run.run !== joined.run || run.epoch !== joined.epoch) {
            throw ledgerErrors.fenced({ job: joined?.job ?? '', run: joined?.run ?? '' })
          }
          store.rows.push(...pending)
          store.run = { ...run, splits: apply(run.splits, progress) }
          store.commits++
          pending = []
          await faults('after-commit')
        },
        async [Symbol.asyncDispose]() {},
      }
    },
  })

function ledgerOf(store: Store, faults: Faults): RunStore {
  return {
    find: async () => store.run,
    begin: async (run, _targets, splits, memo) => {
      await faults('begin')
      store.preSql++
      const known = splits.map(split => ({ split, done: false }))
      store.run = {
        ...run,
        finished: false,
        holder: randomUUID(),
        epoch: (store.run?.epoch ?? 0) + 1,
        began: new Date().toISOString(),
        memo,
        splits: known,
      }
      return store.run
    },
    claim: async () => {
      await faults('claim')
      if (store.run === undefined) throw new Error('nothing to claim')
      return (store.run = { ...store.run, holder: randomUUID(), epoch: store.run.epoch + 1 })
    },
    reclaim: async ({ job, run, holder }) => {
      await faults('reclaim')
      if (store.run?.run !== run || store.run.holder !== holder) throw ledgerErrors.fenced({ job, run })
      store.run = { ...store.run, epoch: store.run.epoch + 1 }
      await faults('after-reclaim')
      return store.run
    },
    finish: async () => {
      store.postSql++
      if (store.run) store.run = { ...store.run, finished: true }
    },
  }
}

const apply = (splits: RunRecord['splits'], progress: readonly Progress[]): RunRecord['splits'] =>
  splits.map(known => {
    const news = progress.find(({ split }) => split === known.split.id)
    if (news === undefined) return known
    return { split: known.split, ...(news.position === undefined ? {} : { position: news.position }), done: news.done }
  })

const stagingSink = ({ store, faults }: World) =>
  defineSink({
    ...sinkFacts,
    name: 'two-phase',
    capabilities: { delivery: 'two-phase', accepts: ['append'] },
    open: async (): Promise<Writer> => {
      let pending: string[] = []
      let joined: RunRecord | undefined
      return {
        delivery: 'two-phase',
        bufferBytes: 1024,
        plan: planTarget,
        marks: async () =>
          store.marksRun && { run: store.marksRun.run, finished: store.marksRun.finished, marks: [...store.marks.values()] },
        prepare: async (record, _targets, fresh, keep) => {
          if (fresh) store.marks.clear()
          else refuseOlder(store.marksRun, record)
          store.marksRun = { ...record, finished: false }
          for (const id of store.staged.keys()) if (!keep.some(({ file }) => file === id)) store.staged.delete(id)
        },
        join: async record => void (joined = record),
        write: async (_, batch) => {
          await faults('write')
          pending.push(...rowsOf(batch))
        },
        prepareCommit: async progress => {
          const file = `${joined?.run}-${Math.random()}`
          store.staged.set(file, pending)
          pending = []
          await faults('prepared')
          return [{ file, marks: progress }]
        },
        commit: async committables => {
          await faults('before-commit')
          if (joined) refuseOlder(store.marksRun, joined)
          for (const { file, marks } of committables) {
            const staged = store.staged.get(String(file))
            if (staged === undefined) {
              if (store.published.has(String(file))) continue
              throw new Error(`staged rows of ${String(file)} are gone`)
            }
            store.rows.push(...staged)
            store.published.set(String(file), marks)
            store.staged.delete(String(file))
            for (const mark of marks) store.marks.set(mark.split, mark)
          }
          store.commits++
          await faults('after-commit')
        },
        finish: async () => {
          if (store.marksRun) store.marksRun = { ...store.marksRun, finished: true }
        },
        async [Symbol.asyncDispose]() {},
      }
    },
  })

function refuseOlder(known: RunRecord | undefined, { job, run, holder, epoch }: RunRecord): void {
  if (known !== undefined && (known.epoch > epoch || (known.epoch === epoch && known.holder !== holder)))
    throw ledgerErrors.fenced({ job, run })
}

const plainSink = ({ store, faults }: World) =>
  defineSink({
    ...sinkFacts,
    name: 'plain',
    capabilities: { delivery: 'plain', accepts: ['append'] },
    open: async (): Promise<Writer> => ({
      delivery: 'plain',
      bufferBytes: 1024,
      plan: planTarget,
      prepare: async (_, __, fresh) => void (fresh && store.preSql++),
      join: async () => {},
      write: async (_, batch) => {
        await faults('write')
        store.rows.push(...rowsOf(batch))
      },
      flush: async () => void store.commits++,
      finish: async () => void store.postSql++,
      async [Symbol.asyncDispose]() {},
    }),
  })
