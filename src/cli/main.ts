#!/usr/bin/env node
/**
 * The first file of `sluice`. It answers `--version` and hands everything else to `cli.ts`.
 *
 * It imports nothing of ours before it must, so that `--version` costs little more than Node itself, and so that
 * a Node that is too old gets as far as the sentence that says so.
 */
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const args = process.argv.slice(2)
/** A line in the manner of FlinkX begins with a flag. */
const MOVES_ROWS = /^(run|verify|dirty|-.*)$/

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `sluice needs Node 22.18 or newer, this is Node ${process.versions.node}. Install a newer one, for example from nodejs.org.`,
  )
  process.exitCode = 1
} else if (args.length === 1 && (args[0] === '--version' || args[0] === '-v')) {
  const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('#package')), 'utf8')) as { version: string }
  console.log(version)
} else {
  if (MOVES_ROWS.test(args[0] ?? '')) oneArena()
  // Rows never become objects, so the young generation may stay as small as it is now. Its largest size can no longer be set.
  setFlagsFromString('--semi-space-growth-factor=1')
  // Keeps compiled code for the next start, unless `bin/sluice` of a clone has named another place. Where that cannot be written, nothing is kept.
  module.enableCompileCache(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice'))
  const { main } = await import('./cli.ts')
  process.exitCode = await main(args)
}

/**
 * The C library of Linux gives each thread a heap of its own, which costs 20 MiB, and can be told otherwise only where a process begins: so
 * this one begins again, as itself, which takes 30 ms. `bin/sluice` of a clone has done it before.
 */
function oneArena(): void {
  if (process.platform !== 'linux' || process.env.MALLOC_ARENA_MAX !== undefined) return
  const { execPath, execArgv, argv, env } = process
  process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, MALLOC_ARENA_MAX: '1' })
}
