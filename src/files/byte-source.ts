/** The bytes of a file as UTF-8 text: as they lie there, decompressed, or converted from another encoding. */
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { fileErrors, reasonOf } from './errors.ts'

/** How the text of a file is stored. Offsets always count bytes of the UTF-8 text that comes out. */
export interface Storage {
  readonly compression: 'none' | 'gzip' | 'zstd'
  /** Label of the WHATWG Encoding Standard, lower case. */
  readonly encoding: string
}

export interface ByteSource extends AsyncDisposable {
  /** Reads up to `length` bytes to `into[at]`; returns how many. 0: the end. */
  read(into: Uint8Array, at: number, length: number): Promise<number>
}

/** Whether reading can begin at any byte without reading what is before it. */
export const isSeekable = ({ compression, encoding }: Storage) => compression === 'none' && encoding === 'utf-8'

export async function openBytes(path: string, storage: Storage, offset: number, signal: AbortSignal): Promise<ByteSource> {
  if (isSeekable(storage)) return openPlain(path, offset)
  const source = new ConvertedSource(path, storage, signal)
  await source.skip(offset)
  return source
}

async function openPlain(path: string, offset: number): Promise<ByteSource> {
  const file = await open(path).catch(cause => {
    throw fileErrors.unreadable({ path, reason: reasonOf(cause) }, cause)
  })
  return new PlainSource(path, file, offset)
}

class PlainSource implements ByteSource {
  readonly #path: string
  readonly #file: FileHandle
  #offset: number

  constructor(path: string, file: FileHandle, offset: number) {
    this.#path = path
    this.#file = file
    this.#offset = offset
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    try {
      const { bytesRead } = await this.#file.read(into, at, length, this.#offset)
      this.#offset += bytesRead
      return bytesRead
    } catch (cause) {
      throw fileErrors.unreadable({ path: this.#path, reason: reasonOf(cause) }, cause)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

class ConvertedSource implements ByteSource {
  readonly #path: string
  readonly #pieces: AsyncGenerator<Buffer>
  #piece: Buffer = Buffer.alloc(0)

  constructor(path: string, storage: Storage, signal: AbortSignal) {
    this.#path = path
    this.#pieces = convert(path, storage, signal)
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    let filled = 0
    while (filled < length) {
      if (this.#piece.length === 0 && !(await this.#next())) break
      const taken = Math.min(this.#piece.length, length - filled)
      into.set(this.#piece.subarray(0, taken), at + filled)
      this.#piece = this.#piece.subarray(taken)
      filled += taken
    }
    return filled
  }

  /** There is no way into the middle of a stream but through what is before it. */
  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      if (this.#piece.length === 0 && !(await this.#next()))
        throw fileErrors.changed({ file: this.#path, reason: 'it has become shorter' })
      const taken = Math.min(this.#piece.length, left)
      this.#piece = this.#piece.subarray(taken)
      left -= taken
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return(undefined)
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#pieces.next()
    if (!done) this.#piece = value
    return !done
  }
}

async function* convert(path: string, { compression, encoding }: Storage, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { signal })
  let reading = true
  file.once('error', () => (reading = false))
  const unpacked = compression === 'none' ? file : unpack(file, compression)
  // UTF-8 is not decoded here: whoever reads the bytes checks them.
  const decoder = encoding === 'utf-8' ? undefined : new TextDecoder(encoding, { fatal: true })
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      const text = decoder === undefined ? piece : Buffer.from(decoder.decode(piece, { stream: true }))
      if (text.length > 0) yield text
    }
    const rest = decoder === undefined ? '' : decoder.decode()
    if (rest !== '') yield Buffer.from(rest)
  } catch (cause) {
    signal.throwIfAborted()
    if (!reading) throw fileErrors.unreadable({ path, reason: reasonOf(cause) }, cause)
    throw fileErrors.corrupt({ file: path, reason: reasonOf(cause) }, cause)
  } finally {
    unpacked.destroy()
    file.destroy()
  }
}

function unpack(file: Readable, compression: 'gzip' | 'zstd'): Readable {
  const unpacker = compression === 'gzip' ? createGunzip() : createZstdDecompress()
  file.once('error', error => unpacker.destroy(error))
  return file.pipe(unpacker)
}
