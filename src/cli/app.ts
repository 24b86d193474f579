/** The commands, their flags and help. What they do is loaded when one is called. */
import { buildApplication, buildCommand, buildRouteMap, text_en } from '@stricli/core'
import type { CliContext } from './command.ts'
import type { DirtyFlags, ExportFlags, ShowFlags } from './commands/dirty.ts'
import type { RunFlags } from './commands/run.ts'
import type { TortureFlags } from './commands/torture.ts'
import type { VerifyFlags } from './commands/verify.ts'
import type { JobFlags } from './load-spec.ts'

interface JsonFlag {
  readonly json?: boolean
}

const text = (brief: string, placeholder?: string) =>
  ({ kind: 'parsed', parse: String, brief, optional: true, ...(placeholder === undefined ? {} : { placeholder }) }) as const
const yes = (brief: string) => ({ kind: 'boolean', brief, optional: true, withNegated: false }) as const

const job = {
  kind: 'tuple',
  parameters: [{ parse: String, brief: 'Job file: FlinkX or ChunJun JSON, or a native YAML or JSON file.', placeholder: 'job' }],
} as const

const jobFlags = {
  compat: text('Dialect of a FlinkX file: flinkx-1.10, chunjun-1.12, chunjun-1.16 or auto (default).', 'dialect'),
  parameters: text('Values for ${key} in the job file, as FlinkX\'s -p: "k=v,k2=v2".', 'list'),
  confProp: text("ChunJun's -confProp, as JSON: the keys of `chunjun.dirty-data` count.", 'json'),
  name: text('Name of the job; wins over the one in the file.'),
  stateDir: text('Folder for checkpoints and history (default .sluice).', 'folder'),
  maxMemory: text('Most memory for rows, for example 256MiB; wins over the setting `memory`.', 'bytes'),
  json: yes('JSON lines on standard output instead of text.'),
} as const

const run = buildCommand<RunFlags, [string], CliContext>({
  loader: async () => (await import('./commands/run.ts')).run,
  parameters: {
    positional: job,
    flags: {
      ...jobFlags,
      resume: yes('Go on with the unfinished run of this job, if there is one.'),
      fresh: yes('Begin anew, even when the job file says isRestore.'),
      runId: text('Id given by a scheduler: retrying a finished run does nothing, retrying an unfinished one goes on.', 'id'),
    },
  },
  docs: {
    brief: 'Run a job to its end.',
    fullDescription:
      'The first Ctrl-C commits what is there and stops, the second stops at once. Either way --resume goes on later.',
  },
})

const plan = buildCommand<JobFlags & JsonFlag, [string], CliContext>({
  loader: async () => (await import('./commands/plan.ts')).plan,
  parameters: { positional: job, flags: jobFlags },
  docs: { brief: 'Show what a job would do; opens connections, changes nothing.' },
})

const validate = buildCommand<JobFlags & JsonFlag, [string], CliContext>({
  loader: async () => (await import('./commands/validate.ts')).validate,
  parameters: { positional: job, flags: jobFlags },
  docs: { brief: 'Check a job file and its options, without any connection.' },
})

const verify = buildCommand<VerifyFlags, [string], CliContext>({
  loader: async () => (await import('./commands/verify.ts')).verify,
  parameters: {
    positional: job,
    flags: { ...jobFlags, rows: text('Most differing rows to name per table (default 20).', 'count') },
  },
  docs: { brief: 'Compare source and target of a job, by counts and checksums per key range.' },
})

const list = buildCommand<JsonFlag, [], CliContext>({
  loader: async () => (await import('./commands/connectors.ts')).list,
  parameters: { flags: { json: jobFlags.json } },
  docs: { brief: 'List the connectors.' },
})

const show = buildCommand<JsonFlag, [string], CliContext>({
  loader: async () => (await import('./commands/connectors.ts')).show,
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [{ parse: String, brief: 'Name of the connector, native or as in FlinkX.', placeholder: 'name' }],
    },
    flags: { json: jobFlags.json },
  },
  docs: { brief: 'Show what a connector can do and all its options.' },
})

const runFlag = { run: text('Only the rows of this run.', 'id') } as const

const dirtyList = buildCommand<DirtyFlags, [string], CliContext>({
  loader: async () => (await import('./commands/dirty.ts')).list,
  parameters: { positional: job, flags: { ...jobFlags, ...runFlag } },
  docs: { brief: 'Count the rows that runs of a job have set aside, by reason.' },
})

