/** Entry of a worker process: speaks with its coordinator over stdin and stdout; whatever else writes to stdout would break the frames. */
import { sink, source } from '#catalog'
import { streamEndpoint } from './frames.ts'
import { serveWorker } from './worker.ts'

const output = process.stdout
console.log = console.error
await serveWorker(streamEndpoint(process.stdin, output), { source, sink })
process.exit(0)
