import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field } from './field.ts'
import { oneRound } from './one-round.ts'
import type { Effect, Fault } from './round.ts'
import { expectedFingerprint } from './rows.ts'

/** A pair whose target holds what it should. */
const field: Field = {
  pair: { name: 'csv-jsonl', source: 'csv', sink: 'jsonl' },
  sink: { name: '', options: {}, fingerprint: async () => expectedFingerprint(), reset: async () => {} },
  proxies: { source: undefined, sink: undefined },
  restarts: { source: undefined, sink: undefined },
  pace: { startMs: 0, wholeMs: 0 },
  bytes: { source: 0, sink: 0 },
  folder: '',
  start: () => assert.fail('no job'),
  clear: async () => {},
  close: async () => {},
}

const outage = (effect: Effect, recoversWithinSeconds = 60): Fault => ({
  ...{ name: 'outage', title: '', recoversWithinSeconds },
  obstacle: () => undefined,
  act: async () => effect,
})

const judge = (fault: Fault, on = field) => oneRound(fault, on, { seed: 1, round: 7, attempt: 0, freezeSeconds: 1 })

const well = { fault: 'outage', pair: 'csv-jsonl', round: 7, lost: 0, repeated: 0, changed: false }

test('a recovery that takes longer than promised is a failure', async () => {
  const fired = true
  assert.deepEqual(await judge(outage({ fired, recoverySeconds: 60 })), { ...well, fired, recoverySeconds: 60 })
  assert.deepEqual(await judge(outage({ fired, recoverySeconds: 60.26 })), {
    ...{ ...well, fired, recoverySeconds: 60.26 },
    failure: 'recovered after 60.3 s instead of 60 s',
  })
})

test('a judge that cannot look is a failure of that round', async () => {
  const clear = () => Promise.reject(new Error('no server'))
  assert.deepEqual(await judge(outage({ fired: true }), { ...field, clear }), { ...well, fired: false, failure: 'no server' })
})
