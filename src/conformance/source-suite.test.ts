/** Does the suite bite? It passes a correct source, and each planted fault makes the case fail that is there for it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { within } from './case.ts'
import { ReferenceServer, tableHandler } from './reference-server.test-support.ts'
import { referenceSource, SOURCE_FAULTS, type SourceFault } from './reference-source.test-support.ts'
import type { Row } from './rows.ts'
import { sourceCases, sourceSuite } from './source-suite.ts'

const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, id) => ({ id, name: id % 5 === 0 ? null : `№ ${'x'.repeat(id)}` }))
const tables = { orders: rowsOf(26), items: rowsOf(3), none: [] }
const server = await ReferenceServer.start(tableHandler(tables))
after(() => server[Symbol.asyncDispose]())

function fixture(fault?: SourceFault) {
  const { host, port } = server
  return {
    source: referenceSource(fault),
    options: { host, port },
    brokenOptions: { host, port: 1 },
    rows: tables,
    endpoint: {
      host,
      port,
      viaProxy: (proxyHost: string, proxyPort: number) => ({ host: proxyHost, port: proxyPort }),
      large: (proxyHost: string, proxyPort: number) => ({ host: proxyHost, port: proxyPort, table: 'large' }),
    },
  }
}

sourceSuite(fixture())

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
    const found = sourceCases(fixture(fault)).find(({ name }) => name.startsWith(foundBy[fault]))
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
