/** Loaded into a process before its program (`--import`): on SIGUSR2 the thread that it started last ends without a word. */
import { syncBuiltinESMExports } from 'node:module'
import threads, { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  let last: threads.Worker | undefined
  threads.Worker = new Proxy(threads.Worker, {
    construct: (original, args: ConstructorParameters<typeof threads.Worker>) => (last = new original(...args)),
  })
  syncBuiltinESMExports()
  process.on('SIGUSR2', () => void last?.terminate())
}
