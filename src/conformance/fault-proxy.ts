/**
 * A TCP proxy that breaks connections on purpose, at a chosen byte.
 *
 * It sits between a connector and a real server. Faults count bytes from the moment they are set, per direction. Every fault
 * that happened is counted, so that a test can tell a fault that was survived from one that never came.
 */
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

/** `to-client`: what the server sends. `to-server`: what the connector sends. */
export type Direction = 'to-client' | 'to-server'

export type Fault =
  /** Ends a connection in good order (FIN both ways) once `afterBytes` have gone in a direction. */
  | {
      readonly kind: 'cut'
      readonly direction: Direction
      readonly afterBytes: number
      readonly every?: boolean
      readonly behind?: string
    }
  /** The same with a reset (RST), which also discards what has not been read yet. */
  | {
      readonly kind: 'reset'
      readonly direction: Direction
      readonly afterBytes: number
      readonly every?: boolean
      readonly behind?: string
    }
  /** Stops forwarding both ways and tells nobody, like a network that has lost its path. Lasts until the fault is cleared. */
  | {
      readonly kind: 'half-open'
      readonly direction: Direction
      readonly afterBytes: number
      readonly every?: boolean
      readonly behind?: string
    }
  /** Forwards every piece so much later than it came, like a long way; what is on it at a time is bounded by {@link ON_THE_WAY_BYTES}. */
  | { readonly kind: 'delay'; readonly direction: Direction; readonly ms: number }
  /** Forwards at most so many bytes at a time; `everyMs` 0 waits one turn of the event loop. */
  | { readonly kind: 'trickle'; readonly direction: Direction; readonly bytes: number; readonly everyMs: number }

/**
 * A fault at a byte. It happens once, to the connection that gets there; with `every`, to each, counting its own bytes. With `behind`, bytes count
 * from when a connector has sent that text.
 */
type Break = Extract<Fault, { readonly afterBytes: number }>

/** A break that has not happened yet and how many bytes it has seen. */
interface Armed {
  readonly fault: Break
  seen: number
  isCounting: boolean
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  armed: Armed[]
  isStalled: boolean
  /** Ended by the proxy: what still arrives is thrown away. */
  isBroken: boolean
}

