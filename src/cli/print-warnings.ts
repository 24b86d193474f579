import { styleText } from 'node:util'
import type { Warning } from '#job'

/** Warnings of a job file, with their places; to stderr, as data goes to stdout. */
export function printWarnings(warnings: readonly Warning[], json: boolean): void {
  for (const warning of warnings) {
    if (json) process.stdout.write(`${JSON.stringify({ event: 'warning', ...warning })}\n`)
    else
      process.stderr.write(
        `${styleText('yellow', 'warning')} ${warning.place === undefined ? '' : `${warning.place} `}${warning.message}\n`,
      )
  }
}
