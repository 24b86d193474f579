#!/usr/bin/env node
/**
 * The first file of `sluice`. It answers `--version` and hands everything else to `cli.ts`.
 *
 * It imports nothing of ours before it must, so that `--version` costs little more than Node itself, and so that
 * a Node that is too old gets as far as the sentence that says so.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const args = process.argv.slice(2)

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `sluice needs Node 22.18 or newer, this is Node ${process.versions.node}. Install a newer one, for example from nodejs.org.`,
  )
  process.exitCode = 1
} else if (args.length === 1 && (args[0] === '--version' || args[0] === '-v')) {
  // Two folders up is the root of the package, both for src/cli/main.ts and for dist/cli/main.js.
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  console.log(version)
} else {
  // Rows never become objects, so a small young generation is enough; the usual one would take 45 MiB more.
  setFlagsFromString('--max-semi-space-size=1')
  const { main } = await import('./cli.ts')
  process.exitCode = await main(args)
}
