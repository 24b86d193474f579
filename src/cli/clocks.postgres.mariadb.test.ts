/** Time zones and clocks: source, engine and target may live anywhere, and the clock may be set while a run goes on. Values are equal by both servers' word. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileServer, wrongClock } from '../../tools/servers/index.ts'
import { type DatabaseEnd, endOf, fileEnd, leg } from './round-trip.test-support.ts'
import { killWhen, sluice, start, untilSo } from './sluice.test-support.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-clocks-'))
after(() => rm(folder, { recursive: true }))

// Of their own: the zone of a MariaDB server is one for all its databases.
const mariaSource = await fileServer('mariadb-10.11', { own: true })
const mariaSink = await fileServer('mariadb-10.11', { own: true })
const postgres = await fileServer('postgres-15')
const skip = mariaSource.skip || postgres.skip

const SOURCE_ZONE = 'Europe/Berlin'
/** Its summer time is half an hour, in the other half of the year. */
const SINK_ZONE = 'Australia/Lord_Howe'
/** The second is not on a whole hour. */
const ENGINE_ZONES = ['America/New_York', 'Asia/Kathmandu']

/** When clocks were put forward and back in one of the zones, and Kathmandu moved by a quarter of an hour. */
const CHANGES = [
  ...['2026-03-29T01:00Z', '2026-10-25T01:00Z'],
  ...['2026-04-04T15:00Z', '2026-10-03T15:30Z'],
  ...['2026-03-08T07:00Z', '2026-11-01T06:00Z'],
  '1985-12-31T18:30Z',
]
/** Around a change, in microseconds. */
const AROUND = [-3_600_000_000, -1_800_000_000, -900_000_000, -1, 0, 1_000_001, 900_000_000, 1_800_000_000, 3_600_000_000]

/** The same digits serve as an instant in UTC and as a local time, which exists never or twice in some of the zones. */
const moments = CHANGES.flatMap(change => {
  const ofZone = [0, 1, 2, -4, -5, 5.5, 10.5, 11].map(hours => hours * 3_600_000_000)
  return ofZone.flatMap(shift => AROUND.map(around => digitsOf(Date.parse(change) * 1000 + shift + around)))
})

