import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { z } from 'zod'
import { optionsOf, optionTable } from './option-docs.ts'
import { GENERATED_FOLDERS, generatedPages } from './pages.ts'

const pages = await generatedPages()

for (const [path, text] of pages) {
  test(`${path} is what the code says`, async () => {
    const committed = await readFile(path, 'utf8').catch(() => '')
    assert(committed === text, 'it is stale: run `npm run docs` and commit the result')
  })
}

test('no page is left of what no longer exists', async () => {
  for (const folder of GENERATED_FOLDERS) {
    for (const name of await readdir(folder)) assert(pages.has(`${folder}/${name}`), `${folder}/${name}: run \`npm run docs\``)
  }
})

test('no message is left that could not be rendered', () => {
  const text = pages.get('docs/reference/errors.md') ?? ''
  assert.doesNotMatch(text, /undefined|\[object|\bfunction\b/)
  assert.match(text, /\| `ledger\.fenced` \| usage \| Run ‹run› of job ‹job› has been taken over/)
})

test('shows of an option its names, values, default, unit, example, and that it is secret', () => {
  const options = z.strictObject({
    mode: z
      .enum(['a', 'b'])
      .default('a')
      .describe('What to do.')
      .meta({ aliases: ['writeMode'] }),
    wait: z
      .int()
      .min(0)
      .max(60)
      .optional()
      .describe('How long | or not.')
      .meta({ unit: 's', examples: [5] }),
    password: z.string().describe('Word.').meta({ secret: true }),
    columns: z
      .union([z.string(), z.array(z.strictObject({ name: z.string().describe('Its name.') }))])
      .optional()
      .describe('Columns.'),
  })
  assert.deepEqual(optionTable(optionsOf(options)).split('\n'), [
    '| Option | Value | Default | Meaning |',
    '| --- | --- | --- | --- |',
    '| `mode`<br>FlinkX: `writeMode` | `"a"` or `"b"` | `"a"` | What to do. |',
    '| `wait` | integer from 0 to 60, in s |  | How long \\| or not. Example: `5`. |',
    '| `password` | text | required | Word. Secret: write it as `${env:NAME}` or `${file:PATH}`. |',
    '| `columns` | text or list of object |  | Columns. |',
    '| `columns[].name` | text | required | Its name. |',
  ])
})
