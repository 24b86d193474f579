/**
 * Rows of one target as INSERT statements with binary parameters, pipelined: while the server executes one command, the next is
 * encoded and sent.
 *
 * MariaDB takes thousands of rows per COM_STMT_BULK_EXECUTE. MySQL has no such command; there a prepared statement with many rows of
 * placeholders comes near, in sizes that are powers of two so that any number of rows is a few of them.
 *
 * Every command stands behind a savepoint. When the server refuses one, or warns, the transaction goes back to it and the rows are
 * sent one by one until the guilty one is known.
 */
import type { Batch } from '#columnar'
import { dataErrors } from '#connector'
import { SluiceError } from '#errors'
import { mysqlErrors, serverError } from './errors.ts'
import { PACKET_ROWS, type Packet } from './packet.ts'
import type { Connection } from './protocol/connection.ts'
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from './protocol/packet-stream.ts'
import type { Outcome, PreparedStatement } from './protocol/responses.ts'
import { type EncodeState, maskBytes, type ParameterColumn, rowEncoder, type RowEncoder } from './protocol/row-encoder.ts'
import { parameterTexts } from './row-text.ts'

export interface InsertPlan {
  readonly dataset: string
  /** `INSERT INTO t (a, b) VALUES`. */
  readonly head: string
  /** ` ON DUPLICATE KEY UPDATE …`, or empty. */
  readonly tail: string
  readonly names: readonly string[]
  readonly columns: readonly ParameterColumn[]
  /** Indexes of the columns that identify a row for people. */
  readonly key: readonly number[]
  /** Whether a failed statement leaves nothing behind (InnoDB). */
  readonly isTransactional: boolean
  /** Most rows per statement; null: as fits. */
  readonly maxRows: number | null
}

const COMMAND = { QUERY: 0x03, STMT_EXECUTE: 0x17, STMT_BULK_EXECUTE: 0xfa } as const
/** https://mariadb.com/kb/en/com_stmt_bulk_execute/ */
const SEND_TYPES = 128
/** Placeholders of one statement (its count has 16 bits). */
const MAX_PLACEHOLDERS = 65_535
/** More rows of placeholders make MySQL slower again, not faster. */
const MULTI_ROWS = 1024
/** Commands that the server has and has not answered. */
const IN_FLIGHT = 2
/** Rows of one statement whose warnings are looked at. */
const CAREFUL_ROWS = 32

export class RowSender {
  readonly #connection: Connection
  readonly #plan: InsertPlan
  readonly #pool: Packet[]
  readonly #encoder: RowEncoder
  readonly #maxRows: number
  readonly #maxBytes: number
  /** Statements by their number of rows; a bulk statement has one. */
  readonly #statements = new Map<number, PreparedStatement & { isBound: boolean }>()
  readonly #state: EncodeState = { row: 0, count: 0, length: 0, badColumn: -1, reason: 0 }
  #filling: Packet | undefined
  #inFlight: Packet[] = []
  /** Statements of this target warn although nothing is lost; then each is looked at before the next is sent. */
  #isWarned: boolean
  /** Rows of the largest statement. */
  readonly #largestPiece: number

  /** `pool` holds the packets that nobody uses; it is shared by all senders of a connection. */
  constructor(connection: Connection, plan: InsertPlan, maxPacket: number, pool: Packet[]) {
    this.#connection = connection
    this.#plan = plan
    this.#pool = pool
    const { hasBulk } = connection
    this.#encoder = rowEncoder(plan.columns, hasBulk)
    const most = hasBulk ? PACKET_ROWS : powerOfTwoBelow(Math.min(MULTI_ROWS, Math.floor(MAX_PLACEHOLDERS / plan.columns.length)))
    this.#maxRows = Math.max(1, Math.min(most, plan.maxRows ?? most))
    this.#largestPiece = powerOfTwoBelow(this.#maxRows)
    // Without a savepoint there is no second look.
    this.#isWarned = !plan.isTransactional
    this.#maxBytes = maxPacket - this.#headBytes(this.#maxRows)
  }