function digitsOf(micros: number): string {
  const seconds = new Date(Math.floor(micros / 1_000_000) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `${seconds}.${String(((micros % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, '0')}`
}

const TYPES = {
  postgres: 'id int PRIMARY KEY, instant timestamptz, wall timestamp, day date, clock time',
  mysql: 'id int PRIMARY KEY, instant timestamp(6) NULL, wall datetime(6), day date, clock time(6)',
}
const columns = ['id', 'instant', 'wall', 'day', 'clock'].map(name => ({ name, type: '' }))

/** What a server knows of each row; seconds since 1970 do not depend on any zone. */
const FACTS = {
  postgres: `SELECT id::text, round(extract(epoch FROM instant) * 1000000)::text, to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
    to_char(wall, 'YYYY-MM-DD HH24:MI:SS.US'), day::text, to_char(clock, 'HH24:MI:SS.US') FROM`,
  mysql: `SELECT CONCAT(id), CONCAT(CAST(UNIX_TIMESTAMP(instant) * 1000000 AS INT)), DATE_FORMAT(instant, '%Y-%m-%d %H:%i:%s.%f'),
    DATE_FORMAT(wall, '%Y-%m-%d %H:%i:%s.%f'), CONCAT(day), TIME_FORMAT(clock, '%H:%i:%s.%f') FROM`,
}
const factsOf = (end: DatabaseEnd, table: string) => end.rows(`${FACTS[end.kind]} ${table} ORDER BY ${table}.id`)

describe('three time zones', { skip, concurrency: 1 }, () => {
  const ends: Partial<Record<'pgSource' | 'pgSink' | 'maSource' | 'maSink', DatabaseEnd>> = {}
  before(async () => {
    ends.pgSource = await endOf(postgres.server)
    ends.pgSink = await endOf(postgres.server)
    ends.maSource = await endOf(mariaSource.server)
    ends.maSink = await endOf(mariaSink.server)
    await setZone(ends.pgSource, SOURCE_ZONE)
    await setZone(ends.pgSink, SINK_ZONE)
    await setMariaZone(mariaSource.server, ends.maSource, SOURCE_ZONE)
    await setMariaZone(mariaSink.server, ends.maSink, SINK_ZONE)
    for (const end of [ends.pgSource, ends.maSource]) await fill(end, 'origin')
  })
  after(async () => {
    for (const end of Object.values(ends)) await end[Symbol.asyncDispose]()
  })

  for (const [from, to] of [
    ['maSource', 'pgSink'],
    ['pgSource', 'maSink'],
    ['pgSource', 'pgSink'],
    ['maSource', 'maSink'],
  ] as const) {
    for (const TZ of ENGINE_ZONES) {
      test(`${from} → ${to}, engine in ${TZ}`, async () => {
        const [source, sink] = [ends[from]!, ends[to]!]
        await sink.rows('DROP TABLE IF EXISTS origin')
        await sink.rows(`CREATE TABLE origin (${TYPES[sink.kind]})`)
        await leg(source.reader('origin', columns), sink.writer('origin', false), folder, { TZ })
        assert.deepEqual(await factsOf(sink, 'origin'), await factsOf(source, 'origin'))
      })
    }
  }

  for (const format of ['csv', 'jsonl'] as const) {
    test(`through ${format}, written in ${ENGINE_ZONES[0]} and read in ${ENGINE_ZONES[1]}`, async () => {
      const [source, sink] = [ends.pgSource!, ends.maSink!]
      await sink.rows('DROP TABLE IF EXISTS every')
      await sink.rows(`CREATE TABLE every (${TYPES.mysql})`)
      await using files = fileEnd(format, join(folder, format))
      const [TZ, other] = ENGINE_ZONES as [string, string]
      const { arrived } = await leg(source.reader('origin', columns), files.writer('origin', true), folder, { TZ })
      await leg(files.reader('every', arrived), sink.writer('every', false), folder, { TZ: other })
      assert.deepEqual(await factsOf(sink, 'every'), await factsOf(source, 'origin'))
    })
  }
})

/** Of every session that does not choose one itself. */
async function setZone(end: DatabaseEnd, zone: string): Promise<void> {
  const [[database] = []] = await end.rows('SELECT current_database()')
  await end.rows(`ALTER DATABASE "${database}" SET TimeZone TO '${zone}'`)
}

/** A new server knows no zones but its own. */
async function setMariaZone({ bin, host, port, user, password }: typeof mariaSource.server, end: DatabaseEnd, zone: string) {
  const input = execFileSync(join(bin, 'mariadb-tzinfo-to-sql'), [`/usr/share/zoneinfo/${zone}`, zone])
  const login = ['--no-defaults', `-h${host}`, `-P${port}`, `-u${user}`, `-p${password}`, 'mysql']
  execFileSync(join(bin, 'mariadb'), login, { input })
  await end.rows(`SET GLOBAL time_zone = '${zone}'`)
}

/** The sessions of the test are in UTC. */
async function fill(end: DatabaseEnd, table: string): Promise<void> {
  await end.rows(`CREATE TABLE ${table} (${TYPES[end.kind]})`)
  const rows = moments.map((digits, id) => `(${id}, ${`'${digits}', `.repeat(2)}'${digits.slice(0, 10)}', '${digits.slice(11)}')`)
  await end.rows(`INSERT INTO ${table} VALUES ${rows.join(', ')}`)
  const facts = await factsOf(end, table)
  for (const [id, [, micros, utc, wall]] of facts.entries()) {
    assert.deepEqual([utc, wall], [moments[id], moments[id]])
    assert.equal(Number(micros), Date.parse(`${moments[id]!.slice(0, 19)}Z`) * 1000 + Number(moments[id]!.slice(20)))
  }
}

const ROWS = 12_000
const ROWS_PER_SECOND = 3000
/** Seconds that the wall clock is wrong by, one after the other. */
const JUMPS = ['-3600', '+7200', '-86400', '+0', '+86400']

/** In seconds. */
const SHORTEST_JUMP = 3600
const HOUR_MS = 3_600_000

const clock = join(folder, 'clock')
const wrong = await wrongClock(clock)

describe('a wall clock that jumps', { skip: skip || wrong.skip, concurrency: 1 }, () => {
  let source: DatabaseEnd
  let sink: DatabaseEnd
  before(async () => {
    source = await endOf(postgres.server)
    sink = await endOf(mariaSink.server)
    await source.rows(`CREATE TABLE numbers AS SELECT id, md5(id::text) AS text FROM generate_series(1, ${ROWS}) AS id`)
    await source.rows('ALTER TABLE numbers ADD PRIMARY KEY (id)')
    await sink.rows('CREATE TABLE numbers (id int PRIMARY KEY, text varchar(40))')
  })
  after(async () => {
    await source?.[Symbol.asyncDispose]()
    await sink?.[Symbol.asyncDispose]()
  })

  const columns = ['id', 'text'].map(name => ({ name, type: '' }))
  const idsAndTexts = (end: DatabaseEnd) =>
    end.rows(`SELECT ${end.kind === 'mysql' ? 'CONCAT(id)' : 'id::text'}, text FROM numbers ORDER BY numbers.id`)

  async function jobWith(name: string, writer: object): Promise<string> {
    const file = join(folder, `${name}.json`)
    const settings = { stateDir: join(folder, 'state'), rowsPerSecond: ROWS_PER_SECOND, checkpointInterval: 100 }
    await writeFile(file, JSON.stringify({ name, source: source.reader('numbers', columns), sink: writer, settings }))
    return file
  }

  /** Runs the job while its clock jumps, and asks another engine, whose clock is right, for the same job in between. */
  async function runWithJumps(file: string): Promise<void> {
    await writeFile(clock, '+0\n')
    const began = performance.now()
    const { child, outcome } = start(['run', file], { env: wrong.env })
    const ofState = (name: string) => Array.fromAsync(glob(`${join(folder, 'state')}/${basename(file, '.json')}*/${name}`))
    assert(await untilSo(child, async () => (await ofState('lock')).length > 0))
    for (const jump of JUMPS) {
      await sleep(300)
      await writeFile(clock, `${jump}\n`)
    }
    // However long the other one takes to start.
    child.kill('SIGSTOP')
    const second = await sluice(['run', file])
    child.kill('SIGCONT')
    assert.match(second.err, /engine\.locked/)
    const { code, err } = await outcome
    assert.equal(code, 0, err)
    const seconds = (performance.now() - began) / 1000
    const [history = ''] = await ofState('history.jsonl')
    const report = JSON.parse((await readFile(history, 'utf8')).trimEnd().split('\n').at(-1)!) as {
      seconds: number
      attempts: number
      ended: string
    }
    const least = ROWS / ROWS_PER_SECOND
    assert(report.seconds > least * 0.9 && report.seconds < seconds, `${report.seconds} s by the run, ${seconds} s by us`)
    assert(seconds < least + SHORTEST_JUMP / 10, `it took ${seconds} s`)
    assert.equal(report.attempts, 1)
    assert(Date.parse(report.ended) > Date.now() + 23 * HOUR_MS, `it ended ${report.ended} by its own clock`)
  }

  test('of a run into a database changes nothing', async () => {
    await runWithJumps(await jobWith('clock-database', sink.writer('numbers', false)))
    assert.deepEqual(await idsAndTexts(sink), await idsAndTexts(source))
  })

  test('of a run into files changes nothing', async () => {
    const path = join(folder, 'out')
    await runWithJumps(await jobWith('clock-files', { connector: 'jsonl', path }))
    const names = Array.fromAsync(glob('**/*.jsonl', { cwd: path }))
    const texts = await Promise.all((await names).map(name => readFile(join(path, name), 'utf8')))
    const rows = texts.flatMap(text => text.trimEnd().split('\n')).map(line => JSON.parse(line) as { id: number; text: string })
    assert.deepEqual(rows.map(({ id, text }) => [String(id), text]).sort(byId), await idsAndTexts(source))
  })

  test('between a kill and the next run changes nothing', async () => {
    await sink.rows('DELETE FROM numbers')
    const file = await jobWith('clock-kill', sink.writer('numbers', false))
    await writeFile(clock, '+86400\n')
    const tomorrow = () => new Date(Date.now() + 24 * HOUR_MS).toISOString().slice(0, 10).replaceAll('-', '')
    const days = [tomorrow()]
    const hasRows = async () => Number((await sink.rows('SELECT COUNT(*) FROM numbers'))[0]![0]) > 0
    assert(await killWhen(['run', file], hasRows, { env: wrong.env }), 'it ended before it was killed')
    days.push(tomorrow())
    const [[run = ''] = []] = await sink.rows(`SELECT MAX(run) FROM sluice_ledger WHERE job = 'clock-kill'`)
    assert(
      days.some(day => run?.startsWith(day)),
      `it began as ${run}`,
    )
    const { code, err } = await sluice(['run', file, '--resume'])
    assert.equal(code, 0, err)
    assert.match(err, /resuming/)
    assert.deepEqual(await idsAndTexts(sink), await idsAndTexts(source))
  })
})

const byId = ([a]: string[], [b]: string[]) => Number(a) - Number(b)
