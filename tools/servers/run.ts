/** Runs programs: as ourselves, and as somebody without rights where a server refuses root. */
import { spawn } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { errors } from './errors.ts'

/** User and group `nobody`, by number: the group has another name on each distribution. */
const NOBODY = 65534
const TIMEOUT_MS = 10 * 60_000
const OUTPUT_CHARS = 2000

const isRoot = process.getuid?.() === 0

/** Packages that bring a program, for the hint when it is missing. */
const packages: Readonly<Record<string, string>> = { mvn: 'maven', setpriv: 'util-linux', flock: 'util-linux', xz: 'xz-utils' }

/** Servers get nothing from our environment: no locale, no time zone, no settings of a client library. */
export const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: '/nonexistent' }

/** Runs a program to its end and returns what it printed; throws `servers.command-failed` with the end of its output. */
export async function run(
  command: readonly string[],
  options: { input?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, timeout: TIMEOUT_MS })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  // A program that ends without reading its input is judged by its exit code, not by our broken pipe.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]).catch((cause: unknown) => {
    throw missing(program, cause)
  })
  if (code === 0) return out
  throw errors.commandFailed({
    command: command.join(' '),
    output: (err + out).trim().slice(-OUTPUT_CHARS) || `exit code ${code}`,
  })
}

/** The command as a user without rights; unchanged when we are one ourselves. Such a process dies with its parent. */
export function unprivileged(command: readonly string[]): string[] {
  const identity = isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
  return ['setpriv', ...identity, '--pdeathsig', 'KILL', ...command]
}

/** Gives a file or folder to the user that `unprivileged` switches to. */
export async function giveAway(path: string): Promise<void> {
  if (isRoot) await chown(path, NOBODY, NOBODY)
}

function missing(program: string, cause: unknown): unknown {
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
  return isMissing ? errors.missingProgram({ program, packages: packages[program] ?? program }, cause) : cause
}
