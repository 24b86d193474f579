/** The text behind a tree of nodes: places and excerpts. Tested by json.test.ts and parameters.test.ts. */
import { errors } from './errors.ts'
import { maskSecrets } from './secrets.ts'

/** A place in a job file; line and column count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Text that stands in for a parameter: `length` units at `offset` of the final text replace `originalLength` units at `original`. */
export interface Edit {
  readonly offset: number
  readonly length: number
  readonly original: number
  readonly originalLength: number
}

/** Characters shown on either side of an error. */
const EXCERPT_BEFORE = 70
const EXCERPT_AFTER = 50

/** `job.json:12:17`. */
export function renderPlace({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`
}

/** The text of a job file. Offsets count in `text`, in which parameters are replaced; places count in the file as it is on disk. */
export class SourceText {
  readonly file: string
  readonly text: string
  readonly #original: string
  readonly #edits: readonly Edit[]
  #lineStarts: number[] | undefined

  constructor(file: string, text: string, original: string = text, edits: readonly Edit[] = []) {
    this.file = file
    this.text = text
    this.#original = original
    this.#edits = edits
  }

  placeOf(offset: number): Place {
    const at = this.#toOriginal(offset)
    const starts = (this.#lineStarts ??= lineStartsOf(this.#original))
    const line = lastAtMost(starts, at)
    const bom = line === 0 && this.#original.charCodeAt(0) === 0xfeff ? 1 : 0
    return { file: this.file, line: line + 1, column: Math.max(1, at - starts[line]! - bom + 1) }
  }

  place(offset: number): string {
    return renderPlace(this.placeOf(offset))
  }

  /** The line around an offset with a caret under it. Secrets are masked: those in the given ranges and what looks like one. */
  excerpt(offset: number, secrets: readonly (readonly [start: number, end: number])[] = []): string {
    const at = this.#toOriginal(offset)
    const starts = (this.#lineStarts ??= lineStartsOf(this.#original))
    const index = lastAtMost(starts, at)
    const start = starts[index]!
    const end = starts[index + 1] ?? this.#original.length
    let line = this.#original.slice(start, end)
    for (const [from, to] of secrets) line = maskRange(line, this.#toOriginal(from) - start, this.#toOriginal(to) - start)
    line = maskSecrets(line).replace(/[\r\n\u2028\u2029]+$/, '')
    const caret = Math.min(at - start, line.length)
    const cut = Math.max(0, caret - EXCERPT_BEFORE)
    const shown = line.slice(cut, caret + EXCERPT_AFTER)
    return `${printable(shown)}\n${printable(line.slice(cut, caret)).replace(/[^\t]/gu, blank)}^`
  }

  #toOriginal(offset: number): number {
    let shift = 0
    for (const edit of this.#edits) {
      if (offset < edit.offset) break
      if (offset < edit.offset + edit.length) return edit.original
      shift += edit.originalLength - edit.length
    }
    return offset + shift
  }

  /** The error for text that cannot be parsed. `expected` becomes the hint. */
  syntaxError(offset: number, problem: string, expected: string, secrets?: readonly (readonly [number, number])[]) {
    const place = this.placeOf(offset)
    return errors.syntax({ ...place, place: renderPlace(place), problem, expected, excerpt: this.excerpt(offset, secrets) })
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0a || (code === 0x0d && text.charCodeAt(at + 1) !== 0x0a)) starts.push(at + 1)
  }
  return starts
}

/** Index of the last element that is at most `value`; the first element is. */
function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (sorted[middle]! <= value) low = middle
    else high = middle - 1
  }
  return low
}

function maskRange(line: string, from: number, to: number): string {
  const start = Math.max(0, from)
  const end = Math.min(line.length, to)
  return end <= start ? line : line.slice(0, start) + line.slice(start, end).replace(/[^\r\n]/g, '*') + line.slice(end)
}

/** Control characters would move the caret, or the terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g, '\u00b7')
}

/** As wide as the character above it: ideographs take two cells. */
function blank(character: string): string {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(character)
    ? '\u3000'
    : ' '
}
