import { cliErrors } from './errors.ts'

/** SIGINT and SIGTERM: the first asks to commit and stop, the second stops at once. */
export function stopSignals(onDrain: () => void): Disposable & { readonly drain: AbortSignal; readonly abort: AbortSignal } {
  const drain = new AbortController()
  const abort = new AbortController()
  const stop = () => {
    if (drain.signal.aborted) abort.abort(cliErrors.interrupted({}))
    else {
      onDrain()
      drain.abort()
    }
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return {
    drain: drain.signal,
    abort: abort.signal,
    [Symbol.dispose]: () => void process.off('SIGINT', stop).off('SIGTERM', stop),
  }
}
