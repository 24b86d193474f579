/**
 * The settings of a job: everything that is neither source nor sink. This declaration is their only description.
 *
 * Native files write them as they stand here. FlinkX files spread them over `job.setting` and `job.setting.speed`; the names of
 * FlinkX are aliases, and the contents of `speed` are lifted to the top before they come here (flinkx.ts). Tested by check-settings.test.ts.
 */
import { z } from 'zod'

const positiveOrUnset = (value: number) => (value > 0 ? value : undefined)
const limitOrNone = (value: number | null) => (value === null || value < 0 ? null : value)
const textOrUnset = (value: string) => (value.trim() === '' ? undefined : value)

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
}

/** A number, or text with a unit: `512MiB`, `10 s`. */
function quantity(pattern: RegExp, words: string, number: z.ZodNumber = z.int().min(0)) {
  const text = z
    .string()
    .regex(pattern, words)
    .transform(value => {
      const [, number = '', unit = ''] = /^\s*([\d.]+)\s*([a-z]*)\s*$/i.exec(value) ?? []
      return Math.round(Number(number) * UNITS[unit.toLowerCase()]!)
    })
  return z.union([number, text])
}

const BYTES = /^\s*\d+(?:\.\d+)?\s*(?:[kmg]i?b?|b)?\s*$/i
const bytes = quantity(BYTES, 'a number of bytes, or text such as "512MiB"')
const milliseconds = quantity(/^\s*\d+(?:\.\d+)?\s*(?:ms|s|min|h)?\s*$/i, 'a number of milliseconds, or text such as "10s"')

/** `512MiB` as bytes; undefined for what is no amount. */
export function parseBytes(text: string): number | undefined {
  const parsed = bytes.safeParse(text)
  return parsed.success ? parsed.data : undefined
}

const errorLimit = z
  .object({
    record: z
      .int()
      .nullable()
      .default(null)
      .transform(limitOrNone)
      .describe(
        'Rows that may fail before the run stops, over all workers; what they have in hand then may add a few. A negative number or none: no limit.',
      )
      .meta({ aliases: ['records'], unit: 'rows' }),
    percentage: z
      .number()
      .nullable()
      .default(null)
      .transform(limitOrNone)
      .describe(
        'Share of the rows read that may fail before the run stops, in percent; of a run that was resumed, of the rows read since. A negative number or none: no limit.',
      )
      .meta({ unit: '%' }),
  })
  .meta({ liftsLimits: true })

const restore = z.object({
  isRestore: z.boolean().default(false).describe('Go on with the unfinished run of this job, if there is one.'),
  isStream: z.boolean().default(false).describe('The job has no end.'),
  restoreColumnName: z
    .string()
    .transform(textOrUnset)
    .optional()
    .describe('Column by which the source resumes. Without it the source chooses its key.'),
  restoreColumnIndex: z.int().optional().describe('Position of that column among those that are read, from 0. The name wins.'),
  restoreColumnType: z.string().transform(textOrUnset).optional().describe('Type of that column. The database knows it better.'),
  maxRowNumForCheckpoint: z
    .int()
    .transform(positiveOrUnset)
    .optional()
    .describe('Commit at least every so many rows. Without it, or 0, the engine chooses.')
    .meta({ unit: 'rows' }),
})

const restart = z.object({
  strategy: z
    .enum(['fixedDelay', 'failureRate', 'noRestart'])
    .default('fixedDelay')
    .describe(
      '`fixedDelay` counts the restarts without progress in between, `failureRate` the failures of the last time; `noRestart` ends the run with the first failure.',
    ),
  attempts: z
    .int()
    .min(0)
    .default(5)
    .describe('Restarts before the run fails, with `fixedDelay`.')
    .meta({ aliases: ['restartAttempts'] }),
  delayInterval: z.number().min(0).default(10).describe('Pause before a restart.').meta({ unit: 's' }),
  failureRate: z.int().min(1).default(2).describe('Failures within the interval that end the run, with `failureRate`.'),
  failureInterval: z.number().min(0).default(60).describe('Length of that interval.').meta({ unit: 's' }),
})

const log = z.object({
  isLogger: z.boolean().default(false).describe('Write a log file of this job.'),
  level: z.string().optional().describe('Least severe level that is written.'),
  path: z.string().optional().describe('Folder of the log file.'),
  pattern: z.string().optional().describe('Layout of a line, as in log4j.'),
})

const badRowAction = z.enum(['quarantine', 'fail']).default('quarantine')

const badRows = z.object({
  conversion: badRowAction.describe('A value that the target cannot hold.'),
  duplicate: badRowAction.describe('A key that the target has already.'),
  constraint: badRowAction.describe('A row that breaks another rule of the target: NOT NULL, CHECK, a foreign key.'),
})

