/** `npm run torture`: `sluice torture` of the package as it is published, on test servers of its own. Takes the same flags. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Server, type ServerFacts, startServer } from './servers/index.ts'
import { unpackSluice } from './unpack.ts'

/** How long a killed server stays away. */
const DOWN_MS = 1000

// Below the clone, where the package finds the clients that judge.
await using folder = await mkdtempDisposable(join(import.meta.dirname, '../node_modules/.cache/torture-'))
const [program = '', ...main] = await unpackSluice(folder.path)
await using postgres = await startServer('postgres-15', { own: true })
await using mysql = await startServer('mysql-9', { own: true })
const args = [
  ...main,
  ...['torture', '--postgres', urlOf(postgres), '--postgres-restart', restartBy('SIGUSR1', postgres)],
  ...['--mysql', urlOf(mysql), '--mysql-restart', restartBy('SIGUSR2', mysql)],
  ...process.argv.slice(2),
]
const child = spawn(program, args, { stdio: 'inherit' })
// It hears Ctrl-C itself, and removes its databases before the servers go.
process.on('SIGINT', () => {}).on('SIGTERM', () => child.kill('SIGTERM'))
const [code] = (await once(child, 'close')) as [number | null]
process.exitCode = code ?? 1

/** A command that kills the server and starts it again: it asks this process to. */
function restartBy(signal: 'SIGUSR1' | 'SIGUSR2', server: Server): string {
  process.on(signal, async () => {
    await server.kill()
    await sleep(DOWN_MS)
    await server.restart()
  })
  return `kill -s ${signal.slice(3)} ${process.pid}`
}

function urlOf({ kind, host, port, user, password }: ServerFacts): string {
  return `${kind}://${user}:${encodeURIComponent(password)}@${host}:${port}/`
}
