/** Entry of a worker thread: speaks with its coordinator over the thread's port. */
import { parentPort } from 'node:worker_threads'
import { source, sink } from '#catalog'
import { portEndpoint } from './endpoint.ts'
import { serveWorker } from './worker.ts'

if (parentPort === null) throw new Error('worker-thread.ts runs only as a worker thread')
await serveWorker(portEndpoint(parentPort), { source, sink })
parentPort.close()