export class FaultProxy implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly #target: { readonly host: string; readonly port: number }
  readonly #pairs = new Set<Pair>()
  #listener: Server
  #port = 0
  #faults: readonly Fault[] = []
  #shared: Armed[] = []
  #fired: Record<Fault['kind'] | 'refuse', number> = { cut: 0, reset: 0, 'half-open': 0, delay: 0, trickle: 0, refuse: 0 }
  #forwarded: Record<Direction, number> = { 'to-client': 0, 'to-server': 0 }
  #connections = 0
  /** Settles, and is replaced, whenever the faults change: what stands still looks again. */
  #changed = Promise.withResolvers<void>()

  private constructor(host: string, port: number) {
    this.#target = { host, port }
    this.#listener = this.#listen()
  }

  /** A proxy in front of a server, on a free port of this machine. */
  static async start(host: string, port: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(host, port)
    await proxy.#bind(0)
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** How often a kind of fault has happened; `refuse` counts calls of {@link refuse}. */
  get fired(): Readonly<Record<Fault['kind'] | 'refuse', number>> {
    return this.#fired
  }

  /** Bytes forwarded since the start. */
  get forwarded(): Readonly<Record<Direction, number>> {
    return this.#forwarded
  }

  /** Connections accepted since the start. */
  get connections(): number {
    return this.#connections
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#pairs.size
  }

  /** Replaces the faults, for open connections and new ones. Without arguments nothing is broken any more. */
  set(...faults: readonly Fault[]): void {
    this.#faults = faults
    this.#shared = this.#arm(false)
    for (const pair of this.#pairs) {
      pair.armed = this.#arm(true)
      pair.isStalled = false
    }
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** Closes the port, so that new connections are refused by the system, and resets those that are open. */
  async refuse(): Promise<void> {
    this.#fired.refuse++
    for (const pair of this.#pairs) end(pair, 'reset')
    await closed(this.#listener)
  }

  /** Listens again, on the same port. */
  async accept(): Promise<void> {
    this.#listener = this.#listen()
    await this.#bind(this.#port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set()
    for (const pair of this.#pairs) end(pair, 'reset')
    if (this.#listener.listening) await closed(this.#listener)
  }

  #listen(): Server {
    // Half-open sockets must be possible: each direction ends when its own side does.
    return createServer({ allowHalfOpen: true, noDelay: true }, client => this.#join(client))
  }

  async #bind(port: number): Promise<void> {
    this.#listener.listen(port, this.host)
    await once(this.#listener, 'listening')
    this.#port = (this.#listener.address() as AddressInfo).port
  }

  #join(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const pair: Pair = { client, server, armed: this.#arm(true), isStalled: false, isBroken: false }
    this.#connections++
    this.#pairs.add(pair)
    for (const socket of [client, server]) {
      socket.on('error', () => pair.isBroken || end(pair, 'reset'))
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) this.#pairs.delete(pair)
      })
    }
    void this.#pump(pair, 'to-server', client, server)
    void this.#pump(pair, 'to-client', server, client)
  }

  #arm(every: boolean): Armed[] {
    const breaks = this.#faults.filter((fault): fault is Break => 'afterBytes' in fault && (fault.every ?? false) === every)
    return breaks.map(fault => ({ fault, seen: 0, isCounting: fault.behind === undefined }))
  }

  async #pump(pair: Pair, direction: Direction, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const { bytes, at } of arrivals(from)) {
        let rest = bytes
        while (rest.length > 0) {
          await this.#unstalled(pair)
          const piece = await this.#slow(direction, rest, at)
          if (pair.isBroken) break
          if (direction === 'to-server') this.#notice(pair, piece)
          const { room, reached } = this.#untilBreak(pair, direction, piece.length)
          await this.#forward(direction, to, piece.subarray(0, room))
          rest = rest.subarray(room)
          if (reached) this.#break(pair, reached)
        }
      }
      await this.#unstalled(pair)
      to.end()
    } catch {
      if (!pair.isBroken) end(pair, 'reset') // One side went away without a farewell: so does the other.
    }
  }

  /** The next piece of `bytes`, which came at a moment, that may go on, after the delay that the faults ask for. */
  async #slow(direction: Direction, bytes: Buffer, at: number): Promise<Buffer> {
    let piece = bytes
    for (const fault of this.#faults) {
      if (fault.direction !== direction) continue
      if (fault.kind === 'delay') await sleep(Math.max(0, at + fault.ms - performance.now()))
      if (fault.kind === 'trickle') {
        await (fault.everyMs === 0 ? turn() : sleep(fault.everyMs))
        piece = piece.subarray(0, fault.bytes)
      }
      if (fault.kind === 'delay' || fault.kind === 'trickle') this.#fired[fault.kind]++
    }
    return piece
  }

  /** Breaks that stand behind a text in `sent` begin to count. */
  #notice(pair: Pair, sent: Buffer): void {
    for (const armed of [...pair.armed, ...this.#shared]) armed.isCounting ||= sent.includes(armed.fault.behind ?? '')
  }

  /** Counts bytes towards the breaks of a direction; how many of them still pass, and the break that stands behind them. */
  #untilBreak(pair: Pair, direction: Direction, bytes: number): { room: number; reached: Break | undefined } {
    const armed = [...pair.armed, ...this.#shared].filter(({ fault, isCounting }) => isCounting && fault.direction === direction)
    const next = armed.toSorted((a, b) => left(a) - left(b))[0]
    const room = next === undefined ? bytes : Math.min(bytes, left(next))
    for (const each of armed) each.seen += room
    if (next === undefined || left(next) > 0) return { room, reached: undefined }
    pair.armed = pair.armed.filter(each => each !== next)
    this.#shared = this.#shared.filter(each => each !== next)
    return { room, reached: next.fault }
  }

  async #forward(direction: Direction, to: Socket, bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return
    this.#forwarded[direction] += bytes.length
    if (to.write(bytes)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    to.once('drain', resolve).once('close', resolve)
    if (!to.destroyed) await promise
    to.off('drain', resolve).off('close', resolve)
  }

  #break(pair: Pair, { kind }: Break): void {
    this.#fired[kind]++
    if (kind === 'half-open') pair.isStalled = true
    else end(pair, kind === 'cut' ? 'cut' : 'reset')
  }

  async #unstalled(pair: Pair): Promise<void> {
    while (pair.isStalled && !pair.isBroken) await this.#changed.promise
  }
}

/** What a long way holds before its sender is held back. */
const ON_THE_WAY_BYTES = 4 * 1024 * 1024

/** What a socket receives, with the moment, read ahead of the consumer. */
async function* arrivals(from: Socket): AsyncGenerator<{ readonly bytes: Buffer; readonly at: number }> {
  const queue: { bytes: Buffer; at: number }[] = []
  let held = 0
  let failure: Error | undefined
  let isOver = false
  let news = Promise.withResolvers<void>()
  const finish = (error?: Error) => {
    isOver = true
    failure ??= error
    news.resolve()
  }
  from.on('data', (bytes: Buffer) => {
    queue.push({ bytes, at: performance.now() })
    held += bytes.length
    if (held >= ON_THE_WAY_BYTES) from.pause()
    news.resolve()
  })
  from
    .once('end', () => finish())
    .once('error', finish)
    .once('close', () => finish(from.readableEnded ? undefined : new Error('closed')))
  for (;;) {
    const next = queue.shift()
    if (next !== undefined) {
      held -= next.bytes.length
      if (held < ON_THE_WAY_BYTES) from.resume()
      yield next
    } else if (!isOver) {
      news = Promise.withResolvers()
      await news.promise
    } else if (failure === undefined) return
    else throw failure
  }
}

const left = ({ fault, seen }: Armed) => fault.afterBytes - seen

function end(pair: Pair, how: 'cut' | 'reset'): void {
  if (pair.isBroken && how === 'cut') return
  for (const socket of [pair.client, pair.server]) {
    // A cut goes on reading: closing a socket with unread bytes would reset it.
    if (how === 'cut') socket.end()
    // libuv cannot reset a socket whose FIN is on its way, and Node then never closes it (uv_tcp_close_reset, EINVAL).
    else if (socket.writableEnded) socket.destroy()
    else socket.resetAndDestroy()
  }
  pair.isBroken = true
}

async function closed(server: Server): Promise<void> {
  const done = once(server, 'close')
  server.close()
  await done
}
