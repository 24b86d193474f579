/** Runs the program of the clone, as people do. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export async function sluice(args: readonly string[]): Promise<Outcome> {
  const child = spawn(join(root, 'bin/sluice'), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, out, err }
}
