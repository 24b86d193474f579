/** Nothing that comes from data, a job or a scheduler makes a file outside the directory of the sink, whatever it is called. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { Batch, int, writeValue, type Schema } from '#columnar'
import { contextOf } from '#conformance'
import type { RunRecord, TwoPhaseWriter } from '#connector'
import { csvSink } from '#connectors/csv'
import { jsonlSink } from '#connectors/jsonl'

const folder = await mkdtemp(join(tmpdir(), 'sluice-containment-'))
after(() => rm(folder, { recursive: true, force: true }))

const schema: Schema = { fields: [{ name: 'id', type: int(64), nullable: false }] }
const HOSTILE = [
  '..',
  '.',
  '../../etc/passwd',
  '/etc/passwd',
  'a/../../b',
  'C:\\x\\..\\y',
  'x\0y',
  'line\nbreak',
  '~root',
  '$(id)',
  '%2e%2e%2f',
  '.sluice',
  '*?[a]{b}',
  'Orders',
  'orders',
  'ключ😀',
  'x'.repeat(300),
  '../'.repeat(200),
  '',
]

/** Every file below the folder of the test. */
async function everything(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => !entry.isDirectory()).map(entry => relative(folder, join(entry.parentPath, entry.name)))
}

function openWriter(sink: typeof csvSink | typeof jsonlSink, options: object, job: string): Promise<TwoPhaseWriter> {
  return sink.open(sink.options.parse(options) as never, contextOf({ job })) as Promise<TwoPhaseWriter>
}

for (const sink of [csvSink, jsonlSink]) {
  for (const layout of ['flat', 'folders'] as const) {
    test(`${sink.name}, ${layout}: one row of each dataset, below the directory`, async () => {
      const out = join(`${sink.name}-${layout}`, 'deep', 'out')
      const path = join(folder, out)
      for (const name of HOSTILE) {
        await using writer = await openWriter(sink, { path, layout }, name)
        const target = await writer.plan({ id: name, schema, primaryKey: [] })
        const run: RunRecord = {
          job: name,
          run: name,
          holder: 'engine',
          epoch: 1,
          splits: [],
          finished: false,
          began: '',
          memo: null,
        }
        await writer.prepare(run, [target], true, [])
        await writer.join(run)
        const batch = new Batch(schema, 1)
        batch.rows = 1
        writeValue(batch.columns[0]!, 0, 1n)
        await writer.write(target, batch)
        await writer.commit(await writer.prepareCommit([{ split: name, done: true }]))
        await writer.finish(run, [target])
      }
      const files = await everything()
      const published = files.filter(file => file.startsWith(out) && !file.startsWith(join(out, '.sluice')))
      assert.equal(published.length, HOSTILE.length, 'each dataset has a file of its own')
      assert.deepEqual(
        files.filter(file => !/^(?:csv|jsonl)-(?:flat|folders)\/deep\/out\//.test(file)),
        [],
      )
    })
  }
}

test('a log that somebody has changed moves no file out of the directory', async () => {
  const path = join(folder, 'changed')
  await using writer = await openWriter(csvSink, { path }, 'job')
  const target = await writer.plan({ id: 'orders', schema, primaryKey: [] })
  const run: RunRecord = { job: 'job', run: 'r', holder: 'engine', epoch: 1, splits: [], finished: false, began: '', memo: null }
  await writer.prepare(run, [target], true, [])
  const [name = ''] = (await readdir(join(path, '.sluice', 'job'))).filter(entry => entry !== 'run.json')
  const staging = join('.sluice', 'job', name)
  await writeFile(join(path, staging, 'victim'), 'x')
  for (const published of ['../stolen', '/tmp/stolen', 'a/../../stolen']) {
    const log = { commit: 1, marks: [], publishing: [{ staged: join(staging, 'victim'), published }] }
    await writeFile(join(path, staging, '00000000.marks'), JSON.stringify(log))
    await assert.rejects(writer.marks('job'), { code: 'file.marks-torn', message: /lies outside/ })
  }
})

test('a staged file is never written through a link', async () => {
  const path = join(folder, 'linked')
  await mkdir(path)
  const precious = join(folder, 'precious')
  await writeFile(precious, 'precious')
  const { StagedFile } = await import('./staged-file.ts')
  await symlink(precious, join(path, 'staged'))
  await assert.rejects(StagedFile.create(join(path, 'staged')), { code: 'file.unwritable' })
})
