/**
 * One connection to a PostgreSQL server.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html. Rows of tables go through COPY and are decoded from
 * `stream` by generated code; everything else is small and comes as text.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Log } from '#connector'
import { SluiceError } from '#errors'
import type { Protection } from '#sql'
import { BLIND, ByteReader, ByteStream, type WaitMeter } from '#wire'
import { postgresErrors } from '../errors.ts'
import * as messages from './messages.ts'
import type { ResultColumn } from './messages.ts'
import { refuseSharedSession } from './pooler.ts'
import { channelBinding, Scram } from './scram.ts'
import { serverError } from './server-error.ts'
import { witness } from './witness.ts'

export interface ConnectionSettings {
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly user: string
  readonly password: string | undefined
  readonly database: string
  readonly tls: {
    readonly mode: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
    /** The user has asked for that mode. */
    readonly isChosen: boolean
    readonly options: TlsOptions
  }
  /** Sent with the first message. */
  readonly parameters: Readonly<Record<string, string>>
  readonly connectTimeoutMs: number
  /** Longest silence of the server while an answer is due; 0 waits as long as the server works on it. */
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal
  readonly log: Log
  /** Where received bytes and waiting times are added. */
  readonly meter?: WaitMeter | undefined
  /** Largest row that is taken; undefined: any. */
  readonly rowBytes?: number | undefined
}

export interface Result {
  readonly columns: readonly ResultColumn[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** `INSERT 0 5` */
  readonly tag: string
}

const TAG = {
  authentication: 0x52, // R
  keyData: 0x4b, // K
  ready: 0x5a, // Z
  error: 0x45, // E
  notice: 0x4e, // N
  parameter: 0x53, // S
  notification: 0x41, // A
  negotiate: 0x76, // v
  rowDescription: 0x54, // T
  dataRow: 0x44, // D
  complete: 0x43, // C
  copyIn: 0x47, // G
  copyOut: 0x48, // H
  copyDone: 0x63, // c
} as const

/** A message is copied out of the stream before the next await, except for rows. */
interface Message {
  readonly tag: number
  readonly body: ByteReader
}

export class Connection implements AsyncDisposable {
  readonly stream: ByteStream
  /** What the server reports about itself: `server_version`, `server_encoding`. */
  readonly parameters = new Map<string, string>()
  /** `I` idle, `T` in a transaction, `E` in a failed one. */
  transaction: 'I' | 'T' | 'E' = 'I'
  readonly #settings: ConnectionSettings
  readonly #endpoint: { readonly host: string; readonly port: number }
  #processId = 0
  #secret = Buffer.alloc(0)
  #isEncrypted = false
  #sentPassword = false

  private constructor(settings: ConnectionSettings, endpoint: { host: string; port: number }, stream: ByteStream) {
    this.#settings = settings
    this.#endpoint = endpoint
    this.stream = stream
  }

  /** Tries the hosts in order; a server that answers and refuses ends the search. */
  static async connect(settings: ConnectionSettings): Promise<Connection> {
    let failure: unknown
    for (const endpoint of settings.hosts) {
      try {
        return await Connection.#connectTo(endpoint, settings)
      } catch (error) {
        if (!SluiceError.is(error) || error.fault !== 'transient') throw error
        failure ??= error
      }
    }
    throw failure
  }

  static async #connectTo(endpoint: { host: string; port: number }, settings: ConnectionSettings): Promise<Connection> {
    const { connectTimeoutMs, idleTimeoutMs, signal, meter, rowBytes: believedBytes } = settings
    const metered = meter === undefined ? {} : { meter }
    const times = { connectTimeoutMs, idleTimeoutMs, signal }
    const stream = await ByteStream.connect({ ...socketPlace(endpoint), ...times, believedBytes, ...metered })
    const connection = new Connection(settings, endpoint, stream)
    await stream.establish(async () => {
      await connection.#encrypt()
      await connection.#logIn()
    })
    return connection
  }

