export { namedValues } from './bad-row-file.ts'
export { rowsOfSet, type BadRowSet } from './bad-row-sets.ts'
export { copyBadRows, type CopyReport } from './bad-row-table.ts'
export { streamEndpoint } from './frames.ts'
export { portEndpoint, threadEndpoint, type Endpoint } from './endpoint.ts'
export { type Meter } from './messages.ts'
export { addMeters } from './meter.ts'
export type { MemoryPlan } from './memory.ts'
export { type ColumnPlan, type DatasetPlan, type Plan } from './plan.ts'
export { badRowSetsOf, replayBadRows, type ReplayReport } from './replay-bad-rows.ts'
export { runJob, withPlan, type RunEvent, type RunOptions, type RunReport } from './run.ts'
export {
  DEFAULT_LIMITS,
  DEFAULT_RESTART,
  NO_RESTART,
  type EndSpec,
  type JobSpec,
  type Limits,
  type RestartPolicy,
} from './spec.ts'
export { serveWorker, type Connectors } from './worker.ts'
export { verifyDataset, type DatasetVerdict } from './verify.ts'