const dirtyShow = buildCommand<ShowFlags, [string], CliContext>({
  loader: async () => (await import('./commands/dirty.ts')).show,
  parameters: { positional: job, flags: { ...jobFlags, ...runFlag, rows: text('Most rows to show (default 20).', 'count') } },
  docs: { brief: 'Show them, with reason, place and values.' },
})

const dirtyExport = buildCommand<ExportFlags, [string], CliContext>({
  loader: async () => (await import('./commands/dirty.ts')).exportRows,
  parameters: {
    positional: job,
    flags: { ...jobFlags, ...runFlag, table: yes('Copy them into the table that the job names in `dirty.table` instead.') },
  },
  docs: {
    brief: 'Print their values as JSON Lines, or copy them into a table.',
    fullDescription:
      'A run copies its rows when it has finished; with --table, what is still missing is copied: exactly once, like a run. The rows of an unfinished run follow when it has finished.',
  },
})

const dirtyReplay = buildCommand<DirtyFlags, [string], CliContext>({
  loader: async () => (await import('./commands/dirty.ts')).replay,
  parameters: { positional: job, flags: { ...jobFlags, ...runFlag } },
  docs: {
    brief: 'Write them again, after their cause is gone; what still fails stays set aside.',
    fullDescription:
      'Exactly once, like a run: a replay that was interrupted goes on when it is called again. preSql and postSql are not executed. Rows of a run that was left behind are written with `--run` only: the one that was begun instead has met them again.',
  },
})

const dirty = buildRouteMap({
  routes: { list: dirtyList, show: dirtyShow, export: dirtyExport, replay: dirtyReplay },
  docs: { brief: 'Rows that could not be written and were set aside (`errorLimit`).' },
})

const connectors = buildRouteMap({
  routes: { list, show },
  defaultCommand: 'list',
  docs: { brief: 'What Sluice can read and write.' },
})

const torture = buildCommand<TortureFlags, [], CliContext>({
  loader: async () => (await import('./commands/torture.ts')).torture,
  parameters: {
    flags: {
      postgres: text('PostgreSQL to make throw-away databases on; existing ones are not touched.', 'url'),
      mysql: text('MySQL or MariaDB to make throw-away databases on.', 'url'),
      postgresRestart: text(
        'Shell command that kills that PostgreSQL and starts it again; without it no server is killed.',
        'command',
      ),
      mysqlRestart: text('The same for MySQL or MariaDB.', 'command'),
      rounds: text('Rounds of each fault on each pair, ten times as many of kill -9 (default 3).', 'count'),
      seed: text('Number that all random moments follow from; a random one by default.', 'number'),
      faults: text('Only these faults, separated by commas.', 'list'),
      pairs: text('Only these pairs, for example postgres-mysql,csv-postgres.', 'list'),
      freezeSeconds: text('How long a frozen job stands still (default 60).', 'seconds'),
      report: text('Write the result to this file, as JSON.', 'file'),
      continue: text('Go on behind the rounds of this result, with its seed, and add to it.', 'file'),
      json: jobFlags.json,
    },
  },
  docs: {
    brief: 'Break jobs in all ways we know and count what is lost or repeated.',
    fullDescription:
      'Jobs of its own between databases of its own, killed, stopped, frozen, cut off, started twice. Every round ends with a comparison of keys and content. Needs the packages pg and mysql2, because rows are judged by other clients than those that moved them.',
  },
})

const inKebabCase = (flag: string) => flag.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

const routes = { run, plan, validate, verify, dirty, torture, connectors } as const

export const app = buildApplication(
  buildRouteMap({ routes, docs: { brief: 'Moves rows between systems: exactly once, at the speed of the servers.' } }),
  {
    name: 'sluice',
    localization: {
      text: {
        ...text_en,
        // Stricli spells the flags that it suggests as their names are spelt in the code.
        exceptionWhileParsingArguments: (error, ansi) =>
          text_en.exceptionWhileParsingArguments.call(text_en, error, ansi).replace(/--\w+/g, inKebabCase),
      },
    },
    scanner: { caseStyle: 'allow-kebab-for-camel' },
    documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: process.env['NO_COLOR'] !== undefined },
  },
)
