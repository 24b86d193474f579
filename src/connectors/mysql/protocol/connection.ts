/**
 * A connection to MySQL or MariaDB: text queries for metadata and statements, prepared statements for rows.
 *
 * Commands go out one after the other; only bulk writes send the next before the answer to the last has arrived (`send`, `outcome`).
 */
import type { Protection } from '#sql'
import { BLIND, ByteReader, ByteStream, type Endpoint, type WaitMeter } from '#wire'
import { mysqlErrors, serverError } from '../errors.ts'
import { CLIENT, MARIADB } from './capabilities.ts'
import type { Greeting } from './handshake.ts'
import { readLength } from './length-encoding.ts'
import { isVerified, logIn, type LoginSettings } from './login.ts'
import { PacketStream } from './packet-stream.ts'
import {
  type ColumnDefinition,
  decodeColumn,
  decodeEnd,
  decodeError,
  decodeOk,
  decodePrepared,
  decodeTextRow,
  isEnd,
  isError,
  MARK,
  type Outcome,
  type PreparedStatement,
} from './responses.ts'
import { witness } from './witness.ts'

const COMMAND = { QUIT: 0x01, QUERY: 0x03, PING: 0x0e, STMT_PREPARE: 0x16, STMT_EXECUTE: 0x17, STMT_CLOSE: 0x19 } as const
const KILL_MS = 1000

export interface ConnectionSettings extends LoginSettings, Endpoint {
  readonly connectTimeoutMs: number
  /** Longest silence while an answer is due; 0 waits as long as the server works on it. */
  readonly idleTimeoutMs: number
}

export interface TextResult extends Outcome {
  readonly columns: readonly ColumnDefinition[]
  readonly rows: readonly (readonly (string | null)[])[]
}

export class Connection implements AsyncDisposable {
  readonly greeting: Greeting
  readonly packets: PacketStream
  readonly #settings: ConnectionSettings
  readonly #signal: AbortSignal
  readonly #flags: number
  readonly #extended: number
  /** Commands whose answer has not been read to the end. */
  #pending = 0
  /** Whether the rows of the pending command have begun to arrive: then a closed socket ends it at once. */
  #streaming = false
  #killing: Promise<void> | undefined
  readonly #abort = () => this.#killIfSilent()

