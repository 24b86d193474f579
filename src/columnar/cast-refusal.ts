import type { Column } from './column.ts'
import { typeName, type Type } from './types.ts'
import { readValue } from './value.ts'

/** Why a cast refused the value of a row: a clause that does not tell the value. For messages; slow. */
export function explainRefusal(from: Type, to: Type, column: Column, row: number): string {
  const name = typeName(to)
  if (from.kind === 'list') return `an item of the list does not fit ${name}`
  if (from.kind === 'binary')
    return to.kind === 'uuid' ? 'the value does not have 16 bytes' : ofText(to, 'the bytes are', 'UTF-8 text')
  const text = String(from.kind === 'interval' ? '' : readValue(column, row))
  const special = SPECIALS.get(text.toLowerCase())
  if (special !== undefined && from.kind !== 'utf8' && from.kind !== 'json')
    return `the value is ${special}, which ${name} does not have`
  switch (to.kind) {
    case 'bool':
      return from.kind === 'utf8' ? 'the text is neither true nor false' : 'the value is neither 0 nor 1'
    case 'int':
    case 'decimal':
      return ofNumber(to, text)
    case 'float':
      return NUMBER.test(text) ? `the value has more digits than ${name} holds, or is outside it` : 'the text is not a number'
    case 'date':
      return from.kind === 'timestamp' ? 'the time of day is not midnight' : `the text is not a date, or is outside ${name}`
    case 'timestamp':
      return from.kind === 'date' ? `the date is outside ${name}` : `the text is not a timestamp that ${name} can hold`
    case 'time':
      return from.kind === 'duration' ? 'the value is not between 0 and 24 hours' : 'the text is not a time of day'
    case 'duration':
      return from.kind === 'interval' ? 'the interval has months or days' : 'the text is not a duration'
    case 'list':
      return `the text is not a JSON array whose items fit ${name}`
    default:
      return ofText(to, 'the text is', name)
  }
}

const SPECIALS = new Map([
  ['nan', 'NaN'],
  ['infinity', 'infinite'],
  ['-infinity', 'infinite'],
])
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

function ofNumber(to: Type, text: string): string {
  const name = typeName(to)
  if (!NUMBER.test(text))
    return SPECIALS.has(text.toLowerCase()) ? `the value is not finite, which ${name} needs` : 'the text is not a number'
  const [, fraction = '', power = '0'] = /^[^.e]*\.?(\d*)(?:e(.*))?$/i.exec(text) ?? []
  const digits = fraction.replace(/0+$/, '').length - Number(power)
  const scale = to.kind === 'decimal' ? to.scale : 0
  if (digits <= scale) return `the value is outside ${name}`
  return scale === 0
    ? `the value has digits behind the point, which ${name} does not have`
    : `the value has more than ${scale} digits behind the point`
}

function ofText(to: Type, subject: string, noun: string): string {
  if (to.kind === 'json') return `${subject} not well-formed JSON`
  const article = to.kind === 'utf8' ? '' : to.kind === 'interval' ? 'an ' : 'a '
  return `${subject} not ${article}${noun}`
}
