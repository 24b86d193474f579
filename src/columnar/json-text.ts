/**
 * JSON text (RFC 8259) as bytes: the check that it is well-formed, and strings in and out. No object is made of it.
 *
 * A cursor moves over the bytes; each `skip…` function starts at it and leaves it behind what it has recognised.
 */
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const ZERO = 0x30
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const LOWER_U = 0x75

/** Where the cursor stands. */
let cursor = 0
/** Closing bracket of every array and object that is open. */
let open = new Uint8Array(64)

/** Whether `bytes[start, end)` is one JSON value. That the bytes are UTF-8 is taken for granted. */
export function isJson(bytes: Uint8Array, start: number, end: number): boolean {
  return skipJson(bytes, start, end) === end
}

/** Position behind the JSON value at `start` and the white space around it; -1 where there is none. */
export function skipJson(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0
  cursor = start
  for (;;) {
    skipSpace(bytes, end)
    const byte = cursor < end ? bytes[cursor]! : 0
    if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      const close = byte + 2
      cursor++
      skipSpace(bytes, end)
      if (bytes[cursor] !== close || cursor >= end) {
        depth = push(depth, close)
        if (byte === OPEN_OBJECT && !skipKey(bytes, end)) return -1
        continue
      }
      cursor++
    } else if (!skipScalar(bytes, end, byte)) {
      return -1
    }
    depth = skipAfterValue(bytes, end, depth)
    if (depth === 0) return cursor
    if (depth < 0) return -1
  }
}

/** Behind a value: closes what ends here, and moves to the next value. Returns the depth; 0: the text is complete, -1: it is wrong. */
function skipAfterValue(bytes: Uint8Array, end: number, depth: number): number {
  for (;;) {
    skipSpace(bytes, end)
    if (depth === 0) return 0
    const byte = cursor < end ? bytes[cursor++] : undefined
    const close = open[depth - 1]
    if (byte === close) {
      depth--
      continue
    }
    if (byte !== COMMA) return -1
    if (close === CLOSE_ARRAY) return depth
    skipSpace(bytes, end)
    return skipKey(bytes, end) ? depth : -1
  }
}

function push(depth: number, close: number): number {
  if (depth === open.length) {
    const larger = new Uint8Array(depth * 2)
    larger.set(open)
    open = larger
  }
  open[depth] = close
  return depth + 1
}

/** Skips `"key" :`. */
function skipKey(bytes: Uint8Array, end: number): boolean {
  if (!skipString(bytes, end)) return false
  skipSpace(bytes, end)
  return cursor < end && bytes[cursor++] === COLON
}

function skipScalar(bytes: Uint8Array, end: number, first: number): boolean {
  if (first === QUOTE) return skipString(bytes, end)
  if (first === 0x74) return skipWord(bytes, end, 'true')
  if (first === 0x66) return skipWord(bytes, end, 'false')
  if (first === 0x6e) return skipWord(bytes, end, 'null')
  return skipNumber(bytes, end)
}

function skipWord(bytes: Uint8Array, end: number, word: string): boolean {
  if (cursor + word.length > end) return false
  for (let i = 0; i < word.length; i++) {
    if (bytes[cursor + i] !== word.charCodeAt(i)) return false
  }
  cursor += word.length
  return true
}

function skipNumber(bytes: Uint8Array, end: number): boolean {
  if (bytes[cursor] === 0x2d) cursor++
  const from = cursor
  if (!skipDigits(bytes, end) || (bytes[from] === ZERO && cursor > from + 1)) return false
  if (cursor < end && bytes[cursor] === 0x2e) {
    cursor++
    if (!skipDigits(bytes, end)) return false
  }
  if (cursor < end && (bytes[cursor]! | 0x20) === 0x65) {
    cursor++
    if (bytes[cursor] === 0x2b || bytes[cursor] === 0x2d) cursor++
    return skipDigits(bytes, end)
  }
  return true
}

function skipDigits(bytes: Uint8Array, end: number): boolean {
  const from = cursor
  while (cursor < end && (bytes[cursor]! - ZERO) >>> 0 <= 9) cursor++
  return cursor > from
}

function skipString(bytes: Uint8Array, end: number): boolean {
  if (cursor >= end || bytes[cursor++] !== QUOTE) return false
  while (cursor < end) {
    const byte = bytes[cursor++]!
    if (byte === QUOTE) return true
    if (byte < 0x20) return false
    if (byte === BACKSLASH && !skipEscape(bytes, end)) return false
  }
  return false
}

