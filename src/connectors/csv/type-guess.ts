/** Finds the narrowest type that holds every text of a column and gives each back as it was: `007` is a text, not 7. */
import { date, decimalType, float, int, parseDate, parseTimestamp, timestamp, utf8, bool, type Type } from '#columnar'

const INTEGER = /^(0|-?[1-9]\d*)$/
const DECIMAL = /^-?(0|[1-9]\d*)(?:\.(\d+))?$/
const FLOAT = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/
const DATE = /^\d{4}-\d\d-\d\d$/
const TIMESTAMP = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?$/
const INSTANT = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:?\d\d)?)$/
const BOOLEAN = /^(true|false)$/i

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
/** Digits that a double holds whatever they are. */
const SAFE_DIGITS = 15
/** A decimal of so many digits takes 64 bits; a sample that needs no more than `SAFE_DIGITS` leaves room in it. */
const SHORT_DIGITS = 18
const LONG_DIGITS = 38

type Candidate = 'int64' | 'decimal' | 'float' | 'date' | 'timestamp' | 'instant' | 'bool'

const CANDIDATES: readonly Candidate[] = ['int64', 'decimal', 'float', 'date', 'timestamp', 'instant', 'bool']

export class TypeGuess {
  #left = CANDIDATES
  #isEmpty = true
  /** Most digits before and behind the point. */
  #whole = 0
  #scale = 0

  add(text: string): void {
    this.#isEmpty = false
    if (this.#left.length === 0) return
    this.#left = this.#left.filter(candidate => holds(candidate, text))
    const [, whole = '', fraction = ''] = DECIMAL.exec(text) ?? []
    this.#whole = Math.max(this.#whole, whole.length)
    this.#scale = Math.max(this.#scale, fraction.length)
  }

  get type(): Type {
    switch (this.#isEmpty ? undefined : this.#left[0]) {
      case 'int64':
        return int(64)
      case 'decimal':
        return decimalType(this.#whole + this.#scale <= SAFE_DIGITS ? SHORT_DIGITS : LONG_DIGITS, this.#scale)
      case 'float':
        return float(64)
      case 'date':
        return date
      case 'timestamp':
        return timestamp(false)
      case 'instant':
        return timestamp(true)
      case 'bool':
        return bool
      case undefined:
        return utf8
    }
  }
}

function holds(candidate: Candidate, text: string): boolean {
  switch (candidate) {
    case 'int64':
      return INTEGER.test(text) && (text.length < 19 || isInt64(BigInt(text)))
    case 'decimal':
      return DECIMAL.test(text) && text.length <= LONG_DIGITS
    case 'float':
      return FLOAT.test(text) && digitsOf(text) <= SAFE_DIGITS && Number.isFinite(Number(text))
    case 'date':
      return DATE.test(text) && isReal(parseDate, text)
    case 'timestamp':
      return TIMESTAMP.test(text) && isReal(parseTimestamp, text)
    case 'instant':
      return INSTANT.test(text) && isReal(parseTimestamp, text)
    case 'bool':
      return BOOLEAN.test(text)
  }
}

const isInt64 = (value: bigint) => value >= INT64_MIN && value <= INT64_MAX

const digitsOf = (text: string) => text.replace(/e.*/i, '').replace(/\D/g, '').length

function isReal(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}