  /** Executes the statements that a session begins with, and learns what is needed to ask the server about it from outside. */
  async prepare(sql: string): Promise<void> {
    const { rows } = await this.query(`${sql}; SELECT pg_backend_pid(), extract(epoch FROM pg_postmaster_start_time())`)
    const [processId, serverStart] = rows[0] ?? []
    // A pooler has process ids of its own, and may give us another server process for the next transaction.
    const isPooled = Number(processId) !== this.#processId
    const reach = (wanted: AbortSignal) =>
      Connection.#connectTo(this.#endpoint, {
        ...this.#settings,
        meter: undefined,
        signal: AbortSignal.any([wanted, this.#settings.signal]),
      })
    this.stream.witness = isPooled ? BLIND : witness(reach, this.#processId, serverStart ?? '')
    if (isPooled) await refuseSharedSession(this, reach)
  }

  get place(): string {
    const { user, database } = this.#settings
    return `${user}@${this.stream.place}/${database}`
  }

  get protection(): Protection {
    const { isChosen, options } = this.#settings.tls
    const isVerified = this.#isEncrypted && options.rejectUnauthorized === true
    const [isEncrypted, sentPassword] = [this.#isEncrypted, this.#sentPassword]
    return { host: this.#endpoint.host, place: this.stream.place, isEncrypted, isVerified, isChosen, sentPassword }
  }

  get user(): string {
    return this.#settings.user
  }

  /** 150018 for 15.18. */
  get serverVersion(): number {
    const [, major = '0', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(this.parameters.get('server_version') ?? '') ?? []
    return Number(major) * 10_000 + Number(minor)
  }

  /** Executes one or more statements; the result is that of the last one that returned rows. */
  async query(sql: string): Promise<Result> {
    this.send(messages.query(sql))
    return this.#result(sql)
  }

  /** Executes one or more statements and forgets what they return, however much. */
  async run(sql: string): Promise<void> {
    this.send(messages.query(sql))
    await this.#result(sql, false)
  }

  /** Executes one statement with parameters, all as text. */
  async execute(sql: string, parameters: readonly (string | null)[] = []): Promise<Result> {
    this.send(messages.execute(sql, parameters))
    return this.#result(sql)
  }

  /** The columns that a statement would return. */
  async describe(sql: string): Promise<readonly ResultColumn[]> {
    this.send(messages.describe(sql))
    return (await this.#result(sql)).columns
  }

  /** Starts a COPY … TO STDOUT. Afterwards CopyData messages stand in `stream`; {@link endCopyOut} takes what follows them. */
  async copyOut(sql: string): Promise<void> {
    this.send(messages.query(sql))
    await this.#startCopy(sql, TAG.copyOut)
  }

  /** What follows the last CopyData: the end, or the error that broke the rows off. */
  async endCopyOut(sql: string): Promise<void> {
    await this.#result(sql)
  }

  /**
   * Starts a COPY … FROM STDIN, of which `sql` may be the last of several statements. Rows may follow at once: a server that
   * refuses the statement throws them away.
   */
  startCopyIn(sql: string): void {
    this.send(messages.query(sql))
  }

  /** Returns when the server takes rows. */
  async copyInStarted(sql: string): Promise<void> {
    await this.#startCopy(sql, TAG.copyIn)
  }

  /** Looks, without waiting, at what the server has said meanwhile: throws when it has refused, and tells whether it has begun to take rows. */
  async checkCopyIn(sql: string): Promise<boolean> {
    let isStarted = false
    while (this.stream.end > this.stream.start) {
      const message = await this.#next()
      if (message.tag === TAG.error) await this.#fail(message.body, sql)
      isStarted ||= message.tag === TAG.copyIn
    }
    return isStarted
  }

  /** Looks, without waiting and without taking anything, whether the server has refused something that was sent. */
  hasRefused(): boolean {
    const { buffer, start, end } = this.stream
    for (let at = start; at + messages.MESSAGE_HEAD <= end; at += 1 + Math.max(4, buffer.readInt32BE(at + 1)))
      if (buffer[at] === TAG.error) return true
    return false
  }

  /** Says that the rows of a COPY end here, or why they do not; {@link answer} tells what the server made of it. */
  sendCopyEnd(failure?: string): void {
    this.send(failure === undefined ? messages.copyDone() : messages.copyFail(failure))
  }

  /** Sends statements without waiting; their answer is taken by {@link answer}, in turn. */
  sendQuery(sql: string): void {
    this.send(messages.query(sql))
  }

  /** The answer to the oldest statements that were sent and not waited for, a COPY whose rows have been sent included. */
  async answer(sql: string): Promise<Result> {
    return this.#result(sql, true, true)
  }

  /** Sends the end of a COPY and, in the same go, a further query; returns the result of the COPY when both have been executed. */
  async endCopyIn(sql: string, then?: string): Promise<Result> {
    this.send(then === undefined ? messages.copyDone() : Buffer.concat([messages.copyDone(), messages.query(then)]))
    let copied: Result
    try {
      copied = await this.#result(sql)
    } catch (error) {
      // The transaction has failed, so the further query fails as well; its answer must be taken all the same.
      if (then !== undefined) await this.#result(then).catch(() => {})
      throw error
    }
    if (then !== undefined) await this.#result(then)
    return copied
  }

  /** Asks the server, over a connection of its own, to end the running statement. Never throws. */
  async cancel(): Promise<void> {
    const request = {
      ...socketPlace(this.#endpoint),
      connectTimeoutMs: 500,
      idleTimeoutMs: 500,
      signal: AbortSignal.timeout(900),
    }
    try {
      await using stream = await ByteStream.connect(request)
      if (this.#isEncrypted) await this.#encryptStream(stream)
      await stream.write(messages.cancelRequest(this.#processId, this.#secret))
      await stream.more()
    } catch {
      // The server closes the connection without a word; that and every failure end the attempt alike.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.stream.isOpen) this.send(messages.terminate())
    await this.stream[Symbol.asyncDispose]()
  }

  send(bytes: Buffer): void {
    this.stream.write(bytes).catch(() => {}) // The next read reports it.
  }

  async #encrypt(): Promise<void> {
    const { mode } = this.#settings.tls
    if (mode === 'disable' || socketPlace(this.#endpoint).path !== undefined) return
    this.#isEncrypted = await this.#encryptStream(this.stream)
    if (!this.#isEncrypted && mode !== 'prefer') throw postgresErrors.tlsRefused({ place: this.stream.place, mode })
  }

  async #encryptStream(stream: ByteStream): Promise<boolean> {
    stream.write(messages.sslRequest()).catch(() => {})
    await stream.fill(1)
    const answer = stream.buffer[stream.start++]
    if (answer === 0x4e) return false // N
    if (answer !== 0x53) throw postgresErrors.protocol({ place: stream.place, what: 'no answer to the request for TLS' })
    const { host } = this.#endpoint
    await stream.upgrade({ ...this.#settings.tls.options, host, ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }) })
    return true
  }

  async #logIn(): Promise<void> {
    const { user, database, parameters } = this.#settings
    this.send(messages.startup({ user, database, ...parameters }))
    for (;;) {
      const { tag, body } = await this.#next()
      if (tag === TAG.error) throw serverError(messages.decodeNotice(body), this.place)
      if (tag === TAG.ready) return
      if (tag === TAG.authentication) await this.#authenticate(body)
      else if (tag === TAG.keyData) [this.#processId, this.#secret] = [body.int32be(), Buffer.from(body.rest())]
      else if (tag !== TAG.negotiate) throw this.#unexpected(tag)
    }
  }

  /** https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-AUTHENTICATIONOK */
  async #authenticate(body: ByteReader): Promise<void> {
    const method = body.int32be()
    switch (method) {
      case 0:
        return
      case 3:
        this.#sentPassword = true
        return this.send(messages.password(this.#password()))
      case 5:
        return this.send(messages.password(md5Answer(this.#settings.user, this.#password(), body.take(4))))
      case 10:
        return this.#authenticateByScram(mechanismsOf(body))
      default: {
        const names: Record<number, string> = { 2: 'Kerberos', 7: 'GSSAPI', 9: 'SSPI' }
        throw postgresErrors.authenticationUnknown({ place: this.place, method: names[method] ?? `method ${method}` })
      }
    }
  }

  async #authenticateByScram(mechanisms: readonly string[]): Promise<void> {
    const encryption = channelBinding(this.stream.peerCertificate)
    const offered = mechanisms.includes('SCRAM-SHA-256-PLUS')
    const binding = offered ? encryption : undefined
    if (!offered && !mechanisms.includes('SCRAM-SHA-256')) {
      throw postgresErrors.authenticationUnknown({ place: this.place, method: mechanisms.join(', ') })
    }
    const couldBind = encryption !== undefined && !offered
    const scram = new Scram({ password: this.#password(), nonce: randomBytes(18).toString('base64'), binding, couldBind })
    this.send(messages.saslInitial(binding ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256', scram.first))
    const final = await scram.final(await this.#saslMessage(11))
    if (final === undefined) throw postgresErrors.protocol({ place: this.place, what: 'a malformed SCRAM challenge' })
    this.send(messages.saslResponse(final))
    if (!scram.isAuthentic(await this.#saslMessage(12))) throw postgresErrors.serverNotAuthentic({ place: this.place })
  }

  async #saslMessage(kind: number): Promise<string> {
    const { tag, body } = await this.#next()
    if (tag === TAG.error) throw serverError(messages.decodeNotice(body), this.place)
    if (tag !== TAG.authentication || body.int32be() !== kind) throw this.#unexpected(tag)
    return body.rest().toString('utf8')
  }

  #password(): string {
    const { password } = this.#settings
    if (password === undefined) throw postgresErrors.passwordMissing({ place: this.place })
    return password
  }

  async #startCopy(sql: string, expected: number): Promise<void> {
    for (;;) {
      const { tag, body } = await this.#next()
      if (tag === expected) return
      if (tag === TAG.error) await this.#fail(body, sql)
      // Statements before the COPY have results of their own.
      if (tag === TAG.ready) throw this.#unexpected(tag)
    }
  }

  /** Everything up to ReadyForQuery. */
  async #result(sql: string, keepsRows = true, isCopySent = false): Promise<Result> {
    let columns: ResultColumn[] = []
    let rows: (string | null)[][] = []
    let completed = ''
    for (;;) {
      const { tag, body } = await this.#next()
      if (tag === TAG.dataRow) {
        if (keepsRows) rows.push(messages.decodeDataRow(body))
      } else if (tag === TAG.rowDescription) [columns, rows] = [messages.decodeRowDescription(body), []]
      else if (tag === TAG.complete) completed = body.cstring()
      else if (tag === TAG.error) await this.#fail(body, sql)
      else if (tag === TAG.ready) return { columns, rows, tag: completed }
      else if (tag === TAG.copyIn && !isCopySent) this.send(messages.copyFail('no COPY was expected'))
    }
  }

  /** Takes the rest of the answer, then throws. */
  async #fail(body: ByteReader, sql: string): Promise<never> {
    const fields = messages.decodeNotice(body)
    const shown = fields.has('P') && fields.get('C')?.startsWith('42') === true ? shorten(sql) : undefined
    const error = serverError(fields, this.place, shown)
    for (;;) {
      // After a fatal error there is no ReadyForQuery but the end of the connection, which explains nothing.
      const message = await this.#next().catch(() => undefined)
      if (message === undefined || message.tag === TAG.ready) throw error
    }
  }

  /** The next message that answers something. */
  async #next(): Promise<Message> {
    const { stream } = this
    for (;;) {
      await stream.fill(messages.MESSAGE_HEAD)
      const tag = stream.buffer[stream.start] ?? 0
      const length = stream.buffer.readInt32BE(stream.start + 1)
      if (length < 4 || length > MOST_MESSAGE_BYTES)
        throw postgresErrors.protocol({ place: this.place, what: `a message of ${length} bytes` })
      await stream.fill(length + 1)
      const body = new ByteReader(stream.buffer.subarray(stream.start + 5, stream.start + 1 + length))
      stream.start += length + 1
      if (!this.#takeAside(tag, body)) return { tag, body }
    }
  }

  /** Messages that may come at any time. */
  #takeAside(tag: number, body: ByteReader): boolean {
    switch (tag) {
      case TAG.notice:
        this.#settings.log.debug(messages.decodeNotice(body).get('M') ?? '', { place: this.place })
        return true
      case TAG.parameter:
        this.parameters.set(body.cstring(), body.cstring())
        return true
      case TAG.notification:
        return true
      case TAG.ready:
        this.transaction = String.fromCharCode(body.uint8()) as 'I' | 'T' | 'E'
        return false
      default:
        return false
    }
  }

  #unexpected(tag: number) {
    return postgresErrors.protocol({ place: this.place, what: `the unexpected message "${String.fromCharCode(tag)}"` })
  }
}

/** No message may be longer than 1 GiB: that is the limit of a value. */
const MOST_MESSAGE_BYTES = 0x4000_0000
const MOST_SHOWN = 500

const shorten = (sql: string) => (sql.length > MOST_SHOWN ? `${sql.slice(0, MOST_SHOWN)}…` : sql)

/** A host that begins with a slash is the folder of a Unix socket, as in libpq. */
function socketPlace({ host, port }: { host: string; port: number }) {
  return host.startsWith('/') ? { host, port, path: `${host}/.s.PGSQL.${port}` } : { host, port }
}

/** AuthenticationSASL: `Int32 10  { String mechanism }*  Byte1 0`. */
function mechanismsOf(body: ByteReader): string[] {
  const names: string[] = []
  for (let name = body.cstring(); name !== ''; name = body.cstring()) names.push(name)
  return names
}

/** `md5` and the hash of (hash of password and user) and salt. */
function md5Answer(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5')
    .update(password + user)
    .digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}
