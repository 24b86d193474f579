import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Json, Split } from '#connector'
import { SluiceError } from '#errors'
import { standstill, within, type Case } from './case.ts'
import { FaultProxy, type Fault } from './fault-proxy.ts'
import { assertSameRows, type Row } from './rows.ts'
import { assertReleased, openAtRest, STOP_MS } from './source-abort-cases.ts'
import { allSplits, openReader, readAll } from './source-probe.ts'
import type { SourceEndpoint, SourceFixture } from './source-suite.ts'

type Fixture = SourceFixture<z.ZodObject, Split, Json>
type Endpoint = SourceEndpoint<z.ZodObject>

const MiB = 1024 * 1024
/** What kernel and proxy may hold between server and reader beside what the reader itself admits to. */
const PATH_BYTES = 24 * MiB
const LARGE_BYTES = 64 * MiB
/** Bytes at which connections are broken, spread over everything that is sent. */
const BREAKS = 12
/** When nothing has come for so long, everything that was under way has been read and the reader waits. */
const SILENCE_MS = 300
/** When nothing has come for so long, a reader reads no further ahead. */
const QUIET_MS = 1000
/** A broken connection must be noticed by then. */
const NOTICE_MS = 60_000

/** What a source that is reached by TCP does when the network is slow or breaks. */
export function sourceNetworkCases({ source, rows: expected }: Fixture, endpoint: Endpoint): Case[] {
  const start = () => FaultProxy.start(endpoint.host, endpoint.port)
  const viaProxy = (proxy: FaultProxy) => endpoint.viaProxy(proxy.host, proxy.port)
  const large = (proxy: FaultProxy) => endpoint.large(proxy.host, proxy.port)

  async function readThrough(proxy: FaultProxy): Promise<Record<string, Row[]>> {
    await using reader = await openReader(source, viaProxy(proxy))
    return await readAll(reader)
  }

  function assertExpected(read: Record<string, readonly Row[]>, place: string): void {
    for (const [id, rows] of Object.entries(expected)) assertSameRows(read[id] ?? [], rows, `${id} ${place}`)
  }

  /** Reads through a connection that breaks: all rows all the same, or a transient error. */
  async function readBroken(proxy: FaultProxy, fault: Fault & { afterBytes: number }): Promise<void> {
    const place = `after a ${fault.kind} at byte ${fault.afterBytes} ${fault.direction}`
    proxy.set(fault)
    const reading = readThrough(proxy).then(
      read => assertExpected(read, place),
      (error: unknown) => assertTransient(error, place),
    )
    await within(NOTICE_MS, `the end of reading ${place}`, reading)
  }

  return [
    {
      name: 'reads the same rows when they trickle in a few bytes at a time',
      async run() {
        await using proxy = await start()
        for (const bytes of [1, 7, 61]) {
          proxy.set({ kind: 'trickle', direction: 'to-client', bytes, everyMs: 0 })
          assertExpected(await readThrough(proxy), `in pieces of ${bytes} bytes`)
        }
        assert(proxy.fired.trickle > 0)
      },
    },
    ...(['cut', 'reset'] as const).map(kind => ({
      name: `turns a connection that is ${kind === 'cut' ? 'closed' : 'reset'} at any byte into a transient error`,
      async run() {
        await using proxy = await start()
        assertExpected(await readThrough(proxy), 'without a fault')
        const sent = { ...proxy.forwarded }
        for (const direction of ['to-client', 'to-server'] as const) {
          for (let i = 0; i < BREAKS; i++) {
            await readBroken(proxy, { kind, direction, afterBytes: Math.floor((sent[direction] * i) / BREAKS) })
          }
        }
        // A reader that opens fewer connections than before may miss the last few.
        assert(proxy.fired[kind] >= BREAKS, `only ${proxy.fired[kind]} connections were broken`)
      },
    })),
    {
      name: 'turns a port that refuses connections into a transient error with a hint',
      async run() {
        await using proxy = await start()
        await proxy.refuse()
        await within(
          NOTICE_MS,
          'noticing the closed port',
          assert.rejects(readThrough(proxy), (error: unknown) => {
            assertTransient(error, 'at a closed port')
            assert((error as SluiceError).hint !== undefined)
            return true
          }),
        )
      },
    },
    {
      name: 'stops within a second when it is aborted while the server is silent',
      async run() {
        await using proxy = await start()
        const controller = new AbortController()
        await using reader = await openReader(source, large(proxy), { signal: controller.signal })
        const [place] = await allSplits(reader)
        const chunks = reader.read(place!.dataset, place!.split, undefined)[Symbol.asyncIterator]()
        await chunks.next()
        const silence = { kind: 'half-open', afterBytes: 0, every: true } as const
        proxy.set({ ...silence, direction: 'to-client' }, { ...silence, direction: 'to-server' })
        let read = 0
        const drain = async () => {
          while (!(await chunks.next()).done) read++
        }
        const reading = assert.rejects(drain, { name: 'AbortError' })
        await within(NOTICE_MS, 'asking for more', silenced(proxy))
        await standstill(SILENCE_MS, () => read)
        controller.abort()
        await within(STOP_MS, 'stopping', reading)
      },
    },
    {
      name: 'leaves a large read within a second and closes its connections',
      async run() {
        await using proxy = await start()
        const before = await openAtRest()
        {
          await using reader = await openReader(source, large(proxy))
          const [place] = await allSplits(reader)
          const chunks = reader.read(place!.dataset, place!.split, undefined)[Symbol.asyncIterator]()
          await chunks.next()
          await within(STOP_MS, 'leaving the read', Promise.resolve(chunks.return?.()))
          assert(proxy.forwarded['to-client'] < LARGE_BYTES, 'everything was read before the consumer could leave')
        }
        await assertReleased(before)
      },
    },
    {
      name: 'reads no further ahead than it says while its consumer is slow',
      async run() {
        await using proxy = await start()
        await using reader = await openReader(source, large(proxy), { batchBytes: MiB })
        const [place] = await allSplits(reader)
        for await (const _ of reader.read(place!.dataset, place!.split, undefined)) {
          await standstill(QUIET_MS, () => proxy.forwarded['to-client'])
          break
        }
        const bound = reader.bufferBytes + MiB + PATH_BYTES
        assert(reader.bufferBytes <= 16 * MiB, `the reader admits to ${reader.bufferBytes} bytes`)
        assert(
          proxy.forwarded['to-client'] <= bound,
          `${proxy.forwarded['to-client']} bytes were read ahead, ${bound} are allowed`,
        )
      },
    },
  ]
}

async function silenced(proxy: FaultProxy): Promise<void> {
  while (proxy.fired['half-open'] === 0) await sleep(5)
}

function assertTransient(error: unknown, place: string): void {
  assert(SluiceError.is(error), `${place}: expected an SluiceError, got ${error instanceof Error ? error.stack : String(error)}`)
  assert.equal(error.fault, 'transient', `${place}: ${error.code}: ${error.message}`)
}
