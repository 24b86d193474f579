/**
 * The network between the engine and either end breaks in every way it can. The run must go on by itself, and every row arrive once.
 *
 * Times of the liveness check are shortened; docs/decisions/0031-liveness.md has the figures with the real ones.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProxy } from '#conformance'
import { livenessTimes } from '#wire'
import { fileServer, freshDatabase, type Database } from '../../tools/servers/index.ts'
import {
  ask,
  assertArrived,
  createSource,
  createTarget,
  manyRows,
  runThrough,
  someoneWaits,
  until,
  type Job,
} from './faults.test-support.ts'
import type { RunEvent } from './run.ts'

const postgres = await fileServer('postgres-15')
const mysql = await fileServer('mysql-9')
const skip = postgres.skip || mysql.skip

const ROWS = manyRows(12_000)
/** Where a connection breaks: in the middle of the rows, and of one row. */
const HALF = 700_007
/** From the end of the fault to the end of the run. */
const RECOVERY_MS = 60_000

type Side = 'source' | 'sink'

/** Breaks `proxy` while the run is under way; resolves when the fault is over. `rows` is the direction in which rows go. */
interface NetworkFault {
  readonly name: string
  /** Before the first connection of a worker. */
  readonly inflict: (proxy: FaultProxy, rows: 'to-client' | 'to-server') => Promise<void>
  readonly hasFired: (proxy: FaultProxy) => boolean
}

const breaks: readonly NetworkFault[] = [
  ...(['cut', 'reset'] as const).map(kind => ({
    name: `${kind} in the middle of a row`,
    inflict: async (proxy: FaultProxy, direction: 'to-client' | 'to-server') => proxy.set({ kind, direction, afterBytes: HALF }),
    hasFired: (proxy: FaultProxy) => proxy.fired[kind] === 1,
  })),
  {
    name: 'half-open for good, one connection',
    inflict: async (proxy, direction) => proxy.set({ kind: 'half-open', direction, afterBytes: HALF }),
    hasFired: proxy => proxy.fired['half-open'] === 1,
  },
  {
    name: 'half-open for good, answers only',
    inflict: async (proxy, direction) => proxy.set({ kind: 'half-open', direction: other(direction), afterBytes: 1200 }),
    hasFired: proxy => proxy.fired['half-open'] === 1,
  },
  {
    name: 'nothing passes for 2 s, new connections included',
    inflict: async (proxy, direction) => {
      await hold(proxy, direction)
      const all = { kind: 'half-open', afterBytes: 0, every: true } as const
      proxy.set({ ...all, direction: 'to-client' }, { ...all, direction: 'to-server' })
      await sleep(2000)
      proxy.set()
    },
    hasFired: proxy => proxy.fired['half-open'] > 1,
  },
  {
    name: 'off and on, five times',
    inflict: async (proxy, direction) => {
      await hold(proxy, direction)
      for (let i = 0; i < 5; i++) {
        await proxy.refuse()
        await sleep(100)
        await proxy.accept()
        await sleep(100)
      }
    },
    hasFired: proxy => proxy.fired.refuse === 5,
  },
  ...(['cut', 'half-open'] as const).map(kind => ({
    name: `${kind} in the handshake, two connections`,
    inflict: async (proxy: FaultProxy) => {
      const first = proxy.fired[kind]
      proxy.set({ kind, direction: 'to-client', afterBytes: 20, every: true })
      await until(() => proxy.fired[kind] - first >= 2)
      proxy.set()
    },
    hasFired: (proxy: FaultProxy) => proxy.fired[kind] >= 2,
  })),
]

/** Slow, but not broken: one attempt must do. */
const delays: readonly NetworkFault[] = [
  {
    name: 'trickle for 1 s',
    inflict: async (proxy, direction) => {
      proxy.set({ kind: 'trickle', direction, bytes: 100, everyMs: 1 })
      await until(() => proxy.fired.trickle > 50)
      await sleep(1000)
      proxy.set()
    },
    hasFired: proxy => proxy.fired.trickle > 50,
  },
  {
    name: 'a round trip of 400 ms',
    inflict: async proxy =>
      proxy.set({ kind: 'delay', direction: 'to-client', ms: 200 }, { kind: 'delay', direction: 'to-server', ms: 200 }),
    hasFired: proxy => proxy.fired.delay > 10,
  },
]

/** Stops one connection in the middle of the rows, so that the run is still under way when the fault begins. */
async function hold(proxy: FaultProxy, direction: 'to-client' | 'to-server'): Promise<void> {
  proxy.set({ kind: 'half-open', direction, afterBytes: HALF })
  await until(() => proxy.fired['half-open'] === 1)
}

const other = (direction: 'to-client' | 'to-server') => (direction === 'to-client' ? 'to-server' : 'to-client')

type Options = Pick<Job, 'connectSeconds' | 'commitRows'>

