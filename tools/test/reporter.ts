/** A reporter of node:test that writes one JSON line per finished test, for `test-file.ts` to read. */
import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import type { TestEvent } from 'node:test/reporters'

/** How one test ended. A parent that failed only because of its subtests is not told. */
export interface Outcome {
  readonly result: 'passed' | 'failed' | 'skipped'
  /** Names of the suites around it and its own. */
  readonly path: readonly string[]
  readonly place: string
  /** The rendered error of a failure, the reason of a skip; empty when there is none. */
  readonly detail: string
}

export default async function* reportOutcomes(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = []
  for await (const event of events) {
    if (event.type === 'test:start') names[event.data.nesting] = event.data.name
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { details, file, line, name, nesting, skip, todo } = event.data
    const error = event.type === 'test:fail' ? event.data.details.error : undefined
    if (isSubtestFailure(error)) continue
    if (details.type === 'suite' && error === undefined && skip === undefined) continue
    const skipped = skip ?? todo
    const outcome: Outcome = {
      result: error !== undefined ? 'failed' : skipped !== undefined && skipped !== false ? 'skipped' : 'passed',
      path: [...names.slice(0, nesting), name],
      place: `${file ?? ''}:${line ?? 0}`,
      detail: error === undefined ? (typeof skipped === 'string' ? skipped : '') : renderError(error),
    }
    yield `${JSON.stringify(outcome)}\n`
  }
}

function isSubtestFailure(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'failureType' in error && error.failureType === 'subtestsFailed'
}

/** The error that the test threw, without the frames of Node itself. */
function renderError(error: Error): string {
  const thrown = error.cause ?? error
  // What an assertion error carries beside its stack repeats its message.
  const text = thrown instanceof AssertionError ? thrown.stack : inspect(thrown, { depth: 6, maxStringLength: 2000 })
  return (text ?? String(thrown)).replace(/\n +at [^\n]*node:[^\n{]*/g, '')
}
