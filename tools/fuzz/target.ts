/** What a fuzz target is: something that takes foreign bytes, and valid inputs to start from. */
import { cellToJson, type Column, type ValueJson } from '#columnar'

/** Input between other bytes: what it means must not depend on those. */
export interface Placed {
  readonly buffer: Buffer<ArrayBuffer>
  readonly start: number
  readonly end: number
}

export interface Target {
  readonly name: string
  /** Valid inputs; where the first byte chooses between decoders, that byte included. */
  readonly seeds: readonly Uint8Array[]
  /** What is worth inserting. */
  readonly tokens?: readonly (string | Uint8Array)[]
  /**
   * Feeds the input and returns whatever came out, in a form that can be compared. `cuts`: where a stream is cut, ascending, counted
   * from the start of the input; targets without `isStream` are given none. Throws only what users may see.
   */
  run(input: Placed, cuts: readonly number[]): unknown
  /** The outcome must be the same wherever the input is cut. */
  readonly isStream?: boolean
}

/** The input as a view; behind it lie the other bytes. */
export const bytesOf = ({ buffer, start, end }: Placed): Buffer<ArrayBuffer> => buffer.subarray(start, end)

/** What a target that chooses by its first byte is given besides it. */
export const behindFirst = ({ buffer, start, end }: Placed): Placed => ({ buffer, start: Math.min(start + 1, end), end })

/** Which of so many things the first byte chooses. */
export const choiceOf = ({ buffer, start, end }: Placed, count: number): number => (start < end ? buffer[start]! % count : 0)

/** Rows without loss, texts that are no UTF-8 included. */
export const rowsOf = (columns: readonly Column[], rows: number): ValueJson[][] =>
  Array.from({ length: rows }, (_, row) => columns.map(column => cellToJson(column, row)))

/**
 * With a first byte of 128 or more what follows it becomes one message with a header that is right, so that what is behind the header is
 * reached more often.
 */
export function messageIn(input: Placed, headerOf: (length: number) => Uint8Array): Placed {
  const rest = behindFirst(input)
  if (choiceOf(input, 256) < 128) return rest
  const bytes = bytesOf(rest)
  const message = Buffer.concat([headerOf(bytes.length), bytes])
  const buffer = Buffer.alloc(message.length + 64, input.buffer[input.end])
  buffer.set(message)
  return { buffer, start: 0, end: message.length }
}

/** Where a stream is cut, and its end. */
export const endsOf = ({ start, end }: Placed, cuts: readonly number[]): number[] => [
  ...cuts.filter(at => at > 0 && at < end - start).map(at => start + at),
  end,
]

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
