import { run as runApplication, type StricliProcess } from '@stricli/core'
import { SluiceError } from '#errors'
import { problemsOf } from '#job'
import { app } from './app.ts'
import type { CliContext } from './command.ts'
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts'
import { isFlinkxLine, translateFlinkxLine } from './flinkx-flags.ts'
import { errorLine, renderError } from './print-error.ts'
import { publicTitle } from './secrets.ts'

/** Runs one command line and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  process.title = publicTitle(args)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  // Node would print what an error carries as it is, secrets included.
  process.once('uncaughtException', error => process.exit(report(SluiceError.from(error), args.includes('--json'))))
  try {
    return await runLine(isFlinkxLine(args) ? nativeLine(args) : args)
  } catch (error) {
    return report(SluiceError.from(error), args.includes('--json'))
  }
}

/** `sluice … | head`: who has read enough is no failure, and a run does not need a reader. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function nativeLine(args: readonly string[]): readonly string[] {
  const { args: translated, ignored } = translateFlinkxLine(args)
  if (ignored.length > 0) process.stderr.write(`note: -${ignored.join(', -')} concern a Flink cluster and have no effect here\n`)
  return translated
}

async function runLine(args: readonly string[]): Promise<number> {
  if (args.length === 0) {
    await runApplication(app, ['--help'], { process: process as StricliProcess, fail: () => {} })
    return EXIT_CODES.usage.code
  }
  let failure: SluiceError | undefined
  // Stricli would print and swallow what a command throws; here every failure goes through one printer.
  // Its own type of a process forbids an absent exit code to be undefined, which Node's is.
  const context: CliContext = { process: process as StricliProcess, fail: error => void (failure = SluiceError.from(error)) }
  process.exitCode = undefined
  await runApplication(app, args, context)
  if (failure !== undefined) throw failure
  const code = process.exitCode ?? 0
  // Its own codes are negative: unknown command or flag.
  return typeof code === 'number' && (code < 0 || code > 200) ? EXIT_CODES.usage.code : Number(code)
}

/** Prints all problems of an error and returns the exit code of the first. */
function report(error: SluiceError, json: boolean): number {
  for (const problem of problemsOf(error)) {
    if (json) process.stdout.write(errorLine(problem))
    else process.stderr.write(`${renderError(problem)}\n`)
  }
  return exitCodeOf(error)
}
