/** Does the suite bite? Each planted fault makes the case fail that is there for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within, type Case } from './case.ts'
import {
  LEDGER_FAULTS,
  PLAIN_FAULTS,
  TWO_PHASE_FAULTS,
  type LedgerFault,
  type PlainFault,
  type TwoPhaseFault,
} from './reference-faults.test-support.ts'
import { localFixture, networkFixture } from './reference-sink-fixture.test-support.ts'
import { ledgerSink, plainSink, twoPhaseSink } from './reference-sink.test-support.ts'
import { sinkCases } from './sink-suite.ts'

/** The case that must find each fault, by the beginning of its name. */
const foundInLedger: Record<LedgerFault, string> = {
  'plan-creates': 'plans without changing anything',
  'plan-varies': 'plans without changing anything',
  'weak-guarantee': 'plans without changing anything',
  'visible-before-commit': 'shows nothing before the commit',
  'rows-before-positions': 'loses and repeats nothing when its connection is closed',
  'positions-before-rows': 'loses and repeats nothing when its connection is reset',
  'claim-raises-no-epoch': 'fences an older holder when the run is claimed',
  'claim-keeps-the-holder': 'gives a run back only to the one that holds it',
  'reclaim-takes-over': 'gives a run back only to the one that holds it',
  'reclaim-compares-epochs': 'gives a run back to its holder',
  'reclaim-raises-no-epoch': 'gives a run back to its holder',
  'commit-checks-no-epoch': 'fences an older holder when the run is claimed',
  'claim-does-not-wait': 'lets either the commit or the claim win',
  'begin-does-not-fence': 'fences an older run when the next one begins',
  'finish-checks-no-epoch': 'keeps a fenced holder from finishing',
  'dispose-commits': 'forgets what was not committed',
  'find-claims': 'changes nothing by looking',
  'forgets-memo': 'remembers a run',
  'forgets-splits': 'remembers a run',
  'forgets-positions': 'shows nothing before the commit',
  'finish-is-not-recorded': 'remembers a run',
  'keeps-old-runs': 'forgets a run when the next one begins',
  'jobs-share-a-ledger': 'keeps jobs apart',
  'makes-a-new-ledger': 'stops clearly when the ledger has gone',
  'keeps-the-batch': 'writes every row once',
  'loses-nulls': 'writes every row once',
  'loses-last-row': 'writes every row once',
  'commits-twice-when-unsure': 'loses and repeats nothing when its connection is closed',
  'hides-lost-connection': 'loses and repeats nothing when its connection is reset',
  'raw-error': 'reports a system that is not there',
  'leaves-socket-open': 'leaves nothing open',
  'never-waits': 'holds the engine back',
  'ignores-abort': 'holds the engine back',
  'inserts-instead-of-updating': 'writes in another way: by key',
}

const foundInTwoPhases: Record<TwoPhaseFault, string> = {
  'prepare-publishes': 'shows prepared rows only when they are committed',
  'commit-adds-again': 'commits the same again',
  'commit-needs-the-same-writer': 'shows prepared rows only when they are committed',
  'forgets-marks': 'carries as marks',
  'marks-when-prepared': 'carries as marks',
  'marks-of-older-run': 'tells the newest run',
  'drops-what-is-kept': 'publishes after a crash',
  'keeps-what-is-dropped': 'drops after a crash',
  'dispose-publishes': 'forgets what was not prepared',
  'publishes-all-that-is-staged': 'commits the same again',
  'date-in-committable': 'shows prepared rows only when they are committed',
  'finish-is-not-marked': 'carries as marks',
  'marks-need-rows': 'takes marks without rows',
}

const foundInPlain: Record<PlainFault, string> = {
  'flush-does-nothing': 'has delivered everything when a flush returns',
  'resuming-clears': 'keeps what is there',
}

for (const fault of LEDGER_FAULTS) findFault(fault, foundInLedger[fault], sinkCases(networkFixture(ledgerSink(fault))))
for (const fault of TWO_PHASE_FAULTS) findFault(fault, foundInTwoPhases[fault], sinkCases(localFixture(twoPhaseSink(fault))))
for (const fault of PLAIN_FAULTS) findFault(fault, foundInPlain[fault], sinkCases(localFixture(plainSink(fault))))

function findFault(fault: string, caseName: string, cases: readonly Case[]): void {
  test(`finds the fault ${fault}`, async () => {
    const found = cases.find(({ name }) => name.startsWith(caseName))
    assert(found !== undefined, `there is no case that begins with "${caseName}"`)
    await assert.rejects(
      within(
        30_000,
        found.name,
        Promise.resolve().then(() => found.run()),
      ),
    )
  })
}