const dirty = z.object({
  path: z
    .string()
    .transform(textOrUnset)
    .optional()
    .describe(
      'Folder for rows that are set aside. Without it, and for places that are not on this machine, the state directory.',
    ),
  hadoopConfig: z.record(z.string(), z.unknown()).optional().describe('Access to HDFS.').meta({ secret: true }),
  tableName: z
    .string()
    .transform(textOrUnset)
    .optional()
    .describe('Name that a platform gives to what lies below `path`. FlinkX writes files; `table` is what names a table here.'),
  table: z
    .looseObject({ connector: z.string().min(1).describe('Connector of the table, for example `postgres`.') })
    .optional()
    .describe(
      'Table into which the rows are copied when the run has finished: `connector` and its options as a sink. It is created when it is missing.',
    )
    .meta({ secret: true }),
  log: z
    .object({ every: z.int().min(1).default(1).describe('One row of so many, in each worker.').meta({ unit: 'rows' }) })
    .optional()
    .describe('Print rows with their values when they are set aside.'),
})

export const settingsSchema = z.strictObject({
  channels: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe('Workers that read and write at the same time.')
    .meta({ aliases: ['channel'] }),
  readerChannels: z
    .int()
    .max(1024)
    .transform(positiveOrUnset)
    .optional()
    .describe('Workers that read, when they are not as many as `channels`.')
    .meta({ aliases: ['readerChannel'], advanced: true }),
  writerChannels: z
    .int()
    .max(1024)
    .transform(positiveOrUnset)
    .optional()
    .describe('Workers that write, when they are not as many as `channels`.')
    .meta({ aliases: ['writerChannel'], advanced: true }),
  bytesPerSecond: quantity(BYTES, 'a number of bytes, or text such as "10MiB"', z.number())
    .transform(positiveOrUnset)
    .optional()
    .describe('Most bytes of values per second, over all workers. 0 or less: no limit.')
    .meta({ aliases: ['bytes'], unit: 'bytes/s', examples: ['10MiB'] }),
  rowsPerSecond: z
    .number()
    .transform(positiveOrUnset)
    .optional()
    .describe('Most rows per second, over all workers. 0 or less: no limit.')
    .meta({ aliases: ['record', 'records', 'rate'], unit: 'rows/s' }),
  rebalance: z.boolean().default(false).describe('Spread rows anew between readers and writers.').meta({ advanced: true }),
  errorLimit: errorLimit
    .default({ record: 0, percentage: 0 })
    .describe(
      'How many rows may fail. Without this section none may; in it, a limit that is not named does not exist. A section in which no key is known is refused.',
    ),
  badRows: badRows
    .prefault({})
    .describe('What happens to a bad row that the limit allows: `quarantine` sets it aside, `fail` stops the run.')
    .meta({ advanced: true }),
  restore: restore.prefault({}).describe('Resuming after a crash.'),
  dirty: dirty.optional().describe('Where rows go that are set aside.'),
  restart: restart
    .optional()
    .describe(
      'What happens after a failure that time may heal. Without it the run gives up after six attempts and five minutes without progress.',
    )
    .meta({ advanced: true }),
  log: log.optional().describe('FlinkX log file of the job.').meta({ advanced: true }),
  checkpointInterval: milliseconds
    .optional()
    .describe('Longest time between two commits.')
    .meta({ unit: 'ms', examples: ['10s', 5000] }),
  memory: bytes
    .optional()
    .describe(
      'Most memory for rows: batches, queues and protocol buffers of all workers. The runtime comes on top of it: 64 MiB, 36 MiB for each worker, 32 KiB for each column in each worker. A row that does not fit stops the run whatever `errorLimit` allows: to be set aside it would have to be held in memory.',
    )
    .meta({ unit: 'bytes', examples: ['256MiB'] }),
  ledger: z
    .enum(['auto', 'none'])
    .default('auto')
    .describe(
      '`auto`: the target records which rows it has, where it can. `none`: it does not, and rows may repeat after a crash.',
    ),
  stateDir: z.string().min(1).default('.sluice').describe('Folder for checkpoints and history.'),
  metricPluginConfig: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Metrics reporter of ChunJun.')
    .meta({ aliases: ['metricPluginConf'], advanced: true }),
  test: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Speed test and fault injection of FlinkX 1.10.')
    .meta({ advanced: true }),
})

/** The settings of a job, checked and with defaults. Undefined and null mean what the descriptions above say. */
export type Settings = z.output<typeof settingsSchema>
