/**
 * A source as it should be, and every way in which the suite must find it wrong.
 *
 * The planted faults are switches, so that what is tested is exactly the correct connector with one thing changed.
 */
import { connect, type Socket } from 'node:net'
import { z } from 'zod'
import { Batch, EncodedBatch, int, utf8, type Schema } from '#columnar'
import {
  defineSource,
  type Chunk,
  type Context,
  type Dataset,
  type Json,
  type Reader,
  type ReadPlan,
  type Split,
} from '#connector'
import { defineErrors } from '#errors'
import { fillBatch, rowsOf, type Row } from './rows.ts'
import type { JsonObject } from './reference-server.test-support.ts'

export const SOURCE_FAULTS = [
  'accepts-unknown-options',
  'describes-nothing',
  'raw-error',
  'no-hint',
  'unsorted',
  'date-in-split',
  'same-split-ids',
  'split-too-short',
  'splits-overlap',
  'last-row-lost',
  'wrong-value',
  'null-in-not-null',
  'batch-too-large',
  'empty-batch',
  'ignores-batch-bytes',
  'position-repeats',
  'position-skips',
  'position-depends-on-batch-rows',
  'no-positions',
  'plan-denies-positions',
  'encoded-differs',
  'ignores-abort',
  'ignores-abort-while-waiting',
  'begins-though-aborted',
  'leaves-socket-open',
  'reads-share-state',
  'reads-ahead',
  'expects-whole-lines',
  'cut-is-the-end',
  'cut-is-a-bug',
  'reads-on-after-return',
] as const
export type SourceFault = (typeof SOURCE_FAULTS)[number]

const errors = defineErrors('reference', {
  unreachable: {
    fault: 'transient',
    message: (d: { port: number }) => `Nothing listens on port ${d.port}.`,
    hint: () => 'Start the reference server.',
  },
  hopeless: { fault: 'transient', message: (d: { port: number }) => `Nothing listens on port ${d.port}.` },
  lost: { fault: 'transient', message: (d: { port: number }) => `The connection to port ${d.port} was lost.` },
  broken: { fault: 'bug', message: (d: { port: number }) => `Port ${d.port} sent half a line.` },
})

const described = z.strictObject({
  host: z.string().describe('Host of the server.'),
  port: z.int().describe('Port of the server.'),
  splitRows: z.int().default(8).describe('Rows of one split.'),
  table: z.string().optional().describe('The one table to read; all of them when absent.'),
})
type Options = z.output<typeof described>

type RowSplit = Split & { from: number; to: number }

const SCHEMA: Schema = {
  fields: [
    { name: 'id', type: int(32), nullable: false },
    { name: 'name', type: utf8, nullable: true },
  ],
}
/** Rows of a batch as JSON. */
const ENCODING = 'reference JSON'
/** Rows of a table that the server does not keep. */
const LARGE_ROWS = 80_000

export function referenceSource(fault?: SourceFault) {
  const has = (name: SourceFault) => fault === name
  const options = has('accepts-unknown-options')
    ? (z.object(described.shape) as unknown as typeof described)
    : has('describes-nothing')
      ? z.strictObject({ ...described.shape, port: z.int() })
      : described
  return defineSource({
    name: 'reference',
    title: 'Reference',
    summary: 'Reads the tables of the reference server.',
    stability: 'stable',
    options,
    capabilities: { boundedness: 'bounded', resume: 'position', changelog: 'append' },
    open: async (settings, context) => new ReferenceReader(settings, context, fault),
  })
}

class ReferenceReader implements Reader<RowSplit, number> {
  readonly bufferBytes = 64 * 1024
  readonly #options: Options
  readonly #context: Context
  readonly #fault: SourceFault | undefined
  readonly #open = new Set<Socket>()
  #shared: Batch | undefined

  constructor(options: Options, context: Context, fault: SourceFault | undefined) {
    this.#options = options
    this.#context = context
    this.#fault = fault
  }

