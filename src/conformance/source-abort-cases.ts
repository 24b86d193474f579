import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Json, Split } from '#connector'
import { within, type Case } from './case.ts'
import { allSplits, openReader, readSplit } from './source-probe.ts'
import type { SourceFixture } from './source-suite.ts'

type Fixture = SourceFixture<z.ZodObject, Split, Json>

/** Everything must have ended this long after an abort, or after a consumer has turned away. */
export const STOP_MS = 1000
const REST_MS = 30
const STEP_MS = 10

/** How a source stops. */
export function sourceAbortCases({ source, options }: Fixture): Case[] {
  return [
    {
      name: 'does not begin when it has been aborted before',
      async run() {
        const aborted = AbortSignal.abort()
        await using earlier = await openReader(source, options)
        const [place] = await allSplits(earlier)
        assert(place !== undefined, 'the fixture has no split')
        const attempt = async () => {
          await using reader = await openReader(source, options, { signal: aborted })
          await readSplit(reader, place)
        }
        await within(STOP_MS, 'refusing to begin', assert.rejects(attempt, { name: 'AbortError' }))
      },
    },
    {
      name: 'stops within a second when it is aborted while it reads',
      async run() {
        const controller = new AbortController()
        await using reader = await openReader(source, options, { signal: controller.signal, batchRows: 1 })
        const places = await allSplits(reader)
        const attempt = async () => {
          for (const { dataset, split } of places) {
            for await (const _ of reader.read(dataset, split, undefined)) {
              assert(!controller.signal.aborted, 'another batch came after the abort')
              controller.abort()
            }
          }
        }
        await within(STOP_MS, 'stopping', assert.rejects(attempt, { name: 'AbortError' }))
      },
    },
    {
      name: 'leaves nothing open when its consumer turns away half-way',
      async run() {
        const before = await openAtRest()
        {
          await using reader = await openReader(source, options, { batchRows: 1 })
          const [place] = await allSplits(reader)
          assert(place !== undefined, 'the fixture has no split')
          for await (const _ of reader.read(place.dataset, place.split, undefined)) break
          // What was left early must not stand in the way of the next read.
          assert((await readSplit(reader, place)).length > 0, 'the reader reads nothing after a read that was left early')
        }
        await assertReleased(before)
      },
    },
  ]
}

/** Fails unless no more is open than before, within a second: closing a socket takes its time. */
export async function assertReleased(before: readonly string[]): Promise<void> {
  const isReleased = () => openResources().length <= before.length
  assert(await settled(isReleased), `still open: ${openResources().join()}; before: ${before.join()}`)
}

/** What is open once that has stopped changing: what an earlier case closed may take its time to go. */
export async function openAtRest(): Promise<readonly string[]> {
  for (let before = openResources(); ;) {
    await sleep(REST_MS)
    const now = openResources()
    if (now.length === before.length) return now
    before = now
  }
}

/** Sockets, files, timers and workers that keep a process alive. */
function openResources(): readonly string[] {
  return process.getActiveResourcesInfo()
}

/** Whether a condition comes true within a second in which this process could work. */
async function settled(condition: () => boolean): Promise<boolean> {
  let left = STOP_MS
  do await sleep(STEP_MS)
  while (!condition() && (left -= STEP_MS) > 0)
  return condition()
}
