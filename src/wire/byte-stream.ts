/**
 * A TCP, Unix or TLS connection as a byte stream that is pulled.
 *
 * Received bytes are collected in one growing buffer; a decoder works on `buffer[start, end)` without await and moves `start`.
 * When the decoder is slower than the network, the socket stops reading at `HIGH_WATER_BYTES` and TCP holds the peer back.
 */
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { wireErrors } from './errors.ts'
import { Liveness, livenessTimes, type Witness } from './liveness.ts'

const READ_BYTES = 256 * 1024
const FIRST_BUFFER_BYTES = 64 * 1024
/** Unread bytes at which reading pauses. Small enough for the memory budget, large enough to keep a server busy. */
export const HIGH_WATER_BYTES = 1024 * 1024
/** Where the buffer stops growing, unless one row needs more: unread bytes are moved to its front at most once per MiB that was read. */
const MOST_BUFFER_BYTES = 2 * HIGH_WATER_BYTES + READ_BYTES
const BELIEVED_BYTES = 64 * 1024 * 1024
/** How many times what has come is made room for when the peer announces more than is believed. */
const BELIEVED_TIMES = 4
const KEEP_ALIVE_MS = 15_000

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** Unix socket; wins over host and port. */
  readonly path?: string
}

export interface ConnectOptions extends Endpoint {
  readonly connectTimeoutMs: number
  /** Longest silence while bytes are awaited; 0 leaves it to {@link ByteStream.witness}. */
  readonly idleTimeoutMs: number
  /** Closes the connection and rejects whatever waits. */
  readonly signal: AbortSignal
  /** Most bytes that are made room for when the peer has only announced them; 64 MiB if left out. */
  readonly believedBytes?: number | undefined
  /** Where the stream adds what it received and how long its owner waited for the peer. */
  readonly meter?: WaitMeter
}

export interface WaitMeter {
  bytes: number
  waitMs: number
}

// One read buffer serves all plain sockets of a thread: `onread` hands it out synchronously and its bytes are copied at once.
// The copy costs 5 ms per GB of narrow rows, far less than the garbage of one Buffer per read.
let readBuffer: Buffer<ArrayBuffer> | undefined

export class ByteStream implements AsyncDisposable {
  /** Unread bytes are `buffer[start, end)`. Any await may replace the buffer and move both. */
  buffer: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  start = 0
  end = 0
  /** Who is asked when the peer is silent. Until there is one, silence means that the connection is dead. */
  witness: Witness | undefined
  readonly #options: ConnectOptions
  #socket: Socket
  #paused = false
  #wanted = 0
  #waitingSince = 0
  #failure: unknown
  #waiter: { resolve: () => void; reject: (cause: unknown) => void } | undefined
  #drains: { resolve: () => void; reject: (cause: unknown) => void }[] = []
  #idle: NodeJS.Timeout | undefined
  #bytesRead = 0
  #bytesWritten = 0
  #writesDone = 0
  #writtenAtRead = 0
  readonly #liveness = new Liveness()
  readonly #abort = () => this.#fail(this.#options.signal.reason)

  private constructor(options: ConnectOptions, socket: Socket) {
    this.#options = options
    this.#socket = socket
  }

