/** A file that is being written, and the buffers that carry rows to it. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { SluiceError } from '#errors'
import { fileErrors, reasonOf } from './errors.ts'

export const WRITE_BYTES = 256 * 1024
/** One is filled while the others are on their way to the disk. */
export const WRITE_BUFFERS = 3

export class StagedFile {
  readonly path: string
  /** Bytes handed over so far. */
  bytes = 0
  readonly #handle: FileHandle
  readonly #writing = new Set<Promise<void>>()
  #failure: unknown

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** A new file: one that exists is somebody else's. */
  static async create(path: string): Promise<StagedFile> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
    const handle = await open(path, flags).catch(cause => {
      throw fileErrors.unwritable({ path, reason: reasonOf(cause) }, cause)
    })
    return new StagedFile(path, handle)
  }

  /** Appends bytes, which may be overwritten once the promise resolves. It never rejects: a failure comes out of {@link finish}. */
  append(bytes: Uint8Array): Promise<void> {
    const at = this.bytes
    this.bytes += bytes.length
    const writing = this.#write(bytes, at)
      .catch((cause: unknown) => void (this.#failure ??= cause))
      .finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
    return writing
  }

  /** Throws what went wrong so far. */
  throwIfFailed(): void {
    if (this.#failure !== undefined)
      throw fileErrors.unwritable({ path: this.path, reason: reasonOf(this.#failure) }, this.#failure)
  }

  /** Makes everything durable and closes the file. */
  async finish(): Promise<void> {
    await Promise.all(this.#writing)
    try {
      this.throwIfFailed()
      await this.#handle.sync()
    } catch (cause) {
      throw SluiceError.is(cause) ? cause : fileErrors.unwritable({ path: this.path, reason: reasonOf(cause) }, cause)
    } finally {
      await this.#handle.close()
    }
  }

  /** Closes the file without caring for its content. */
  async abandon(): Promise<void> {
    await Promise.all(this.#writing)
    await this.#handle.close()
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done)
      done += bytesWritten
    }
  }
}

/** Buffers that are filled by an encoder and belong to the file until they are written. */
export class WriteBuffers {
  readonly #free: Uint8Array<ArrayBuffer>[] = []
  #made = 0
  readonly #writing = new Set<Promise<void>>()
  readonly #meter: { bytes: number; waitMs: number } | undefined

  constructor(meter: { bytes: number; waitMs: number } | undefined) {
    this.#meter = meter
  }

  /** A buffer of at least `bytes`. Waits for the disk when all are on their way; larger ones than usual are made for the occasion. */
  async acquire(bytes = WRITE_BYTES): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#free.length === 0 && this.#made === WRITE_BUFFERS) await this.#wait()
    if (bytes > WRITE_BYTES) return new Uint8Array(bytes)
    const free = this.#free.pop()
    if (free !== undefined) return free
    this.#made++
    return new Uint8Array(WRITE_BYTES)
  }

  /** Sends the first `length` bytes of a buffer to a file and takes the buffer back afterwards. */
  send(file: StagedFile, buffer: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.#meter) this.#meter.bytes += length
    const sent = file.append(buffer.subarray(0, length)).then(() => {
      this.#writing.delete(sent)
      if (buffer.length === WRITE_BYTES) this.#free.push(buffer)
    })
    this.#writing.add(sent)
  }

  async #wait(): Promise<void> {
    const since = performance.now()
    while (this.#free.length === 0) await Promise.race(this.#writing)
    if (this.#meter) this.#meter.waitMs += performance.now() - since
  }
}
