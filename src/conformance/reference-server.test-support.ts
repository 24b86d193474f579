/**
 * The system behind the reference connectors: tables in memory, reached by TCP, one JSON value per line.
 *
 * It is as small as a system can be that has what the suites are about: connections that break, answers that do not end at
 * once, transactions, locks, and rows that are staged before they are published.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Json } from '#connector'
import type { Row } from './rows.ts'

export type JsonObject = { readonly [key: string]: Json }

/** What a connection asks for, and what it is answered: any number of lines, the last one `{ "done": … }` or `{ "error": … }`. */
export type Handler = (request: JsonObject, session: Session) => AsyncIterable<Json> | Iterable<Json>

/** A connection as the server sees it. */
export interface Session {
  /** Called when the connection ends, however it does. */
  onEnd: (() => void) | undefined
}

export class ReferenceServer implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server
    this.#sockets = sockets
    this.port = (server.address() as AddressInfo).port
  }

  static async start(handle: Handler): Promise<ReferenceServer> {
    const sockets = new Set<Socket>()
    const server = createServer({ noDelay: true }, socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      void serve(socket, handle)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ReferenceServer(server, sockets)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

async function serve(socket: Socket, handle: Handler): Promise<void> {
  const session: Session = { onEnd: undefined }
  socket.on('error', () => {})
  try {
    for await (const line of createInterface({ input: socket })) {
      for await (const answer of handle(JSON.parse(line) as JsonObject, session)) {
        if (!socket.write(`${JSON.stringify(answer)}\n`)) await drained(socket)
        if (socket.destroyed) return
      }
    }
  } catch {
    // The peer broke off, or spoke nonsense because it was cut off in the middle of a line.
  } finally {
    session.onEnd?.()
    socket.destroy()
  }
}

async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('drain', resolve).once('close', resolve)
  if (!socket.destroyed) await promise
  socket.off('drain', resolve).off('close', resolve)
}

/** The part that the reference source reads: `{ op: 'tables' }` and `{ op: 'rows', table, from, to }`. */
export function tableHandler(tables: Readonly<Record<string, readonly Row[]>>): Handler {
  return function* ({ op, table, from, to }) {
    if (op === 'tables') {
      yield { done: Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.length])) }
      return
    }
    const rows = tables[String(table)]
    for (let at = Number(from); at < Number(to); at++) yield { row: (rows?.[at] ?? largeRow(at)) as JsonObject }
    yield { done: true }
  }
}

const FILLER = 'x'.repeat(1000)
/** A row of a table that is too large to be kept. */
const largeRow = (id: number): Row => ({ id, name: FILLER })