  /** Encodes the rows and sends what is full; waits when two commands are unanswered. */
  async write(batch: Batch): Promise<void> {
    const state = this.#state
    state.row = 0
    while (state.row < batch.rows) {
      const packet = (this.#filling ??= await this.#freePacket())
      const before = state.row
      packet.fill(this.#encoder, state, batch, this.#maxRows, this.#maxBytes)
      if (state.badColumn >= 0) throw this.#refusal(state)
      if (state.row < batch.rows && packet.rows > 0) await this.#send()
      else if (state.row === before && packet.rows === 0) this.#makeRoom(packet, batch, before)
    }
    if (this.#filling?.rows === this.#maxRows) await this.#send()
  }

  /** Returns when the server has executed everything. */
  async flush(): Promise<void> {
    if (this.#filling && this.#filling.rows > 0) await this.#send()
    while (this.#inFlight.length > 0) await this.#settleOldest()
    if (this.#filling) this.#pool.push(this.#filling)
    this.#filling = undefined
  }

  /** Forgets all rows that were not executed, after a failure. What the server did with the others is for the caller to undo. */
  async reset(): Promise<void> {
    await this.#drain()
    for (const packet of this.#inFlight) packet.answers = 0
    this.#pool.push(...this.#inFlight, ...(this.#filling ? [this.#filling] : []))
    this.#inFlight = []
    this.#filling = undefined
  }

  /** Gives the server its memory back. Only after `flush`. */
  async close(): Promise<void> {
    for (const statement of this.#statements.values()) await this.#connection.close(statement)
    this.#statements.clear()
  }

  #headBytes(rows: number): number {
    const columns = this.#plan.columns.length
    return 64 + 2 * columns * (this.#connection.hasBulk ? 1 : rows) + maskBytes(columns * rows)
  }

  #makeRoom(packet: Packet, batch: Batch, row: number): void {
    const before = packet.bytes.length
    packet.growFor(batch, row)
    if (packet.bytes.length === before || packet.bytes.length > this.#maxBytes) {
      throw dataErrors.valueRefused({
        dataset: this.#plan.dataset,
        column: this.#plan.names.join(', '),
        reason: `the row has ${packet.bytes.length} bytes, and the server takes ${this.#maxBytes} (max_allowed_packet)`,
        row,
      })
    }
  }

  #refusal({ badColumn, reason, row }: EncodeState) {
    const { dataset, names } = this.#plan
    return dataErrors.valueRefused({ dataset, column: names[badColumn] ?? '', reason: this.#encoder.reasons[reason] ?? '', row })
  }

  async #freePacket(): Promise<Packet> {
    for (;;) {
      const packet = this.#pool.pop()
      if (packet) {
        packet.clear()
        return packet
      }
      await this.#settleOldest()
    }
  }

  async #send(): Promise<void> {
    const packet = this.#filling!
    this.#filling = undefined
    const pieces = this.#pieces(packet.rows)
    await this.#prepare(pieces)
    this.#inFlight.push(packet)
    if (this.#plan.isTransactional) await this.#post(packet, queryPacket(`SAVEPOINT ${savepoint(packet)}`))
    if (this.#isWarned) return this.#sendCarefully(packet)
    let from = 0
    for (const rows of pieces) {
      await this.#postRows(packet, from, rows)
      from += rows
    }
    // A large row is in memory several times while it is sent, so it goes alone.
    const most = packet.bytes.length < MAX_PAYLOAD_BYTES ? IN_FLIGHT : 0
    while (this.#inFlight.length > most) await this.#settleOldest()
  }

  /** Rows per statement: all in one bulk command, else powers of two. */
  #pieces(rows: number): number[] {
    if (this.#encoder.isBulk) return [rows]
    const pieces: number[] = []
    for (let left = rows; left > 0; left -= pieces.at(-1)!) pieces.push(Math.min(this.#largestPiece, powerOfTwoBelow(left)))
    return pieces
  }

  /** The answers to PREPARE must not be mixed with others, so everything is settled first; it happens once per size. */
  async #prepare(pieces: readonly number[]): Promise<void> {
    for (const rows of this.#encoder.isBulk ? [1] : pieces) {
      if (this.#statements.has(rows)) continue
      while (this.#inFlight.length > 0) await this.#settleOldest()
      await this.#prepareOne(rows)
    }
  }

  async #prepareOne(rows: number): Promise<void> {
    const { head, tail, columns } = this.#plan
    const row = `(${columns.map(() => '?').join(',')})`
    const sql = `${head} ${Array.from({ length: rows }, () => row).join(',')}${tail}`
    this.#statements.set(rows, { ...(await this.#connection.prepare(sql)), isBound: false })
  }

  async #postRows(packet: Packet, from: number, rows: number): Promise<void> {
    const { isBulk } = this.#encoder
    const statement = this.#statements.get(isBulk ? 1 : rows)!
    const head = isBulk ? this.#bulkHead(statement) : this.#executeHead(statement, packet, from, rows)
    await this.#post(packet, head, packet.bytes.subarray(packet.startOf(from), packet.startOf(from + rows)))
  }

  /** Frames and writes one command. The bytes stay untouched until it is answered, so nobody waits for the socket here. */
  async #post(packet: Packet, head: Buffer, values?: Buffer): Promise<void> {
    const { stream } = this.#connection
    const length = head.length - HEADER_BYTES + (values?.length ?? 0)
    packet.answers++
    if (length >= MAX_PAYLOAD_BYTES)
      return this.#connection.send(Buffer.concat([head.subarray(HEADER_BYTES), ...(values ? [values] : [])]))
    head.writeUIntLE(length, 0, 3)
    this.#connection.sent()
    void stream.write(head) // A write that fails makes the answer fail, too.
    if (values) void stream.write(values)
  }

  #bulkHead(statement: PreparedStatement): Buffer {
    const { types } = this.#encoder
    const head = Buffer.alloc(HEADER_BYTES + 7 + types.length)
    head.writeUInt8(COMMAND.STMT_BULK_EXECUTE, HEADER_BYTES)
    head.writeUInt32LE(statement.id, HEADER_BYTES + 1)
    head.writeUInt16LE(SEND_TYPES, HEADER_BYTES + 5)
    types.copy(head, HEADER_BYTES + 7)
    return head
  }

  /** The types go with the first execution of a statement only. */
  #executeHead(statement: PreparedStatement & { isBound: boolean }, packet: Packet, from: number, rows: number): Buffer {
    const { types } = this.#encoder
    const columns = this.#plan.columns.length
    const nullBytes = maskBytes(columns * rows)
    const head = Buffer.alloc(HEADER_BYTES + 10 + nullBytes + 1 + (statement.isBound ? 0 : types.length * rows))
    head.writeUInt8(COMMAND.STMT_EXECUTE, HEADER_BYTES)
    head.writeUInt32LE(statement.id, HEADER_BYTES + 1)
    head.writeUInt32LE(1, HEADER_BYTES + 6)
    packNulls(packet.masks, from, rows, columns, head, HEADER_BYTES + 10)
    let at = HEADER_BYTES + 10 + nullBytes
    head.writeUInt8(statement.isBound ? 0 : 1, at++)
    if (!statement.isBound) for (let row = 0; row < rows; row++) at += types.copy(head, at)
    statement.isBound = true
    return head
  }

  async #settleOldest(): Promise<void> {
    const [packet] = this.#inFlight
    if (packet === undefined) return
    let warnings = 0
    try {
      while (packet.answers > 0) warnings += (await this.#answer(packet)).warnings
    } catch (error) {
      await this.#drain()
      throw await this.#blamed(error, packet)
    }
    if (warnings > 0) return this.#repeatCarefully()
    this.#done(packet)
  }

  #done(packet: Packet): void {
    this.#inFlight = this.#inFlight.filter(other => other !== packet)
    this.#pool.push(packet)
  }

  async #answer(packet: Packet): Promise<Outcome> {
    packet.answers--
    try {
      return await this.#connection.outcome()
    } catch (error) {
      // MySQL may have forgotten the types with a statement that failed.
      for (const statement of this.#statements.values()) statement.isBound = false
      throw error
    }
  }

  /** Reads the answers that are still due; what they say no longer matters. */
  async #drain(): Promise<void> {
    for (const packet of this.#inFlight) {
      while (packet.answers > 0 && this.#connection.stream.isOpen) await this.#answer(packet).catch(() => {})
    }
  }

  /** The oldest command made the server warn, and by now its words are gone. So it and those behind it are executed again, one by one. */
  async #repeatCarefully(): Promise<void> {
    this.#isWarned = true
    await this.#drain()
    const packets = [...this.#inFlight]
    await this.#connection.query(`ROLLBACK TO SAVEPOINT ${savepoint(packets[0]!)}`)
    for (const packet of packets) {
      await this.#post(packet, queryPacket(`SAVEPOINT ${savepoint(packet)}`))
      await this.#sendCarefully(packet)
    }
  }

  /** Few rows at a time: servers keep the words of 64 warnings. */
  async #sendCarefully(packet: Packet): Promise<void> {
    while (packet.answers > 0) await this.#answer(packet)
    let from = 0
    try {
      while (from < packet.rows) {
        const rows = Math.min(CAREFUL_ROWS, powerOfTwoBelow(packet.rows - from))
        if (!this.#encoder.isBulk && !this.#statements.has(rows)) await this.#prepareOne(rows)
        await this.#executeNow(packet, from, rows)
        from += rows
      }
    } catch (error) {
      throw await this.#blamed(error, packet)
    }
    this.#done(packet)
  }

  /** One statement with nothing behind it, so that its warnings can be asked for. */
  async #executeNow(packet: Packet, from: number, rows: number): Promise<void> {
    await this.#postRows(packet, from, rows)
    const { warnings } = await this.#answer(packet)
    if (warnings === 0) return
    const said = await this.#connection.objects<'code' | 'message'>('SHOW WARNINGS')
    const lossy = said.find(({ code }) => LOSSY.has(Number(code)))
    if (lossy) throw serverError({ errno: Number(lossy.code), state: '', text: lossy.message ?? '' }, this.#connection.place)
  }

  /** The error, with the row that is to blame: the rows are sent again one by one. */
  async #blamed(error: unknown, packet: Packet): Promise<unknown> {
    if (!SluiceError.is(error) || error.fault !== 'data' || !this.#plan.isTransactional) return error
    await this.#connection.query(`ROLLBACK TO SAVEPOINT ${savepoint(packet)}`)
    if (!this.#encoder.isBulk && !this.#statements.has(1)) await this.#prepareOne(1)
    for (let row = 0; row < packet.rows; row++) {
      try {
        await this.#executeNow(packet, row, 1)
      } catch (failure) {
        return SluiceError.is(failure) && failure.fault === 'data' ? this.#ofRow(failure, packet, row) : failure
      }
    }
    return error
  }

  #ofRow(error: SluiceError, packet: Packet, row: number): SluiceError {
    const { dataset, names, columns, key: keyAt } = this.#plan
    const texts = parameterTexts(packet, row, columns, this.#encoder.isBulk)
    const key = keyAt.length === 0 ? `number ${row + 1} of its command` : keyAt.map(at => `${names[at]}=${texts[at]}`).join(', ')
    const answer = { ...(error.detail as { place: string; errno: number; text: string }), dataset, key }
    if (error.code === 'mysql.duplicate-key') return mysqlErrors.duplicateKey(answer, error)
    // 'v', 't.v' or `d`.`t`.`v`, as the version has it.
    const column = /column ((?:['`][^'`]+['`]\.?)+)/i.exec(answer.text)?.[1]?.split('.').at(-1)?.replace(/['`]/g, '')
    if (column === undefined) return mysqlErrors.valueRejected(answer, error)
    return dataErrors.valueRefused(
      { dataset, column, reason: `the server says: ${answer.text.replace(/ at row \d+$/, '')}`, key },
      error,
    )
  }
}

/** Warnings that mean that a value was changed. */
const LOSSY = new Set([1048, 1264, 1265, 1292, 1300, 1364, 1366, 1406, 1411, 1416, 1452, 1690, 1748, 1916, 1918, 3148])

const savepoint = (packet: Packet) => `sluice_${packet.index}`

function queryPacket(sql: string): Buffer {
  return Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.of(COMMAND.QUERY), Buffer.from(sql, 'utf8')])
}

export function powerOfTwoBelow(value: number): number {
  return value < 1 ? 1 : 2 ** Math.floor(Math.log2(value))
}

/** Bits of rows, byte-aligned in `masks`, one behind the other. */
export function packNulls(masks: Uint8Array, from: number, rows: number, columns: number, out: Uint8Array, at: number): void {
  const stride = maskBytes(columns)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < stride; i++) {
      const bits = masks[(from + row) * stride + i]!
      if (bits === 0) continue
      const bit = row * columns + i * 8
      const index = at + (bit >> 3)
      const shift = bit & 7
      out[index]! |= bits << shift
      if (shift > 0 && bits >> (8 - shift) !== 0) out[index + 1]! |= bits >> (8 - shift)
    }
  }
}
