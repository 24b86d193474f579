/** Files of rows that were set aside. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badRowsSource } from '../../../src/engine/bad-rows-source.ts'
import { contextOf } from '#conformance'
import { scratch } from '../scratch.ts'
import { bytesOf, type Placed, type Target } from '../target.ts'

const head = {
  ...{ format: 'sluice-bad-rows/1', job: 'orders', run: 'r1', began: '2024-01-01T00:00:00Z', split: 's1' },
  ...{ dataset: 'orders', primaryKey: ['id'] },
  columns: [
    { name: 'id', type: 'int64', nullable: false },
    { name: 'price', type: 'decimal(12,2)', nullable: true },
    { name: 'tags', type: 'list<utf8>', nullable: true },
    { name: 'at', type: 'timestamptz', nullable: true },
  ],
}
const row = { key: 'id=1', code: 'data.value-refused', message: 'no', column: 'price', text: 'x', time: '2024-01-01T00:00:00Z' }
const lines = [
  head,
  { ...row, row: ['1', null, ['a', null], '2024-01-01 00:00:00Z'] },
  { ...row, text: undefined, row: ['-7', '1.50', [], null] },
]

async function run(input: Placed): Promise<unknown> {
  const file = join(scratch, 'rows.jsonl')
  await writeFile(file, bytesOf(input))
  await using reader = await badRowsSource.open({ files: [file], as: 'rows' }, contextOf({}))
  const found: unknown[] = []
  for (const dataset of await reader.discover()) {
    for await (const split of reader.enumerate(dataset)) {
      for await (const { batch, refused } of reader.read(dataset, split, undefined))
        found.push(
          split.id,
          Array.from({ length: batch.rows }, (_, at) => batch.row(at)),
          refused,
        )
    }
  }
  return found
}

export const badRows: Target = {
  name: 'bad-rows',
  seeds: [Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join(''))],
  tokens: ['null', '{}', '[]', '"', '"__proto__":', '1e999', '\n', ',', 'list<'.repeat(50), '99999999999999999999'],
  run,
}
