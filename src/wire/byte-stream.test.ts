/** Against plain sockets: a peer that is silent, one that is gone, and one that is only slow. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ByteStream } from './byte-stream.ts'
import { BLIND, livenessTimes, type Activity, type Witness } from './liveness.ts'

const real = { ...livenessTimes }
const MiB = 1024 * 1024

/** Gives the answers one by one, the last one for ever, counts, and tells of every question. */
function witnessOf(...answers: (Activity | Error)[]): Witness & { asked: number; ended: number; onAsked: () => void } {
  const witness = {
    asked: 0,
    ended: 0,
    onAsked: () => {},
    ask: async () => {
      const answer = answers[Math.min(witness.asked++, answers.length - 1)]!
      witness.onAsked()
      if (answer instanceof Error) throw answer
      return answer
    },
    end: async () => void witness.ended++,
  }
  return witness
}

/** A stream to a peer that does what `serve` does with its socket. */
async function connected(
  serve: (socket: Socket) => void,
  connectTimeoutMs = 60_000,
): Promise<{ stream: ByteStream } & AsyncDisposable> {
  const server = createServer(socket => serve(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const signal = new AbortController().signal
  const stream = await ByteStream.connect({ host: '127.0.0.1', port, connectTimeoutMs, idleTimeoutMs: 0, signal })
  const close = async () => {
    await stream[Symbol.asyncDispose]()
    server.close()
  }
  return { stream, [Symbol.asyncDispose]: close }
}

async function established(serve: (socket: Socket) => void) {
  const open = await connected(serve)
  await open.stream.establish(async () => {})
  return open
}

describe('announced bytes', () => {
  /** Receives `bytes` while `announced` are waited for, and says how long the buffers were. */
  async function receive(announced: number, bytes: number): Promise<number[]> {
    await using open = await connected(() => {})
    const { stream } = open
    stream.fill(announced)?.catch(() => {}) // The peer may never send all of it.
    const chunk = Buffer.alloc(MiB)
    const lengths = new Set<number>()
    for (let at = 0; at < bytes; at += chunk.length) {
      stream.receive(chunk)
      lengths.add(stream.buffer.length)
    }
    return [...lengths]
  }

  test('are believed as far as they come', async () => {
    const most = Math.max(...(await receive(2 ** 31, 3 * MiB)))
    assert(most < 65 * MiB, `${most}`)
  })

  test('have room at once in usual sizes, and soon in others', async () => {
    assert.deepEqual((await receive(64 * MiB, 64 * MiB)).filter(length => length > 3 * MiB).length, 1)
    const lengths = (await receive(128 * MiB, 128 * MiB)).filter(length => length > 3 * MiB)
    assert(lengths.length <= 2, String(lengths))
  })
})

describe('a silent peer', { concurrency: 1 }, () => {
  before(
    () => void Object.assign(livenessTimes, { silence: 50, again: 20, ask: 100, unreachable: 150, unknown: 200, perMiB: 100 }),
  )
  after(() => void Object.assign(livenessTimes, real))

  test('is dead before there is a witness', async () => {
    await using open = await established(() => {})
    await assert.rejects(open.stream.more(), { code: 'wire.silent', fault: 'transient' })
  })

  test('counts as one that cannot be reached while it lets nobody in', async () => {
    await using open = await connected(() => {}, 500)
    const failure = { code: 'wire.connect-timeout', fault: 'transient' }
    await assert.rejects(
      open.stream.establish(() => open.stream.more()),
      failure,
    )
    await assert.rejects(open.stream.write(Buffer.of(1)), failure, 'and nobody who ignores that write is surprised')
  })

  for (const activity of ['reads', 'writes', 'gone'] as const) {
    test(`is dead when its server twice says "${activity}" while we wait for bytes`, async () => {
      await using open = await established(() => {})
      const witness = witnessOf('works', activity)
      open.stream.witness = witness
      await assert.rejects(open.stream.more(), { code: 'wire.dead', fault: 'transient' })
      assert.deepEqual([witness.asked, witness.ended], [3, 1])
    })
  }

  test('is left alone while its server works, and after one odd answer', async () => {
    const witness = witnessOf('works', 'reads', 'works', 'gone', 'works')
    await using open = await established(socket => (witness.onAsked = () => witness.asked === 7 && socket.write('x')))
    open.stream.witness = witness
    await open.stream.more()
  })

  test('is dead when its server does not take our bytes and says that it waits for them', async () => {
    await using open = await established(socket => socket.pause())
    open.stream.witness = witnessOf('reads')
    await assert.rejects(open.stream.write(Buffer.alloc(64 * MiB)), { code: 'wire.dead' })
  })

  test('gets time for bytes that may still be on their way', async () => {
    const { perMiB } = livenessTimes
    livenessTimes.perMiB = 60_000
    const witness = witnessOf('reads')
    await using open = await established(socket => (witness.onAsked = () => witness.asked === 5 && socket.write('x')))
    open.stream.witness = witness
    await open.stream.write(Buffer.alloc(3 * MiB))
    await open.stream.more()
    livenessTimes.perMiB = perMiB
  })

  test('is given up when its server cannot be asked, or cannot tell, for long', async () => {
    for (const witness of [witnessOf(new Error('unreachable')), BLIND]) {
      await using open = await established(() => {})
      open.stream.witness = witness
      await assert.rejects(open.stream.more(), { code: 'wire.silent' })
    }
  })

  test('does not matter to who wants nothing', async () => {
    await using open = await established(() => {})
    const witness = witnessOf('gone')
    open.stream.witness = witness
    await sleep(200)
    assert.equal(witness.asked, 0)
    assert(open.stream.isOpen)
  })
})

test('messages that are written together arrive together and in order, the last one before the end too', async () => {
  const received: Buffer[] = []
  const ended = Promise.withResolvers<void>()
  await using open = await established(socket => {
    socket.on('data', bytes => received.push(bytes)).on('close', () => ended.resolve())
  })
  await open.stream.write(Buffer.from('alone'))
  for (const text of ['a', 'b', 'c']) void open.stream.write(Buffer.from(text))
  await open.stream[Symbol.asyncDispose]()
  await ended.promise
  assert.equal(Buffer.concat(received).toString(), 'aloneabc')
})