  private constructor(
    packets: PacketStream,
    settings: ConnectionSettings,
    signal: AbortSignal,
    login: Awaited<ReturnType<typeof logIn>>,
  ) {
    this.packets = packets
    this.greeting = login.greeting
    this.#settings = settings
    this.#signal = signal
    this.#flags = login.capabilities.flags
    this.#extended = login.capabilities.extended
    signal.addEventListener('abort', this.#abort, { once: true })
  }

  static async open(settings: ConnectionSettings, signal: AbortSignal, meter?: WaitMeter): Promise<Connection> {
    const stream = await ByteStream.connect({ ...settings, signal, ...(meter ? { meter } : {}) })
    const packets = new PacketStream(stream)
    return new Connection(packets, settings, signal, await stream.establish(() => logIn(packets, settings)))
  }

  /** What the server calls this session and itself; by that it can be asked about it from outside. */
  identify(connectionId: number, server: string): void {
    // A pooler has ids of its own, and may give us another session of the server for the next transaction.
    const isPooled = connectionId !== this.greeting.connectionId
    const reach = (wanted: AbortSignal) => Connection.open(this.#settings, AbortSignal.any([wanted, this.#signal]))
    this.stream.witness = isPooled ? BLIND : witness(reach, connectionId, server)
  }

  get stream(): ByteStream {
    return this.packets.stream
  }

  get place(): string {
    return this.stream.place
  }

  get protection(): Protection {
    const { host, path, tls } = this.#settings
    const { isEncrypted } = this.stream
    return {
      host: path === undefined ? host : 'localhost',
      place: this.place,
      isEncrypted,
      isVerified: isEncrypted && isVerified(tls),
      isChosen: tls.isChosen,
      // No plugin sends one as it is where the connection is not private.
      sentPassword: false,
    }
  }

  /** Ready for a command. */
  get isIdle(): boolean {
    return this.#pending === 0 && this.stream.isOpen
  }

  get hasBulk(): boolean {
    return (this.#extended & MARIADB.STMT_BULK_OPERATIONS) !== 0
  }

  get isDeprecateEof(): boolean {
    return (this.#flags & CLIENT.DEPRECATE_EOF) !== 0
  }

  /** Runs one statement in text. Rows are collected: for small results only. */
  async query(sql: string): Promise<TextResult> {
    await this.send(Buffer.concat([Buffer.of(COMMAND.QUERY), Buffer.from(sql, 'utf8')]))
    let result = await this.#textResult()
    // Only a CALL has several; the last one is its outcome.
    while (result.hasMore) result = { ...(await this.#textResult()), rows: result.rows, columns: result.columns }
    this.#pending--
    return result
  }

  /** The rows of a query as objects, by the names of the columns. */
  async objects<Name extends string>(sql: string): Promise<Record<Name, string | null>[]> {
    const { columns, rows } = await this.query(sql)
    const names = columns.map(column => column.name.toLowerCase())
    return rows.map(row => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])) as Record<Name, string | null>)
  }

  async prepare(sql: string): Promise<PreparedStatement & { readonly definitions: readonly ColumnDefinition[] }> {
    await this.send(Buffer.concat([Buffer.of(COMMAND.STMT_PREPARE), Buffer.from(sql, 'utf8')]))
    const statement = decodePrepared(await this.#answer())
    await this.#definitions(statement.parameters)
    const definitions = await this.#definitions(statement.columns)
    this.#pending--
    return { ...statement, definitions }
  }

  /** Executes a query without parameters. Afterwards `stream` holds its binary rows; call `endRows` behind the last one. */
  async execute(statement: PreparedStatement, timeoutSeconds: number): Promise<void> {
    const command = Buffer.alloc(10)
    command.writeUInt8(COMMAND.STMT_EXECUTE, 0)
    command.writeUInt32LE(statement.id, 1)
    command.writeUInt32LE(1, 6)
    await this.send(command)
    const first = await this.#limited(timeoutSeconds, () => this.#answer())
    const columns = readLength(new ByteReader(first))
    if (first[0] === MARK.OK || columns !== statement.columns)
      throw mysqlErrors.brokenPacket({ what: 'a query whose columns changed' })
    await this.#definitions(columns)
    // A server that sorts or joins sends the definitions at once and the rows much later.
    await this.#limited(timeoutSeconds, () => this.packets.peek())
    this.#streaming = true
  }

  /** Reads the packet behind the last row: the end, or an error that interrupts the rows. */
  async endRows(): Promise<Outcome> {
    this.#streaming = false
    const packet = await this.#answer()
    if (!isEnd(packet)) throw mysqlErrors.brokenPacket({ what: `mark ${packet[0]} between rows` })
    this.#pending--
    return decodeEnd(packet, this.isDeprecateEof)
  }

  async close(statement: PreparedStatement): Promise<void> {
    const command = Buffer.alloc(5)
    command.writeUInt8(COMMAND.STMT_CLOSE, 0)
    command.writeUInt32LE(statement.id, 1)
    await this.packets.command(command) // The server does not answer.
  }

  async ping(): Promise<void> {
    await this.send(Buffer.of(COMMAND.PING))
    await this.outcome()
  }

  /** Sends a command whose answer `outcome` takes later. */
  send(payload: Buffer): Promise<void> {
    this.#pending++
    return this.packets.command(payload)
  }

  /** Counts a command that the caller framed and wrote to the stream. */
  sent(): void {
    this.#pending++
  }

  /** The answer to the oldest open command, which has no rows. */
  async outcome(): Promise<Outcome> {
    const outcome = decodeOk(await this.#answer())
    this.#pending--
    return outcome
  }

  /**
   * Closes the connection. One that is in the middle of an answer is cut off, and a statement that has not begun to answer is killed,
   * as the server would go on with it for nobody.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort)
    if (this.isIdle) await this.packets.command(Buffer.of(COMMAND.QUIT)).catch(() => {})
    else this.#killIfSilent()
    await this.stream[Symbol.asyncDispose]()
    await this.#killing
  }

  /** An answer that is no error. An error ends the command. */
  async #answer(): Promise<Buffer> {
    const packet = await this.packets.read()
    if (!isError(packet)) return packet
    this.#pending--
    this.#streaming = false
    throw serverError(decodeError(packet), this.place)
  }

  async #textResult(): Promise<TextResult> {
    const first = await this.#answer()
    if (first[0] === MARK.OK) return { ...decodeOk(first), columns: [], rows: [] }
    // The server asks for a file of ours (LOAD DATA LOCAL), which it must not get: an empty packet is "no content".
    if (first[0] === MARK.LOCAL_INFILE) {
      await this.packets.reply(Buffer.alloc(0))
      return { ...decodeOk(await this.#answer()), columns: [], rows: [] }
    }
    const columns = await this.#definitions(readLength(new ByteReader(first)))
    const rows: (string | null)[][] = []
    for (;;) {
      const packet = await this.#answer()
      if (isEnd(packet)) return { ...decodeEnd(packet, this.isDeprecateEof), columns, rows }
      rows.push(decodeTextRow(packet, columns.length))
    }
  }

  async #definitions(count: number): Promise<ColumnDefinition[]> {
    const definitions: ColumnDefinition[] = []
    for (let i = 0; i < count; i++) definitions.push(decodeColumn(await this.#answer()))
    if (count > 0 && !this.isDeprecateEof) await this.#answer()
    return definitions
  }

  /** Ends a statement that takes longer, by killing it: then the server answers with an error. */
  async #limited<T>(seconds: number, wait: () => Promise<T>): Promise<T> {
    if (seconds === 0) return wait()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#killing = this.#kill('QUERY')
    }, seconds * 1000)
    try {
      return await wait()
    } catch (error) {
      throw isLate ? mysqlErrors.queryTimeout({ place: this.place, seconds }, error) : error
    } finally {
      clearTimeout(timer)
    }
  }

  #killIfSilent(): void {
    if (this.#pending > 0 && !this.#streaming) this.#killing ??= this.#kill('CONNECTION')
  }

  /** Through a second connection, as this one is busy. A server that cannot be reached now has lost this connection too. */
  async #kill(what: 'QUERY' | 'CONNECTION'): Promise<void> {
    const settings = { ...this.#settings, connectTimeoutMs: KILL_MS, database: '' }
    try {
      await using other = await Connection.open(settings, AbortSignal.timeout(KILL_MS))
      await other.query(`KILL ${what} ${this.greeting.connectionId}`)
    } catch {
      // Best effort, see above.
    }
  }
}
