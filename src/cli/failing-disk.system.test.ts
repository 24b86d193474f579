/**
 * Disks that fail and writes that come up short, below Node: the run stops loudly or goes on, nothing half written is visible, and what follows is exact.
 *
 * libfiu fails the calls of the whole process, so `write` is left out: libuv wakes its threads by it and aborts when it fails. The state files
 * are what is written that way; a write of theirs that is refused is in `disk-full`, a sync that hangs in `engine/state-faults`. Reads that fail
 * would hit Node's own modules, too. What a short write leaves over libuv writes itself, of a short read we read the rest.
 */
import assert from 'node:assert/strict'
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { failingCalls } from '../../tools/servers/index.ts'
import { sluice } from './sluice.test-support.ts'

const ROUNDS = 20
/** Until the fault has come. */
const MOST_ROUNDS = 200
const ROWS = 20_000
const EIO = 5
const everyId = Array.from({ length: ROWS }, (_, i) => i + 1)

const fails = (call: string, probability: number) =>
  `enable_random name=posix/io/${call},failinfo=${EIO},probability=${probability}`

/** `halts`: some runs must have stopped, so that the fault is known to have come; else none may. */
const faults = [
  { name: 'writes of rows that fail', command: fails('rw/pwrite', 0.05), halts: true },
  {
    name: 'writes of rows that come up short',
    command: 'enable_random name=posix/io/rw/pwrite/reduce,probability=0.7',
    halts: false,
  },
  { name: 'syncs that fail', command: fails('sync/fsync', 0.02), halts: true },
  { name: 'renames that fail', command: fails('dir/rename', 0.04), halts: true },
  { name: 'reads that come up short', command: 'enable_random name=posix/io/rw/pread/reduce,probability=0.3', halts: false },
]
const tricks = await Promise.all(faults.map(({ command }) => failingCalls([command])))

const folder = await mkdtemp(join(tmpdir(), 'sluice-eio-'))
after(() => rm(folder, { recursive: true }))

describe('a failing disk', { skip: tricks[0]!.skip, concurrency: 1 }, () => {
  before(async () => {
    await mkdir(join(folder, 'in'))
    const lines = everyId.map(id => `${id},${'text '.repeat(20)}${id}\n`)
    await writeFile(join(folder, 'in', 'a.csv'), lines.join(''))
  })

  for (const [at, { name, halts }] of faults.entries()) {
    test(`${name}, ${ROUNDS} rounds`, async t => {
      let halted = 0
      let round = 0
      for (; round < ROUNDS || (halts && halted === 0 && round < MOST_ROUNDS); round++) {
        const own = join(folder, `${at}-${round}`)
        const file = await jobIn(own)
        const first = await sluice(['run', file], { env: tricks[at]!.env })
        for (const line of await published(own)) assert.doesNotThrow(() => JSON.parse(line) as unknown)
        if (first.code !== 0) {
          halted++
          assert.match(first.err, /EIO/)
          const second = await sluice(['run', file, '--resume'])
          assert.equal(second.code, 0, `${first.err}\n${second.err}`)
        }
        const rows = (await published(own)).map(line => JSON.parse(line) as { id: number; text: string })
        assert.deepEqual(
          rows.map(({ id }) => id).toSorted((a, b) => a - b),
          everyId,
          first.err,
        )
        assert(rows.every(({ id, text }) => text === `${'text '.repeat(20)}${id}`))
        await rm(own, { recursive: true })
      }
      t.diagnostic(`${halted} of ${round} runs stopped`)
      assert.equal(halted > 0, halts, `${halted} runs stopped`)
    })
  }
})

async function jobIn(own: string): Promise<string> {
  await mkdir(own)
  const file = join(own, 'job.json')
  const columns = [
    { name: 'id', type: 'int64' },
    { name: 'text', type: 'utf8' },
  ]
  const source = { connector: 'csv', path: join(folder, 'in', '*.csv'), header: false, columns }
  const settings = { stateDir: join(own, 'state'), checkpointInterval: 10 }
  await writeFile(file, JSON.stringify({ source, sink: { connector: 'jsonl', path: join(own, 'out') }, settings }))
  return file
}

/** Lines of all files that are not staged. */
async function published(own: string): Promise<string[]> {
  const names = await Array.fromAsync(glob('**/*.jsonl', { cwd: join(own, 'out'), exclude: name => name.startsWith('.') }))
  const texts = await Promise.all(names.map(name => readFile(join(own, 'out', name), 'utf8')))
  return texts.flatMap(text => text.split('\n')).filter(line => line !== '')
}
