/**
 * Ends the session of a writer whose machine is gone, and none of one that lives.
 *
 * A server that never hears of the end of a connection keeps its transaction, and the rows that it has locked, until TCP gives up: after
 * hours. So a writer's session may be silent for half a minute only, and a writer that waits for its source says in time that it is there.
 *
 * https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_wait_timeout
 */
import type { Connection } from './protocol/connection.ts'

/** In seconds. Tests shorten them. */
export const silence = {
  /** After which the server ends the session, between commands and inside one. */
  most: 30,
  /** After which we say something. */
  usual: 10,
}

export class KeepAlive {
  readonly #settle: () => Promise<void>
  #connection: Connection | undefined
  #timer: NodeJS.Timeout | undefined
  /** Rejects with what went wrong in between; told to whoever comes next. */
  #said: Promise<void> = Promise.resolve()

  /** `settle` takes the answers that are still due: nothing can be said in the middle of an exchange. */
  constructor(settle: () => Promise<void>) {
    this.#settle = settle
  }

  async start(connection: Connection): Promise<void> {
    await connection.query(`SET SESSION wait_timeout = ${silence.most}, SESSION net_read_timeout = ${silence.most}`)
    this.#connection = connection
    this.#wait()
  }

  /** Does something on the connection while nothing else is said there. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer)
    const said = this.#said
    this.#said = Promise.resolve()
    await said
    try {
      return await work()
    } finally {
      this.#wait()
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#connection = undefined
  }

  #wait(): void {
    if (this.#connection === undefined) return
    this.#timer = setTimeout(() => {
      this.#said = this.#speak()
      this.#said.catch(() => {}) // Whoever comes next hears of it.
    }, silence.usual * 1000)
  }

  async #speak(): Promise<void> {
    await this.#settle()
    await this.#connection?.ping()
    this.#wait()
  }
}
