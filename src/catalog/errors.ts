import { defineErrors } from '#errors'

interface Unknown {
  readonly kind: string
  readonly name: string
  /** FlinkX has it. */
  readonly isPlanned: boolean
  /** The name here of what was asked for by another. */
  readonly meant?: string
  readonly known: readonly string[]
}

export const catalogErrors = defineErrors('catalog', {
  unknownConnector: {
    fault: 'usage',
    message: ({ kind, name, isPlanned }: Unknown) =>
      isPlanned ? `The ${kind} "${name}" of FlinkX is not available yet.` : `There is no ${kind} "${name}".`,
    hint: ({ meant, known }: Unknown) =>
      `${meant === undefined ? '' : `Did you mean "${meant}"? `}Known connectors: ${known.join(', ')}. \`sluice connectors\` describes them.`,
  },
})
