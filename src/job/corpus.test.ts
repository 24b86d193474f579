/** The example jobs of FlinkX and ChunJun: those that stand in testdata, and all of the collection where it is there. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { SluiceError } from '#errors'
import { checkJob, type Catalog } from './job.ts'
import { parseJson } from './json.ts'

/** Every connector there ever was. */
const everything: Catalog = { names: () => [], has: () => true }

/** Files that no parser can read, with what is wrong with them. */
const malformed = new Set(['1.10__sqlserver_stream.json', '1.10_release/sqlserver_stream.json'])

const folders = [join(import.meta.dirname, 'testdata/flinkx'), join(import.meta.dirname, '../../../shared/corpus/flinkx')]

for (const folder of folders) {
  describe(relative(process.cwd(), folder), { skip: existsSync(folder) ? false : 'the collection is not here' }, () => {
    test('every file is read but those that are broken, which are told where', async context => {
      let read = 0
      for (const { name, text } of await filesOf(folder)) {
        if (!malformed.has(name)) {
          parseJson(text, name)
          read++
        } else {
          assert.throws(
            () => parseJson(text, name),
            (error: unknown) => SluiceError.is(error, 'job.syntax') && /is never closed/.test(error.hint ?? ''),
          )
        }
      }
      assert(read > 20)
      context.diagnostic(`${read} files read`)
    })

    test('every strict file means what JSON.parse says', async () => {
      for (const { name, text } of await filesOf(folder)) {
        let strict: unknown
        try {
          strict = JSON.parse(text)
        } catch {
          continue
        }
        assert.deepEqual(parseJson(text, name).root.value, strict, name)
      }
    })

    test('every job is understood, or refused for what it asks', async context => {
      const refused: Record<string, number> = {}
      let understood = 0
      for (const { name, text } of await filesOf(folder)) {
        if (malformed.has(name)) continue
        const { job, problems } = await checkJob(text, name, { catalog: everything, references: { env: {}, readFile: () => '' } })
        for (const { code, detail } of problems)
          refused[`${code} ${String(detail['path'])}`] = (refused[`${code} ${String(detail['path'])}`] ?? 0) + 1
        if (problems.length === 0) {
          assert(job !== undefined, name)
          understood++
        }
      }
      context.diagnostic(`${understood} jobs understood; refused: ${JSON.stringify(refused)}`)
      const expected = [
        'job.incomplete job.content[0].writer',
        'job.unsupported-setting job.content[0].nameMapping',
        'job.unsupported-setting job.content[0].transformer',
        'job.unsupported-setting job.setting.restore.isStream',
        'job.unsupported-setting job.setting.speed.bytes',
      ]
      assert.deepEqual(
        Object.keys(refused).filter(reason => !expected.includes(reason)),
        [],
      )
    })
  })
}

async function filesOf(folder: string): Promise<{ name: string; text: string }[]> {
  const names = (await Array.fromAsync(glob('**/*.json', { cwd: folder }))).sort()
  return Promise.all(names.map(async name => ({ name, text: await readFile(join(folder, name), 'utf8') })))
}
