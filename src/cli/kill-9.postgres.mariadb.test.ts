/**
 * kill -9 of the whole process at random points, then resume: nothing lost, nothing repeated, by key and by content.
 *
 * Every round starts from an empty target. Most kills come at a random moment of the run; every fifth one is forced into a commit,
 * by a lock on the ledger that the commit has to wait for. SLUICE_KILLS and SLUICE_SEED repeat or prolong it.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CHECKPOINT_MS,
  COMMIT_ROWS,
  csvSide,
  expectedFingerprint,
  jsonlSide,
  measurePace,
  mysqlSide,
  postgresSide,
  random,
  ROWS,
  Run,
  type Side,
} from '#torture'
import { fileServer, freshDatabase } from '../../tools/servers/index.ts'

const KILLS = Number(process.env['SLUICE_KILLS'] ?? 50)
/** On pairs whose ends are also ends of the pairs above them. */
const FEWER_KILLS = Math.ceil(KILLS / 8)
const SEED = Number(process.env['SLUICE_SEED'] ?? 20261121)
const FORCED_EVERY = 5
const SLUICE = [new URL('../../bin/sluice', import.meta.url).pathname]

const postgres = await fileServer('postgres-15')
const mariadb = await fileServer('mariadb-10.11')
const skip = postgres.skip || mariadb.skip
const folder = await mkdtemp(join(tmpdir(), 'sluice-kill-'))
const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
after(async () => {
  for (const close of closing.reverse()) await close()
})

describe('kill -9 at random points, then resume', { skip }, async () => {
  if (skip) return
  const total: Hits = { beforeFirstCommit: 0, betweenCommits: 0, insideCommit: 0, afterLastCommit: 0 }
  const [pgSource, pgTarget, myBase] = [
    await freshDatabase(postgres.server),
    await freshDatabase(postgres.server),
    await freshDatabase(mariadb.server),
  ]
  closing.push(
    () => pgSource.drop(),
    () => pgTarget.drop(),
    () => myBase.drop(),
  )
  const fromPg = await postgresSide(pgSource, 'origin', 'source')
  const fromMy = await mysqlSide(myBase, 'origin', 'source')
  const fromCsv = await csvSide(join(folder, 'source'), 'source')
  const toPg = await postgresSide(pgTarget, 'copied', 'target')
  const toMy = await mysqlSide(myBase, 'copied', 'target')
  const toCsv = await csvSide(join(folder, 'target'), 'target')
  const toJsonl = await jsonlSide(join(folder, 'lines'))
  for (const source of [fromPg, fromMy, fromCsv])
    assert.deepEqual(await source.fingerprint(), expectedFingerprint(), `${source.name} was filled with other rows`)

  for (const [source, sink, kills = KILLS] of [
    [fromPg, toPg],
    [fromMy, toPg],
    [fromPg, toMy],
    [fromCsv, toPg],
    [fromPg, toCsv],
    [fromMy, toMy, FEWER_KILLS],
    [fromCsv, toMy, FEWER_KILLS],
    [fromMy, toCsv, FEWER_KILLS],
    [fromPg, toJsonl, FEWER_KILLS],
    [fromMy, toJsonl, FEWER_KILLS],
  ] as const) {
    test(`${source.name} → ${sink.name}, ${kills} kills`, async t => {
      const hits = await killRepeatedly(source, sink, kills)
      t.diagnostic(`${source.name} → ${sink.name}: ${JSON.stringify(hits)}`)
      for (const [where, count] of Object.entries(hits)) total[where as keyof Hits] += count
    })
  }

  // Per pair the moments are too short to demand a hit in each of them.
  test('kills fell before, between, inside and after commits', t => {
    t.diagnostic(JSON.stringify(total))
    for (const [where, count] of Object.entries(total)) assert(count > 0, `no kill fell ${where}`)
  })
})

interface Hits {
  beforeFirstCommit: number
  betweenCommits: number
  insideCommit: number
  afterLastCommit: number
}

async function killRepeatedly(source: Side, sink: Side, kills: number): Promise<Hits> {
  const hits: Hits = { beforeFirstCommit: 0, betweenCommits: 0, insideCommit: 0, afterLastCommit: 0 }
  const job = join(folder, 'job.json')
  const stateDir = join(folder, 'state')
  const expected = expectedFingerprint()
  const settings = { checkpointInterval: CHECKPOINT_MS, restore: { maxRowNumForCheckpoint: COMMIT_ROWS }, stateDir }
  await writeFile(
    job,
    JSON.stringify({ name: `${source.name}-${sink.name}`, source: source.options, sink: sink.options, settings }),
  )
  const clear = async () => {
    await rm(stateDir, { recursive: true, force: true })
    await sink.reset()
  }
  const { startMs, wholeMs } = await measurePace(`${source.name} → ${sink.name}`, async () => {
    await clear()
    return new Run(SLUICE, [job])
  })
  assert.deepEqual(await sink.fingerprint(), expected)
  const next = random(SEED)
  for (let kill = 0; kill < kills; kill++) {
    await clear()
    // The id that a scheduler would give: retrying a run that had just been finished must do nothing.
    const args = [job, '--run-id', `kill-${kill}`]
    const run = new Run(SLUICE, args)
    const release = kill % FORCED_EVERY === 0 ? await sink.holdCommits?.() : undefined
    // Until rows move nothing can be lost; a few kills fall there, most into the moving part and a little beyond.
    const delay = release ? 300 : startMs * 0.5 + next() * (wholeMs * 1.2 - startMs * 0.5)
    await Promise.race([sleep(delay), run.ended])
    run.signal('SIGKILL')
    await run.ended
    const left = await sink.fingerprint()
    await release?.()
    if (release) hits.insideCommit++
    else if (left.rows === 0) hits.beforeFirstCommit++
    else if (left.rows < ROWS) hits.betweenCommits++
    else hits.afterLastCommit++
    const resumed = new Run(SLUICE, args)
    const { code } = await resumed.ended
    const place = `kill ${kill} of seed ${SEED}, after ${Math.round(delay)} ms with ${left.rows} rows in the target\n${resumed.output}`
    assert.equal(code, 0, place)
    assert.deepEqual(await sink.fingerprint(), expected, place)
  }
  return hits
}
