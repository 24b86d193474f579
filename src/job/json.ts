/**
 * A JSON parser that accepts what Gson accepts when it is lenient (which is how FlinkX and ChunJun read job files) and more:
 *
 *   comments            // … # … and block comments
 *   strings             "…" or '…', with raw line breaks and tabs inside; bare words
 *   separators          , or ; between values, : or = or => after a name
 *   lists               a missing value is null: [1,,2]; a comma at the end adds nothing
 *   objects             a comma at the end
 *   words               true, false, null in any case; NaN, Infinity, -Infinity (numbers here, text in Gson)
 *   escapes             an unknown one stays as it is written, with a warning: "\." is a backslash and a dot
 *
 * Numbers without fraction and exponent are exact: a bigint beyond 2^53. Of a key given twice the last one wins, with a warning.
 */
import { JsonTrace, LOOKALIKE } from './json-trace.ts'
import {
  Budget,
  LIMITS,
  setOwn,
  type Document,
  type JobObject,
  type JobValue,
  type Limits,
  type Node,
  type Warning,
} from './node.ts'
import { isSecretName } from './secrets.ts'
import { SourceText } from './source-text.ts'

/** Parses the text of a file. Throws `job.syntax` and `job.too-large`. */
export function parseJson(text: string, file: string, limits: Limits = LIMITS): Document {
  return parseJsonSource(new SourceText(file, text), limits)
}

export function parseJsonSource(source: SourceText, limits: Limits = LIMITS): Document {
  return new JsonParser(source, limits).parse()
}

const INTEGER = /^-?(?:0|[1-9]\d*)$/
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const WORDS: Readonly<Record<string, JobValue>> = {
  true: true,
  false: false,
  null: null,
  NaN,
  Infinity,
  '-Infinity': -Infinity,
}

// Gson lets a bare word go on over a quote; here it ends there, so that a forgotten opening quote is found where it is missing.
const WORD = /[^/\\;#={}[\]:,"'\s]+/y

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  '\n': '\n',
}

/** More than this of one kind is one mistake, repeated. */
const MOST_WARNINGS = 100

class JsonParser {
  readonly #source: SourceText
  readonly #text: string
  readonly #budget: Budget
  readonly #trace: JsonTrace
  readonly #warnings: Warning[] = []
  #at: number

  constructor(source: SourceText, limits: Limits) {
    this.#source = source
    this.#text = source.text
    this.#budget = new Budget(source, limits)
    this.#trace = new JsonTrace(source)
    this.#at = source.text.charCodeAt(0) === 0xfeff ? 1 : 0
  }

  parse(): Document {
    this.#skip()
    if (this.#at >= this.#text.length)
      throw this.#trace.error(this.#at, 'The file is empty.', 'Expected a job: { "job": { … } }.')
    const root = this.#value(undefined, '', this.#at)
    this.#skip()
    if (this.#at < this.#text.length) throw this.#trace.trailing(this.#at)
    return { root, source: this.#source, warnings: this.#warnings }
  }

  #value(parent: Node | undefined, name: string | number, keyStart: number): Node {
    const start = this.#at
    this.#budget.take(start, this.#trace.depth + 1)
    switch (this.#text[start]) {
      case '{':
        return this.#object({ value: {}, parent, name, start, keyStart, end: start, entries: new Map() })
      case '[':
        return this.#list({ value: [], parent, name, start, keyStart, end: start, items: [] })
      case '"':
      case "'":
        return { value: this.#string(), parent, name, start, keyStart, end: this.#at }
      default:
        return { value: wordValue(this.#word('a value')), parent, name, start, keyStart, end: this.#at }
    }
  }

  #object(node: Node & { entries: Map<string, Node> }): Node {
    this.#trace.opened('}', this.#at++)
    for (;;) {
      this.#skip()
      if (this.#text[this.#at] === '}') return this.#close(node)
      this.#entry(node)
    }
  }

  /** A name, its value and the separator behind it. */
  #entry(node: Node & { entries: Map<string, Node> }): void {
    const keyStart = this.#at
    const isQuoted = this.#text[keyStart] === '"' || this.#text[keyStart] === "'"
    const key = isQuoted ? this.#string() : this.#word('a name or "}"')
    this.#colon(key)
    const isSecret = isSecretName(key)
    const outer = isSecret ? this.#trace.enterSecret(this.#at) : undefined
    const child = this.#value(node, key, keyStart)
    if (node.entries.has(key))
      this.#warn('job.duplicate-key', keyStart, `"${shorten(key)}" is given twice here; the last one counts.`)
    node.entries.set(key, child)
    setOwn(node.value as JobObject, key, child.value)
    this.#separator('}')
    if (isSecret) this.#trace.leaveSecret(outer, child.start, child.end)
  }

  #colon(key: string): void {
    this.#skip()
    const found = this.#text[this.#at]
    if (found !== ':' && found !== '=') throw this.#trace.unexpected(this.#at, `":" behind "${shorten(key)}"`)
    this.#at += found === '=' && this.#text[this.#at + 1] === '>' ? 2 : 1
    this.#skip()
  }

  #list(node: Node & { items: Node[] }): Node {
    this.#trace.opened(']', this.#at++)
    const values = node.value as JobValue[]
    for (;;) {
      this.#skip()
      const found = this.#text[this.#at]
      if (found === ']') return this.#close(node)
      const child = found === ',' || found === ';' ? this.#missing(node) : this.#value(node, values.length, this.#at)
      node.items.push(child)
      values.push(child.value)
      this.#separator(']')
    }
  }

  /** The null between two separators. */
  #missing(parent: Node & { items: Node[] }): Node {
    this.#budget.take(this.#at, this.#trace.depth + 1)
    this.#warn('job.missing-value', this.#at, 'There is no value between two commas; it counts as null.')
    return { value: null, parent, name: parent.items.length, start: this.#at, end: this.#at, keyStart: this.#at }
  }

  /** Takes the separator behind a value. At a closing bracket it takes nothing. */
  #separator(close: '}' | ']'): void {
    this.#skip()
    const found = this.#text[this.#at]
    if (found === close) return
    if (found !== ',' && found !== ';') throw this.#trace.unexpected(this.#at, `"," or "${close}" behind the value`)
    const comma = this.#at++
    this.#skip()
    if (close === ']' && this.#text[this.#at] === ']') {
      this.#warn('job.trailing-comma', comma, 'The comma at the end of this list is ignored. FlinkX reads a null behind it.')
    }
  }

  #close(node: Node): Node {
    this.#trace.closed(this.#at++)
    node.end = this.#at
    return node
  }

