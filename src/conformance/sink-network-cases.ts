import assert from 'node:assert/strict'
import type { TransactionalWriter } from '#connector'
import { SluiceError } from '#errors'
import { ownTime, within, type Case } from './case.ts'
import { FaultProxy, type Direction } from './fault-proxy.ts'
import { assertSameRows, type Row } from './rows.ts'
import { assertTarget, castRows, openWriter, RunProbe, type Fixture } from './sink-probe.ts'
import { STOP_MS } from './source-abort-cases.ts'

const MiB = 1024 * 1024
/** Commits of a run whose connection is broken. */
const COMMITS = 4
/** Bytes at which connections are broken, spread over everything that is sent; more lie where commits end. */
const BREAKS = 8
/** A broken connection must be noticed by then. */
const NOTICE_MS = 60_000
/** What kernel and proxy may hold between writer and server beside what the writer itself admits to. */
const PATH_BYTES = 24 * MiB
/** A write that takes longer waits for the server. */
const HELD_MS = 500

/** What a sink that is reached by TCP does when the network breaks or the server is slow. */
export function sinkNetworkCases(fixture: Fixture, endpoint: NonNullable<Fixture['endpoint']>): Case[] {
  const { rows } = fixture
  const start = () => FaultProxy.start(endpoint.host, endpoint.port)
  const viaProxy = (proxy: FaultProxy) => endpoint.viaProxy(proxy.host, proxy.port)
  const step = Math.ceil(rows.length / COMMITS)
  const parts = Array.from({ length: COMMITS }, (_, at) => rows.slice(at * step, (at + 1) * step))

  /** Writes the parts from number `from` on, one commit each, by way of a proxy or directly. */
  async function writeParts(run: RunProbe, from: number, proxy?: FaultProxy, onCommit = () => {}): Promise<void> {
    await using worker = await run.worker(proxy && viaProxy(proxy))
    for (const [at, part] of parts.entries()) {
      if (at < from) continue
      await worker.write(part)
      await worker.commit([{ split: run.splits[0]!.id, position: at + 1, done: at === COMMITS - 1 }])
      onCommit()
    }
  }

  /** A run whose worker loses its connection: a transient error or none, and after the run has been taken up again every row. */
  async function surviveBreak(kind: 'cut' | 'reset', direction: Direction, afterBytes: number, proxy: FaultProxy): Promise<void> {
    const place = `${kind} at byte ${afterBytes} ${direction}`
    await fixture.reset()
    await using run = await RunProbe.begin(fixture)
    proxy.set({ kind, direction, afterBytes })
    const failure = await within(
      NOTICE_MS,
      `the end of writing after a ${place}`,
      writeParts(run, 0, proxy).catch((error: unknown) => error ?? 'nothing'),
    )
    proxy.set()
    if (failure === undefined) return await assertTarget(fixture, rows, `unharmed by a ${place}`)
    assertTransient(failure, place)
    await using second = await openWriter(fixture)
    if (second.delivery === 'transactional') await goOn(run, second, place)
    else await goOnFrom(run, 0)
  }

  async function goOn(run: RunProbe, { runs }: TransactionalWriter, place: string): Promise<void> {
    run.record = await runs.claim({ job: run.record.job, run: run.record.run })
    const done = Number(run.record.splits[0]?.position ?? 0)
    // What the ledger says and what is in the target are the same from here on, whatever the lost connection may still do.
    await assertTarget(fixture, parts.slice(0, done).flat(), `claimed at ${done} after a ${place}`)
    await writeParts(run, done)
    await runs.finish(run.record, [run.target])
    await assertTarget(fixture, rows, `finished after a ${place}`)
  }

  /** Without a ledger rows may come twice, but none may be missing. */
  async function goOnFrom(run: RunProbe, from: number): Promise<void> {
    await writeParts(run, from)
    await run.finish()
    const seen = fixture.seen ?? (row => row)
    const found = await fixture.read()
    const unique = [...new Map(found.map(row => [JSON.stringify(row, plainJson), row])).values()]
    assertSameRows(unique, rows.map(seen), 'every row at least once')
  }

  return [
    ...(['cut', 'reset'] as const).map(kind => ({
      name: `loses and repeats nothing when its connection is ${kind === 'cut' ? 'closed' : 'reset'} at any byte`,
      async run() {
        await using proxy = await start()
        await fixture.reset()
        await using run = await RunProbe.begin(fixture)
        const commits: Readonly<Record<Direction, number>>[] = []
        await writeParts(run, 0, proxy, () => commits.push({ ...proxy.forwarded }))
        for (const direction of ['to-server', 'to-client'] as const) {
          for (const afterBytes of breaksIn(commits.map(sent => sent[direction])))
            await surviveBreak(kind, direction, afterBytes, proxy)
        }
        assert(proxy.fired[kind] >= BREAKS, `only ${proxy.fired[kind]} connections were broken`)
      },
    })),
    {
      name: 'holds the engine back when the server is slow, and stops within a second when it is aborted then',
      async run() {
        await fixture.reset()
        await using proxy = await start()
        await using run = await RunProbe.begin(fixture)
        const controller = new AbortController()
        const worker = await openWriter(fixture, { options: viaProxy(proxy), context: { signal: controller.signal } })
        try {
          await worker.join(run.record)
          const silence = { kind: 'half-open', afterBytes: 0, every: true } as const
          proxy.set({ ...silence, direction: 'to-server' }, { ...silence, direction: 'to-client' })
          const bound = worker.bufferBytes + PATH_BYTES
          const writing = writeUntilHeld(run, batch => worker.write(run.target, batch), bound)
          const held = await within(60_000, 'being held back', writing)
          controller.abort()
          await within(
            STOP_MS,
            'stopping',
            assert.rejects(() => held.write, { name: 'AbortError' }),
          )
          assert(proxy.fired['half-open'] > 0, 'the server was not silenced: the writer sent nothing')
        } finally {
          await within(STOP_MS, 'closing', Promise.resolve(worker[Symbol.asyncDispose]()))
        }
        await assertTarget(fixture, [], 'after the abort')
      },
    },
  ]

  /** Writes the same large batch again and again until a write waits. */
  async function writeUntilHeld(
    run: RunProbe,
    write: (batch: ReturnType<typeof castRows>) => Promise<unknown>,
    bound: number,
  ): Promise<{ readonly write: Promise<unknown> }> {
    const many: Row[] = Array.from({ length: 40 }, () => rows).flat()
    const batch = castRows(fixture, run.target, many)
    for (let bytes = 0; bytes <= bound; bytes += batch.byteLength) {
      const writing = write(batch)
      writing.catch(() => {})
      const isHeld = await Promise.race([writing.then(() => false), ownTime(HELD_MS).then(() => true)])
      if (isHeld) return { write: writing }
    }
    return assert.fail(`more than ${bound} bytes were taken while the server took none`)
  }
}

/** Where to break, given the bytes that had been sent when each commit returned. */
function breaksIn(commits: readonly number[]): number[] {
  const sent = commits.at(-1) ?? 0
  const spread = Array.from({ length: BREAKS }, (_, at) => Math.floor((sent * at) / BREAKS))
  // One byte short of a commit the server has it and the writer does not know, or the other way round.
  const decisive = commits.flatMap(end => [end - 1, end - 12])
  return [...new Set([...spread, ...decisive])].filter(at => at >= 0).toSorted((a, b) => a - b)
}

const plainJson = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

function assertTransient(error: unknown, place: string): void {
  assert(SluiceError.is(error), `${place}: expected an SluiceError, got ${error instanceof Error ? error.stack : String(error)}`)
  assert.equal(error.fault, 'transient', `${place}: ${error.code}: ${error.message}`)
}
