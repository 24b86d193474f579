/** What a command line that is not right is answered. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sluice } from './sluice.test-support.ts'

describe('a mistake on the command line', { concurrency: true }, () => {
  for (const [args, expected] of [
    ['run job.json --max-mem 5', /did you mean --max-memory\?/],
    ['-mode local -jobb job.json', /error cli\.flag-refused .*`-jobb`/],
    ['-mode local', /Expected argument for job/],
    ['torture', /error torture\.no-server .*\nhint {2}.*--postgres/],
    ['verify job.json --rows many', /error cli\.bad-count .*--rows/],
  ] as const) {
    test(args, async () => {
      const { code, err } = await sluice(args.split(' '))
      assert.match(err, expected)
      assert.equal(code, 64)
    })
  }
})

test('a reader that has had enough is no error', async () => {
  const program = join(import.meta.dirname, '../../bin/sluice')
  const line = `set -o pipefail; "${program}" connectors show mysql | true`
  const { stderr } = await promisify(execFile)('bash', ['-c', line])
  assert.equal(stderr, '')
})
