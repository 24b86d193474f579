/** Errors of the benchmarks. */
import { defineErrors } from '#errors'

export const errors = defineErrors('bench', {
  unknownName: {
    fault: 'usage',
    message: ({ name }: { name: string; known: string }) => `There is no benchmark called "${name}".`,
    hint: ({ known }: { name: string; known: string }) => `Choose one or more of ${known}.`,
  },
  partialWrite: {
    fault: 'usage',
    message: () => 'Only a whole run may be written to docs/benchmarks.md.',
    hint: () => 'Leave out names, --rows and --rounds.',
  },
  commandFailed: {
    fault: 'bug',
    message: ({ command, code, output }: { command: string; code: number | string; output: string }) =>
      `${command} ended with ${code}:\n${output}`,
  },
  wrongRows: {
    fault: 'bug',
    message: ({ run, wanted, found }: { run: string; wanted: string; found: string }) =>
      `${run} has left other rows in the target than the source has: ${found} instead of ${wanted}.`,
  },
  noRow: {
    fault: 'bug',
    message: ({ seconds }: { seconds: number }) => `No row has come within ${seconds} seconds.`,
  },
})
