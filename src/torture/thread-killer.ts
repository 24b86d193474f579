/** Loaded into a process before its program (`--import`): on SIGUSR2 the thread that it started last ends without a word. */
import { syncBuiltinESMExports } from 'node:module'
import threads, { isMainThread, Worker } from 'node:worker_threads'

if (isMainThread) {
  let last: Worker | undefined
  threads.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      last = this
    }
  }
  syncBuiltinESMExports()
  process.on('SIGUSR2', () => void last?.terminate())
}