  async discover(): Promise<Dataset[]> {
    const { table } = this.#options
    if (table !== undefined)
      return [{ id: table, schema: SCHEMA, primaryKey: ['id'], estimatedRows: LARGE_ROWS, encoding: ENCODING }]
    let tables: JsonObject = {}
    for await (const answer of this.#ask({ op: 'tables' })) tables = answer['done'] as JsonObject
    const names = Object.keys(tables).sort()
    if (this.#has('unsorted')) names.reverse()
    return names.map(id => ({ id, schema: SCHEMA, primaryKey: ['id'], estimatedRows: Number(tables[id]), encoding: ENCODING }))
  }

  async explain(): Promise<ReadPlan> {
    const by = this.#has('plan-denies-positions') ? 'split' : 'position'
    return { statements: ['rows FROM to TO'], resume: { by, why: 'Rows are numbered.' }, notes: [] }
  }

  async *enumerate({ id, estimatedRows = 0 }: Dataset): AsyncIterable<RowSplit> {
    const { table, splitRows } = this.#options
    const step = table === undefined ? splitRows : estimatedRows
    const count = this.#has('last-row-lost') ? estimatedRows - 1 : estimatedRows
    for (let from = 0; from < count; from += step) {
      const start = this.#has('splits-overlap') ? Math.max(0, from - 1) : from
      const end = Math.min(from + step, count) - (this.#has('split-too-short') && from === 0 ? 1 : 0)
      const extra = this.#has('date-in-split') ? { made: new Date() as unknown as Json } : {}
      yield { id: this.#has('same-split-ids') ? id : `${id}@${from}`, dataset: id, from: start, to: end, ...extra }
    }
  }

  async *read(dataset: Dataset, split: RowSplit, position: number | undefined, encoded = false): AsyncIterable<Chunk<number>> {
    const give = (chunk: Chunk<number>) => (encoded ? this.#encode(chunk) : chunk)
    const { batchRows, batchBytes } = this.#context
    const signal = this.#signal
    const own = new Batch(dataset.schema, batchRows + 1)
    const batch = this.#has('reads-share-state') ? (this.#shared ??= own) : own
    const limit = this.#has('batch-too-large') ? batchRows + 1 : batchRows
    const maxBytes = this.#has('ignores-batch-bytes') ? Infinity : batchBytes
    let rows: Row[] = []
    let bytes = 0
    let at = position ?? split.from
    for await (const { row } of this.#ask({ op: 'rows', table: dataset.id, from: at, to: split.to })) {
      signal.throwIfAborted()
      rows.push(this.#bend(row as Row))
      bytes += 8 + String((row as Row)['name']).length
      at++
      if (rows.length < limit && bytes < maxBytes) continue
      yield give(this.#chunk(batch, rows, at))
      rows = []
      bytes = 0
    }
    if (rows.length > 0) yield give(this.#chunk(batch, rows, at))
    if (this.#has('empty-batch')) yield give(this.#chunk(batch, [], at))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#has('leaves-socket-open')) return
    for (const socket of this.#open) socket.destroy()
  }

  #has(fault: SourceFault): boolean {
    return this.#fault === fault
  }

  get #signal(): AbortSignal {
    const { signal } = this.#context
    const isDeaf = this.#has('ignores-abort') || (this.#has('begins-though-aborted') && signal.aborted)
    return isDeaf ? new AbortController().signal : signal
  }

  #chunk(batch: Batch, rows: readonly Row[], next: number): Chunk<number> {
    fillBatch(batch, rows)
    if (this.#has('no-positions')) return { batch, position: undefined }
    const shift = this.#has('position-repeats') ? -1 : this.#has('position-skips') ? 1 : 0
    if (this.#has('position-depends-on-batch-rows'))
      return { batch, position: next - (next % Math.max(2, this.#context.batchRows)) }
    return { batch, position: next + shift }
  }

  #encode({ batch, position }: Chunk<number>): Chunk<number> {
    const { schema, capacity } = batch
    const encoded = new EncodedBatch(schema, capacity, bytes => {
      const decoded = new Batch(schema, capacity)
      fillBatch(decoded, JSON.parse(bytes.toString()) as Row[])
      return decoded.columns
    })
    const rows = rowsOf(batch).map(row => (this.#has('encoded-differs') ? { ...row, name: null } : row))
    encoded.hold(Buffer.from(JSON.stringify(rows)), batch.rows, 0)
    return { batch: encoded, position }
  }

  #bend(row: Row): Row {
    if (this.#has('wrong-value') && row['id'] === 3) return { ...row, name: `${String(row['name'])} ` }
    if (this.#has('null-in-not-null') && row['id'] === 3) return { ...row, id: null }
    return row
  }

  /** Sends a request on a connection of its own and gives the answers, without the last `done`, which only `tables` needs. */
  async *#ask(request: JsonObject): AsyncIterable<JsonObject> {
    const signal = this.#signal
    signal.throwIfAborted()
    const socket = await this.#connect()
    const abort = () => socket.destroy()
    if (!this.#has('ignores-abort-while-waiting')) signal.addEventListener('abort', abort)
    try {
      socket.write(`${JSON.stringify(request)}\n`)
      for await (const answer of this.#lines(socket)) {
        if ('done' in answer && request['op'] === 'rows') return
        yield answer
        if ('done' in answer) return
      }
      if (!this.#has('cut-is-the-end')) throw errors.lost({ port: this.#options.port })
    } finally {
      signal.removeEventListener('abort', abort)
      if (!this.#has('leaves-socket-open') && !this.#has('reads-on-after-return')) socket.destroy()
      if (this.#has('reads-on-after-return')) await drain(socket)
    }
  }

  async #connect(): Promise<Socket> {
    const { host, port } = this.#options
    const socket = connect(port, host)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', cause => {
        if (this.#has('raw-error')) reject(cause)
        else reject(this.#has('no-hint') ? errors.hopeless({ port }, cause) : errors.unreachable({ port }, cause))
      })
    })
    socket.on('error', () => {})
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
    return socket
  }

  async *#lines(socket: Socket): AsyncIterable<JsonObject> {
    let rest = ''
    for await (const text of this.#pieces(socket)) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      if (this.#has('expects-whole-lines') && rest !== '') throw errors.broken({ port: this.#options.port })
      for (const line of lines) yield JSON.parse(line) as JsonObject
    }
  }

  async *#pieces(socket: Socket): AsyncIterable<string> {
    socket.setEncoding('utf8')
    try {
      if (this.#has('reads-ahead')) yield* hoarded(socket)
      else for await (const text of socket.iterator({ destroyOnReturn: false })) yield String(text)
    } catch (cause) {
      this.#signal.throwIfAborted()
      const { port } = this.#options
      throw this.#has('cut-is-a-bug') ? errors.broken({ port }, cause) : errors.lost({ port }, cause)
    }
  }
}

async function drain(socket: Socket): Promise<void> {
  for await (const text of socket) if (String(text).includes('"done"')) return
}

/** Takes everything the socket has to give, whether anybody wants it or not. */
async function* hoarded(socket: Socket): AsyncIterable<string> {
  const pieces: string[] = []
  let wake = () => {}
  socket.on('data', text => {
    pieces.push(String(text))
    wake()
  })
  socket.on('close', () => wake())
  while (!socket.destroyed || pieces.length > 0) {
    const piece = pieces.shift()
    if (piece !== undefined) yield piece
    else await new Promise<void>(resolve => (wake = resolve))
  }
}
