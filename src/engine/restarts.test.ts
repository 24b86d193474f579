import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Restarts } from './restarts.ts'
import { DEFAULT_RESTART, NO_RESTART, type RestartPolicy } from './spec.ts'

/** The pauses after failures at these seconds; `+` marks progress since the one before. */
function pauses(policy: RestartPolicy, ...failures: readonly (number | `+${number}`)[]) {
  let now = 0
  const restarts = new Restarts(policy, () => now)
  return failures.map(failure => {
    now = Number(failure) * 1000
    return restarts.next(typeof failure === 'string')
  })
}

test('pauses grow up to a bound, and begin anew after progress', () => {
  const growing = [500, 1000, 2000, 4000, 8000, 10_000]
  assert.deepEqual(pauses(DEFAULT_RESTART, 1, 2, 3, 4, 5, 6, '+7', 8), [...growing, 500, 1000])
})

test('gives up after so many failures in a row, but not before the time without progress is over', () => {
  assert.equal(pauses(DEFAULT_RESTART, 1, 2, 3, 4, 299, 299.9).at(-1), 10_000)
  assert.equal(pauses(DEFAULT_RESTART, 1, 2, 3, 4, 299, 300).at(-1), undefined)
  assert.equal(pauses(DEFAULT_RESTART, 100, 200, 250, 300).at(-1), 4000)
  assert.equal(pauses(DEFAULT_RESTART, '+200', 201, 202, 203, 204, 400).at(-1), 10_000)
})

test('gives up after the failures of a time, whether there was progress or not', () => {
  const policy = { attempts: 2, leastMs: 0, withinMs: 60_000, firstDelayMs: 10_000, maxDelayMs: 10_000 }
  assert.deepEqual(pauses(policy, 10, 70, '+130', '+189'), [10_000, 10_000, 10_000, undefined])
})

test('the first failure ends a run that is never restarted', () => {
  assert.deepEqual(pauses(NO_RESTART, '+1'), [undefined])
})
