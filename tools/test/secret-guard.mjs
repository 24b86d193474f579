/**
 * Loaded into every process that a test starts. In those that run `sluice`, it notes what is printed with a secret in it, whoever
 * reads that, and a process title that shows one. `test-file.ts` fails the test file then.
 *
 * Plain JavaScript, as the Node of the machine may be too old for anything else.
 */
import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const { SLUICE_PLANTED_SECRET: planted = '', SLUICE_LEAKS: leaks = '' } = process.env
const isSluice = /[\\/]cli[\\/]main\.[jt]s$/.test(process.argv[1] ?? '')

if (isMainThread && isSluice && planted !== '' && leaks !== '') {
  const secret = new RegExp(planted)
  const look = (where, text) => {
    if (secret.test(text)) appendFileSync(leaks, `${where} of ${process.title}:\n${text}\n`)
  }
  for (const name of ['stdout', 'stderr']) {
    const stream = process[name]
    const write = stream.write.bind(stream)
    stream.write = (chunk, ...rest) => {
      look(name, String(chunk))
      return write(chunk, ...rest)
    }
  }
  process.once('exit', () => look('title', process.title))
}
