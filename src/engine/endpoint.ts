/**
 * A two-way channel of messages between coordinator and worker, whatever carries it.
 * Messages arrive in order; none arrives before `onMessage` is set.
 */
import type { MessagePort, Transferable, Worker } from 'node:worker_threads'

export interface Endpoint<Out, In> {
  send(message: Out, transfer?: readonly Transferable[]): void
  onMessage(handler: (message: In) => void): void
  /** The other side is gone, with the reason when there is one. Called at most once. */
  onEnd(handler: (reason: Error | undefined) => void): void
  close(): void
}

/** A port of worker_threads; the same from both sides. */
export function portEndpoint<Out, In>(port: MessagePort): Endpoint<Out, In> {
  return {
    send: (message, transfer) => port.postMessage(message, transfer ?? []),
    onMessage: handler => void port.on('message', handler),
    onEnd: handler => void port.once('close', () => handler(undefined)),
    close: () => port.close(),
  }
}

/** A worker thread as its coordinator sees it. */
export function threadEndpoint<Out, In>(thread: Worker): Endpoint<Out, In> {
  return {
    send: (message, transfer) => thread.postMessage(message, transfer ?? []),
    onMessage: handler => void thread.on('message', handler),
    onEnd: handler => {
      let failure: Error | undefined
      thread.once('error', error => (failure = error))
      thread.once('exit', code => handler(failure ?? (code === 0 ? undefined : new Error(`exit code ${code}`))))
    },
    close: () => void thread.terminate(),
  }
}
