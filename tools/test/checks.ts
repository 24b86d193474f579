/** The checks that read the source instead of running it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Check {
  readonly name: string
  /** The entry point of the tool and its arguments, relative to the root. */
  readonly command: readonly [tool: string, ...args: string[]]
  /** What to do when it fails. */
  readonly hint: string
}

export const checks: readonly Check[] = [
  { name: 'format', command: ['node_modules/oxfmt/bin/oxfmt', '--check'], hint: 'Run `npm run format`.' },
  { name: 'lint', command: ['node_modules/oxlint/bin/oxlint'], hint: '`npm run lint -- --fix` corrects some of it.' },
  { name: 'types', command: ['node_modules/typescript/bin/tsc', '--noEmit'], hint: 'The compiler names the place.' },
  { name: 'unused', command: ['node_modules/knip/bin/knip.js', '--no-config-hints'], hint: 'Delete what nobody imports.' },
]

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Returns the output of a check that fails, `undefined` when it passes. */
export async function runCheck(check: Check): Promise<string | undefined> {
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }
  const child = spawn(process.execPath, check.command, {
    cwd: root,
    env: { ...process.env, ...colour },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((done, failed) => {
    child.on('error', failed)
    child.on('close', done)
  })
  return code === 0 ? undefined : output.trimEnd()
}
