/** State files, with a digest that is right so that what is behind it is reached too. The first byte says whether it is. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StateStore } from '../../../src/engine/state-store.ts'
import { scratch } from '../scratch.ts'
import { behindFirst, bytesOf, choiceOf, type Placed, type Target } from '../target.ts'

const body = JSON.stringify(
  {
    ...{ job: 'orders', run: 'r1', finished: false, epoch: 1, began: '2024-01-01T00:00:00.000Z', memo: { digest: 'x', rows: 3 } },
    splits: [{ split: { id: 's1', dataset: 'orders' }, position: { offset: 17 }, done: false, bad: 2 }],
    committables: [{ run: 'r1', marks: [{ split: 's1', done: true }] }],
  },
  null,
  1,
)

const headOf = (text: Buffer) =>
  `${JSON.stringify({ format: 'sluice-state/1', digest: createHash('sha256').update(text.toString().trimEnd()).digest('hex').slice(0, 32) })}\n`

async function run(input: Placed): Promise<unknown> {
  const store = new StateStore(scratch, 'orders')
  const text = bytesOf(behindFirst(input))
  const file = join(store.folder, 'run.json')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, choiceOf(input, 2) === 0 ? Buffer.concat([Buffer.from(headOf(text)), text]) : text)
  const found = await store.find()
  if (found === undefined) return undefined
  await store.checkpoint([{ split: 's1', done: true }], [])
  return store.claim({ job: found.job, run: found.run }).then(({ began: _, holder: __, ...record }) => record)
}

export const state: Target = {
  name: 'state',
  seeds: [
    Buffer.from(`\0${body}`),
    Buffer.from(`\x01${headOf(Buffer.from(body))}${body}\n`),
    Buffer.from('\0null'),
    Buffer.from('\0{"splits":[null]}'),
    Buffer.from('\0{"__proto__":{"splits":[]}}'),
  ],
  tokens: ['null', '{}', '[]', '"', '"__proto__":', '1e999', '\n', ','],
  run,
}
