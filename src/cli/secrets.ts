/** What this process knows to be secret. All that is said about a job goes through here; the rows themselves do not. */
import type { SluiceError } from '#errors'
import { redact, redactError, redactJson } from '#job'

let secrets: readonly string[] = []

/** From now on these are not printed; longest first. */
export function keepSecret(more: readonly string[]): void {
  secrets = more
}

export const safeText = (text: string): string => redact(text, secrets)

/** One line of JSON. */
export const safeLine = (value: object): string => `${redactJson(value, secrets)}\n`

export const safeError = (error: SluiceError): SluiceError => redactError(error, secrets)

/** Flags whose value is for the job alone: FlinkX's and ours. */
const PRIVATE_FLAGS = /^--?(?:p|parameters|confProp|conf-prop)$/

/** The command line as other users of the machine may see it. */
export function publicTitle(args: readonly string[]): string {
  const shown = args.map((argument, at) => {
    if (PRIVATE_FLAGS.test(args[at - 1] ?? '')) return '***'
    const [flag = ''] = argument.split('=', 1)
    return PRIVATE_FLAGS.test(flag) && flag !== argument ? `${flag}=***` : argument
  })
  return ['sluice', ...shown].join(' ')
}
