/** From a job file and flags to what the engine runs. */
import * as catalog from '#catalog'
import { DEFAULT_LIMITS, DEFAULT_RESTART, NO_RESTART, type JobSpec, type Limits, type RestartPolicy } from '#engine'
import {
  jobIdentity,
  loadJob,
  localFolder,
  parseBytes,
  parseCompat,
  parseParameters,
  secretsOf,
  type Job,
  type LoadedJob,
  type Settings,
  type Warning,
} from '#job'
import { cliErrors } from './errors.ts'
import { keepSecret } from './secrets.ts'

export interface JobFlags {
  readonly compat?: string
  /** FlinkX's `-p`: `k=v,k2=v2`. */
  readonly parameters?: string
  /** ChunJun's `-confProp`: JSON. */
  readonly confProp?: string
  readonly name?: string
  readonly stateDir?: string
  readonly maxMemory?: string
}

export interface LoadedSpec {
  readonly job: Job
  readonly spec: JobSpec
  readonly warnings: readonly Warning[]
  /** Whether the job file itself asks to go on with an unfinished run. */
  readonly isRestore: boolean
}

export async function loadSpec(file: string, flags: JobFlags): Promise<LoadedSpec> {
  const { job, source, sink, dirtyTable, warnings } = await loadJob(file, {
    catalog: { names: catalog.names, has: catalog.has, load: catalog.load },
    compat: parseCompat(flags.compat),
    ...(flags.confProp === undefined ? {} : { confProp: flags.confProp }),
    ...(flags.parameters === undefined ? {} : { parameters: parseParameters(flags.parameters) }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
  })
  const { settings } = job
  const resumeColumn = resumeColumnOf(job, source)
  const spec: JobSpec = {
    id: jobIdentity(job),
    source: { connector: job.source.connector, options: source },
    // `ledger: none` of the job holds for the sink, which may also say so itself.
    sink: { connector: job.sink.connector, options: settings.ledger === 'none' ? { ...sink, ledger: 'none' } : sink },
    readers: settings.readerChannels ?? settings.channels,
    writers: settings.writerChannels ?? settings.channels,
    ...(resumeColumn === undefined ? {} : { resumeColumn }),
    limits: limitsOf(settings),
    restart: restartOf(settings),
    checkpointSeconds: (settings.checkpointInterval ?? DEFAULT_CHECKPOINT_MS) / 1000,
    stateDir: flags.stateDir ?? settings.stateDir,
    ...memoryOf(settings, flags),
    ...badRowsOf(settings),
    ...badRowTableOf(job, dirtyTable),
  }
  keepSecret(secretsOf(job))
  return { job, spec, warnings, isRestore: settings.restore.isRestore }
}

/** The flag wins over the job file. */
function memoryOf({ memory }: Settings, { maxMemory }: JobFlags): Pick<JobSpec, 'memory'> {
  if (maxMemory === undefined) return memory === undefined ? {} : { memory }
  const bytes = parseBytes(maxMemory)
  if (bytes === undefined) throw cliErrors.badMemory({ text: maxMemory })
  return { memory: bytes }
}

/** Nothing when the first bad row is one too many. */
function badRowsOf({ errorLimit, badRows, dirty }: Settings): Pick<JobSpec, 'badRows'> {
  const { record, percentage } = errorLimit
  if (record === 0 || percentage === 0) return {}
  const folder = dirty?.path === undefined ? undefined : localFolder(dirty.path)
  const logEvery = dirty?.log?.every
  const optional = { ...(folder === undefined ? {} : { baseFolder: folder }), ...(logEvery === undefined ? {} : { logEvery }) }
  return { badRows: { limit: { record, percentage }, kinds: badRows, ...optional } }
}

/** Without its account, the table is known by what it is. */
function badRowTableOf({ dirtyTable }: Job, options: LoadedJob['dirtyTable']): Pick<JobSpec, 'badRowTable'> {
  if (dirtyTable === undefined || options === undefined) return {}
  const { connector } = dirtyTable
  const id = jobIdentity({ source: { connector: 'dirty', options: {} }, sink: dirtyTable })
  return { badRowTable: { id, sink: { connector, options } } }
}

/** Sinks that publish files make one file per checkpoint, so the time between two is not short. */
const DEFAULT_CHECKPOINT_MS = 30_000

/** A batch is at most so much of a second where there is a rate, so that it is kept smoothly. */
const BATCH_SECONDS = 0.125
/** Below this, the cost of a batch is that of its handling. */
const LEAST_BATCH_BYTES = 16 * 1024

function limitsOf(settings: Settings): Limits {
  const { restore, checkpointInterval, rowsPerSecond, bytesPerSecond } = settings
  const workers = settings.writerChannels ?? settings.channels
  const part = (rate: number | undefined, least: number, most: number) =>
    rate === undefined ? most : Math.min(most, Math.max(least, Math.floor((rate * BATCH_SECONDS) / workers)))
  return {
    ...DEFAULT_LIMITS,
    batchRows: part(rowsPerSecond, 1, DEFAULT_LIMITS.batchRows),
    batchBytes: part(bytesPerSecond, LEAST_BATCH_BYTES, DEFAULT_LIMITS.batchBytes),
    commitRows: restore.maxRowNumForCheckpoint ?? DEFAULT_LIMITS.commitRows,
    commitMs: checkpointInterval ?? DEFAULT_LIMITS.commitMs,
    ...(rowsPerSecond === undefined ? {} : { rowsPerSecond }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  }
}

/** FlinkX 1.10 obeys it in jobs without an end only, and later versions never; who writes it expects that it counts. */
function restartOf({ restart }: Settings): RestartPolicy {
  if (restart === undefined) return DEFAULT_RESTART
  const { strategy, attempts, delayInterval, failureRate, failureInterval } = restart
  if (strategy === 'noRestart') return NO_RESTART
  const delay = { firstDelayMs: delayInterval * 1000, maxDelayMs: delayInterval * 1000 }
  return strategy === 'fixedDelay'
    ? { attempts: attempts + 1, leastMs: 0, ...delay }
    : { attempts: failureRate, leastMs: 0, withinMs: failureInterval * 1000, ...delay }
}

/** FlinkX names the column, or its place among those that are read, and heeds neither in a job that does not restore. */
function resumeColumnOf({ dialect, settings }: Job, source: Readonly<Record<string, unknown>>): string | undefined {
  const { restore } = settings
  if (dialect !== 'native' && !restore.isRestore) return undefined
  if (restore.restoreColumnName !== undefined) return restore.restoreColumnName
  const columns = source['columns']
  const index = restore.isRestore ? restore.restoreColumnIndex : undefined
  const column: unknown = Array.isArray(columns) && index !== undefined ? columns[index] : undefined
  if (typeof column === 'string') return column
  return typeof column === 'object' && column !== null && 'name' in column ? String(column.name) : undefined
}
