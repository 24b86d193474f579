/** Does the suite bite? It passes correct sinks, and each planted fault makes the case fail that is there for it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { z } from 'zod'
import { int, utf8 } from '#columnar'
import type { Dataset, Sink } from '#connector'
import { within, type Case } from './case.ts'
import { ReferenceServer } from './reference-server.test-support.ts'
import {
  LEDGER_FAULTS,
  PLAIN_FAULTS,
  TWO_PHASE_FAULTS,
  type LedgerFault,
  type PlainFault,
  type TwoPhaseFault,
} from './reference-faults.test-support.ts'
import { ledgerSink, plainSink, twoPhaseSink } from './reference-sink.test-support.ts'
import { ReferenceStore } from './reference-store.test-support.ts'
import type { Row } from './rows.ts'
import { sinkCases, sinkSuite, type SinkFixture } from './sink-suite.ts'

const store = new ReferenceStore()
const server = await ReferenceServer.start(store.handle)
after(() => server[Symbol.asyncDispose]())

const dataset: Dataset = {
  id: 'public.orders',
  schema: {
    fields: [
      { name: 'id', type: int(32), nullable: false },
      { name: 'name', type: utf8, nullable: true },
    ],
  },
  primaryKey: ['id'],
}
const rows: Row[] = Array.from({ length: 14 }, (_, id) => ({ id, name: id % 4 === 0 ? null : `№ ${'x'.repeat(id * 7)}` }))

function fixture<O extends z.ZodObject>(sink: Sink<O>): SinkFixture<O> {
  const { host, port } = server
  const at = (options: object) => options as z.input<O>
  const isLedger = sink.capabilities.delivery === 'transactional'
  const changed = rows.slice(3, 9).map(row => ({ ...row, name: 'changed' }))
  return {
    sink,
    options: at({ host, port }),
    brokenOptions: at({ host, port: 1 }),
    dataset,
    rows,
    reset: async () => store.clear(),
    read: async () => store.tables['target'] ?? [],
    list: async () => [...Object.keys(store.tables), ...Object.keys(store.staged)],
    dropLedger: async () => {
      store.ledger = undefined
    },
    endpoint: { host, port, viaProxy: (proxyHost, proxyPort) => at({ host: proxyHost, port: proxyPort }) },
    ...(isLedger
      ? {
          modes: [
            {
              title: 'by key',
              options: at({ host, port, mode: 'update' }),
              before: rows,
              rows: changed,
              after: [...rows.slice(0, 3), ...changed, ...rows.slice(9)],
            },
          ],
        }
      : {}),
  }
}

/** A staging sink sends nothing while it writes, so a slow server cannot hold it back: it is not offered to the network cases. */
function local<O extends z.ZodObject>({ endpoint: _, ...rest }: SinkFixture<O>): SinkFixture<O> {
  return rest
}

sinkSuite(fixture(ledgerSink()))
sinkSuite(local(fixture(twoPhaseSink())))
sinkSuite(local(fixture(plainSink())))

/** The case that must find each fault, by the beginning of its name. */
const foundInLedger: Record<LedgerFault, string> = {
  'plan-creates': 'plans without changing anything',
  'plan-varies': 'plans without changing anything',
  'weak-guarantee': 'plans without changing anything',
  'visible-before-commit': 'shows nothing before the commit',
  'rows-before-positions': 'loses and repeats nothing when its connection is closed',
  'positions-before-rows': 'loses and repeats nothing when its connection is reset',
  'claim-raises-no-epoch': 'fences an older holder when the run is claimed',
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

for (const fault of LEDGER_FAULTS) findFault(fault, foundInLedger[fault], sinkCases(fixture(ledgerSink(fault))))
for (const fault of TWO_PHASE_FAULTS) findFault(fault, foundInTwoPhases[fault], sinkCases(local(fixture(twoPhaseSink(fault)))))
for (const fault of PLAIN_FAULTS) findFault(fault, foundInPlain[fault], sinkCases(local(fixture(plainSink(fault)))))

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
