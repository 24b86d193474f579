/** A worker thread dies in the middle of a run: it is replaced and the result is exact, or the run ends clearly. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import * as catalog from '#catalog'
import { DEFAULT_LIMITS, runJob, threadEndpoint, type JobSpec, type RunEvent } from '#engine'

const ROUNDS = 20
const ROWS = 20_000
const FILES = 4
const folder = await mkdtemp(join(tmpdir(), 'sluice-worker-'))
after(() => rm(folder, { recursive: true }))
await mkdir(join(folder, 'in'))
for (let file = 0; file < FILES; file++) {
  const ids = Array.from({ length: ROWS / FILES }, (_, i) => file * (ROWS / FILES) + i)
  await writeFile(join(folder, 'in', `${file}.csv`), ids.map(id => `${id},name of ${id}\n`).join(''))
}

const workerFile = new URL('../engine/worker-thread.ts', import.meta.url)

function specOf(round: number | string): JobSpec {
  const columns = [
    { name: 'id', type: 'int64' },
    { name: 'name', type: 'utf8' },
  ]
  return {
    id: `worker-${round}`,
    source: { connector: 'csv', options: { path: join(folder, 'in', '*.csv'), header: false, columns } },
    sink: { connector: 'jsonl', options: { path: join(folder, `out-${round}`) } },
    readers: 3,
    writers: 3,
    limits: { ...DEFAULT_LIMITS, batchRows: 50, rowsPerSecond: 60_000 },
    restart: { attempts: 4, leastMs: 0, firstDelayMs: 1, maxDelayMs: 5 },
    checkpointSeconds: 0.01,
    stateDir: join(folder, 'state'),
  }
}

async function run(
  spec: JobSpec,
  threads: Worker[],
  limits: ConstructorParameters<typeof Worker>[1],
  onEvent: (event: RunEvent) => void,
) {
  const source = await catalog.source('csv')
  const sink = await catalog.sink('jsonl')
  const checked = {
    ...spec,
    source: { ...spec.source, options: source.options.parse(spec.source.options) },
    sink: { ...spec.sink, options: sink.options.parse(spec.sink.options) },
  }
  return await runJob(checked, catalog, {
    ...{ resume: false, fresh: false, drain: new AbortController().signal, signal: new AbortController().signal },
    onEvent,
    startWorker: () => {
      const thread = new Worker(workerFile, limits)
      threads.push(thread)
      return threadEndpoint(thread)
    },
  })
}

async function idsIn(place: string): Promise<number[]> {
  const names = (await readdir(place)).filter(name => name.endsWith('.jsonl'))
  const texts = await Promise.all(names.map(name => readFile(join(place, name), 'utf8')))
  const lines = texts.flatMap(text => text.split('\n')).filter(line => line !== '')
  return lines.map(line => (JSON.parse(line) as { id: number }).id).toSorted((a, b) => a - b)
}

test(`a thread that ends without a word is replaced: ${ROUNDS} rounds`, async () => {
  let died = 0
  for (let round = 0; round < ROUNDS; round++) {
    const threads: Worker[] = []
    const report = await run(specOf(round), threads, {}, ({ kind }) => {
      // From the first to the last moment of the run.
      if (kind === 'begun') void sleep((round * 400) / ROUNDS).then(() => threads[round % 3]?.terminate())
      if (kind === 'restarting') died++
    })
    assert.equal(report.outcome, 'finished')
    assert.deepEqual(
      await idsIn(join(folder, `out-${round}`)),
      Array.from({ length: ROWS }, (_, id) => id),
    )
  }
  assert(died >= ROUNDS / 4, `only ${died} threads died in time`)
})

test('threads that have too little memory end the run clearly', async () => {
  await assert.rejects(
    run(specOf('memory'), [], { resourceLimits: { maxOldGenerationSizeMb: 4 } }, () => {}),
    {
      code: 'engine.gave-up',
      message: /memory/i,
    },
  )
})
