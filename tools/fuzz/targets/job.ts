/** Job files: JSON as FlinkX reads it, and YAML. The first byte chooses the name of the file. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as catalog from '#catalog'
import { SluiceError } from '#errors'
import { problemsOf, resolveJob } from '#job'
import { behindFirst, bytesOf, choiceOf, type Target } from '../target.ts'

const names = ['job.json', 'job.yaml']
const references = { env: { SECRET: 'x' }, readFile: () => 'y' }
const testdata = join(import.meta.dirname, '../../../src/job/testdata')

const seeds = ['flinkx', 'jobs', 'mistakes'].flatMap(folder =>
  readdirSync(join(testdata, folder))
    .filter(file => /\.(json|yaml)$/.test(file))
    .sort()
    .map(file => Buffer.concat([Buffer.of(file.endsWith('.yaml') ? 1 : 0), readFileSync(join(testdata, folder, file))])),
)

export const job: Target = {
  name: 'job',
  seeds: [...seeds, Buffer.from('\0{"__proto__":{"a":1},"source":{"connector":"csv","constructor":1}}')],
  tokens: [
    ...[
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      ':',
      ',',
      '//',
      '/*',
      '#',
      '\\u',
      '\\',
      '${env:SECRET}',
      '${file:a}',
      '${',
      '[['.repeat(300),
      '{"a":'.repeat(300),
    ],
    ...[
      '"__proto__": ',
      'constructor: ',
      '&a [*a,*a]',
      '*a',
      '!!js/function ',
      '---\n',
      '- ',
      '? ',
      '|\n',
      '<<: ',
      '1e999',
      '9'.repeat(400),
      '\0',
    ],
  ],
  async run(input) {
    const name = names[choiceOf(input, names.length)]!
    try {
      return await resolveJob(bytesOf(behindFirst(input)).toString(), name, { catalog, references })
    } catch (error) {
      if (!SluiceError.is(error)) throw error
      const problems = problemsOf(error)
      for (const { code, fault } of problems) assert.notEqual(fault, 'bug', code)
      return problems.map(({ code, message }) => `${code} ${message}`)
    }
  },
}