  #string(): string {
    const start = this.#at
    const quote = this.#text.charCodeAt(start)
    let text = ''
    let copied = start + 1
    for (let at = copied; ; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === quote) {
        this.#at = at + 1
        return text + this.#text.slice(copied, at)
      }
      if (code === 0x0a) this.#trace.wentOverLines(start)
      if (code === 0x5c) {
        text += this.#text.slice(copied, at)
        const [value, length] = this.#escape(at)
        text += value
        at += length - 1
        copied = at + 1
      } else if (at >= this.#text.length) {
        const closing = `Expected a ${this.#text[start]} before the end of the file.`
        throw this.#trace.error(start, 'This string has no closing quote.', closing)
      }
    }
  }

  /** The escape at an offset: what it stands for and its length. */
  #escape(at: number): [value: string, length: number] {
    const letter = this.#text[at + 1]
    if (letter === undefined) return ['', 1]
    const known = ESCAPES[letter]
    if (known !== undefined) return [known, 2]
    const hex = letter === 'u' ? this.#text.slice(at + 2, at + 6) : ''
    if (/^[\da-f]{4}$/i.test(hex)) return [String.fromCharCode(parseInt(hex, 16)), 6]
    this.#warn('job.unknown-escape', at, 'JSON has no such escape; the backslash counts as itself. Write two of them to say so.')
    return ['\\', 1]
  }

  #word(expected: string): string {
    WORD.lastIndex = this.#at
    const word = WORD.exec(this.#text)?.[0]
    if (word === undefined || LOOKALIKE.test(word)) throw this.#trace.unexpected(this.#at, expected)
    this.#at += word.length
    return word
  }

  /** Moves behind white space and comments. */
  #skip(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000) this.#at++
      else if (code === 0x23) this.#skipLine()
      else if (code === 0x2f && this.#text[this.#at + 1] === '/') this.#skipLine()
      else if (code === 0x2f && this.#text[this.#at + 1] === '*') this.#skipBlock()
      else return
    }
  }

  #skipLine(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 0x0a || code === 0x0d) return
    }
  }

  #skipBlock(): void {
    const end = this.#text.indexOf('*/', this.#at + 2)
    if (end === -1) throw this.#trace.error(this.#at, 'This comment has no end.', 'Expected "*/" before the end of the file.')
    this.#at = end + 2
  }

  #warn(code: string, offset: number, message: string): void {
    if (this.#warnings.length < MOST_WARNINGS) this.#warnings.push({ code, message, place: this.#source.place(offset) })
  }
}

function wordValue(word: string): JobValue {
  const first = word.charCodeAt(0)
  if ((first === 0x2d || (first >= 0x30 && first <= 0x39)) && NUMBER.test(word)) {
    const number = Number(word)
    return Number.isSafeInteger(number) || !INTEGER.test(word) ? number : BigInt(word)
  }
  const keyword = /^(?:true|false|null)$/i.test(word) ? word.toLowerCase() : word
  return Object.hasOwn(WORDS, keyword) ? WORDS[keyword]! : word
}

function shorten(key: string): string {
  return key.length > 40 ? `${key.slice(0, 40)}…` : key
}
