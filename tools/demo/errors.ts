/** Errors of the demonstration. */
import { defineErrors } from '#errors'

export const errors = defineErrors('demo', {
  sluiceFailed: {
    fault: 'bug',
    message: ({ command, end }: { command: string; end: number | string }) => `sluice ${command} ended with ${end}.`,
  },
  notKilled: {
    fault: 'usage',
    message: ({ end }: { end: number | string }) => `The run ended with ${end} before it could be killed half way.`,
    hint: () => 'Use more rows: npm run demo -- --rows 1600000.',
  },
  different: {
    fault: 'bug',
    message: ({ table }: { table: string }) => `The target's ${table} is not what the source has.`,
  },
})
