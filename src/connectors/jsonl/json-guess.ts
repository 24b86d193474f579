/** Finds the type that holds every value of a key exactly. */
import { bool, float, int, json, numeric, utf8, type Type } from '#columnar'

const INTEGER = /^-?\d+$/
/** Digits that a double holds whatever they are, and most that it needs. */
const SAFE_DIGITS = 15
const MOST_DIGITS = 17

type Kind = 'bool' | 'text' | 'nested' | 'number'

export class JsonGuess {
  readonly #kinds = new Set<Kind>()
  #hasFraction = false
  /** Whether an integer was seen that 64 bits do not hold, or a number that a double does not. */
  #needs = { beyondInt64: false, beyondDouble: false }

  /** The text of a value, without white space around it. */
  add(text: string): void {
    const first = text[0]
    if (first === 'n') return
    if (first === 't' || first === 'f') this.#kinds.add('bool')
    else if (first === '"') this.#kinds.add('text')
    else if (first === '[' || first === '{') this.#kinds.add('nested')
    else this.#addNumber(text)
  }

  get type(): Type {
    const [kind, other] = this.#kinds
    if (other !== undefined) return json
    if (kind === 'bool') return bool
    if (kind === 'nested') return json
    if (kind !== 'number') return utf8
    if (!this.#hasFraction) return this.#needs.beyondInt64 ? numeric : int(64)
    return this.#needs.beyondDouble ? numeric : float(64)
  }

  #addNumber(text: string): void {
    this.#kinds.add('number')
    if (INTEGER.test(text)) {
      if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) this.#needs.beyondInt64 = true
      if (!Number.isSafeInteger(Number(text))) this.#needs.beyondDouble = true
      return
    }
    this.#hasFraction = true
    const digits = text
      .replace(/e.*/i, '')
      .replace(/^-?0*\.?0*/, '')
      .replace('.', '').length
    const isShort = digits <= SAFE_DIGITS || (digits <= MOST_DIGITS && String(Number(text)) === text)
    if (!isShort || !Number.isFinite(Number(text))) this.#needs.beyondDouble = true
  }
}
