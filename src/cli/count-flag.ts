import { cliErrors } from './errors.ts'

/** The value of a flag that counts something: a whole number from 1. */
export function countOf(flag: string, text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw cliErrors.badCount({ flag, text })
  return Number(text)
}
