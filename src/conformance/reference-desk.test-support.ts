/** What the reference sinks share: their options, a connection, the plan, and rows on their way. */
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import type { Batch } from '#columnar'
import { ledgerErrors, type Context, type Dataset, type Json, type Target } from '#connector'
import { defineErrors } from '#errors'
import type { SinkFault } from './reference-faults.test-support.ts'
import type { JsonObject } from './reference-server.test-support.ts'
import { rowsOf, type Row } from './rows.ts'

const errors = defineErrors('reference-sink', {
  lost: {
    fault: 'transient',
    message: (d: { port: number }) => `The connection to port ${d.port} was lost.`,
    hint: () => 'Start the reference server.',
  },
})

export const options = z.strictObject({
  host: z.string().describe('Host of the server.'),
  port: z.int().describe('Port of the server.'),
  mode: z.enum(['insert', 'update']).default('insert').describe('What happens to rows whose key is there.'),
})
export type Options = z.output<typeof options>

/** One connection that answers one request after the other. */
export class Line {
  readonly #options: Options
  readonly #context: Context
  readonly #fault: SinkFault | undefined
  #socket: Socket | undefined
  #received = ''
  #look = () => {}

  constructor(settings: Options, context: Context, fault: SinkFault | undefined) {
    this.#options = settings
    this.#context = context
    this.#fault = fault
  }

  async ask(request: JsonObject): Promise<Json> {
    const { signal } = this.#context
    const isDeaf = this.#fault === 'ignores-abort'
    if (!isDeaf) signal.throwIfAborted()
    const socket = (this.#socket ??= await this.#connect())
    const abort = () => socket.destroy()
    if (!isDeaf) signal.addEventListener('abort', abort)
    try {
      socket.write(`${JSON.stringify(request, plainJson)}\n`)
      if (this.#fault === 'never-waits' && request['op'] === 'insert') return null
      const answer = await this.#answer(socket)
      if (answer !== undefined) return this.#read(JSON.parse(answer) as JsonObject, request)
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (!isDeaf) signal.throwIfAborted()
    if (this.#fault === 'hides-lost-connection') return null
    throw this.#fault === 'raw-error' ? new Error('lost') : errors.lost({ port: this.#options.port })
  }

  close(): void {
    if (this.#fault !== 'leaves-socket-open') this.#socket?.destroy()
    this.#socket = undefined
  }

  /** The next line; undefined when the connection ends before. */
  async #answer(socket: Socket): Promise<string | undefined> {
    for (;;) {
      const end = this.#received.indexOf('\n')
      if (end !== -1) {
        const line = this.#received.slice(0, end)
        this.#received = this.#received.slice(end + 1)
        return line
      }
      if (socket.destroyed) return undefined
      await new Promise<void>(resolve => (this.#look = resolve))
    }
  }

  #read(answer: JsonObject, { job, run }: JsonObject): Json {
    if (!('error' in answer)) return answer['done'] ?? null
    const id = { job: String(job), run: String(run) }
    throw answer['error'] === 'fenced' ? ledgerErrors.fenced(id) : ledgerErrors.missing({ ...id, table: 'ledger' })
  }

  async #connect(): Promise<Socket> {
    const { host, port } = this.#options
    const socket = connect({ host, port, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', cause => reject(this.#fault === 'raw-error' ? cause : errors.lost({ port }, cause)))
    })
    socket.on('error', () => {})
    socket.setEncoding('utf8').on('data', text => {
      this.#received += String(text)
      this.#look()
    })
    socket.on('close', () => this.#look())
    return socket
  }
}

/** What the three writers have in common: the plan, and rows on their way from a batch to the line. */
export class Desk {
  readonly line: Line
  readonly fault: SinkFault | undefined
  /** Rows that have not been sent. */
  rows: Row[] = []
  #kept: Batch[] = []

  constructor(settings: Options, context: Context, fault: SinkFault | undefined) {
    this.line = new Line(settings, context, fault)
    this.fault = fault
  }

  async plan(dataset: Dataset): Promise<Target> {
    await this.line.ask({ op: this.fault === 'plan-creates' ? 'create' : 'ping' })
    const delivery = this.fault === 'weak-guarantee' ? 'at-least-once' : 'exactly-once'
    return {
      dataset: dataset.id,
      name: 'target',
      schema: dataset.schema,
      statements: [`insert${this.fault === 'plan-varies' ? ` ${performance.now()}` : ''}`],
      guarantee: { delivery, why: 'It is a reference.' },
      notes: [],
      detail: null,
    }
  }

  take(batch: Batch): void {
    if (this.fault === 'keeps-the-batch') this.#kept.push(batch)
    else this.rows.push(...this.#bend(rowsOf(batch)))
  }

  /** Everything that was taken since the last call. */
  give(): JsonObject[] {
    const kept = this.#kept.splice(0).flatMap(rowsOf)
    return [...this.rows.splice(0), ...kept] as unknown as JsonObject[]
  }

  #bend(rows: readonly Row[]): readonly Row[] {
    if (this.fault === 'loses-last-row' && rows.length > 1) return rows.slice(0, -1)
    if (this.fault !== 'loses-nulls') return rows
    return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? ''])))
  }
}

const plainJson = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
