import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { shareOut, Throttle } from './throttle.ts'

const { signal } = new AbortController()

/** A clock that only waiting moves, later than asked by `late` milliseconds. */
function clocked(rates: ConstructorParameters<typeof Throttle>[0], late = 0) {
  const clock = { now: 0 }
  const throttle = new Throttle(
    rates,
    () => clock.now,
    async ms => void (clock.now += ms + late),
  )
  return { clock, throttle }
}

describe('a throttle', () => {
  for (const late of [0, 7, 60]) {
    test(`keeps the rate within 5 % over ten seconds, with timers that are ${late} ms late`, async () => {
      const { clock, throttle } = clocked({ rowsPerSecond: 10_000 }, late)
      let rows = 0
      while (clock.now < 10_000) {
        await throttle.pass(1250, 1, signal)
        rows += 1250
      }
      const rate = rows / (clock.now / 1000)
      assert(rate > 9500 && rate < 10_500, `${rate}`)
    })
  }

  test('lets no burst of more than the credit through after a pause', async () => {
    const { clock, throttle } = clocked({ bytesPerSecond: 1000 })
    clock.now = 60_000
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      await throttle.pass(1, 100, signal)
      times.push(clock.now)
    }
    const inSecond = (from: number) => times.filter(time => time >= from && time < from + 1000).length * 100
    assert(Math.max(...times.map(inSecond)) <= 1400 + 100)
  })

  test('heeds the stricter of two rates, and none is none', async () => {
    const both = clocked({ rowsPerSecond: 1000, bytesPerSecond: 1000 })
    await both.throttle.pass(10, 500, signal)
    assert.equal(both.clock.now, 500)
    const free = clocked({})
    await free.throttle.pass(1e9, 1e9, signal)
    assert.equal(free.clock.now, 0)
  })

  test('takes a new rate at once', async () => {
    const { clock, throttle } = clocked({ rowsPerSecond: 1 })
    throttle.rates = { rowsPerSecond: 1000 }
    await throttle.pass(100, 0, signal)
    assert.equal(clock.now, 100)
  })

  test('takes a new rate for the batch that waits, too', async () => {
    const clock = { now: 0 }
    const throttle = new Throttle(
      { rowsPerSecond: 10 },
      () => clock.now,
      async ms => {
        clock.now += ms
        // A tenth of the hundred seconds that it should take are over.
        if (clock.now === 10_000) throttle.rates = { rowsPerSecond: 90 }
      },
    )
    await throttle.pass(1000, 0, signal)
    assert.equal(clock.now, 20_000)
  })
})

describe('shares of a rate', () => {
  test('are equal for equals, and what one does not need goes to the others', () => {
    assert.deepEqual(shareOut(90, [30, 30, 30]), [30, 30, 30])
    assert.deepEqual(shareOut(90, [8, 40, 40]), [10, 40, 40])
    assert.deepEqual(shareOut(90, [0, 0, 0]), [30, 30, 30])
  })

  test('always add up to the rate, and nobody gets nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { minLength: 1, maxLength: 16 }), used => {
        const shares = shareOut(100, used)
        assert(shares.every(share => share > 0))
        assert(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100) < 1e-6)
      }),
    )
  })
})
