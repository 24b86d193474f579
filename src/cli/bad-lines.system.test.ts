/** Files with bad lines among good ones: every good row arrives once and every bad one is set aside once, a kill in between or not. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { killWhen, sluice } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-bad-lines-'))
after(() => rm(folder, { recursive: true }))

const ROWS = 400_000
/** Every 100th line is bad, each for another reason. */
const STEP = 100

interface Format {
  readonly name: 'csv' | 'jsonl'
  readonly head: string
  readonly good: (id: number) => string
  /** Each with the column that is to blame; none where the line cannot be divided. */
  readonly bad: readonly ((id: number) => readonly [line: string, column: string | undefined, text: string])[]
}

const formats: readonly Format[] = [
  {
    name: 'csv',
    head: 'id,price,day\n',
    good: id => `${id},1e300,2024-02-29`,
    bad: [
      id => [`${id},x${id},2024-02-29`, 'price', `x${id}`],
      id => [`${id},1`, undefined, `${id},1`],
      id => [`${id},1,2023-02-29`, 'day', '2023-02-29'],
      id => [`${id},\xff,2024-02-29`, undefined, `${id},\\xff,2024-02-29`],
      // What only the sink refuses.
      id => [`${id},NaN,2024-02-29`, 'price', '"NaN"'],
    ],
  },
  {
    name: 'jsonl',
    head: '',
    good: id => `{"id":${id},"price":1e300,"day":"2024-02-29"}`,
    bad: [
      id => [`{"id":${id},"price":[],"day":null}`, 'price', '[]'],
      id => [`{"id":${id},`, undefined, `{"id":${id},`],
      id => [`{"id":${id},"price":1,"day":"2023-02-29"}`, 'day', '"2023-02-29"'],
      id => [`{"id":${id},"day":"\xff"}`, undefined, `{"id":${id},"day":"\\xff"}`],
      id => [`{"id":${id},"price":"NaN","day":null}`, 'price', '"NaN"'],
    ],
  },
]

for (const format of formats) {
  test(`a ${format.name} file with 1 % bad lines`, async () => {
    const { file, out } = await prepare(format)
    for (const kills of [0, 1]) {
      const state = join(folder, `${format.name}-state-${kills}`)
      await rm(out, { recursive: true, force: true })
      if (kills > 0) await killOnce(file, state, out)
      const { code, err } = await sluice(['run', file, '--resume', '--state-dir', state])
      assert.equal(code, 0, err)
      await assertExact(format, file, state, out)
    }
  })
}

const isBad = (id: number) => id % STEP === STEP - 1
const badLine = ({ bad }: Format, id: number) => bad[Math.floor(id / STEP) % bad.length]!(id)

async function prepare(format: Format): Promise<{ file: string; out: string }> {
  const input = join(folder, `in.${format.name}`)
  const lines = Array.from({ length: ROWS }, (_, id) => (isBad(id) ? badLine(format, id)[0] : format.good(id)))
  await writeFile(input, `${format.head}${lines.join('\n')}\n`, 'latin1')
  const out = join(folder, `${format.name}-out`)
  const columns = [
    { name: 'id', type: 'int64' },
    { name: 'price', type: 'float64' },
    { name: 'day', type: 'date' },
  ]
  const job = {
    name: format.name,
    source: {
      connector: format.name,
      path: input,
      columns,
      splitBytes: 2 * 1024 * 1024,
      ...(format.name === 'csv' ? { multiline: false } : {}),
    },
    sink: { connector: 'jsonl', path: out },
    settings: { channels: 2, errorLimit: { record: ROWS / STEP }, checkpointInterval: 100, rowsPerSecond: 200_000 },
  }
  const file = join(folder, `${format.name}.json`)
  await writeFile(file, JSON.stringify(job))
  return { file, out }
}

/** Ends the engine as soon as something has been published. */
async function killOnce(file: string, state: string, out: string): Promise<void> {
  const wasRunning = await killWhen(['run', file, '--state-dir', state], async () => (await published(out)).length > 0)
  assert(wasRunning, 'the run was over before it could be killed')
}

async function assertExact(format: Format, file: string, state: string, out: string): Promise<void> {
  const seen = new Uint8Array(ROWS)
  for (const name of await published(out)) {
    for (const line of (await readFile(join(out, name), 'utf8')).split('\n')) {
      if (line === '') continue
      const row = JSON.parse(line) as { id: number; price: number; day: string }
      assert.deepEqual([row.price, row.day], [1e300, '2024-02-29'])
      seen[row.id]!++
    }
  }
  for (const [id, times] of seen.entries()) assert.equal(times, isBad(id) ? 0 : 1, `row ${id} is there ${times} times`)
  const shown = await sluice(['dirty', 'show', file, '--json', '--rows', String(ROWS), '--state-dir', state])
  assert.equal(shown.code, 0, shown.err)
  const found = shown.out
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { column?: string; text?: string; row: unknown[]; code: string })
    .map(({ column, text, row }) => `${column} ${text ?? JSON.stringify(row[1])}`)
  const expected = Array.from({ length: ROWS }, (_, id) => id)
    .filter(isBad)
    .map(id => badLine(format, id))
    .map(([, column, text]) => `${column} ${text}`)
  assert.deepEqual(found.sort(), expected.sort())
}

async function published(out: string): Promise<string[]> {
  return (await readdir(out).catch(() => [])).filter(name => name.endsWith('.jsonl'))
}
