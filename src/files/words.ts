/** Texts four bytes at a time, in generated code: words are read and written through a `DataView`, lowest byte first. */

/**
 * Whether one of four bytes is among `bytes`, as an expression that is not 0 then: the lowest bit that is set stands for the first of them.
 * Zeroes are found as in "Hacker's Delight", section 6-1. `scratch` is a variable.
 */
export function anyByteCode(word: string, bytes: readonly number[], scratch: string): string {
  const zeroes = bytes.map(byte => `(${scratch} = ${word} ^ ${byte * 0x01010101}, (${scratch} - 0x01010101) & ~${scratch})`)
  return `(${zeroes.join(' | ')}) & 0x80808080`
}
