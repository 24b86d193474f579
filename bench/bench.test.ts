import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { median } from './statistics.ts'
import { tableIn, withTable } from './write.ts'

const root = join(import.meta.dirname, '..')

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([9, 1, 2]), 2)
})

test('the figures in README.md are those of docs/benchmarks.md', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const page = await readFile(join(root, 'docs/benchmarks.md'), 'utf8').catch(() => '')
  assert.equal(tableIn(readme), tableIn(page), 'run `npm run bench -- --write` and commit both')
})

test('a table is replaced between its marks and nowhere else', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const changed = withTable(withTable(readme, '| b |'), '| a |')
  assert.equal(tableIn(changed), '| a |')
  assert.equal(changed.replace('| a |', tableIn(readme)).replace(/\n{3,}/, '\n\n'), readme)
})
