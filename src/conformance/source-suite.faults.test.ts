/** Does the suite bite? Each planted fault makes the case fail that is there for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from './case.ts'
import { sourceFixture } from './reference-source-fixture.test-support.ts'
import { SOURCE_FAULTS, type SourceFault } from './reference-source.test-support.ts'
import { sourceCases } from './source-suite.ts'

/** The case that must find each fault, by the beginning of its name. */
const foundBy: Record<SourceFault, string> = {
  'accepts-unknown-options': 'refuses an option',
  'describes-nothing': 'describes itself',
  'raw-error': 'reports a system that is not there',
  'no-hint': 'reports a system that is not there',
  unsorted: 'discovers the same datasets',
  'date-in-split': 'makes splits and positions that survive JSON',
  'same-split-ids': 'gives every split another id',
  'split-too-short': 'reads every row exactly once',
  'splits-overlap': 'reads every row exactly once',
  'last-row-lost': 'reads every row exactly once',
  'wrong-value': 'reads every row exactly once',
  'null-in-not-null': 'gives batches of the columns',
  'batch-too-large': 'never gives an empty batch nor one above 7 rows',
  'empty-batch': 'never gives an empty batch nor one above 1 row',
  'ignores-batch-bytes': 'ends a batch with the row that reaches',
  'position-repeats': 'resumes after every position',
  'position-skips': 'resumes after every position',
  'position-depends-on-batch-rows': 'resumes after every position',
  'no-positions': 'resumes after every position',
  'plan-denies-positions': 'resumes after every position',
  'encoded-differs': 'gives the same rows and positions, in the same batches',
  'ignores-abort': 'stops within a second when it is aborted while it reads',
  'ignores-abort-while-waiting': 'stops within a second when it is aborted while the server is silent',
  'begins-though-aborted': 'does not begin when it has been aborted before',
  'leaves-socket-open': 'leaves nothing open',
  'reads-share-state': 'reads several splits at the same time',
  'reads-ahead': 'reads no further ahead',
  'expects-whole-lines': 'reads the same rows when they trickle',
  'cut-is-the-end': 'turns a connection that is closed',
  'cut-is-a-bug': 'turns a connection that is reset',
  'reads-on-after-return': 'leaves a large read within a second',
}

for (const fault of SOURCE_FAULTS) {
  test(`finds the fault ${fault}`, async () => {
    const found = sourceCases(sourceFixture(fault)).find(({ name }) => name.startsWith(foundBy[fault]))
    assert(found !== undefined, `there is no case that begins with "${foundBy[fault]}"`)
    await assert.rejects(
      within(
        20_000,
        found.name,
        Promise.resolve().then(() => found.run()),
      ),
    )
  })
}
