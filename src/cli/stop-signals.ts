import { cliErrors } from './errors.ts'
import { EXIT_CODES } from './exit-codes.ts'

/** So long an abort may take to close what is open. */
const ABORT_MS = 900

export interface StopSignals extends Disposable {
  readonly drain: AbortSignal
  readonly abort: AbortSignal
}

/** SIGINT and SIGTERM: the first asks to commit and stop, the second stops at once. */
export function stopSignals(onDrain: () => void): StopSignals {
  const drain = new AbortController()
  const abort = new AbortController()
  const stop = () => {
    if (drain.signal.aborted) {
      abort.abort(cliErrors.interrupted({}))
      // What hangs in the operating system (a dead network drive) cannot be aborted; the process can.
      setTimeout(() => process.exit(EXIT_CODES.transient.code), ABORT_MS).unref()
    } else {
      onDrain()
      drain.abort(cliErrors.stoppedEarly({}))
    }
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return {
    drain: drain.signal,
    abort: abort.signal,
    [Symbol.dispose]: () => void process.off('SIGINT', stop).off('SIGTERM', stop),
  }
}
