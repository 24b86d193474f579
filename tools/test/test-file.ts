/** Runs one test file in its own process, with an end to how long it may take. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PASSWORD } from '../servers/recipe.ts'
import type { Outcome } from './reporter.ts'

export interface FileResult {
  readonly file: string
  readonly outcomes: readonly Outcome[]
  /** What the file wrote to standard output and standard error, the end of it. */
  readonly output: string
  readonly ms: number
}

const reporter = new URL('./reporter.ts', import.meta.url).href
const OUTPUT_LIMIT = 20_000
/** Names of temporary folders begin like the password of the test servers and go on. */
const SECRET = `${PASSWORD}(?![-\\w])`
const guard = new URL('./secret-guard.mjs', import.meta.url).href
/** A test file may use this long to stop its servers after it was told to end. */
const GRACE_MS = 10_000

/** `env` is added to the environment. */
export async function runTestFile(file: string, timeoutMs: number, env: NodeJS.ProcessEnv = {}): Promise<FileResult> {
  const started = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const [report, leaks] = [join(folder, 'report'), join(folder, 'leaks')]
  const guarded = {
    NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${guard}`,
    SLUICE_PLANTED_SECRET: SECRET,
    SLUICE_LEAKS: leaks,
  }
  try {
    const args = [`--test-reporter=${reporter}`, `--test-reporter-destination=${report}`, file]
    const { output, end } = await runNode(args, timeoutMs, { ...process.env, ...guarded, ...env })
    const outcomes = parseReport(await readFile(report, 'utf8').catch(() => ''))
    // The process can fail beside its tests: an import that does not resolve, a crash, a handle that stays open.
    const beside = outcomes.some(({ result }) => result === 'failed') ? undefined : whyNot(end, outcomes.length)
    if (beside !== undefined) outcomes.push({ result: 'failed', path: [file], place: file, detail: beside })
    const leaked = (await readFile(leaks, 'utf8').catch(() => '')) + (new RegExp(SECRET).test(output) ? output : '')
    if (leaked !== '')
      outcomes.push({ result: 'failed', path: [file, 'shows no password'], place: file, detail: leaked.slice(0, OUTPUT_LIMIT) })
    return { file, outcomes, output, ms: performance.now() - started }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** How a process ended: its exit code, the signal that ended it, or `timeout`. */
type End = number | NodeJS.Signals | 'timeout'

async function runNode(
  args: readonly string[],
  timeoutMs: number,
  env: NodeJS.ProcessEnv,
): Promise<{ output: string; end: End }> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const take = (text: string) => {
    output = (output + text).slice(-OUTPUT_LIMIT)
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    child.kill('SIGTERM')
  }, timeoutMs)
  const dead = setTimeout(() => child.kill('SIGKILL'), timeoutMs + GRACE_MS)
  try {
    // `exit`, not `close`: a server that the file started may hold the pipes open.
    const end = await new Promise<End>((done, failed) => {
      child.on('error', failed)
      child.on('exit', (code, signal) => done(signal ?? code ?? 1))
    })
    await new Promise(setImmediate)
    return { output, end: isLate ? 'timeout' : end }
  } finally {
    clearTimeout(late)
    clearTimeout(dead)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

function parseReport(text: string): Outcome[] {
  // A process that was killed may leave half a line.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as Outcome)
}

function whyNot(end: End, tests: number): string | undefined {
  if (end === 'timeout') return 'The file did not end in time: a test waits for ever, or something it opened was not closed.'
  if (end !== 0) return typeof end === 'number' ? `The process ended with exit code ${end}.` : `The process was ended by ${end}.`
  return tests === 0 ? 'The file has no test.' : undefined
}
