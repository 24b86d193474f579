import { defineErrors } from '#errors'

export const streamErrors = defineErrors('stream', {
  noCollector: {
    fault: 'usage',
    message: (d: { name: string; seconds: number }) => `No collector "${d.name}" has taken rows for ${d.seconds} seconds.`,
    hint: () =>
      'Make a `Collector` of that name in the process that runs the job and keep its event loop free, or remove `collect`.',
  },
})
