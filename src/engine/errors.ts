import { defineErrors } from '#errors'

const mebibytes = (bytes: number) => Math.round((bytes / 1024 ** 2) * 100) / 100

export const engineErrors = defineErrors('engine', {
  nothingToRead: {
    fault: 'usage',
    message: () => 'The options of the source select nothing to read.',
    hint: () => 'Check table names, paths and patterns; `sluice plan` lists what is found.',
  },
  castImpossible: {
    fault: 'usage',
    message: (d: { dataset: string; target: string; column: string; from: string; to: string }) =>
      `${d.dataset} → ${d.target}, column "${d.column}": ${d.from} cannot become ${d.to} without inventing or losing something.`,
    hint: () => 'Change the type of the target column, or convert in the source with a query (`customSql`).',
  },
  changelogRefused: {
    fault: 'usage',
    message: (d: { source: string; sink: string; changelog: string }) =>
      `${d.sink} cannot apply the ${d.changelog} changes that ${d.source} produces.`,
    hint: () => 'Choose another sink, or a source that reads rows once.',
  },
  sameTarget: {
    fault: 'usage',
    message: (d: { target: string; datasets: string }) => `${d.datasets} would all be written to ${d.target}.`,
    hint: () => 'Give each table a target of its own, or run one job per table.',
  },
  jobChanged: {
    fault: 'usage',
    message: (d: { job: string; run: string; began: string }) =>
      `Job ${d.job} cannot go on with run ${d.run} (begun ${d.began}): its tables, columns, types, conditions or query have changed since.`,
    hint: () =>
      'Undo the change (a value for `-p` counts, too) to go on with that run, or start afresh with `--fresh` after looking at what the target holds.',
  },
  runUnknown: {
    fault: 'usage',
    message: (d: { job: string; run: string; newest: string }) =>
      `Run ${d.run} of job ${d.job} is not the newest one (${d.newest}).`,
    hint: () => 'Give the id of the newest run to go on with it, or a new id to start another.',
  },
  locked: {
    fault: 'usage',
    message: (d: { job: string; pid: number }) => `Job ${d.job} is already running here, as process ${d.pid}.`,
    hint: (d: { place: string }) => `Wait for it or end it. If that process is something else by now, remove ${d.place}.`,
  },
  stateTorn: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) => `The state file ${d.file} is damaged: ${d.reason}.`,
    hint: () => 'Restore it from a copy, or look at what the target holds and start afresh with `--fresh`.',
  },
  stateUnwritable: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) => `Cannot write the state file ${d.file}: ${d.reason}.`,
    hint: () => 'Free space or grant access, or choose another place with `--state-dir`; then run again to go on.',
  },
  stateMissing: {
    fault: 'usage',
    message: (d: { job: string; run: string; target: string }) =>
      `${d.target} holds rows of run ${d.run} of job ${d.job}, but the state of that run is gone.`,
    hint: () => 'Restore the state directory, or empty the target and start afresh with `--fresh`.',
  },
  marksDiffer: {
    fault: 'usage',
    message: (d: { split: string; target: string }) =>
      `State and target disagree about split ${d.split} in ${d.target}: the state is older than what has been published.`,
    hint: () =>
      'An old copy of the state directory was restored. Bring back the newest one, or empty the target and start afresh with `--fresh`.',
  },
  workerLost: {
    fault: 'transient',
    message: (d: { worker: number; reason: string }) => `Worker ${d.worker} ended unexpectedly: ${d.reason}.`,
    hint: () => 'When this repeats, lower the batch size or the number of channels; it may be short of memory.',
  },
  gaveUp: {
    fault: 'transient',
    message: (d: { attempts: number; reason: string }) =>
      `Gave up after ${d.attempts} failed ${d.attempts === 1 ? 'attempt' : 'attempts'}. ${d.reason}`,
    hint: () => 'Nothing is lost: run the job again with `--resume` when the cause is gone.',
  },
  tooManyBadRows: {
    fault: 'data',
    message: (d: { bad: number; limit: string; last: string }) =>
      `${d.bad} rows cannot be written; the job allows ${d.limit}.${d.last}`,
    hint: () => 'Correct the rows, or raise `errorLimit`. `sluice dirty show` lists them; the run can go on with --resume.',
  },
  badRowsShared: {
    // Whoever has lost the run hears so when it tries to go on; the other one writes its rows again.
    fault: 'transient',
    message: (d: { file: string }) => `Somebody else writes to ${d.file}, where rows are set aside.`,
    hint: () => 'Another engine has taken the run over, or a person has changed the file. The run goes on from the last commit.',
  },
  badRowsUnwritable: {
    fault: 'usage',
    message: (d: { file: string; reason: string }) => `Cannot store the rows that were set aside in ${d.file}: ${d.reason}.`,
    hint: () =>
      'Free space or grant access, or choose another place (`--state-dir`, or `dirty.path` of the job); then run again with --resume.',
  },
  memoryTooSmall: {
    fault: 'usage',
    message: (d: { memory: number; needed: number; channels: number }) =>
      `${mebibytes(d.memory)} MiB of memory are too few for ${d.channels} ${d.channels === 1 ? 'channel' : 'channels'}.`,
    hint: (d: { needed: number }) =>
      `Give the job at least \`--max-memory ${Math.ceil(mebibytes(d.needed))}MiB\` (setting \`memory\`), or run it with fewer channels.`,
  },
  notReadable: {
    fault: 'usage',
    message: (d: { target: string; sink: string }) => `${d.target} cannot be read back: ${d.sink} has no reader for it.`,
    hint: () => 'Compare with the tools of that system.',
  },
  incomparable: {
    fault: 'data',
    message: (d: { dataset: string; column: string; type: string; reason: string }) =>
      `${d.dataset}, column "${d.column}" holds a value that is no ${d.type}: ${d.reason}.`,
    hint: () => 'That row cannot have been written; the target differs there.',
  },
  badFrame: {
    fault: 'transient',
    message: (d: { type: number; length: number; sequence: string }) =>
      `The worker stream is out of step (frame type ${d.type}, ${d.length} bytes, number ${d.sequence}).`,
    hint: () => 'Something else than the worker writes to its standard output.',
  },
  sharedReader: {
    fault: 'bug',
    message: (d: { split: string }) => `Split ${d.split} was cut off between reader and writer.`,
  },
})
