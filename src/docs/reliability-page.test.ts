import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULTS, PAIRS, type TortureReport } from '#torture'
import { reliabilityPage } from './reliability-page.ts'

/** A report of so many rounds of each fault on each pair, of two that were asked for. */
function pageOf(roundsOf: (fault: string) => number): string {
  const report: TortureReport = {
    ...{ format: 'sluice-torture/3', sluice: '', began: '', seconds: 0, seed: 1, rounds: 2, rows: 0, freezeSeconds: 60 },
    machine: { system: '', processor: '', cores: 1, memoryBytes: 0, node: '' },
    servers: [],
    cells: FAULTS.flatMap(fault =>
      PAIRS.map(pair => {
        const rounds = roundsOf(fault.name) * (fault.perRound ?? 1)
        const figures = { lost: 0, repeated: 0, changed: 0, worstRecoverySeconds: null, stops: {}, failures: [] }
        return { fault: fault.name, pair: pair.name, rounds, attempts: rounds, fired: rounds, ...figures }
      }),
    ),
    absent: [],
  }
  return reliabilityPage(report, [])
}

test('says how many rounds each cell has had', () => {
  const page = pageOf(() => 2)
  assert.match(page, /\| `kill` \|( 20 of 20 \|){10}\n\| `drain` \|( 2 of 2 \|){10}\n/)
  assert(!page.includes('It was stopped'))
})

test('says how far a torture has come that was stopped', () => {
  const page = pageOf(fault => (fault === 'kill' ? 1.4 : 2))
  assert(page.includes('1 of 2 rounds of the whole matrix are complete'))
  assert.match(page, /\| `kill` \|( 14 of 14 \|){10}\n/)
})
