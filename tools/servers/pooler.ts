/** PgBouncer in front of a PostgreSQL server: what happens to jobs whose address is that of a pooler. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheSubfolder } from './cache.ts'
import { errors } from './errors.ts'
import { freePort, listensOn } from './processes.ts'
import { environment, giveAway, unprivileged } from './run.ts'
import { type FileServer, reasonToSkip } from './testing.ts'
import { fileOf, installTool } from './tools.ts'

const START_TIMEOUT_MS = 60_000

/** What a test file gets: where the pooler listens, or the reason why its tests are skipped. */
export interface FilePooler {
  /** For the options of `describe` and `test`: false, or the reason. */
  readonly skip: string | false
  /** On 127.0.0.1. */
  readonly port: number
}

/**
 * A pooler for all tests of a file. It lets everybody in as the superuser of the server, who needs no password there.
 *
 * https://www.pgbouncer.org/config.html
 */
export async function filePooler({ skip, server }: FileServer, mode: 'session' | 'transaction'): Promise<FilePooler> {
  if (skip !== false) return { skip, port: 0 }
  try {
    const { port, stop } = await startPooler(server.port, server.user, mode)
    after(stop)
    return { skip: false, port }
  } catch (error) {
    return { skip: reasonToSkip(error), port: 0 }
  }
}

async function startPooler(upstream: number, user: string, mode: string) {
  const software = await installTool('pgbouncer')
  const home = await mkdtemp(join(await cacheSubfolder('running'), 'pgbouncer-'))
  await giveAway(home)
  const port = (await freePort()) ?? 0
  const [file, log] = [join(home, 'pgbouncer.ini'), join(home, 'log')]
  const settings = [
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'auth_type = any',
    `pool_mode = ${mode}`,
    `logfile = ${log}`,
  ]
  const upstreams = `* = host=127.0.0.1 port=${upstream} user=${user}`
  await writeFile(file, ['[databases]', upstreams, '[pgbouncer]', ...settings, 'unix_socket_dir ='].join('\n'))
  // Its libraries are those of another release than the machine's, perhaps.
  const loader = fileOf(software, 'usr/lib/*/ld-linux-*.so.*')
  const command = [loader, '--library-path', join(loader, '..'), join(software, 'usr/sbin/pgbouncer'), '-q', file]
  const [program = '', ...args] = unprivileged(command)
  const child = spawn(program, args, { env: environment, stdio: 'ignore' })
  const ended = once(child, 'close')
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(home, { recursive: true, force: true })
  }
  for (const end = performance.now() + START_TIMEOUT_MS; !(await listensOn(child.pid ?? 0, port)); await sleep(20)) {
    if (child.exitCode === null && performance.now() < end) continue
    const said = await readFile(log, 'utf8').catch(() => '')
    await stop()
    throw errors.startFailed({ name: 'pgbouncer', reason: 'it does not listen', log: said })
  }
  return { port, stop }
}
