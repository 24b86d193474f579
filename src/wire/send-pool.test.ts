import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { ByteStream } from './byte-stream.ts'
import { SendPool } from './send-pool.ts'

/** A socket that takes what it is given when it is told to. */
function slowSocket() {
  const waiting: (() => void)[] = []
  const stream = { write: () => new Promise<void>(resolve => waiting.push(resolve)), waited: () => {} }
  return { pool: new SendPool(stream as unknown as ByteStream, 8, 2), take: () => waiting.shift()?.() }
}

const isSettled = async (promise: Promise<unknown>) => {
  let settled = false
  void promise.then(() => (settled = true))
  await turn()
  return settled
}

test('at most so many buffers are in flight', async () => {
  const { pool, take } = slowSocket()
  for (let i = 0; i < 2; i++) pool.send(await pool.acquire(), 8)
  const third = pool.acquire()
  assert.equal(await isSettled(third), false)
  take()
  assert.equal((await third).length, 8)
})

test('a larger one waits until nothing else is in flight, another larger one included', async () => {
  const { pool, take } = slowSocket()
  pool.send(await pool.acquire(), 8)
  for (let i = 0; i < 3; i++) {
    const large = pool.acquire(100)
    assert.equal(await isSettled(large), false)
    take()
    pool.send(await large, 100)
  }
})
