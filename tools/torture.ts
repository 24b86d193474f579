/** `npm run torture`: `sluice torture` on test servers of its own. Takes the same flags. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type ServerFacts, startServer } from './servers/index.ts'

const program = join(import.meta.dirname, '../bin/sluice')

await using postgres = await startServer('postgres-15')
await using mysql = await startServer('mysql-9')
const args = ['torture', '--postgres', urlOf(postgres), '--mysql', urlOf(mysql), ...process.argv.slice(2)]
const child = spawn(program, args, { stdio: 'inherit' })
// It hears Ctrl-C itself, and removes its databases before the servers go.
process.on('SIGINT', () => {}).on('SIGTERM', () => child.kill('SIGTERM'))
const [code] = (await once(child, 'close')) as [number | null]
process.exitCode = code ?? 1

function urlOf({ kind, host, port, user, password }: ServerFacts): string {
  return `${kind}://${user}:${encodeURIComponent(password)}@${host}:${port}/`
}
