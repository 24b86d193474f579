/** Against plain Node sockets: what a peer of the proxy sees must be what the fault says. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { standstill } from './case.ts'
import { FaultProxy, type Fault } from './fault-proxy.ts'

const MESSAGE = Buffer.from('0123456789'.repeat(100))

/** What a client saw: the bytes until the end, and how that came: `end` (FIN) or an error code. */
interface Seen {
  readonly bytes: Buffer
  readonly how: string
}

async function seenThrough(...faults: Fault[]): Promise<Seen & { proxy: FaultProxy }> {
  await using server = await greeter()
  await using proxy = await FaultProxy.start('127.0.0.1', server.port)
  proxy.set(...faults)
  return { ...(await listen(proxy.port)), proxy }
}

async function listen(port: number): Promise<Seen> {
  const socket = connect(port, '127.0.0.1')
  const parts: Buffer[] = []
  socket.on('data', part => parts.push(part))
  const how = await once(socket, 'end').then(
    () => 'end',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
  socket.destroy()
  return { bytes: Buffer.concat(parts), how }
}

/** A server that sends MESSAGE and ends, and remembers what it got. */
async function greeter(): Promise<AsyncDisposable & { port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', () => {})
    socket.end(MESSAGE)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, sockets, [Symbol.asyncDispose]: close }
}

test('forwards everything and the end when nothing is broken', async () => {
  const { bytes, how, proxy } = await seenThrough()
  assert.deepEqual({ bytes, how }, { bytes: MESSAGE, how: 'end' })
  assert.equal(proxy.forwarded['to-client'], MESSAGE.length)
  assert.deepEqual(Object.values(proxy.fired), [0, 0, 0, 0, 0, 0])
})

test('cuts at the byte, with a FIN', async () => {
  const { bytes, how, proxy } = await seenThrough({ kind: 'cut', direction: 'to-client', afterBytes: 123 })
  assert.deepEqual({ bytes, how }, { bytes: MESSAGE.subarray(0, 123), how: 'end' })
  assert.equal(proxy.fired.cut, 1)
})

test('resets with an RST', async () => {
  const { bytes, how, proxy } = await seenThrough({ kind: 'reset', direction: 'to-client', afterBytes: 123 })
  assert.equal(how, 'ECONNRESET')
  assert(bytes.length <= 123)
  assert.equal(proxy.fired.reset, 1)
})

test('stands still when half-open, and goes on when that is over', async () => {
  await using server = await greeter()
  await using proxy = await FaultProxy.start('127.0.0.1', server.port)
  proxy.set({ kind: 'half-open', direction: 'to-client', afterBytes: 123 })
  const stalled = listen(proxy.port)
  while (proxy.fired['half-open'] === 0) await sleep(1)
  await sleep(50)
  assert.equal(proxy.forwarded['to-client'], 123)
  assert.equal(proxy.fired['half-open'], 1)
  proxy.set()
  assert.deepEqual(await stalled, { bytes: MESSAGE, how: 'end' })
})

test('delays and trickles without losing a byte', async () => {
  const since = performance.now()
  const slow = await seenThrough({ kind: 'delay', direction: 'to-client', ms: 50 })
  assert.deepEqual(slow.bytes, MESSAGE)
  assert(performance.now() - since >= 50)
  const { bytes, proxy } = await seenThrough({ kind: 'trickle', direction: 'to-client', bytes: 7, everyMs: 0 })
  assert.deepEqual(bytes, MESSAGE)
  assert.equal(proxy.fired.trickle, Math.ceil(MESSAGE.length / 7))
})

test('refuses like a closed port, and accepts again on the same one', async () => {
  await using server = await greeter()
  await using proxy = await FaultProxy.start('127.0.0.1', server.port)
  await proxy.refuse()
  assert.equal((await listen(proxy.port)).how, 'ECONNREFUSED')
  await proxy.accept()
  assert.equal((await listen(proxy.port)).how, 'end')
  assert.equal(proxy.fired.refuse, 1)
})

test('breaks once, or every connection', async () => {
  await using server = await greeter()
  await using proxy = await FaultProxy.start('127.0.0.1', server.port)
  proxy.set({ kind: 'cut', direction: 'to-client', afterBytes: 10 })
  assert.deepEqual([(await listen(proxy.port)).bytes.length, (await listen(proxy.port)).bytes.length], [10, MESSAGE.length])
  proxy.set({ kind: 'cut', direction: 'to-client', afterBytes: 10, every: true })
  assert.deepEqual([(await listen(proxy.port)).bytes.length, (await listen(proxy.port)).bytes.length], [10, 10])
  assert.equal(proxy.connections, 4)
})

test('counts bytes towards the server as well', async () => {
  await using server = await greeter()
  await using proxy = await FaultProxy.start('127.0.0.1', server.port)
  proxy.set({ kind: 'reset', direction: 'to-server', afterBytes: 5 })
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.resume().write('hello')
  await once(socket, 'error')
  assert.equal(proxy.fired.reset, 1)
  assert.equal(proxy.forwarded['to-server'], 5)
})

test('counts from a text that has gone to the server', async () => {
  const server = createServer(socket => socket.on('error', () => {}).on('data', bytes => socket.write(bytes)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  {
    await using proxy = await FaultProxy.start('127.0.0.1', (server.address() as AddressInfo).port)
    proxy.set({ kind: 'cut', direction: 'to-client', afterBytes: 3, behind: 'COMMIT' })
    const socket = connect(proxy.port, '127.0.0.1')
    let got = ''
    socket.on('data', bytes => (got += String(bytes)))
    socket.write('INSERT')
    await once(socket, 'data')
    socket.write('COMMIT')
    await once(socket, 'end')
    assert.equal(got, 'INSERTCOM')
    socket.destroy()
  }
  server.close()
})

test('holds a fast sender back when the receiver does not read', async () => {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.write(Buffer.alloc(64 * 1024 * 1024))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  {
    await using proxy = await FaultProxy.start('127.0.0.1', (server.address() as AddressInfo).port)
    const socket = connect(proxy.port, '127.0.0.1')
    await standstill(200, () => proxy.forwarded['to-client'])
    assert(proxy.forwarded['to-client'] < 32 * 1024 * 1024, `${proxy.forwarded['to-client']}`)
    socket.destroy()
  }
  server.close()
})
