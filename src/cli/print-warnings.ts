import { styleText } from 'node:util'
import type { Warning } from '#job'
import { safeLine, safeText } from './secrets.ts'

/** Warnings of a job file, with their places; to stderr, as data goes to stdout. */
export function printWarnings(warnings: readonly Warning[], json: boolean): void {
  for (const warning of warnings) {
    if (json) process.stdout.write(safeLine({ event: 'warning', ...warning }))
    else
      process.stderr.write(
        `${styleText('yellow', 'warning')} ${warning.place === undefined ? '' : `${warning.place} `}${safeText(warning.message)}\n`,
      )
  }
}
