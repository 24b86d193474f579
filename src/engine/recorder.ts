/** Where a run is recorded, whatever the sink can do: in its ledger, or in the state directory. */
import { isDeepStrictEqual } from 'node:util'
import {
  ledgerErrors,
  type PlainWriter,
  type Progress,
  type RunId,
  type RunRecord,
  type Split,
  type Target,
  type TransactionalWriter,
  type TwoPhaseWriter,
  type Writer,
} from '#connector'
import { engineErrors } from './errors.ts'
import type { Memo } from './spec.ts'
import type { StateStore, Stored } from './state-store.ts'

export interface Recorder {
  /** The newest run of the job. With `mustKnow` a run that has left traces but no positions is an error. */
  find(job: string, mustKnow: boolean): Promise<RunRecord | undefined>
  begin(run: RunId, targets: readonly Target[], splits: readonly Split[], memo: Memo): Promise<RunRecord>
  claim(run: RunId, targets: readonly Target[]): Promise<RunRecord>
  /** After a failure of the engine that has begun or claimed the run; fails when another has claimed it since. */
  reclaim(run: RunRecord, targets: readonly Target[]): Promise<RunRecord>
  finish(run: RunRecord, targets: readonly Target[]): Promise<void>
}

export function recorderOf(writer: Writer, state: StateStore): Recorder {
  switch (writer.delivery) {
    case 'transactional':
      return ledgerRecorder(writer, state)
    case 'two-phase':
      return twoPhaseRecorder(writer, state)
    case 'plain':
      return plainRecorder(writer, state)
  }
}

/** The ledger decides. The state directory only remembers that there was a run, to notice when the ledger has been lost. */
function ledgerRecorder({ runs }: TransactionalWriter, state: StateStore): Recorder {
  return {
    find: async (job, mustKnow) => {
      const found = await runs.find(job)
      // A damaged state file is no reason to stop here: it decides nothing.
      const remembered = mustKnow && found === undefined ? await state.find().catch(() => undefined) : undefined
      if (remembered && !remembered.finished) throw ledgerErrors.missing({ job, run: remembered.run, table: 'of the target' })
      return found
    },
    begin: async (run, targets, splits, memo) => {
      const record = await runs.begin(run, targets, splits, memo)
      await state.begin(run, [], {})
      return record
    },
    claim: run => runs.claim(run),
    reclaim: run => runs.reclaim(run),
    finish: async (run, targets) => {
      await runs.finish(run, targets)
      await state.forget()
    },
  }
}

function twoPhaseRecorder(writer: TwoPhaseWriter, state: StateStore): Recorder {
  const goOn = async (record: Stored, targets: readonly Target[]): Promise<RunRecord> => {
    const compare = async () => {
      const published = await writer.marks(record.job)
      if (published?.run === record.run) compareMarks(record, published.marks, targets)
    }
    await writer.commit(record.committables)
    await compare()
    await writer.prepare(record, targets, false, [])
    // Until then an engine with a copy of the state could still publish.
    await compare()
    return record
  }
  return {
    find: async (job, mustKnow) => {
      const found = await state.find()
      const published = await writer.marks(job)
      if (mustKnow && published && !published.finished && published.run !== found?.run) {
        throw engineErrors.stateMissing({ job, run: published.run, target: 'The target' })
      }
      return found
    },
    begin: async (run, targets, splits, memo) => {
      const record = await state.begin(run, splits, memo)
      await writer.prepare(record, targets, true, [])
      return record
    },
    claim: async (run, targets) => goOn(await state.claim(run), targets),
    reclaim: async (run, targets) => {
      const record = await state.reclaim(run)
      // Refused when an engine with a copy of the state has taken the run over; then nothing may be published any more.
      await writer.prepare(record, targets, false, record.committables)
      return goOn(record, targets)
    },
    finish: async (run, targets) => {
      await writer.finish(run, targets)
      await state.finish()
    },
  }
}

/** After the re-commit, what has been published and what the state says must be the same point, or rows would be lost or repeated. */
function compareMarks(record: RunRecord, marks: readonly Progress[], targets: readonly Target[]): void {
  const recorded = new Map(record.splits.map(known => [known.split.id, known]))
  for (const mark of marks) {
    const known = recorded.get(mark.split)
    if (known?.done !== mark.done || !isDeepStrictEqual(known.position, mark.position)) {
      throw engineErrors.marksDiffer({ split: mark.split, target: targets.map(({ name }) => name).join(', ') })
    }
  }
}

function plainRecorder(writer: PlainWriter, state: StateStore): Recorder {
  const goOn = async (record: RunRecord, targets: readonly Target[]): Promise<RunRecord> => {
    await writer.prepare(record, targets, false)
    return record
  }
  return {
    find: () => state.find(),
    begin: async (run, targets, splits, memo) => {
      const record = await state.begin(run, splits, memo)
      await writer.prepare(record, targets, true)
      return record
    },
    claim: async (run, targets) => goOn(await state.claim(run), targets),
    reclaim: async (run, targets) => goOn(await state.reclaim(run), targets),
    finish: async (run, targets) => {
      await writer.finish(run, targets)
      await state.finish()
    },
  }
}
