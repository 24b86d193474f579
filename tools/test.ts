/**
 * `npm test`: every check and every test of the repository.
 *
 *   npm test                        everything, the tests that need servers included
 *   npm test -- --quick             without the tests that need a server or take long
 *   npm test -- PATH_OR_PART...     only the test files whose path contains one of the words
 *
 * `x.test.ts` needs nothing and is quick; any word before `.test.ts`, as in `x.postgres.test.ts`, says what more it needs.
 * The last line is always `N passed, N failed, N skipped`; a check counts as one test.
 */
import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, relative } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import type { ServerName } from './servers/names.ts'
import { checks, root, runCheck } from './test/checks.ts'
import { pythonFor } from './test/python.ts'
import { runTestFile, type FileResult } from './test/test-file.ts'

const UNIT_TIMEOUT_MS = 5 * 60_000
// The kill test alone takes minutes: fifty kills of five pairs, and some of five more.
const SERVER_TIMEOUT_MS = 45 * 60_000
/** Servers that the tests with a word in their name use most; what else a test needs it starts itself. */
const sharedServers: Readonly<Record<string, readonly ServerName[]>> = {
  postgres: ['postgres-15'],
  mysql: ['mysql-9', 'mariadb-10.11'],
  mariadb: ['mariadb-10.11'],
}
/** A file that takes longer is named, so that nobody has to search for what makes the run slow. */
const SLOW_MS = 2000

const { values: options, positionals: words } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } })
const count = { passed: 0, failed: 0, skipped: 0 }
/** Why tests were skipped, and how many for each reason. */
const skips = new Map<string, number>()

await main()

async function main(): Promise<void> {
  process.chdir(root)
  const started = performance.now()
  const files = (await Array.fromAsync(glob('{src,tools,bench}/**/*.test.ts'))).sort()
  const chosen = words.length === 0 ? files : files.filter(file => words.some(word => file.includes(trimPath(word))))
  if (words.length === 0) await runChecks()
  else if (chosen.length === 0) fail(`no test file has ${words.join(' or ')} in its path`)
  await runTests('unit tests', chosen.filter(isUnit), availableParallelism(), UNIT_TIMEOUT_MS)
  if (options.quick !== true) {
    const groups = Object.groupBy(
      chosen.filter(file => !isUnit(file)),
      file => needsOf(file).join('+'),
    )
    for (const group of Object.values(groups)) await runWithServers(group ?? [])
  }
  for (const [reason, tests] of skips) print(`skipped ${tests}: ${reason}`)
  print(`\nfinished in ${seconds(performance.now() - started)}`)
  print(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  process.exitCode = count.failed === 0 ? 0 : 1
}

async function runChecks(): Promise<void> {
  for (const check of checks) {
    const started = performance.now()
    const problem = await runCheck(check)
    printLine(problem === undefined, check.name, performance.now() - started)
    if (problem === undefined) count.passed++
    else fail(`${problem}\n${check.hint}`)
  }
}

/** Runs files with the same needs, one after the other, on servers that are started once for all of them. */
async function runWithServers(files: readonly string[]): Promise<void> {
  const needs = needsOf(files[0] ?? '')
  const names = [...new Set(needs.flatMap(need => sharedServers[need] ?? []))]
  const { shareServers } = await import('./servers/shared.ts')
  // The tests that need a server tell why it cannot be had: as a reason to skip, or in CI as a failure.
  await using shared = await shareServers(names).catch(() => undefined)
  const env = { ...shared?.env, ...(await pythonFor(needs)) }
  await runTests(`${needs.join(' and ')} tests`, files, 1, SERVER_TIMEOUT_MS, env)
}

/** Runs the files, `parallel` at a time, and prints one line for all that is well and the details of what is not. */
async function runTests(title: string, files: readonly string[], parallel: number, timeoutMs: number, env = {}): Promise<void> {
  if (files.length === 0) return
  const started = performance.now()
  const waiting = files.values()
  const before = { ...count }
  let finished = 0
  const work = async () => {
    for (const file of waiting) {
      showProgress(`${title}: ${finished} of ${files.length} files, now ${file}`)
      const result = await runTestFile(file, timeoutMs, env)
      finished++
      report(result)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  const [passed, failed, skipped] = [count.passed - before.passed, count.failed - before.failed, count.skipped - before.skipped]
  const figures = `${files.length} files, ${passed} passed, ${failed} failed, ${skipped} skipped`
  printLine(failed === 0, title, performance.now() - started, figures)
}

function report({ file, outcomes, output, ms }: FileResult): void {
  for (const { result, detail } of outcomes) {
    count[result]++
    if (result === 'skipped' && detail !== '') skips.set(detail, (skips.get(detail) ?? 0) + 1)
  }
  const failures = outcomes.filter(({ result }) => result === 'failed')
  if (failures.length > 0) {
    print(`${styleText('red', 'fail')}  ${file}`)
    const told = new Set<string>()
    for (const { path, place, detail } of failures) {
      // A hook that fails, fails each of its tests with the same words.
      print(indent(`\n${path.join(' › ')}\n  ${relative(root, place)}\n${indent(told.has(detail) ? 'as above' : detail)}`))
      told.add(detail)
    }
    if (output.trim() !== '') print(indent(`\noutput of ${file}:\n${indent(output.trimEnd())}`))
    print('')
  } else if (ms > SLOW_MS) {
    printLine(true, file, ms, `${outcomes.length} tests`)
  }
}

function isUnit(file: string): boolean {
  return needsOf(file).length === 0
}

/** `postgres` and `mysql` of `src/x/y.postgres.mysql.test.ts`, nothing for `src/x/y.test.ts`. */
function needsOf(file: string): string[] {
  return basename(file).split('.').slice(1, -2)
}

function trimPath(word: string): string {
  return word.replace(/^\.\//, '').replace(/\/$/, '')
}

function fail(problem: string): void {
  count.failed++
  print(`${indent(problem)}\n`)
}

function printLine(isGood: boolean, name: string, ms: number, figures = ''): void {
  const mark = isGood ? styleText('green', 'ok  ') : styleText('red', 'fail')
  print(`${mark}  ${name.padEnd(16)} ${seconds(ms).padStart(8)}  ${figures}`.trimEnd())
}

function print(text: string): void {
  showProgress('')
  process.stdout.write(`${text}\n`)
}

/** One line that the next print replaces; only where there is a person to see it. */
function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text.slice(0, process.stdout.columns - 1)}`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
