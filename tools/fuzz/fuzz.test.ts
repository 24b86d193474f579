/** A short run of every fuzz target, and every input that was ever found. Hours of it: `npm run fuzz`. */
import { test } from 'node:test'
import { randomOf } from '../../bench/random.ts'
import { check } from './check.ts'
import { corpusOf, fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const INPUTS = 100
const SEED = 4

for (const target of targets) {
  test(`${target.name}: no input does harm`, async () => {
    for (const { name, input } of await corpusOf(target)) {
      await check(target, input, randomOf(SEED)).catch((cause: unknown) => {
        throw new Error(`corpus/${target.name}/${name} does harm again`, { cause })
      })
    }
    const { finding } = await fuzz(target, SEED, inputs => inputs >= INPUTS)
    if (finding) throw new Error(`found 0x${Buffer.from(finding.input).toString('hex')}`, { cause: finding.error })
  })
}
