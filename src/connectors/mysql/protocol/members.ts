/** The members of ENUM and SET, to be found by their bytes: the server goes by its collation, by position, and in any order. */

/** What a text must be made of. */
export interface Members {
  /** Whether a text names any number of them, with commas in between (SET), or one (ENUM). */
  readonly isSet: boolean
  /** In the order of definition. */
  readonly names: readonly string[]
}

/** Names one behind the other, and a hash table of their numbers: a power of two of slots, the next one where a slot is taken. */
export interface MemberTable {
  readonly bytes: Uint8Array
  /** Where each name begins, and where the last one ends. */
  readonly starts: Int32Array
  /** Number of a member, or -1. At least half of the slots are free. */
  readonly slots: Int32Array
}

export function memberTable(names: readonly string[]): MemberTable {
  const encoded = names.map(name => Buffer.from(name, 'utf8'))
  const starts = Int32Array.from({ length: names.length + 1 })
  for (const [number, { length }] of encoded.entries()) starts[number + 1] = starts[number]! + length
  const bytes = new Uint8Array(Buffer.concat(encoded))
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * names.length + 1))).fill(-1)
  for (let number = 0; number < names.length; number++) {
    let slot = hashOf(bytes, starts[number]!, starts[number + 1]!) & (slots.length - 1)
    while (slots[slot] !== -1) slot = (slot + 1) & (slots.length - 1)
    slots[slot] = number
  }
  return { bytes, starts, slots }
}

/** Whether the text is the name of a member, byte by byte. */
export const isMember = (table: MemberTable, bytes: Uint8Array, from: number, length: number): boolean =>
  memberAt(table, bytes, from, from + length) !== -1

/** Whether the text is what a SET shows for some of its members: their names in the order of definition, each once; or nothing. */
export function isMemberList(table: MemberTable, bytes: Uint8Array, from: number, length: number): boolean {
  const end = from + length
  let last = -1
  for (let start = from; start <= end && length > 0;) {
    let to = start
    while (to < end && bytes[to] !== COMMA) to++
    const number = memberAt(table, bytes, start, to)
    if (number <= last) return false
    last = number
    start = to + 1
  }
  return true
}

const COMMA = 0x2c

function memberAt({ bytes: names, starts, slots }: MemberTable, bytes: Uint8Array, from: number, to: number): number {
  const mask = slots.length - 1
  for (let slot = hashOf(bytes, from, to) & mask; ; slot = (slot + 1) & mask) {
    const number = slots[slot]!
    if (number === -1) return -1
    const start = starts[number]!
    if (starts[number + 1]! - start !== to - from) continue
    let i = from
    while (i < to && bytes[i] === names[start + i - from]) i++
    if (i === to) return number
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
  return hash
}
