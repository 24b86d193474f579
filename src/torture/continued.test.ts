import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addReports, checkContinues, readReport, roundsHad } from './continued.ts'
import type { Cell, TortureReport } from './report.ts'

const cell = (fault: string, rounds: number, more: Partial<Cell> = {}): Cell => ({
  ...{ fault, pair: 'csv-mysql', rounds, attempts: rounds, fired: rounds, lost: 0, repeated: 0, changed: 0 },
  ...{ worstRecoverySeconds: null, stops: {}, failures: [] },
  ...more,
})

const report = (cells: readonly Cell[], more: Partial<TortureReport> = {}): TortureReport => ({
  ...{ format: 'sluice-torture/3', sluice: '1', began: 'then', seconds: 10, seed: 1, rounds: 3, rows: 5, freezeSeconds: 60 },
  machine: { system: '', processor: '', cores: 1, memoryBytes: 0, node: '' },
  ...{ servers: ['PostgreSQL 15'], cells, absent: [] },
  ...more,
})

test('tells how often a fault has fallen on a pair', () => {
  const earlier = report([cell('kill', 21), cell('cut', 2)])
  assert.deepEqual(
    ['kill', 'cut', 'flap'].map(fault => roundsHad(earlier, fault, 'csv-mysql')),
    [21, 2, 0],
  )
  assert.equal(roundsHad(earlier, 'kill', 'mysql-csv'), 0)
})

test('adds what both have found', () => {
  const before = report([
    cell('kill', 2, { attempts: 3, lost: 1, worstRecoverySeconds: 4, stops: { a: 1 }, failures: ['x'] }),
    cell('cut', 2),
  ])
  const after = report([cell('kill', 1, { worstRecoverySeconds: 7, stops: { a: 1, b: 2 }, failures: ['y'] }), cell('flap', 1)], {
    ...{ began: 'now', seconds: 5, rounds: 20 },
  })
  const both = addReports(before, after)
  assert.deepEqual([both.began, both.seconds, both.rounds], ['then', 15, 20])
  assert.deepEqual(both.cells, [
    cell('kill', 3, { attempts: 4, lost: 1, worstRecoverySeconds: 7, stops: { a: 2, b: 2 }, failures: ['x', 'y'] }),
    cell('cut', 2),
    cell('flap', 1),
  ])
})

test('what some could not have is told, whichever of both says so', () => {
  const [cut, full] = ['cut', 'full'].map(fault => ({ fault, pair: 'csv-mysql', reason: fault }))
  const both = addReports(report([], { absent: [cut!] }), report([], { absent: [cut!, full!] }))
  assert.deepEqual(both.absent, [cut, full])
  assert.deepEqual(addReports(both, report([])).absent, [cut, full])
})

test('refuses another torture, and what is no report', async () => {
  const earlier = report([])
  checkContinues(earlier, report([cell('kill', 1)], { rounds: 9, seconds: 1 }))
  for (const other of [{ seed: 2 }, { sluice: '2' }, { servers: ['PostgreSQL 16'] }, { freezeSeconds: 1 }])
    assert.throws(() => checkContinues(earlier, report([], other)), { code: 'torture.not-continued' })
  const folder = await mkdtemp(join(tmpdir(), 'sluice-report-'))
  for (const text of ['{"format": "sluice-torture/2"}', 'no JSON']) {
    await writeFile(join(folder, 'report.json'), text)
    await assert.rejects(readReport(join(folder, 'report.json')), { code: 'torture.not-continued' })
  }
  await assert.rejects(readReport(join(folder, 'none')), { code: 'torture.not-continued' })
  await rm(folder, { recursive: true })
})