function skipEscape(bytes: Uint8Array, end: number): boolean {
  const letter = bytes[cursor++]!
  if (letter !== LOWER_U) return cursor <= end && UNESCAPED[letter]! !== 0
  cursor += 4
  return cursor <= end && hexAt(bytes, cursor - 4) >= 0
}

function skipSpace(bytes: Uint8Array, end: number): void {
  while (cursor < end) {
    const byte = bytes[cursor]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
    cursor++
  }
}

/** The byte that an escape letter stands for, 0 for what is no escape letter. */
const UNESCAPED = new Uint8Array(256)
/** The letter that a byte is escaped with, 1 for those that need `\u`, 0 for those that need nothing. */
const ESCAPES = new Uint8Array(256).fill(1, 0, 0x20)
for (const [letter, byte] of [
  ['"', '"'],
  ['\\', '\\'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
] as const) {
  ESCAPES[byte.charCodeAt(0)] = letter.charCodeAt(0)
  UNESCAPED[letter.charCodeAt(0)] = byte.charCodeAt(0)
}
UNESCAPED[0x2f] = 0x2f

/** Bytes that {@link renderJsonString} may need for a text of `length` bytes. */
export const jsonStringBytes = (length: number) => length * 6 + 2

/** Writes UTF-8 `bytes[start, end)` as a JSON string with its quotes; returns the position behind. */
export function renderJsonString(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
  out[pos++] = QUOTE
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    const escape = ESCAPES[byte]!
    if (escape === 0) {
      out[pos++] = byte
      continue
    }
    out[pos++] = BACKSLASH
    if (escape > 1) {
      out[pos++] = escape
      continue
    }
    out[pos] = LOWER_U
    out[pos + 1] = out[pos + 2] = ZERO
    out[pos + 3] = ZERO + (byte >> 4)
    out[pos + 4] = HEX_DIGITS.charCodeAt(byte & 15)
    pos += 5
  }
  out[pos] = QUOTE
  return pos + 1
}

const HEX_DIGITS = '0123456789abcdef'

/**
 * Writes the text of a well-formed JSON string, given with its quotes, as UTF-8; it never needs more bytes than the string.
 * Returns the position behind, or -1 when half a surrogate pair stands alone, which UTF-8 cannot hold.
 */
export function unescapeJsonString(out: Uint8Array, pos: number, bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!
    if (byte !== BACKSLASH) {
      out[pos++] = byte
      continue
    }
    const letter = bytes[++at]!
    if (letter !== LOWER_U) {
      out[pos++] = UNESCAPED[letter]!
      continue
    }
    let code = hexAt(bytes, at + 1)
    at += 4
    if (code >= 0xd800 && code < 0xe000) {
      const low = bytes[at + 1] === BACKSLASH && bytes[at + 2] === LOWER_U ? hexAt(bytes, at + 3) : 0
      if (code >= 0xdc00 || low < 0xdc00 || low > 0xdfff) return -1
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      at += 6
    }
    pos = putCode(out, pos, code)
  }
  return pos
}

/** Writes one Unicode code point as UTF-8. */
function putCode(out: Uint8Array, pos: number, code: number): number {
  if (code < 0x80) {
    out[pos] = code
    return pos + 1
  }
  const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3
  out[pos] = ((0xff00 >> (more + 1)) & 0xff) | (code >> (6 * more))
  for (let i = more - 1, at = pos + 1; i >= 0; i--, at++) out[at] = 0x80 | ((code >> (6 * i)) & 63)
  return pos + more + 1
}

/** Four hexadecimal digits; negative when they are none. */
function hexAt(bytes: Uint8Array, at: number): number {
  let code = 0
  for (let i = at; i < at + 4; i++) {
    const digit = hexDigit(bytes[i] ?? 0)
    if (digit < 0) return -1
    code = code * 16 + digit
  }
  return code
}

/** The value of a hexadecimal digit; -1 for any other byte. */
export const hexDigit = (byte: number): number => HEX_VALUES[byte]!

const HEX_VALUES = new Int8Array(256).fill(-1)
for (const [value, digit] of HEX_DIGITS.split('').entries()) {
  HEX_VALUES[digit.charCodeAt(0)] = HEX_VALUES[digit.toUpperCase().charCodeAt(0)] = value
}