describe('network faults', { skip, concurrency: 1 }, () => {
  const real = { ...livenessTimes }
  const short = { ...real, silence: 600, again: 200, ask: 1500, unreachable: 1000, perMiB: 250 }
  let databases: { readonly postgres: Database; readonly mysql: Database }
  let tables = 0

  before(async () => {
    databases = { postgres: await freshDatabase(postgres.server), mysql: await freshDatabase(mysql.server) }
    for (const database of Object.values(databases)) await createSource(database, 'origin', ROWS)
  })
  after(async () => {
    Object.assign(livenessTimes, real)
    for (const database of Object.values(databases ?? {})) await database.drop()
  })

  const pairs = [
    ['postgres', 'postgres'],
    ['mysql', 'postgres'],
    ['postgres', 'mysql'],
  ] as const

  function survives(fault: NetworkFault, options: Options, judge: (attempts: number) => void): void {
    for (const [from, to] of pairs) {
      for (const side of ['source', 'sink'] as const) {
        test(`${from} → ${to}, ${side}: ${fault.name}`, async t => {
          const [source, sink, target] = [databases[from], databases[to], await newTarget(to)]
          await using proxy = await FaultProxy.start('127.0.0.1', side === 'source' ? source.port : sink.port)
          const ends = { source, sink, [side]: { ...(side === 'source' ? source : sink), port: proxy.port } }
          const { attempts, recoveryMs } = await runBroken(
            { ...ends, from: 'origin', to: target, ...options },
            proxy,
            side,
            fault,
          )
          assert(fault.hasFired(proxy), `the fault did not fire: ${JSON.stringify(proxy.fired)}`)
          await assertArrived(sink, target, ROWS)
          assert(recoveryMs < RECOVERY_MS)
          t.diagnostic(`${attempts} attempts, ${Math.round(recoveryMs)} ms from the end of the fault to that of the run`)
          judge(attempts)
        })
      }
    }
  }

  async function newTarget(system: 'postgres' | 'mysql'): Promise<string> {
    const target = `target${++tables}`
    await createTarget(databases[system], target)
    return target
  }

  /** A run whose network is broken from its first worker connection on. */
  async function runBroken(job: Job, proxy: FaultProxy, side: Side, fault: NetworkFault) {
    let over: Promise<number> | undefined
    const onEvent = (event: RunEvent) => {
      if (event.kind !== 'begun') return
      over = fault.inflict(proxy, side === 'source' ? 'to-client' : 'to-server').then(() => performance.now())
    }
    const { report } = await runThrough({ ...job, onEvent })
    const ended = performance.now()
    return { attempts: report.attempts, recoveryMs: ended - ((await over) ?? ended) }
  }

  describe('that break connections', { concurrency: 3 }, () => {
    before(() => void Object.assign(livenessTimes, short))
    for (const fault of breaks) survives(fault, { connectSeconds: 1 }, () => {})
  })

  describe('that only slow down', { concurrency: 6 }, () => {
    before(() => void Object.assign(livenessTimes, real))
    for (const fault of delays) survives(fault, { commitRows: ROWS.length }, attempts => assert.equal(attempts, 1))
  })

  describe('and servers that take their time are told apart', { concurrency: 4 }, () => {
    // A server that does not answer at once when it is asked is another matter.
    before(() => void Object.assign(livenessTimes, { ...short, ask: real.ask, unreachable: real.unreachable }))
    const queries = {
      postgres: 'SELECT o.* FROM origin AS o, (SELECT pg_sleep(2)) AS s',
      mysql: 'SELECT o.* FROM origin AS o JOIN (SELECT SLEEP(2) AS s) AS s',
    }

    for (const system of ['postgres', 'mysql'] as const) {
      test(`${system}: a query before its first row`, async () => {
        const [sink, target] = [databases.postgres, await newTarget('postgres')]
        const sourceOptions = { customSql: queries[system] }
        const { report } = await runThrough({ source: databases[system], sink, from: '', to: target, sourceOptions })
        assert.equal(report.attempts, 1)
        assert(report.seconds > 2)
        await assertArrived(sink, target, ROWS)
      })

      test(`${system}: a commit that waits for a lock`, async () => {
        const [sink, target] = [databases[system], await newTarget(system)]
        let held: Promise<unknown> | undefined
        const lock = `SELECT 1 FROM sluice_ledger WHERE job = 'faults-${target}' FOR UPDATE`
        const hold = () => ask(sink, 'BEGIN', lock, someoneWaits(sink), () => sleep(2000))
        const onEvent = ({ kind }: RunEvent) => {
          if (kind === 'begun') held = hold()
        }
        const job = { source: databases.postgres, sink, from: 'origin', to: target, rowsPerSecond: 4000 }
        const { report } = await runThrough({ ...job, onEvent })
        await held
        assert.equal(report.attempts, 1)
        assert(report.seconds > 2, `${report.seconds}`)
        await assertArrived(sink, target, ROWS)
      })
    }
  })
})
