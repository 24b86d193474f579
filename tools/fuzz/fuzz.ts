/** Feeds one target for a while, and the inputs that were found before. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomOf } from '../../bench/random.ts'
import { check } from './check.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

const CORPUS = new URL('corpus', import.meta.url).pathname

export interface Finding {
  readonly input: Uint8Array
  readonly error: unknown
}

/** Until `isOver`; `before` is told every input before it is tried. Stops at the first finding. */
export async function fuzz(
  target: Target,
  seed: number,
  isOver: (inputs: number) => boolean,
  before: (input: Uint8Array) => void = () => {},
): Promise<{ inputs: number; finding?: Finding }> {
  const random = randomOf(seed)
  const pool = [...target.seeds, ...(await corpusOf(target)).map(({ input }) => input)]
  let inputs = 0
  for (; !isOver(inputs); inputs++) {
    const input = inputs < pool.length ? pool[inputs]! : mutate(pool, target.tokens ?? [], random)
    before(input)
    try {
      await check(target, input, random)
    } catch (error) {
      return { inputs, finding: { input, error } }
    }
  }
  return { inputs }
}

/** Inputs that were found before, by the names of their files. */
export async function corpusOf({ name }: Target): Promise<{ name: string; input: Buffer }[]> {
  const folder = join(CORPUS, name)
  const names = await readdir(folder).catch((): string[] => [])
  return Promise.all(names.sort().map(async file => ({ name: file, input: await readFile(join(folder, file)) })))
}

/** Where an input is kept, so that it is tried in every run. */
export const corpusFile = ({ name }: Target, input: Uint8Array): string =>
  join(CORPUS, name, createHash('sha256').update(input).digest('hex').slice(0, 12))
