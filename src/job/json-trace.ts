/** Explains syntax errors. Tested by json.test.ts and mistakes.test.ts. */
import type { SourceText } from './source-text.ts'

/** Characters that an input method or a word processor puts where JSON wants an ASCII one. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  '\u201f': '"',
  '\uff02': '"',
  '\u00ab': '"',
  '\u00bb': '"',
  '\u2018': "'",
  '\u2019': "'",
  '\uff07': "'",
  '\uff1a': ':',
  '\uff0c': ',',
  '\u3001': ',',
  '\uff1b': ';',
  '\uff5b': '{',
  '\uff5d': '}',
  '\uff3b': '[',
  '\uff3d': ']',
  '\u3010': '[',
  '\u3011': ']',
}

/** Any of them. */
export const LOOKALIKE = new RegExp(`[${Object.keys(LOOKALIKES).join('')}]`)

type Closing = '}' | ']'

/** What the JSON parser remembers in order to explain an error, and to keep secrets out of the explanation. */
export class JsonTrace {
  readonly #source: SourceText
  readonly #text: string
  /** Lists and objects that are open, outermost first. */
  readonly #open: { readonly close: Closing; readonly start: number }[] = []
  /** Values of secret keys. */
  readonly #secrets: [start: number, end: number][] = []
  /** Where the value of a secret key began that may not have ended. */
  #secretFrom: number | undefined
  /** The first bracket that closes one of another indentation: the missing one is before it. */
  #crooked: { readonly open: number; readonly close: number } | undefined
  /** The last string that goes over several lines: a missing quote shows up far behind it. */
  #longString: number | undefined

  constructor(source: SourceText) {
    this.#source = source
    this.#text = source.text
  }

  get depth(): number {
    return this.#open.length
  }

  opened(close: Closing, start: number): void {
    this.#open.push({ close, start })
  }

  closed(at: number): void {
    const frame = this.#open.pop()
    if (frame !== undefined && this.#crooked === undefined) this.#compareIndentation(frame.start, at)
  }

  wentOverLines(stringStart: number): void {
    this.#longString = stringStart
  }

  /** The value of a secret key begins. Returns what {@link leaveSecret} needs once what follows the value proves that it ended. */
  enterSecret(start: number): number | undefined {
    const outer = this.#secretFrom
    this.#secretFrom ??= start
    return outer
  }

  leaveSecret(outer: number | undefined, start: number, end: number): void {
    this.#secretFrom = outer
    this.#secrets.push([start, end])
  }

  error(offset: number, problem: string, expected: string): Error {
    const masked = [...this.#secrets]
    // What follows an unescaped quote inside a password still belongs to it.
    if (this.#secretFrom !== undefined) masked.push([this.#secretFrom, this.#lineEnd(offset)])
    return this.#source.syntaxError(offset, problem, expected, masked)
  }

  /** Behind the end of the job. */
  trailing(at: number): Error {
    const found = this.#text[at]
    if (found !== '}' && found !== ']')
      return this.error(at, 'There is text behind the end of the job.', 'Expected the end of the file.')
    const advice = `Remove it, or look for a bracket that is closed too early.${this.#suspicion()}`
    return this.error(at, `There is a "${found}" too many.`, advice)
  }

  /** Where something else was expected. */
  unexpected(at: number, expected: string): Error {
    const found = this.#text[at]
    if (found === undefined) return this.#endsEarly(expected)
    const lookalike = this.#lookalikeAt(at)
    if (lookalike !== undefined) {
      const { offset, character } = lookalike
      return this.error(
        offset,
        `There is a typographic "${character}".`,
        `Type the plain ${LOOKALIKES[character]} of the keyboard.`,
      )
    }
    const frame = this.#open.at(-1)
    if (frame !== undefined && (found === '}' || found === ']') && found !== frame.close) {
      const problem = `"${found}" closes what "${this.#text[frame.start]}" opened.`
      return this.error(at, problem, `Expected ${expected}. ${this.#opener()} is still open.${this.#suspicion()}`)
    }
    return this.error(at, `Expected ${expected}, found ${this.#describe(found)}.`, this.#advice())
  }

  #endsEarly(expected: string): Error {
    const opener = this.#opener()
    const unclosed = opener === undefined ? '' : ` ${opener} is never closed.`
    const end = this.#text.trimEnd().length
    return this.error(end, 'The file ends too early.', `Expected ${expected}.${unclosed}${this.#suspicion()}`)
  }

  /** A typographic character in the word at an offset. */
  #lookalikeAt(at: number): { offset: number; character: string } | undefined {
    const word = /^[^\s,:"'{}[\]]*/.exec(this.#text.slice(at, at + 40))?.[0] ?? ''
    const match = LOOKALIKE.exec(word)
    return match === null ? undefined : { offset: at + match.index, character: match[0] }
  }

  /** Remembers a bracket that begins a line with another indentation than the line of the bracket that it closes. */
  #compareIndentation(open: number, close: number): void {
    const indentation = indentationBefore(this.#text, close)
    if (indentation === undefined || this.#text.lastIndexOf('\n', close) <= open) return
    const line = this.#text.slice(this.#text.lastIndexOf('\n', open) + 1, open)
    if (/^[ \t]*/.exec(line)?.[0] !== indentation) this.#crooked = { open, close }
  }

  #suspicion(): string {
    if (this.#crooked === undefined) return ''
    const { open, close } = this.#crooked
    const [opener, closer] = [open, close].map(offset => `"${this.#text[offset]}" of line ${this.#source.placeOf(offset).line}`)
    return ` By the indentation, the ${closer} is not meant for the ${opener}.`
  }

  #opener(): string | undefined {
    const frame = this.#open.at(-1)
    return frame && `The "${this.#text[frame.start]}" opened at line ${this.#source.placeOf(frame.start).line}`
  }

  #describe(found: string): string {
    if (this.#secretFrom !== undefined) return 'something else'
    if (found === '"' || found === "'") return 'a string'
    return /[{}[\],;:=/\\]/.test(found) ? `"${found}"` : 'text'
  }

  #advice(): string {
    if (this.#secretFrom !== undefined) return 'Look for a missing comma or quote. A quote inside a value is written as \\".'
    if (this.#longString === undefined) return 'Look for a missing comma, quote or bracket just before this place.'
    const { line } = this.#source.placeOf(this.#longString)
    return `Look at the string that begins at line ${line} and goes on for more than one line: its closing quote may be missing.`
  }

  #lineEnd(offset: number): number {
    const end = this.#text.indexOf('\n', offset)
    return end === -1 ? this.#text.length : end
  }
}

/** The white space between the start of the line and an offset; undefined when there is something else. */
function indentationBefore(text: string, offset: number): string | undefined {
  let start = offset
  while (start > 0 && (text[start - 1] === ' ' || text[start - 1] === '\t')) start--
  return start === 0 || text[start - 1] === '\n' ? text.slice(start, offset) : undefined
}
