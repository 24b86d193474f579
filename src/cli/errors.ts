import { defineErrors } from '#errors'

export const cliErrors = defineErrors('cli', {
  interrupted: {
    fault: 'transient',
    message: () => 'Stopped at once by the second signal; rows since the last commit were not kept.',
    hint: () => 'Run the job again with `--resume` to go on from the last commit.',
  },
  stoppedEarly: {
    fault: 'transient',
    message: () => 'Stopped before the run had begun; nothing was changed.',
    hint: () => 'Run the job again.',
  },
  conflictingFlags: {
    fault: 'usage',
    message: (d: { flags: string }) => `${d.flags} contradict each other.`,
    hint: () => 'Give one of them.',
  },
  badMemory: {
    fault: 'usage',
    message: (d: { text: string }) => `"${d.text}" is no amount of memory.`,
    hint: () => 'Write a number with a unit, for example `--max-memory 256MiB`.',
  },
  badCount: {
    fault: 'usage',
    message: (d: { flag: string; text: string }) => `--${d.flag} is "${d.text}", not a whole number from 1.`,
    hint: () => 'Write digits only.',
  },
  noBadRows: {
    fault: 'usage',
    message: (d: { run: string; runs: string }) => `No rows of run ${d.run} are set aside; runs that have some: ${d.runs}.`,
    hint: () => 'Leave `--run` out to see all, or give the same `--state-dir` and `--name` as the run had.',
  },
  noBadRowTable: {
    fault: 'usage',
    message: () => 'The job names no table for rows that are set aside.',
    hint: () => 'Name its connector and options in the setting `dirty.table`; `dirty export` without --table prints the rows.',
  },
  modeUnknown: {
    fault: 'usage',
    message: (d: { mode: string }) => `Mode "${d.mode}" is not available; this version runs jobs with \`-mode local\`.`,
    hint: () => 'Leave `-mode` out or write `-mode local`.',
  },
  flagRefused: {
    fault: 'usage',
    message: (d: { flag: string; why: string }) => `The FlinkX flag \`-${d.flag}\` is not supported: ${d.why}.`,
    hint: () => 'Remove it from the command line.',
  },
})
