/** The property that holds for every target and any input. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { SluiceError } from '#errors'
import type { Random } from '../../bench/random.ts'
import type { Placed, Target } from './target.ts'

/** Bytes in front of and behind an input. */
const MARGIN_BYTES = 64
/** Most time of the processor, whatever else it does meanwhile, and most memory of one input, which has a few KiB. */
const MOST_MS = 1000
const MOST_BYTES = 64 * 1024 * 1024
/** Inputs up to this length are cut at every byte, longer ones at some. */
const CUT_EVERYWHERE = 64

const LONE_PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype]
const NAMES = LONE_PROTOTYPES.map(prototype => Object.getOwnPropertyNames(prototype).length)

/** Throws what is wrong with the way a target takes an input. */
export async function check(target: Target, input: Uint8Array, random: Random): Promise<void> {
  const first = await outcomeOf(target, placed(input, 0x00), [])
  for (const fill of [0xff, 0x30])
    assert.equal(await outcomeOf(target, placed(input, fill), []), first, `bytes ${fill} behind the end matter`)
  if (target.isStream !== true) return
  const everywhere = Array.from({ length: input.length }, (_, at) => at + 1)
  const some = everywhere.filter(() => random.between(0, 3) === 0)
  for (const cuts of input.length <= CUT_EVERYWHERE ? [everywhere, some] : [some])
    assert.equal(await outcomeOf(target, placed(input, 0xff), cuts), first, `cuts at ${cuts.join(', ')} matter`)
}

function placed(input: Uint8Array, fill: number): Placed {
  const buffer = Buffer.alloc(input.length + 2 * MARGIN_BYTES, fill)
  buffer.set(input, MARGIN_BYTES)
  return { buffer, start: MARGIN_BYTES, end: MARGIN_BYTES + input.length }
}

/** What came out as text, or the error as a user sees it. */
async function outcomeOf(target: Target, input: Placed, cuts: readonly number[]): Promise<string> {
  const began = process.cpuUsage()
  const bytes = process.memoryUsage().arrayBuffers
  const outcome = await textOf(target, input, cuts)
  const used = process.memoryUsage().arrayBuffers - bytes
  assert(used < MOST_BYTES, `${used} bytes were allocated`)
  const ms = process.cpuUsage(began).user / 1000
  assert(ms < MOST_MS, `it took ${Math.round(ms)} ms`)
  const names = LONE_PROTOTYPES.map(prototype => Object.getOwnPropertyNames(prototype).length)
  assert.deepEqual(names, NAMES, 'a prototype was changed')
  return outcome
}

async function textOf(target: Target, input: Placed, cuts: readonly number[]): Promise<string> {
  try {
    return inspect(await target.run(input, cuts), { depth: 12, maxArrayLength: null, maxStringLength: null })
  } catch (error) {
    if (!SluiceError.is(error)) throw error
    assert.notEqual(error.fault, 'bug', `${error.code} says that we are wrong: ${error.message}`)
    return `${error.code} ${error.message}`
  }
}
