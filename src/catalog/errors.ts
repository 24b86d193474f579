import { defineErrors } from '#errors'

export const catalogErrors = defineErrors('catalog', {
  unknownConnector: {
    fault: 'usage',
    message: (d: { kind: string; name: string }) => `There is no ${d.kind} "${d.name}".`,
    hint: (d: { known: readonly string[] }) => `Known connectors: ${d.known.join(', ')}. \`sluice connectors\` describes them.`,
  },
})
