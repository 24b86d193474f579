/** From a job file and flags to what the engine runs. */
import * as catalog from '#catalog'
import { DEFAULT_LIMITS, DEFAULT_RESTART, type JobSpec, type Limits } from '#engine'
import { jobIdentity, loadJob, parseCompat, parseParameters, secretsOf, type Job, type Settings, type Warning } from '#job'

export interface JobFlags {
  readonly compat?: string
  /** FlinkX's `-p`: `k=v,k2=v2`. */
  readonly parameters?: string
  readonly name?: string
  readonly stateDir?: string
}

export interface LoadedSpec {
  readonly job: Job
  readonly spec: JobSpec
  readonly warnings: readonly Warning[]
  /** What must never be printed. */
  readonly secrets: readonly string[]
  /** Whether the job file itself asks to go on with an unfinished run. */
  readonly isRestore: boolean
}

export async function loadSpec(file: string, flags: JobFlags): Promise<LoadedSpec> {
  const { job, source, sink, warnings } = await loadJob(file, {
    catalog: { names: catalog.names, has: catalog.has, load: catalog.load },
    compat: parseCompat(flags.compat),
    ...(flags.parameters === undefined ? {} : { parameters: parseParameters(flags.parameters) }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
  })
  const { settings } = job
  const resumeColumn = resumeColumnOf(settings, source)
  const spec: JobSpec = {
    id: jobIdentity(job),
    source: { connector: job.source.connector, options: source },
    // `ledger: none` of the job holds for the sink, which may also say so itself.
    sink: { connector: job.sink.connector, options: settings.ledger === 'none' ? { ...sink, ledger: 'none' } : sink },
    readers: settings.readerChannels ?? settings.channels,
    writers: settings.writerChannels ?? settings.channels,
    ...(resumeColumn === undefined ? {} : { resumeColumn }),
    limits: limitsOf(settings),
    restart: DEFAULT_RESTART,
    checkpointSeconds: (settings.checkpointInterval ?? DEFAULT_CHECKPOINT_MS) / 1000,
    stateDir: flags.stateDir ?? settings.stateDir,
  }
  return { job, spec, warnings, secrets: secretsOf(job), isRestore: settings.restore.isRestore }
}

/** Sinks that publish files make one file per checkpoint, so the time between two is not short. */
const DEFAULT_CHECKPOINT_MS = 30_000

function limitsOf({ restore, checkpointInterval }: Settings): Limits {
  const commitRows = restore.maxRowNumForCheckpoint ?? DEFAULT_LIMITS.commitRows
  return { ...DEFAULT_LIMITS, commitRows, commitMs: checkpointInterval ?? DEFAULT_LIMITS.commitMs }
}

/** FlinkX names the column, or its place among those that are read. */
function resumeColumnOf({ restore }: Settings, source: Readonly<Record<string, unknown>>): string | undefined {
  if (restore.restoreColumnName !== undefined) return restore.restoreColumnName
  const columns = source['columns']
  const index = restore.isRestore ? restore.restoreColumnIndex : undefined
  const column: unknown = Array.isArray(columns) && index !== undefined ? columns[index] : undefined
  if (typeof column === 'string') return column
  return typeof column === 'object' && column !== null && 'name' in column ? String(column.name) : undefined
}
