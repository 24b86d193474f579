import type { CommandContext, StricliProcess } from '@stricli/core'

/** Where commands put a failure instead of throwing it, so that one place prints it. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess
  readonly fail: (error: unknown) => void
}

/** Wraps a command: its result is the exit code, its failures go to the one printer. */
export function command<Flags, Args extends readonly string[]>(
  execute: (flags: Flags, ...args: Args) => Promise<number>,
): (this: CliContext, flags: Flags, ...args: Args) => Promise<void> {
  return async function (flags, ...args) {
    try {
      process.exitCode = await execute(flags, ...args)
    } catch (error) {
      this.fail(error)
    }
  }
}
