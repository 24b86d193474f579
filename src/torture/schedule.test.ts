import assert from 'node:assert/strict'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { Fault } from './round.ts'
import { schedule, type Plan } from './schedule.ts'

const fault = (name: string, more: Partial<Fault> = {}): Fault => ({
  ...{ name, title: '', obstacle: () => undefined },
  act: async () => ({ fired: true }),
  ...more,
})

const FAULTS = [
  fault('kill', { perRound: 3 }),
  fault('cut'),
  fault('freeze', { needs: 'time' }),
  fault('restart', { needs: 'servers' }),
  fault('silence', { needs: 'time' }),
]

function plan(more: Partial<Plan<string>> = {}): Plan<string> {
  const pairs = Array.from('abcdefghij')
  return {
    rounds: 2,
    servers: pair => (pair < 'c' ? ['x', 'y'] : [pair < 'f' ? 'x' : 'y']),
    had: () => 0,
    faults: FAULTS,
    pairs,
    fits: () => true,
    parallel: 2,
    signal: new AbortController().signal,
    ...more,
  }
}

test('every fault falls on every pair it fits, so often per round, each time with a number of its own', async () => {
  const seen: string[] = []
  const fits = ({ name }: Fault, pair: string) => name !== 'cut' || pair === 'b'
  await schedule(plan({ pairs: ['a', 'b'], fits }), async ({ name }, pair, round) => void seen.push(`${name} ${pair} ${round}`))
  const names = ['freeze', 'restart', 'silence'].flatMap(name => [`${name} a`, `${name} b`])
  const expected = [
    ...['kill a', 'kill b'].flatMap(name => [0, 1, 2, 3, 4, 5].map(round => `${name} ${round}`)),
    ...[...names, 'cut b'].flatMap(name => [`${name} 0`, `${name} 1`]),
  ]
  assert.deepEqual(seen.toSorted(), expected.toSorted())
})

test('goes on behind what each fault and pair has had', async () => {
  const seen: string[] = []
  const had = ({ name }: Fault, pair: string) => ({ kill: 4, cut: 2, silence: 1 })[name] ?? Number(pair === 'b')
  await schedule(plan({ pairs: ['a', 'b'], had }), async ({ name }, pair, round) => void seen.push(`${name} ${pair} ${round}`))
  const [both, a] = [
    ['kill 4', 'kill 5', 'freeze 1', 'restart 1', 'silence 1'],
    ['freeze 0', 'restart 0'],
  ]
  const expected = [
    ...both.flatMap(name => [name.replace(' ', ' a '), name.replace(' ', ' b ')]),
    ...a.map(name => name.replace(' ', ' a ')),
  ]
  assert.deepEqual(seen.toSorted(), expected.toSorted())
})

test('cores bound what works, more may wait, a pair has one fault at a time, and a server nothing beside one that falls on it', async () => {
  const now: { fault: Fault; pair: string; end: () => void }[] = []
  const most = { core: 0, time: 0, servers: 0 }
  const { servers } = plan()
  const common = (some: readonly string[], others: readonly string[]) => some.filter(name => others.includes(name))
  let isEnded = false
  const through = schedule(plan(), async (fault, pair) => {
    assert(!now.some(other => other.pair === pair))
    for (const other of now) {
      if (fault.needs === 'servers' || other.fault.needs === 'servers')
        assert.deepEqual(common(servers(pair), servers(other.pair)), [])
    }
    await new Promise<void>(end => now.push({ fault, pair, end }))
  }).finally(() => (isEnded = true))
  // One ends when nothing more begins by itself, those that wait last: what is there at the same time does not hang on a clock.
  for (; !isEnded; await nextTurn()) {
    for (const kind of ['core', 'time', 'servers'] as const) {
      most[kind] = Math.max(most[kind], now.filter(({ fault }) => (fault.needs ?? 'core') === kind).length)
    }
    const at = now.findIndex(({ fault }) => fault.needs !== 'time')
    now.splice(Math.max(at, 0), 1)[0]?.end()
  }
  await through
  assert.deepEqual(most, { core: 2, time: 6, servers: 2 })
})

test('a round of the matrix is through before the next one begins', async () => {
  const rounds: number[] = []
  await schedule(plan({ rounds: 3 }), async ({ perRound = 1 }, pair, round) => {
    await sleep(pair.charCodeAt(0) % 3)
    rounds.push(Math.floor(round / perRound))
  })
  assert.deepEqual(
    rounds,
    rounds.toSorted((a, b) => a - b),
  )
})

test('after its signal nothing begins, and what has begun ends', async () => {
  const stop = new AbortController()
  let [begun, ended] = [0, 0]
  await schedule(plan({ signal: stop.signal }), async () => {
    assert(!stop.signal.aborted)
    if (++begun === 20) stop.abort()
    await sleep(1)
    ended++
  })
  assert.deepEqual([begun, ended], [20, 20])
})
