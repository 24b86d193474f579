/** JSON Lines as a format of files with rows: the keys of a sample, the decoder of a file. */
import { typeName, utf8, type Field, type Schema } from '#columnar'
import {
  fileErrors,
  RowFault,
  type Beginning,
  type BinaryText,
  type DecodeRows,
  type Head,
  type NamedColumn,
  type RowFormat,
  type RowRescue,
  type Sampler,
} from '#files'
import { jsonlDecoder } from './decoder.ts'
import { JsonGuess } from './json-guess.ts'
import { enterObject, isEmptyObject, isReadable, LINE_FEED, ObjectScanner, readMember, type Member } from './object-scanner.ts'
import { JsonlRescue } from './rescue.ts'

export interface JsonlSettings {
  readonly columns: readonly NamedColumn[] | undefined
  readonly sampleRows: number
  readonly binary: BinaryText
  /** Bad rows are set aside: a sample goes on behind them. */
  readonly quarantine: boolean
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export class JsonlFormat implements RowFormat {
  readonly cutsAtLineFeeds = true
  readonly #settings: JsonlSettings

  constructor(settings: JsonlSettings) {
    this.#settings = settings
    for (const { name, type } of settings.columns ?? []) {
      if (type !== undefined && !isReadable(type))
        throw fileErrors.unsupported({ column: name, type: typeName(type), format: 'JSON Lines' })
    }
  }

  /** Nothing precedes the rows; the keys of the first one are what the decoder expects. */
  head(beginning: Beginning): Head | undefined {
    for (const line of linesOf(beginning)) {
      const members = membersOf(beginning, line, this.#settings.quarantine)
      if (members !== undefined) return { length: 0, names: members.map(({ key }) => key) }
    }
    return beginning.isWhole ? { length: 0, names: undefined } : undefined
  }

  sampler(): Sampler {
    return new JsonlSampler(this.#settings)
  }

  decoder(schema: Schema, head: Head): DecodeRows {
    const { binary, columns } = this.#settings
    return jsonlDecoder(schema, head.names ?? [], { binary, passesOver: columns !== undefined })
  }

  rescue({ fields }: Schema): RowRescue {
    const { binary, columns } = this.#settings
    return new JsonlRescue(new ObjectScanner(fields, binary, columns !== undefined))
  }
}

class JsonlSampler implements Sampler {
  readonly #settings: JsonlSettings
  readonly #hasType: ReadonlySet<string>
  readonly #guesses = new Map<string, JsonGuess>()
  #rows = 0
  #bytes = 0

  constructor(settings: JsonlSettings) {
    this.#settings = settings
    this.#hasType = new Set(settings.columns?.filter(({ type }) => type !== undefined).map(({ name }) => name))
  }

  get bytesPerRow(): number | undefined {
    return this.#rows === 0 ? undefined : this.#bytes / this.#rows
  }

  add(beginning: Beginning): void {
    for (const line of linesOf(beginning)) {
      if (this.#rows === this.#settings.sampleRows) return
      const members = membersOf(beginning, line, this.#settings.quarantine)
      if (members === undefined) continue
      for (const { key, from, to } of members) {
        if (!this.#hasType.has(key)) this.#guess(key).add(decoder.decode(beginning.bytes.subarray(from, to)))
      }
      this.#rows++
      this.#bytes += line.end + 1 - line.start
    }
  }

  schema(): Schema | undefined {
    const named: readonly NamedColumn[] =
      this.#settings.columns ?? [...this.#guesses.keys()].map(name => ({ name, type: undefined }))
    const fields = named.map(({ name, type }): Field => ({
      name,
      type: type ?? this.#guesses.get(name)?.type ?? utf8,
      nullable: true,
    }))
    return fields.length === 0 ? undefined : { fields }
  }

  #guess(key: string): JsonGuess {
    const guess = this.#guesses.get(key) ?? new JsonGuess()
    this.#guesses.set(key, guess)
    return guess
  }
}

interface Line {
  readonly start: number
  /** Where its line feed stands, or the file ends. */
  readonly end: number
}

/** The lines of the beginning of a file that are there as a whole. */
function* linesOf({ bytes, start, end, isWhole }: Beginning): Generator<Line> {
  for (let from = start; from < end;) {
    const at = bytes.subarray(0, end).indexOf(LINE_FEED, from)
    if (at === -1 && !isWhole) return
    yield { start: from, end: at === -1 ? end : at }
    from = (at === -1 ? end : at) + 1
  }
}

/** Undefined: the line is blank, or wrong where that does not matter. */
function membersOf({ bytes }: Beginning, line: Line, quarantine: boolean): Member[] | undefined {
  try {
    return readMembers(bytes, line)
  } catch (error) {
    if (quarantine && error instanceof RowFault) return undefined
    throw error
  }
}

function readMembers(bytes: Uint8Array, { start, end }: Line): Member[] | undefined {
  let pos = enterObject(bytes, start, end)
  if (pos < 0) return undefined
  const members: Member[] = []
  if (isEmptyObject(bytes, pos, end)) return members
  while (pos >= 0) {
    const member = { key: '', from: 0, to: 0 }
    const keyAt = pos
    pos = readMember(bytes, pos, end, member)
    if (members.some(({ key }) => key === member.key)) {
      throw new RowFault(keyAt, member.key, 'the object has the key twice', 'Correct the line.')
    }
    members.push(member)
  }
  return members
}