  static async connect(options: ConnectOptions): Promise<ByteStream> {
    options.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    readBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES)
    let stream: ByteStream | undefined
    const onread = {
      buffer: readBuffer,
      callback: (bytes: number, from: Uint8Array) => stream?.receive(from.subarray(0, bytes)) ?? true,
    }
    const target = options.path === undefined ? { host: options.host, port: options.port } : { path: options.path }
    const socket = connectSocket({ ...target, onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
    stream = new ByteStream(options, socket)
    const place = placeOf(options)
    const timer = setTimeout(
      () => reject(wireErrors.connectTimeout({ place, ms: options.connectTimeoutMs })),
      options.connectTimeoutMs,
    )
    const abort = () => reject(options.signal.reason)
    options.signal.addEventListener('abort', abort, { once: true })
    socket.once('connect', resolve)
    socket.once('error', cause => reject(wireErrors.unreachable({ place, reason: codeOf(cause) }, cause)))
    try {
      await promise
    } catch (error) {
      socket.on('error', () => {})
      socket.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', abort)
      socket.removeAllListeners('connect').removeAllListeners('error')
    }
    stream.#watch(socket)
    options.signal.addEventListener('abort', stream.#abort, { once: true })
    return stream
  }

  /**
   * Does what makes a connection usable, such as logging in, in the time for connecting; closes it when that fails. A server that accepts and
   * then says nothing counts as one that cannot be reached. From then on silence is looked into.
   */
  async establish<T>(work: () => Promise<T>): Promise<T> {
    const { connectTimeoutMs: ms } = this.#options
    const timer = setTimeout(() => this.#fail(wireErrors.connectTimeout({ place: this.place, ms })), ms)
    try {
      const result = await work()
      this.#guard()
      return result
    } catch (error) {
      const failure = this.#failure ?? error
      await this[Symbol.asyncDispose]()
      throw failure
    } finally {
      clearTimeout(timer)
    }
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  get bytesWritten(): number {
    return this.#bytesWritten
  }

  /** Adds time that the owner waited for the peer to take bytes. */
  waited(ms: number): void {
    if (this.#options.meter) this.#options.meter.waitMs += ms
  }

  get isOpen(): boolean {
    return this.#failure === undefined && !this.#socket.destroyed
  }

  get place(): string {
    return placeOf(this.#options)
  }

  /** Returns when at least `bytes` unread bytes are there. Rejects when the connection ends before. */
  fill(bytes: number): Promise<void> | undefined {
    if (this.end - this.start >= bytes) return undefined
    return this.#wait(bytes)
  }

  /** Returns when more bytes than now are unread. */
  more(): Promise<void> {
    return this.#wait(this.end - this.start + 1)
  }

  /**
   * Hands bytes to the socket, which owns them until the promise resolves: then they may be overwritten.
   * Undefined when they were taken at once and have been copied to the kernel.
   */
  write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    promise.catch(() => {}) // A failed write also fails the next read, where it is reported.
    if (this.#failure !== undefined) reject(this.#failure)
    else this.#send(bytes, { resolve, reject })
    return promise
  }

  /** Continues in TLS. There must be no unread bytes: what a server sent in plain text before the handshake is an injection. */
  async upgrade(tls: ConnectionOptions): Promise<void> {
    if (this.end > this.start) throw wireErrors.plainTextBeforeTls({ place: this.place })
    const plain = this.#socket
    plain.removeAllListeners('error').removeAllListeners('close')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // onread sockets deliver past the stream API, so TLS takes the raw handle through a fresh Socket-like duplex: tls.connect does it.
    const secure = this.#startTls({ ...tls, socket: plain }, resolve)
    secure.once('error', cause => reject(wireErrors.tls({ place: this.place, reason: cause.message }, cause)))
    secure.once('close', () => reject(this.#lost(undefined)))
    await promise
    secure.removeAllListeners('error').removeAllListeners('close')
    this.#socket = secure
    this.#watch(secure)
    secure.on('data', (bytes: Buffer) => {
      if (!this.receive(bytes)) secure.pause()
    })
  }

  #startTls(options: ConnectionOptions, done: () => void): TLSSocket {
    try {
      return connectTls(options, done)
    } catch (cause) {
      // Files that hold no certificate or key.
      throw wireErrors.tls({ place: this.place, reason: (cause as Error).message }, cause)
    }
  }

  /** Channel binding data of a TLS connection (RFC 5929 tls-server-end-point needs the certificate); undefined in plain text. */
  get peerCertificate(): Buffer | undefined {
    const socket = this.#socket as Partial<TLSSocket>
    return socket.getPeerCertificate?.()?.raw
  }

  get isEncrypted(): boolean {
    return 'encrypted' in this.#socket
  }

  /** Copies received bytes behind the unread ones; false tells the socket to pause. */
  receive(bytes: Uint8Array): boolean {
    this.#bytesRead += bytes.length
    this.#writtenAtRead = this.#bytesWritten
    if (this.#options.meter) this.#options.meter.bytes += bytes.length
    this.#makeRoom(bytes.length)
    this.buffer.set(bytes, this.end)
    this.end += bytes.length
    const unread = this.end - this.start
    if (this.#waiter && unread >= this.#wanted) this.#settle()
    if (unread < HIGH_WATER_BYTES || unread < this.#wanted) return true
    this.#paused = true
    return false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A last message is on its way before the end.
    this.#socket.uncork()
    this.#fail(wireErrors.closed({ place: this.place }))
    this.#options.signal.removeEventListener('abort', this.#abort)
    if (!this.#socket.closed) await new Promise<void>(resolve => this.#socket.once('close', () => resolve()))
  }

  #makeRoom(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return
    const unread = this.end - this.start
    const isGrown = this.buffer.length >= MOST_BUFFER_BYTES || this.start >= unread
    if (unread + bytes <= this.buffer.length && isGrown) {
      this.buffer.copyWithin(0, this.start, this.end)
    } else {
      // A row that is larger than all of it is made room for at once, as far as it is believed, with what may come behind it.
      const believed = Math.max(this.#options.believedBytes ?? BELIEVED_BYTES, BELIEVED_TIMES * unread)
      const wanted = this.#wanted > MOST_BUFFER_BYTES ? Math.min(this.#wanted, believed) + READ_BYTES : 0
      const usual = Math.min(this.buffer.length * 2, MOST_BUFFER_BYTES)
      const larger = Buffer.allocUnsafeSlow(Math.max(unread + bytes, wanted, usual))
      this.buffer.copy(larger, 0, this.start, this.end)
      this.buffer = larger
    }
    this.start = 0
    this.end = unread
  }

  #send(bytes: Uint8Array, drain: { resolve: () => void; reject: (cause: unknown) => void }): void {
    this.#bytesWritten += bytes.length
    this.#drains.push(drain)
    this.#gather(this.#socket)
    this.#socket.write(bytes, error => {
      this.#writesDone++
      this.#drains = this.#drains.filter(other => other !== drain)
      if (error) drain.reject(this.#failure ?? this.#lost(error))
      else drain.resolve()
    })
  }

  /** What is written in one go, small messages above all, goes to the kernel in one call. */
  #gather(socket: Socket): void {
    if (socket.writableCorked > 0) return
    socket.cork()
    process.nextTick(() => socket.uncork())
  }

  #wait(bytes: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#wanted = bytes
    this.#waiter = { resolve, reject }
    this.#waitingSince = performance.now()
    if (this.#paused) {
      this.#paused = false
      this.#socket.resume()
    }
    const { idleTimeoutMs } = this.#options
    if (idleTimeoutMs > 0) {
      this.#idle = setTimeout(() => this.#fail(wireErrors.silent({ place: this.place, ms: idleTimeoutMs })), idleTimeoutMs)
    }
    return promise
  }

  #settle(failure?: unknown): void {
    clearTimeout(this.#idle)
    const waiter = this.#waiter
    if (waiter && this.#options.meter) this.#options.meter.waitMs += performance.now() - this.#waitingSince
    this.#waiter = undefined
    this.#wanted = 0
    if (failure === undefined) waiter?.resolve()
    else waiter?.reject(failure)
  }

  /** The socket's own timer is moved by every byte, those of a write that is under way included, and costs nothing else. */
  #guard(): void {
    this.#socket.on('timeout', () => void this.#lookInto())
    this.#socket.setTimeout(livenessTimes.silence)
  }

  async #lookInto(): Promise<void> {
    const waited = this.#waiter === undefined ? 0 : performance.now() - this.#waitingSince
    const isDue = waited >= livenessTimes.silence || this.#drains.length > 0
    const next = isDue ? await this.#liveness.judge(() => this.#waiting, this.witness) : livenessTimes.silence - waited
    if (!this.isOpen) return
    if (typeof next === 'number') this.#socket.setTimeout(next)
    else this.#fail(next)
  }

  get #waiting() {
    return {
      place: this.place,
      isReading: this.#waiter !== undefined,
      isWriting: this.#drains.length > 0,
      bytesUnanswered: this.#bytesWritten - this.#writtenAtRead,
      progress: this.#bytesRead + this.#writesDone,
    }
  }

  #watch(socket: Socket): void {
    socket.on('error', cause => this.#fail(this.#lost(cause)))
    socket.on('close', () => this.#fail(this.#lost(undefined)))
  }

  #lost(cause: unknown) {
    return wireErrors.lost({ place: this.place, reason: cause === undefined ? 'closed by the server' : codeOf(cause) }, cause)
  }

  #fail(failure: unknown): void {
    this.#failure ??= failure
    this.#liveness.stop()
    this.#settle(this.#failure)
    for (const { reject } of this.#drains.splice(0)) reject(this.#failure)
    this.#socket.destroy()
  }
}

const placeOf = ({ host, port, path }: Endpoint) => path ?? `${host}:${port}`
const codeOf = (cause: unknown) =>
  cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause)
